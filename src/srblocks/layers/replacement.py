"""Swapping the convolutions of an existing network for re-parameterisable ones, without changing its function."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import nn

from srblocks.errors import ArgumentError, FusionError
from srblocks.layers.fusion import has_hooks, is_parametrised, is_wrapped

M = TypeVar("M", bound=nn.Module)


class ConvReplacement(Protocol):
    """A layer class that can start from a trained convolution; :class:`~srblocks.layers.DGConv` is one."""

    def from_conv(self, conv: nn.Conv2d, /) -> nn.Module: ...


@dataclass(frozen=True)
class ReplacementReport:
    """What :func:`replace_convs` did: names of modules, and for those left alone the reason."""

    replaced: tuple[str, ...]
    skipped: dict[str, str]

    def __str__(self) -> str:
        lines = [f"replaced {len(self.replaced)} convolutions, left {len(self.skipped)} alone"]
        lines += [f"  replaced  {name}" for name in self.replaced]
        lines += [f"  left      {name}: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines)


def replace_convs(
    module: M, layer: ConvReplacement, *, where: Callable[[str, nn.Conv2d], bool] | None = None
) -> tuple[M, ReplacementReport]:
    """A copy of any network in which plain convolutions became re-parameterisable ones of the same function.

    The copy computes what the network did, can be trained on, and becomes the plain network again by ``sr.fuse``.
    Replaced is what is exactly an ``nn.Conv2d`` (no subclass) with more than one tap.

    Args:
        module: any network; it stays as it is.
        layer: a class with ``from_conv``, such as :class:`~srblocks.layers.DGConv`.
        where: chooses by name and convolution; all unless given.

    Returns:
        The copy and a report of what was replaced and what was left alone.

    Raises:
        ArgumentError: ``layer`` has no ``from_conv``.
        FusionError: ``module`` is compiled or wrapped for parallel training.
    """
    if not callable(getattr(layer, "from_conv", None)):
        raise ArgumentError(f"layer must have a from_conv(conv), as DGConv has, but {layer!r} has none.")
    replaced: list[str] = []
    skipped: dict[str, str] = {}
    copies: dict[int, object] = {}
    owners = Counter(id(p) for part in module.modules() for p in part.parameters(recurse=False))
    for name, child in module.named_modules():
        if is_wrapped(child):
            raise FusionError(f"{name or type(child).__name__} is compiled or wrapped: pass the inner, plain module.")
        if not isinstance(child, nn.Conv2d | nn.ConvTranspose2d):
            continue
        if any(owners[id(parameter)] > 1 for parameter in child.parameters()):
            skipped[name] = "shares its weights with another module"
        elif reason := _reason_to_skip(name, child, where):
            skipped[name] = reason
        else:
            try:
                copies[id(child)] = layer.from_conv(child)  # type: ignore[arg-type]
                replaced.append(name)
            except ArgumentError as error:
                skipped[name] = str(error)
    report = ReplacementReport(tuple(replaced), skipped)
    # A deep copy looks here before it copies, so that a convolution used twice stays one layer.
    return copy.deepcopy(module, copies), report


def _reason_to_skip(name: str, conv: nn.Module, where: Callable[[str, nn.Conv2d], bool] | None) -> str | None:
    if is_parametrised(conv):
        return "is parametrised"
    if type(conv) is not nn.Conv2d:
        return f"is a {type(conv).__name__}, not exactly nn.Conv2d"
    if has_hooks(conv):
        return "has hooks"
    if conv.kernel_size == (1, 1):
        return "has a single tap (1×1)"
    if where is not None and not where(name, conv):
        return "was not chosen"
    return None
