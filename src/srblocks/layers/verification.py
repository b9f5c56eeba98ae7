"""The proof of a fusion: every fused layer against its unfused self, in numbers."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.fusion import Fusible, as_reference, fuse


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
    shape: tuple[int, ...]

    @property
    def max_error_float64(self) -> float:
        return max(check.error_float64 for check in (*self.layers, self.whole))

    @property
    def max_error_float32(self) -> float:
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
        return "\n".join([*lines, f"input {'×'.join(map(str, self.shape))}; a MAC is half a FLOP of torch's counter"])


def verify_fusion(module: nn.Module, x: Tensor | None = None) -> FusionReport:
    """Fuse a copy of ``module`` and compare it with its reference form, layer by layer and as a whole.

    Every layer gets the features that reach it when ``module`` runs on ``x``; float64 and float32, in eval mode.

    Args:
        module: any module; it stays as it is.
        x: the input ``(N, C, H, W)``; 48×48 random pixels unless given.

    Returns:
        A report with parameters, MACs and largest errors before and after; ``print`` it.

    Raises:
        ArgumentError: ``x`` is missing and the module does not tell its number of channels.
        FusionError: as :func:`srblocks.fuse`.
    """
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    if x is None:
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(1, _input_channels(module), 48, 48, generator=generator).to(device)
    wide = copy.deepcopy(module).eval().to(torch.float32 if device.type == "mps" else torch.float64)
    inputs = _inputs_of_fusible_layers(wide, x.to(next(wide.parameters(), x).dtype))
    layers = [_check(name, layer, features) for name, (layer, features) in inputs.items()]
    whole = _check("whole", wide, x.to(next(wide.parameters(), x).dtype))
    return FusionReport(tuple(layers), whole, tuple(x.shape))


def _inputs_of_fusible_layers(module: nn.Module, x: Tensor) -> dict[str, tuple[nn.Module, Tensor]]:
    """The outermost fusible layers below ``module``, each with the features that reach it."""
    found: dict[str, tuple[nn.Module, Tensor]] = {}
    names: dict[nn.Module, str] = {}

    def search(parent: nn.Module, prefix: str) -> None:
        for name, child in parent.named_children():
            if isinstance(child, Fusible):
                names.setdefault(child, prefix + name)
            else:
                search(child, f"{prefix}{name}.")

    def record(layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        found.setdefault(names[layer], (layer, args[0].detach().clone()))

    search(module, "")
    handles = [layer.register_forward_pre_hook(record) for layer in names]
    try:
        with torch.no_grad():
            module(x)
    finally:
        for handle in handles:
            handle.remove()
    return {name: found[name] for name in names.values() if name in found}


def _check(name: str, layer: nn.Module, x: Tensor) -> FusionCheck:
    fused, reference = fuse(layer), as_reference(layer)
    with torch.no_grad():
        expected = reference(x)
        error_wide = _relative_error(fused(x), expected)
        # Cast after fusing, as a deployer would fuse the float32 network: the kernels are merged in float64 either way.
        single = copy.deepcopy(layer).float()
        error_single = _relative_error(fuse(single)(x.float()), as_reference(single)(x.float()))
        macs = _macs(layer, x), _macs(fused, x)
    parameters = _parameters(layer), _parameters(fused)
    return FusionCheck(name, type(layer).__name__, parameters, macs, error_wide, error_single)


def _relative_error(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(expected.dtype).tiny))


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _macs(module: nn.Module, x: Tensor) -> int:
    # Imported here, because it takes longer than the whole of this library.
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(x)
    return int(counter.get_total_flops()) // 2


def _input_channels(module: nn.Module) -> int:
    for candidate in module.modules():
        channels = getattr(candidate, "in_channels", None)
        if isinstance(channels, int):
            return channels
    raise ArgumentError(f"{type(module).__name__} does not tell its input channels: pass an input x.")
