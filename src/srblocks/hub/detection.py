"""Which network a checkpoint is of: found from the names and shapes of its tensors."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError, SRBlocksError
from srblocks.hub.checkpoints import Checkpoint, Form
from srblocks.models.base import SRModel
from srblocks.models.family import Family, Layout
from srblocks.models.registry import families

Origin = Literal["seen", "given", "header", "catalog", "default"]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Match:
    """What a checkpoint was found to be.

    Attributes:
        family: whose it is.
        layout: in whose naming; None is ours.
        form: ``"training"`` or ``"fused"``.
        arguments: all of the network's.
        origins: where each comes from: ``"seen"`` in the tensors, ``"given"`` by the caller, in the file's
            ``"header"``, in the ``"catalog"`` of published weights, or the ``"default"``.
        state: the tensors under our names.
    """

    family: Family
    layout: Layout | None
    form: Form
    arguments: dict[str, Any]
    origins: dict[str, Origin]
    state: dict[str, Tensor]


def identify(
    checkpoint: Checkpoint,
    arguments: Mapping[str, Any] | None = None,
    *,
    catalogued: Mapping[str, Any] | None = None,
    family: Family | None = None,
) -> Match:
    """Find the family, form and arguments of a checkpoint.

    Args:
        checkpoint: what was read.
        arguments: the reference constructor's own, for what the tensors do not show.
        catalogued: the same from the catalog, for what the header does not say either.
        family: the only one to consider.

    Raises:
        CheckpointError: no family or more than one fits, constants differ, or ``arguments`` contradict the tensors.
        ArgumentError: ``arguments`` has one that the family's reference does not know.
    """
    among = _candidates(checkpoint, family)
    matches = find_matches(checkpoint, arguments, among, catalogued)
    if not matches:
        raise CheckpointError(_explain(checkpoint, among))
    if len({match.family.name for match in matches}) > 1:
        names = " or ".join(match.family.name for match in matches)
        raise CheckpointError(f"{checkpoint.path} could be of {names}: pass the class as network.")
    return matches[0]


def find_matches(
    checkpoint: Checkpoint,
    arguments: Mapping[str, Any] | None = None,
    among: Iterable[Family] | None = None,
    catalogued: Mapping[str, Any] | None = None,
) -> list[Match]:
    """All that a checkpoint could be, by the families to look among (all unless given)."""
    attempts = (_Attempt(checkpoint, family, layout) for family, layout in _layouts(among or families()))
    matches = (attempt.match(arguments or {}, catalogued or {}) for attempt in attempts)
    return [match for match in matches if match is not None]


def build_empty(network: type[SRModel], arguments: Mapping[str, Any], form: Form) -> SRModel:
    """A network to load a state into: without memory (on the device "meta") where it is one of a family.

    A stranger's constructor may compute with its tensors, so its network is made on the CPU.
    """
    # Forked, because building a network to look at must not change what the caller draws next.
    with torch.random.fork_rng(devices=[]), torch.device("cpu" if network.family is None else "meta"):
        net = network(**arguments).eval()
        return net.fuse() if form == "fused" else net


def bind_arguments(network: type[SRModel], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they come from a header, for this constructor: lists are tuples where its default is one.

    Raises:
        CheckpointError: they are not its arguments.
    """
    parameters = inspect.signature(network).parameters
    try:
        inspect.signature(network).bind(**arguments)
    except TypeError as error:
        raise CheckpointError(f"The arguments for {network.__name__} do not fit its constructor: {error}.") from None
    return {
        name: tuple(value)
        if isinstance(value, list) and name in parameters and isinstance(parameters[name].default, tuple)
        else value
        for name, value in arguments.items()
    }


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """The shapes of a state's tensors."""
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def describe_difference(present: Shapes, expected: Shapes) -> str:
    """Which keys are missing, left over or of another shape, in half a sentence."""
    other = [
        f"{key} ({'×'.join(map(str, present[key]))} instead of {'×'.join(map(str, expected[key]))})"
        for key in present.keys() & expected.keys()
        if present[key] != expected[key]
    ]
    parts = [
        f"{label} {_some(names)}"
        for label, names in (
            ("missing are", [repr(key) for key in expected.keys() - present.keys()]),
            ("left over are", [repr(key) for key in present.keys() - expected.keys()]),
            ("of another shape are", other),
        )
        if names
    ]
    return ", ".join(parts)


def _candidates(checkpoint: Checkpoint, only: Family | None) -> tuple[Family, ...]:
    """The families that a file may be of: the one that it names, if it is one of ours."""
    header = checkpoint.header
    if only is not None:
        return (only,)
    if header is None:
        return families()
    named = tuple(family for family in families() if family.name == header.family)
    if not named:
        raise CheckpointError(
            f"{checkpoint.path} is of {header.network}, which belongs to no family that is registered here: pass the "
            "class as network."
        )
    return named


def _layouts(among: Iterable[Family]) -> Iterable[tuple[Family, Layout | None]]:
    for family in among:
        yield family, None
        for layout in family.layouts:
            yield family, layout


