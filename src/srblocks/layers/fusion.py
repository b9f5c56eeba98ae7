"""The three forms of one arithmetic: training, reference and fused.

A layer or network that can be computed in more than one way has up to two extra methods: ``fuse()`` returns the same
function made of plain layers, for deployment; ``reference()`` returns it as its paper's formula is written. Both return
a new module and leave their owner alone. :func:`fuse` and :func:`as_reference` apply them to a whole tree.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from srblocks.errors import FusionError

Method = Literal["fuse", "reference"]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
M = TypeVar("M", bound=nn.Module)
H = TypeVar("H", bound="HasReference")


@runtime_checkable
class Fusible(Protocol):
    """A module with a cheaper form for deployment."""

    def fuse(self) -> nn.Module: ...


class HasReference(nn.Module):
    """A layer whose ``forward`` follows its paper's formula step by step where ``explicit`` is set."""

    explicit: bool = False

    def reference(self: H) -> H:
        """A copy that computes the formula as it is written."""
        twin = copy_with(self, "reference")
        twin.explicit = True
        return twin


def fuse(module: nn.Module) -> nn.Module:
    """A copy of any module in which everything that has a fused form is in it.

    The argument stays as it is. What is used twice stays one module; dtype, device and ``requires_grad`` stay. Kernels
    are combined in float64 (float32 where the device has none).

    Args:
        module: any ``nn.Module``: a single layer, your own network or one of the zoo.

    Raises:
        FusionError: the module is compiled, wrapped for parallel training or parametrised, or a layer in it would
            compute something else when fused in training mode (batch norm).
    """
    return _convert(module, "fuse")


def as_reference(module: nn.Module) -> nn.Module:
    """A copy of any module in which everything is computed as its paper writes it. Slow; to check and to read."""
    return _convert(module, "reference")


def copy_with(module: M, method: Method) -> M:
    """A copy of ``module`` in which what lies below it is in its fused or reference form."""
    with _walk(module) as memo:
        _convert_below(module, method, memo)
        return copy.deepcopy(module, memo)


def plain_conv(
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
    requires_grad: bool = True,
    training: bool = True,
) -> nn.Conv2d:
    """An ``nn.Conv2d`` with copies of this kernel ``(out, in / groups, kh, kw)`` and bias ``(out,)``."""
    conv = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
        padding_mode=padding_mode,
        device="meta",
    )
    conv.weight = nn.Parameter(weight.detach().clone(memory_format=torch.contiguous_format), requires_grad)
    if bias is not None:
        conv.bias = nn.Parameter(bias.detach().clone(memory_format=torch.contiguous_format), requires_grad)
    return conv.train(training)


def widest_float(device: torch.device) -> torch.dtype:
    """The dtype to combine kernels in: float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def _convert(module: nn.Module, method: Method) -> nn.Module:
    with _walk(module) as memo:
        if id(module) not in memo:
            if not _has(module, method):
                _convert_below(module, method, memo)
                return copy.deepcopy(module, memo)
            converted = getattr(module, method)()
            if not isinstance(converted, nn.Module) or converted is module:
                raise FusionError(
                    f"{type(module).__name__}.{method}() must return a new module, not {type(converted).__name__}: "
                    "leave the layer itself as it is."
                )
            memo[id(module)] = converted
        return cast(nn.Module, memo[id(module)])


def _convert_below(module: nn.Module, method: Method, memo: dict[int, Any]) -> None:
    """Put the converted form of everything convertible below ``module`` where a deep copy will find it."""
    for name, child in module.named_children():
        if id(child) in memo:
            continue
        try:
            if _has(child, method):
                memo[id(child)] = _convert(child, method)
            else:
                _convert_below(child, method, memo)
        except FusionError as error:
            raise FusionError(f"{name}: {error}") from None


def _has(module: nn.Module, method: Method) -> bool:
    # Asked of the class: a submodule that somebody called "fuse" is no method.
    return callable(getattr(type(module), method, None))


# The copies made so far in the walk that is under way, by the id of the original, as copy.deepcopy keeps them. Layers
# that convert their own parts join the walk, so that what is shared stays shared.
_copies: ContextVar[dict[int, Any] | None] = ContextVar("copies", default=None)


@contextmanager
def _walk(root: nn.Module) -> Iterator[dict[int, Any]]:
    under_way = _copies.get()
    if under_way is not None:
        yield under_way
        return
    _refuse_wrapped(root)
    hooked = [module for module in root.modules() if any(_hooks(module))]
    if hooked:
        warnings.warn("hooks are not taken over by fuse() and as_reference(); register them again", stacklevel=5)
    memo: dict[int, Any] = {id(hooks): type(hooks)() for module in hooked for hooks in _hooks(module)}
    token = _copies.set(memo)
    try:
        with torch.no_grad():
            yield memo
    finally:
        _copies.reset(token)


def _hooks(module: nn.Module) -> tuple[dict[int, Any], ...]:
    return (
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    )


def _refuse_wrapped(root: nn.Module) -> None:
    for name, module in root.named_modules():
        where = name or type(module).__name__
        if parametrize.is_parametrized(module) or any(
            type(hook).__module__.startswith("torch.nn.utils") for hook in module._forward_pre_hooks.values()
        ):
            raise FusionError(f"{where} is parametrised: remove its parametrisations, or pass a module without them.")
        if _is_wrapped(module):
            raise FusionError(f"{where} is compiled or wrapped for parallel training: pass the inner, plain module.")


def _is_wrapped(module: nn.Module) -> bool:
    # By name, so that neither the compiler nor torch.distributed is imported to ask.
    return (
        hasattr(module, "_orig_mod")
        or module._compiled_call_impl is not None
        or type(module).__name__ in ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel")
        or any(type(parameter).__name__ == "DTensor" for parameter in module.parameters(recurse=False))
    )
