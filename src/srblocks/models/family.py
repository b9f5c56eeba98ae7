"""A family's record: its network, its constructors, and how the field's checkpoints of it are read."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from random import Random
from typing import Any, Literal, NamedTuple

from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.models.base import SRModel

# A tree of names: what the reference calls a part -> what we call it, and, for a part with parts, its own tree.
# "{i}" stands for any number, "{i+1}" for that number plus one; None marks a constant, which is no parameter of ours.
Names = Mapping[str, "str | tuple[str, Names] | None"]
Arguments = Mapping[str, Any]

_NUMBER = re.compile(r"\{(\w)(\+\d+)?\}")


class Transform(NamedTuple):
    """How the tensors of a layout become ours, and ours the layout's; each undoes the other."""

    to_ours: Callable[[Tensor], Tensor]
    to_reference: Callable[[Tensor], Tensor]


UNCHANGED = Transform(lambda tensor: tensor, lambda tensor: tensor)


@dataclass(frozen=True)
class Layout:
    """How a reference implementation names the tensors of its checkpoints.

    Attributes:
        name: who wrote that implementation.
        rename: the tree of names, one-to-one.
        form: which form of our network holds the same tensors.
        constants: what the reference saves although it is no parameter, computed from a network of ours: reference key
            -> tensor. Checked when a file is read, made again when one is written. Those that follow from the weights
            are on "meta" for an empty network: only their shapes are checked.
    """

    name: str
    rename: Names
    form: Literal["training", "fused"] = "training"
    constants: Callable[[Any], dict[str, Tensor]] | None = None
    transform: Transform = UNCHANGED
    _rules: tuple[tuple[str, str | None], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rules = tuple(_flatten(self.rename))
        targets = [ours for _, ours in rules if ours is not None]
        if twice := {ours for ours in targets if targets.count(ours) > 1}:
            raise ArgumentError(
                f"rename of the layout {self.name!r} must be one-to-one, but {min(twice)!r} has two names."
            )
        object.__setattr__(self, "_rules", rules)

    def to_ours(self, keys: Iterable[str]) -> tuple[dict[str, str], list[str], list[str]]:
        """Our name of each reference key that has one, the constants among the others, and what is foreign."""
        renamed: dict[str, str] = {}
        constants, foreign = [], []
        for key in keys:
            candidates = [
                (length, None if ours is None else name)
                for theirs, ours in self._rules
                for length, name in _translate(key, theirs, ours or theirs)
            ]
            # The longest rule is the most particular one.
            length, name = max(candidates, key=itemgetter(0), default=(0, None))
            if length == 0 or name in renamed.values():
                foreign.append(key)
            elif name is None:
                constants.append(key)
            else:
                renamed[key] = name
        return renamed, constants, foreign

    def to_reference(self, keys: Iterable[str]) -> dict[str, str]:
        """The reference's name of each of our keys.

        Raises:
            CheckpointError: a key has none, as happens for another form of the network.
        """
        renamed = {}
        for key in keys:
            candidates = [
                candidate
                for theirs, ours in self._rules
                if ours is not None
                for candidate in _translate(key, ours, theirs)
            ]
            if not candidates:
                raise CheckpointError(
                    f"The layout {self.name!r} has no name for {key!r}: it holds the {self.form} form of the network."
                )
            _, renamed[key] = max(candidates, key=itemgetter(0))
        return renamed

    def state_dict(self, net: SRModel) -> dict[str, Tensor]:
        """A network's tensors as the reference saves them.

        Raises:
            CheckpointError: the network is in another form than the layout's.
        """
        ours: dict[str, Tensor] = net.state_dict()
        names = self.to_reference(ours)
        theirs = {names[key]: self.transform.to_reference(tensor) for key, tensor in ours.items()}
        return theirs if self.constants is None else theirs | self.constants(net)


@dataclass(frozen=True)
class Family:
    """What is known of a family of networks, beside its code.

    Attributes:
        name: short lower-case name.
        network: the class.
        constructors: the named sizes, functions of the scale.
        scales: the factors its authors released or describe.
        layouts: the checkpoint layouts of reference implementations; ours is always known.
        arguments: the reference constructor's arguments -> ours. Raises an ArgumentError for unknown ones.
        configure: a state (our keys, and the layout's constants under their reference keys) -> the arguments that it
            shows. May raise KeyError, IndexError or ValueError for a state that is not of this family.
        draw: random small legal arguments, to test every promise on.
        hidden: arguments that a state does not, or not always, show.
        exceptions: promise of tests/zoo -> why this family cannot keep it.
        paper: authors, title, year, arXiv id or DOI.
        licence: of the reference implementation.
        reconstruction: True if no public description exists and the network is our own design.
    """

    name: str
    network: type[SRModel]
    constructors: tuple[Callable[..., SRModel], ...]
    scales: tuple[int, ...]
    arguments: Callable[[Arguments], dict[str, Any]]
    configure: Callable[[Mapping[str, Tensor]], dict[str, Any]]
    draw: Callable[[Random], dict[str, Any]]
    paper: str
    licence: str
    layouts: tuple[Layout, ...] = ()
    hidden: tuple[str, ...] = ()
    exceptions: Mapping[str, str] = field(default_factory=dict)
    reconstruction: bool = False

    def layout(self, name: str) -> Layout:
        """The layout of that name; an ArgumentError lists those that there are."""
        for layout in self.layouts:
            if layout.name == name:
                return layout
        known = ", ".join(repr(layout.name) for layout in self.layouts) or "none"
        raise ArgumentError(f"layout must be one that {self.name} has ({known}), not {name!r}.")


def translate_arguments(
    arguments: Arguments, names: Mapping[str, str | None], fixed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Rename a reference constructor's arguments; None drops one that has no influence.

    What is renamed to ``"out_channels"`` is only checked: a picture goes out with as many channels as it came in. So
    are those in ``fixed``, which must have the value given there.

    Raises:
        ArgumentError: an argument that is not in ``names`` or ``fixed``, another value than the fixed one, or another
            number of channels out than in.
    """
    fixed = fixed or {}
    if unknown := [name for name in arguments if name not in names and name not in fixed]:
        raise ArgumentError(f"arguments has no {unknown[0]!r}; the reference's own are {', '.join([*names, *fixed])}.")
    for name, value in fixed.items():
        if arguments.get(name, value) != value:
            raise ArgumentError(f"{name} must be {value!r}, not {arguments[name]!r}: other networks are not supported.")
    ours = {names[theirs]: value for theirs, value in arguments.items() if theirs not in fixed}
    if ours.pop("out_channels", None) not in (None, ours.get("in_channels", 3)):
        raise ArgumentError("arguments must have as many output as input channels: other networks are not supported.")
    return {name: value for name, value in ours.items() if name is not None}


# What RLFN's and Omni-SR's code calls the parts of layers.ESA.
ESA_NAMES: Names = {
    "conv1": "squeeze",
    "conv_f": "shortcut",
    "conv2": "stride",
    "conv3": "convs.0",
    "conv4": "expand",
}


def count(state: Mapping[str, Any], part: str) -> int:
    """How many numbered parts, ``{part}.0``, ``{part}.1``, ..., the keys of a state name."""
    pattern = re.compile(re.escape(part) + r"\.(\d+)\.")
    return len({match[1] for key in state if (match := pattern.match(key))})


def shuffle_scale(weight: Tensor, out_channels: int) -> int:
    """The factor of a pixel shuffle behind a convolution with this weight; a ValueError if there is none."""
    scale = math.isqrt(weight.shape[0] // out_channels)
    if out_channels * scale**2 != weight.shape[0]:
        raise ValueError(f"{weight.shape[0]} channels do not shuffle into {out_channels}")
    return scale


def _flatten(names: Names, theirs: str = "", ours: str = "") -> Iterable[tuple[str, str | None]]:
    for name, target in names.items():
        if target is None:
            yield theirs + name, None
        elif isinstance(target, str):
            yield theirs + name, ours + target
        else:
            yield from _flatten(target[1], f"{theirs}{name}.", f"{ours}{target[0]}." if target[0] else ours)


def _translate(key: str, source: str, target: str) -> list[tuple[int, str]]:
    """``key`` with its leading ``source`` path replaced by ``target``, and the length of what was replaced.

    Empty where the key does not begin with that path.
    """
    pattern, position = "", 0
    for match in _NUMBER.finditer(source):
        pattern += re.escape(source[position : match.start()]) + rf"(?P<{match[1]}>0|[1-9]\d*)"
        position = match.end()
    found = re.match(pattern + re.escape(source[position:]) + r"(?=\.|$)", key)
    if found is None:
        return []
    numbers = {match[1]: int(found[match[1]]) - int(match[2] or 0) for match in _NUMBER.finditer(source)}
    if any(number < 0 for number in numbers.values()):
        return []
    written = _NUMBER.sub(lambda match: str(numbers[match[1]] + int(match[2] or 0)), target)
    return [(found.end(), written + key[found.end() :])]
