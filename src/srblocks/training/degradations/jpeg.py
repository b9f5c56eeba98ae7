"""JPEG on tensors: what the format keeps of pictures, each at its own quality, without a file."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.ops.padding import pad_to
from srblocks.training.degradations.checks import check_pictures

_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))

# Quantisation steps at quality 50, rows by vertical frequency. The reference has the transpose of the standard's luma.
_LUMA_STEPS = (
    (16, 12, 14, 14, 18, 24, 49, 72),
    (11, 12, 13, 17, 22, 35, 64, 92),
    (10, 14, 16, 22, 37, 55, 78, 95),
    (16, 19, 24, 29, 56, 64, 87, 98),
    (24, 26, 40, 51, 68, 81, 103, 112),
    (40, 58, 57, 87, 109, 104, 121, 100),
    (51, 60, 69, 80, 103, 113, 120, 103),
    (61, 55, 56, 62, 77, 92, 101, 99),
)
_COLOUR_STEPS = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *[(99,) * 8] * 4,
)


def jpeg(x: Tensor, quality: Tensor | float, *, differentiable: bool = False) -> Tensor:
    """What is left of pictures after JPEG with 4:2:0 colours; nothing is rounded to 8 bit.

    As in Real-ESRGAN and unlike in libjpeg, the luma's steps are transposed, no step is rounded, sizes are filled up to
    multiples of 16 with black, and colours are enlarged by repeating pixels.

    Args:
        x: RGB ``(N, 3, H, W)`` in [0, 1], float32 or float64.
        quality: above 0 and up to 100, one for each picture ``(N,)`` or one for all.
        differentiable: round v to r + (v - r)³, where r is the nearest whole number, which lets a gradient through.

    Raises:
        InputError: other pictures, or ``quality`` has another shape.
        ArgumentError: ``quality`` is outside of its range.

    Paper: Shin and Song, "JPEG-resistant Adversarial Images", NeurIPS Workshops 2017.
    """
    check_pictures(x)
    quality = torch.as_tensor(quality, dtype=x.dtype, device=x.device)
    if quality.shape not in ((), (len(x),)):
        raise InputError(f"quality must be one number or ({len(x)},), not {tuple(quality.shape)}.")
    if not bool(((quality > 0) & (quality <= 100)).all()):
        raise ArgumentError(f"quality must be above 0 and at most 100, not {quality.tolist()}.")
    with torch.autocast(x.device.type, enabled=False):
        coefficients = jpeg_coefficients(x, quality, _soft_round if differentiable else torch.round)
        return _decode(coefficients, quality)[..., : x.shape[-2], : x.shape[-1]]


def jpeg_coefficients(
    x: Tensor, quality: Tensor, rounding: Callable[[Tensor], Tensor] = torch.round
) -> tuple[Tensor, Tensor, Tensor]:
    """What a JPEG file holds: Y, Cb and Cr as cosines ``(N, H / 8, 8, W / 8, 8)``, counted in their steps.

    ``[n, i, u, j, v]`` is the vertical frequency u and the horizontal frequency v of the block at (i, j).
    """
    height, width = (-(-size // 16) * 16 for size in x.shape[-2:])
    ycbcr = _mix(_TO_YCBCR, 255 * pad_to(x, height, width, "zeros"))
    # JPEG adds 128 to the colours and takes it away again before the transform.
    luma, colours = ycbcr[:, 0] - 128, F.avg_pool2d(ycbcr[:, 1:], 2)
    y, cb, cr = (
        rounding(_to_cosines(plane) / steps)
        for plane, steps in zip((luma, colours[:, 0], colours[:, 1]), _steps(quality), strict=True)
    )
    return y, cb, cr


def _decode(coefficients: tuple[Tensor, Tensor, Tensor], quality: Tensor) -> Tensor:
    """RGB ``(N, 3, H, W)`` in [0, 1] from :func:`jpeg_coefficients`."""
    y, cb, cr = (_from_cosines(c * steps) for c, steps in zip(coefficients, _steps(quality), strict=True))
    colours = F.interpolate(torch.stack((cb, cr), 1), scale_factor=2, mode="nearest")
    return _mix(_TO_RGB, torch.cat((y[:, None] + 128, colours), 1)).clamp(0, 255) / 255


def _steps(quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Quantisation steps of Y, Cb and Cr, that broadcast to their cosines."""
    factor = torch.where(quality < 50, 50 / quality, (200 - 2 * quality) / 100)
    # Quality 100 would divide by zero; here the finest step is 1/10, where libjpeg has 1.
    factor = factor.clamp(min=0.01).view(-1, 1, 1, 1, 1)
    luma, colours = (quality.new_tensor(table).view(8, 1, 8) * factor for table in (_LUMA_STEPS, _COLOUR_STEPS))
    return luma, colours, colours


def _to_cosines(plane: Tensor) -> Tensor:
    """The 8×8 DCT of ``(N, H, W)``: ``(N, H / 8, 8, W / 8, 8)``."""
    basis, (count, _, width) = _basis(plane), plane.shape
    return (basis @ plane.reshape(count, -1, 8, width)).view(count, -1, 8, width // 8, 8) @ basis.T


def _from_cosines(cosines: Tensor) -> Tensor:
    """The inverse of :func:`_to_cosines`."""
    basis = _basis(cosines)
    return (basis.T @ (cosines @ basis).flatten(-2)).flatten(1, 2)


def _basis(like: Tensor) -> Tensor:
    """The orthonormal DCT of 8 values, one frequency a row."""
    frequency, position = torch.arange(8, dtype=torch.float64)[:, None], torch.arange(8, dtype=torch.float64)
    basis = torch.cos((2 * position + 1) * frequency * (math.pi / 16)) / 2
    basis[0] /= math.sqrt(2)
    return basis.to(like.device, like.dtype)


def _mix(matrix: tuple[tuple[float, ...], ...], colours: Tensor) -> Tensor:
    """Other colours ``(N, 3, H, W)`` from a matrix."""
    return torch.einsum("ij,njhw->nihw", colours.new_tensor(matrix), colours)


def _soft_round(x: Tensor) -> Tensor:
    nearest = x.round()
    return nearest + (x - nearest) ** 3