class _Attempt:
    """One family and layout, held against a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, family: Family, layout: Layout | None) -> None:
        self.checkpoint, self.family, self.layout = checkpoint, family, layout
        state = checkpoint.state
        renamed, constants, self.foreign = (
            ({key: key for key in state}, [], []) if layout is None else layout.to_ours(state)
        )
        self.state = {
            ours: state[key] if layout is None else layout.transform.to_ours(state[key])
            for key, ours in renamed.items()
        }
        self.constants = {key: state[key] for key in constants}

    def match(self, arguments: Mapping[str, Any], catalogued: Mapping[str, Any]) -> Match | None:
        """What the checkpoint is if it is of this family and layout."""
        if self.foreign:
            return None
        seen = self._seen()
        if seen is None:
            return None
        header = self.checkpoint.header
        known = {} if header is None else bind_arguments(self.family.network, header.arguments)
        complaint = None
        try:
            given, listed = self._given(arguments), self._given(catalogued)
        except ArgumentError as error:
            given, listed, complaint = {}, {}, error
        # What others say goes first, because it may be more than the shapes show; but the shapes decide.
        net = self._build({**seen, **listed, **known, **given}) or self._build({**listed, **known, **given, **seen})
        if net is None:
            return None
        if complaint is not None:
            raise complaint
        for name, value in given.items():
            if net.arguments[name] != value:
                raise CheckpointError(
                    f"arguments say {name} = {value!r}, but the tensors of {self.checkpoint.path} show "
                    f"{net.arguments[name]!r}."
                )
        self._check_constants(net)
        form: Form = "fused" if net.form == "fused" else "training"
        origins = self._origins(net, seen, {"given": given, "header": known, "catalog": listed})
        return Match(self.family, self.layout, form, net.arguments, origins, self.state)

    def expected(self) -> Shapes:
        """The shapes, in the file's naming, of the network that this one comes nearest to."""
        form: Form = "training" if self.layout is None else self.layout.form
        net = self._empty(self._seen() or {}, form) or self._empty({}, form)
        assert net is not None  # the default network can be built
        try:
            return shapes(net.state_dict() if self.layout is None else self.layout.state_dict(net))
        except CheckpointError:  # no file of this layout holds what these arguments make
            return {}

    def _seen(self) -> dict[str, Any] | None:
        """The arguments that the tensors show; None if they are not of this family."""
        try:
            return self.family.configure(self.state | self.constants)
        except Exception:  # it runs on whatever a file holds
            return None

    def _given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.family.arguments(arguments)
        except (TypeError, ValueError) as error:
            if isinstance(error, SRBlocksError):
                raise
            raise ArgumentError(f"arguments are not those of the reference's constructor: {error}.") from None

    def _build(self, arguments: Mapping[str, Any]) -> SRModel | None:
        """The network without memory, if these arguments make one of the checkpoint's shapes."""
        header = self.checkpoint.header
        # Networks with nothing to fuse have the same tensors in both forms: the header knows which was saved.
        forms: list[Form] = ["fused", "training"] if header and header.form == "fused" else ["training", "fused"]
        for form in forms if self.layout is None else [self.layout.form]:
            net = self._empty(arguments, form)
            if net is not None and shapes(net.state_dict()) == shapes(self.state):
                return net
        return None

    def _empty(self, arguments: Mapping[str, Any], form: Form) -> SRModel | None:
        try:
            return build_empty(self.family.network, arguments, form)
        except Exception:  # its arguments come from whatever a file holds
            return None

    def _origins(
        self, net: SRModel, seen: Mapping[str, Any], said: Mapping[Origin, Mapping[str, Any]]
    ) -> dict[str, Origin]:
        def origin(name: str, value: object) -> Origin:
            if name in seen and seen[name] == value:
                return "seen"
            return next((who for who, arguments in said.items() if name in arguments), "default")

        return {name: origin(name, value) for name, value in net.arguments.items()}

    def _check_constants(self, net: SRModel) -> None:
        if self.layout is None or self.layout.constants is None:
            return
        expected = self.layout.constants(net)
        if shapes(expected) != shapes(self.constants):
            difference = describe_difference(shapes(self.constants), shapes(expected))
            raise CheckpointError(f"{self.checkpoint.path} is {self.family.name} with other constants: {difference}.")
        for key, tensor in expected.items():
            if tensor.is_meta:  # it follows from the weights, which are what counts
                continue
            found = self.constants[key]
            if not torch.allclose(found.float(), tensor.to(found.dtype).float(), rtol=1e-6, atol=0):
                raise CheckpointError(
                    f"{key} in {self.checkpoint.path} is not the constant that {self.family.name} computes: "
                    "the file is of a changed network."
                )


def _explain(checkpoint: Checkpoint, among: Iterable[Family]) -> str:
    present = shapes(checkpoint.state)
    attempts = [
        (attempt, attempt.expected())
        for attempt in (_Attempt(checkpoint, family, layout) for family, layout in _layouts(among))
    ]
    text = f"{checkpoint.path} is of no known network: it holds {_some(map(repr, present))}."
    attempt, expected = max(
        attempts, key=lambda pair: len(present.keys() & pair[1].keys()) / len(present.keys() | pair[1].keys())
    )
    if not present.keys() & expected.keys():
        return text
    naming = "" if attempt.layout is None else f" as {attempt.layout.name} saves it"
    difference = describe_difference(present, expected) or "its arguments are not among what the family can be"
    return f"{text} Nearest comes {attempt.family.name}{naming}: {difference}."


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(ordered[:3]) + more
