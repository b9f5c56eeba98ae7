"""MATLAB's ``imresize``: the bicubic that the low-resolution pictures of the field are made with."""

import math

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, InputError


def imresize(x: Tensor, scale: float, *, antialias: bool = True) -> Tensor:
    """Resize ``(..., H, W)`` to ``(..., ceil(scale·H), ceil(scale·W))`` by bicubic interpolation (a = -0.5).

    Rows first, then columns, edge pixels repeated. Below a scale of 1 the kernel is widened, so that it filters what
    the smaller grid cannot hold. Floating-point values are neither clipped nor rounded; uint8 stays uint8 and is
    rounded after the rows and again after the columns, which gives MATLAB's bytes.

    Args:
        x: floating point of any range, or uint8.
        scale: factor, above 0.
        antialias: widen the kernel below a scale of 1.

    Raises:
        InputError: ``x`` is of another dtype, or has no pixels.
        ArgumentError: ``scale`` is not above 0.
    """
    if not (x.is_floating_point() or x.dtype == torch.uint8) or x.ndim < 2 or 0 in x.shape[-2:]:
        raise InputError(
            f"imresize takes floating-point or uint8 pictures (..., H, W), not {x.dtype} of shape {tuple(x.shape)}."
        )
    if not scale > 0:
        raise ArgumentError(f"scale must be above 0, not {scale}.")
    return _resize_rows(_resize_rows(x, scale, antialias).transpose(-1, -2), scale, antialias).transpose(-1, -2)


def _resize_rows(x: Tensor, scale: float, antialias: bool) -> Tensor:
    if x.dtype == torch.uint8:
        # In float64, so that halves are seen as such; they are rounded up.
        return (_resize_rows(x.to(torch.float64), scale, antialias) + 0.5).floor().clamp(0, 255).to(torch.uint8)
    length = x.shape[-2]
    indices, weights = _taps(length, math.ceil(length * scale), scale, antialias)
    weights = weights.to(x.device, x.dtype)
    result = x.new_zeros(*x.shape[:-2], indices.shape[0], x.shape[-1])
    for tap in range(indices.shape[1]):
        result += x.index_select(-2, indices[:, tap].to(x.device)) * weights[:, tap, None]
    return result


def _taps(length: int, out_length: int, scale: float, antialias: bool) -> tuple[Tensor, Tensor]:
    """Which pixels each output pixel mixes, and their weights: ``(out_length, taps)`` both."""
    squeeze = scale if antialias and scale < 1 else 1.0
    width = 4 / squeeze
    # Output pixel i covers the input position u, both counted from 0 at the centre of the first pixel.
    u = (torch.arange(out_length, dtype=torch.float64) + 0.5) / scale - 0.5
    left = torch.floor(u - width / 2)
    taps = left[:, None] + torch.arange(math.ceil(width) + 2, dtype=torch.float64)
    weights = squeeze * _cubic(squeeze * (u[:, None] - taps))
    weights = weights / weights.sum(1, keepdim=True)
    return _mirror(taps.long(), length), weights


def _cubic(x: Tensor) -> Tensor:
    """The cubic convolution kernel with a = -0.5."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))


def _mirror(index: Tensor, length: int) -> Tensor:
    """Reflect positions beyond the border back inside, the edge pixel repeated."""
    index = index.remainder(2 * length)
    return torch.where(index < length, index, 2 * length - 1 - index)
