"""The proof of a fusion: every fused layer against its unfused self, in numbers."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.fusion import as_reference, fuse, has_form, plain_copy, refuse_wrapped, widest_float
from srblocks.layers.merged_conv import MergedConv


@dataclass(frozen=True)
class FusionCheck:
    """One line of a :class:`FusionReport`. Errors are the largest difference over the largest absolute value."""

    name: str
    kind: str
    parameters: tuple[int, int]
    macs: tuple[int, int]
    error_float64: float
    error_float32: float


@dataclass(frozen=True)
class FusionReport:
    """Every layer that was fused, and last the whole; ``str()`` gives a table."""

    layers: tuple[FusionCheck, ...]
    whole: FusionCheck
    unreached: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def max_error_float64(self) -> float:
        """The largest error of a layer or the whole; infinite if a value is not finite."""
        return max(check.error_float64 for check in (*self.layers, self.whole))

    @property
    def max_error_float32(self) -> float:
        """The largest error of a layer or the whole; infinite if a value is not finite."""
        return max(check.error_float32 for check in (*self.layers, self.whole))

    def __str__(self) -> str:
        header = ("layer", "kind", "parameters", "-> fused", "MACs", "-> fused", "error f64", "error f32")
        rows: list[tuple[str, ...]] = [header]
        rows += [
            (
                check.name,
                check.kind,
                *(f"{count:,}" for count in (*check.parameters, *check.macs)),
                f"{check.error_float64:.1e}",
                f"{check.error_float32:.1e}",
            )
            for check in (*self.layers, self.whole)
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        rule = "-" * len(lines[0])
        lines = [lines[0], *([rule, *lines[1:-1]] if self.layers else []), rule, lines[-1]]
        lines += [f"not reached by this input, so not checked: {name}" for name in self.unreached]
        return "\n".join([*lines, f"input {'×'.join(map(str, self.shape))}; a MAC is half a FLOP of torch's counter"])


def verify_fusion(module: nn.Module, x: Tensor | None = None) -> FusionReport:
    """Fuse a copy of ``module`` and compare it with its reference form, layer by layer and as a whole.

    Every layer gets what reaches it when ``module`` runs on ``x``; float64 and float32, in eval mode.

    Args:
        module: any module; it stays as it is.
        x: the input ``(N, C, H, W)``; 48×48 random pixels unless given.

    Returns:
        A report with parameters, MACs and largest errors before and after; ``print`` it.

    Raises:
        ArgumentError: ``x`` is missing and the module does not tell its number of channels.
        FusionError: as :func:`srblocks.fuse`.
    """
    refuse_wrapped(module)
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    if x is None:
        x = torch.rand(1, _input_channels(module), 48, 48, generator=torch.Generator().manual_seed(0))
    wide = plain_copy(module).eval().to(widest_float(device))
    call = Call((x.to(device, widest_float(device)),), {})
    layers, calls = _calls_of_fusible_layers(wide, call)
    checks = tuple(_check(name, layer, calls[name]) for name, layer in layers.items() if name in calls)
    unreached = tuple(name for name in layers if name not in calls)
    return FusionReport(checks, _check("whole", wide, call), unreached, tuple(x.shape))


def count_macs(module: nn.Module, *args: Any, **kwargs: Any) -> int:
    """Multiply-accumulates of one call: half the FLOPs that torch counts. Works on the device "meta" too."""
    # Imported here, because it takes longer than the whole of this library.
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*args, **kwargs)
    return int(counter.get_total_flops()) // 2


class Call(NamedTuple):
    """What a module is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def to(self, dtype: torch.dtype) -> "Call":
        """The same with its floating-point tensors in ``dtype``."""
        return self.map(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def map(self, function: Callable[[Tensor], Tensor]) -> "Call":
        """The same with every tensor replaced."""
        args, kwargs = _map_tensors(function, (self.args, self.kwargs))
        return Call(args, kwargs)

    def on(self, module: nn.Module) -> list[Tensor]:
        """All tensors that ``module`` returns."""
        found: list[Tensor] = []

        def keep(tensor: Tensor) -> Tensor:
            found.append(tensor)
            return tensor

        _map_tensors(keep, module(*self.args, **self.kwargs))
        return found


def _calls_of_fusible_layers(module: nn.Module, call: Call) -> tuple[dict[str, nn.Module], dict[str, Call]]:
    """The outermost fusible layers below ``module`` by name, and how the first call of each looked."""
    layers: dict[str, nn.Module] = {}
    calls: dict[str, Call] = {}

    def search(parent: nn.Module, prefix: str) -> None:
        for name, child in parent.named_children():
            if not has_form(child, "fuse"):
                search(child, f"{prefix}{name}.")
            elif child not in layers.values():
                layers[prefix + name] = child

    if not isinstance(module, MergedConv):  # whose branches never run on their own
        search(module, "")
    names = {layer: name for name, layer in layers.items()}

    def record(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # Cloned, because the layer's input may be changed in place after it.
        calls.setdefault(names[layer], Call(args, kwargs).map(lambda t: t.detach().clone()))

    handles = [layer.register_forward_pre_hook(record, with_kwargs=True) for layer in names]
    try:
        with torch.no_grad():
            call.on(module)
    finally:
        for handle in handles:
            handle.remove()
    return layers, calls


def _check(name: str, layer: nn.Module, call: Call) -> FusionCheck:
    single, narrow = copy.deepcopy(layer).float(), call.to(torch.float32)
    with torch.no_grad():
        fused = fuse(layer)
        return FusionCheck(
            name,
            type(layer).__name__,
            parameters=(_parameters(layer), _parameters(fused)),
            macs=(count_macs(layer, *call.args, **call.kwargs), count_macs(fused, *call.args, **call.kwargs)),
            error_float64=_relative_error(call.on(fused), call.on(as_reference(layer))),
            error_float32=_relative_error(narrow.on(fuse(single)), narrow.on(as_reference(single))),
        )


def _map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """``value`` with ``function`` applied to every tensor in its tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, dict):
        return {key: _map_tensors(function, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_map_tensors(function, item) for item in value]
    return value


def _relative_error(actual: list[Tensor], expected: list[Tensor]) -> float:
    errors = [
        float((a - e).abs().max() / e.abs().max().clamp_min(torch.finfo(e.dtype).tiny))
        for a, e in zip(actual, expected, strict=True)
        if e.is_floating_point() and e.numel()
    ]
    return max((error if math.isfinite(error) else math.inf for error in errors), default=0.0)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _input_channels(module: nn.Module) -> int:
    for candidate in module.modules():
        channels = getattr(candidate, "in_channels", None)
        if isinstance(channels, int):
            return channels
    raise ArgumentError(f"{type(module).__name__} does not tell its input channels: pass an input x.")
