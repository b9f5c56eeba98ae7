"""The three forms of one arithmetic: training, reference and fused.

A layer or network that can be computed in more than one way has up to two extra methods: ``fuse()`` returns the same
function made of plain layers, for deployment; ``reference()`` returns it as its paper's formula is written. Both return
a new module and leave their owner alone. :func:`fuse` and :func:`as_reference` apply them to a whole tree.
"""

import copy
import inspect
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
    with walk(module) as memo:
        _convert_below(module, method, memo)
        return _owned(copy.deepcopy(module, memo))


def plain_copy(module: M) -> M:
    """A deep copy without the hooks."""
    memo: dict[int, Any] = {id(hooks): type(hooks)() for part in module.modules() for hooks in _hooks(part)}
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
    bias_requires_grad: bool | None = None,
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
        trainable = requires_grad if bias_requires_grad is None else bias_requires_grad
        conv.bias = nn.Parameter(bias.detach().clone(memory_format=torch.contiguous_format), trainable)
    return conv.train(training)


def widest_float(device: torch.device) -> torch.dtype:
    """The dtype to combine kernels in: float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def _convert(module: nn.Module, method: Method) -> nn.Module:
    with walk(module) as memo:
        if id(module) not in memo:
            if not has_form(module, method):
                _convert_below(module, method, memo)
                return _owned(copy.deepcopy(module, memo))
            converted = getattr(module, method)()
            if not isinstance(converted, nn.Module) or converted is module:
                raise FusionError(
                    f"{type(module).__name__}.{method}() must return a new module, not {type(converted).__name__}: "
                    "leave the layer itself as it is."
                )
            _remember(module, converted, memo)
        return cast(nn.Module, memo[id(module)])


def _convert_below(module: nn.Module, method: Method, memo: dict[int, Any]) -> None:
    """Put the converted form of everything convertible below ``module`` where a deep copy will find it."""
    for name, child in module.named_children():
        if id(child) in memo:
            continue
        try:
            if has_form(child, method):
                _convert(child, method)
            else:
                _convert_below(child, method, memo)
        except FusionError as error:
            raise FusionError(f"{name}: {error}") from None


def _remember(module: nn.Module, converted: nn.Module, memo: dict[int, Any]) -> None:
    memo[id(module)] = converted
    # As copy.deepcopy does: the id must not be given to another module while the walk is under way.
    memo.setdefault(id(memo), []).append(module)


def has_form(module: nn.Module, method: Method) -> bool:
    """Whether a module's class has this method, without arguments (a submodule of that name is something else)."""
    function = getattr(type(module), method, None)
    if not callable(function):
        return False
    required = [
        parameter
        for parameter in list(inspect.signature(function).parameters.values())[1:]
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    return not required


def _owned(module: M) -> M:
    """The module, its tensors contiguous and none a view of something larger."""
    for tensor in (*module.parameters(), *module.buffers()):
        if not tensor.is_meta and (
            not tensor.is_contiguous() or tensor.untyped_storage().nbytes() > tensor.numel() * tensor.element_size()
        ):
            tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    return module


# The copies made so far in the walk that is under way, by the id of the original, as copy.deepcopy keeps them. Layers
# that convert their own parts join the walk, so that what is shared stays shared.
_copies: ContextVar[dict[int, Any] | None] = ContextVar("copies", default=None)


@contextmanager
def walk(root: nn.Module) -> Iterator[dict[int, Any]]:
    """Join the walk that is under way, or start one at ``root``; yields the copies made so far."""
    under_way = _copies.get()
    if under_way is not None:
        yield under_way
        return
    refuse_wrapped(root)
    hooked = [module for module in root.modules() if has_hooks(module)]
    if hooked:
        warnings.warn("hooks are not taken over by fuse() and as_reference(); register them again", stacklevel=2)
    memo: dict[int, Any] = {id(hooks): type(hooks)() for module in hooked for hooks in _hooks(module)}
    token = _copies.set(memo)
    try:
        # Outside inference mode, so that the copy can be trained.
        with torch.inference_mode(False), torch.no_grad():
            yield memo
    finally:
        _copies.reset(token)


def has_hooks(module: nn.Module) -> bool:
    """Whether anything is called before or after the module."""
    return any(_hooks(module))


def _hooks(module: nn.Module) -> tuple[dict[int, Any], ...]:
    return (
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    )


def refuse_wrapped(root: nn.Module) -> None:
    """Raise a FusionError where a copy of the tree would not compute what the tree does."""
    for name, module in root.named_modules():
        where = name or type(module).__name__
        if is_parametrised(module):
            raise FusionError(f"{where} is parametrised: remove its parametrisations, or pass a module without them.")
        if is_wrapped(module):
            raise FusionError(f"{where} is compiled or wrapped for parallel training: pass the inner, plain module.")


def is_parametrised(module: nn.Module) -> bool:
    """Whether a module's weights are computed from others, by parametrisations or torch's older hooks."""
    return parametrize.is_parametrized(module) or any(
        type(hook).__module__.startswith("torch.nn.utils") for hook in module._forward_pre_hooks.values()
    )


def is_wrapped(module: nn.Module) -> bool:
    """Whether a module is compiled, or wrapped for parallel training."""
    # By name, so that neither the compiler nor torch.distributed is imported to ask.
    return (
        hasattr(module, "_orig_mod")
        or module._compiled_call_impl is not None
        or "forward" in vars(module)
        or type(module).__name__ in ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel")
        or any(type(parameter).__name__ == "DTensor" for parameter in module.parameters(recurse=False))
    )
