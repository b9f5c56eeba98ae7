"""Which network a checkpoint is of: found from the names and shapes of its tensors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.hub.checkpoints import Checkpoint
from srblocks.models.base import SRModel
from srblocks.models.family import Family, Layout
from srblocks.models.registry import families

Origin = Literal["seen", "given", "header", "default"]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Match:
    """What a checkpoint was found to be.

    Attributes:
        family, layout: whose it is, and in whose naming; None is ours.
        form: ``"training"`` or ``"fused"``.
        arguments: all of the network's.
        origins: where each comes from: ``"seen"`` in the tensors, ``"given"`` by the caller, in the file's
            ``"header"``, or the ``"default"``.
        state: the tensors under our names.
    """

    family: Family
    layout: Layout | None
    form: Literal["training", "fused"]
    arguments: dict[str, Any]
    origins: dict[str, Origin]
    state: dict[str, Tensor]


def identify(checkpoint: Checkpoint, arguments: Mapping[str, Any] | None = None) -> Match:
    """Find the family, form and arguments of a checkpoint.

    Args:
        checkpoint: what was read.
        arguments: the reference constructor's own, for what the tensors do not show.

    Raises:
        CheckpointError: no family knows the tensors, constants differ, or ``arguments`` contradict the tensors.
        ArgumentError: ``arguments`` has one that the family's reference does not know.
    """
    matches = find_matches(checkpoint, arguments)
    if not matches:
        raise CheckpointError(_explain(checkpoint))
    return matches[0]


def find_matches(checkpoint: Checkpoint, arguments: Mapping[str, Any] | None = None) -> list[Match]:
    """All that a checkpoint could be; more than one only where two layouts use the same names."""
    attempts = (_Attempt(checkpoint, family, layout) for family, layout in _candidates())
    return [match for attempt in attempts if (match := attempt.match(arguments or {})) is not None]


def build_empty(network: type[SRModel], arguments: Mapping[str, Any], form: str) -> SRModel:
    """A network without memory for its tensors (on the device "meta"), in the given form."""
    with torch.device("meta"):
        net = network(**arguments).eval()
        return net.fuse() if form == "fused" else net


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """The shapes of a state's tensors."""
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def describe_difference(present: Iterable[str], expected: Iterable[str]) -> str:
    """Which keys are missing and which are left over, in half a sentence."""
    present, expected = set(present), set(expected)
    parts = [
        f"{label} {_some(keys)}"
        for label, keys in (("missing are", expected - present), ("left over are", present - expected))
        if keys
    ]
    return ", ".join(parts) or "the shapes differ"


def _candidates() -> Iterable[tuple[Family, Layout | None]]:
    for family in families():
        yield family, None
        for layout in family.layouts:
            yield family, layout


class _Attempt:
    """One family and layout, held against a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, family: Family, layout: Layout | None) -> None:
        self.checkpoint, self.family, self.layout = checkpoint, family, layout
        state = checkpoint.state
        renamed, constants, self.foreign = (dict.fromkeys(state), [], []) if layout is None else layout.to_ours(state)
        self.state = {ours or key: state[key] for key, ours in renamed.items()}
        self.constants = {key: state[key] for key in constants}

    def match(self, arguments: Mapping[str, Any]) -> Match | None:
        """What the checkpoint is if it is of this family and layout."""
        if self.foreign:
            return None
        try:
            seen = self.family.configure(self.state | self.constants)
        except (KeyError, IndexError, ValueError):
            return None
        header = self.checkpoint.header
        known = header.arguments if header is not None and header.family == self.family.name else {}
        complaint = None
        try:
            given = self.family.arguments(arguments)
        except ArgumentError as error:
            given, complaint = {}, error
        filled = {**known, **given, **seen}
        present = shapes(self.state)
        for form in self._forms():
            try:
                net = build_empty(self.family.network, filled, form)
            except (ArgumentError, TypeError):
                return None
            if shapes(net.state_dict()) == present:
                break
        else:
            return None
        if complaint is not None:
            raise complaint
        for name, value in given.items():
            if name in seen and seen[name] != value:
                raise CheckpointError(
                    f"arguments say {name} = {value!r}, but the tensors of {self.checkpoint.path} show {seen[name]!r}."
                )
        self._check_constants(net)
        origins: dict[str, Origin] = {
            name: "seen" if name in seen else "given" if name in given else "header" if name in known else "default"
            for name in net.arguments
        }
        return Match(self.family, self.layout, form, dict(net.arguments), origins, self.state)

    def _forms(self) -> list[Literal["training", "fused"]]:
        if self.layout is not None:
            return [self.layout.form]
        # Networks with nothing to fuse have the same tensors in both forms: the header knows which was saved.
        header = self.checkpoint.header
        return ["fused", "training"] if header is not None and header.form == "fused" else ["training", "fused"]

    def _check_constants(self, net: SRModel) -> None:
        if self.layout is None or self.layout.constants is None:
            return
        expected = self.layout.constants(net)
        if shapes(expected) != shapes(self.constants):
            difference = describe_difference(self.constants, expected)
            raise CheckpointError(f"{self.checkpoint.path} is {self.family.name} with other constants: {difference}.")
        for key, tensor in expected.items():
            found = self.constants[key]
            if not torch.allclose(found.float(), tensor.to(found.dtype).float(), rtol=1e-6, atol=0):
                raise CheckpointError(
                    f"{key} in {self.checkpoint.path} is not the constant that {self.family.name} computes: "
                    "the file is of a changed network."
                )

    def expected_keys(self) -> set[str]:
        """The keys, in the file's naming, of the network that this one comes nearest to."""
        try:
            seen = self.family.configure(self.state | self.constants)
            net = build_empty(self.family.network, seen, "training")
        except (KeyError, IndexError, ValueError, TypeError):
            net = build_empty(self.family.network, {}, "training")
        keys = set(net.state_dict())
        if self.layout is None:
            return keys
        constants = self.layout.constants(net) if self.layout.constants is not None else {}
        return set(self.layout.to_reference(keys).values()) | set(constants)


def _explain(checkpoint: Checkpoint) -> str:
    attempts = [_Attempt(checkpoint, family, layout) for family, layout in _candidates()]
    present = set(checkpoint.state)

    def likeness(attempt: _Attempt) -> float:
        expected = attempt.expected_keys()
        return len(present & expected) / len(present | expected)

    nearest = max(attempts, key=likeness)
    text = f"{checkpoint.path} is of no known network: it holds {_some(present)}."
    if likeness(nearest) == 0:
        return text
    naming = "" if nearest.layout is None else f" as {nearest.layout.name} saves it"
    return (
        f"{text} Nearest comes {nearest.family.name}{naming}: {describe_difference(present, nearest.expected_keys())}."
    )


def _some(keys: Iterable[str]) -> str:
    ordered = sorted(keys)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(repr(key) for key in ordered[:3]) + more
