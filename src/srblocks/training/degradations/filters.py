"""Filtering, sharpening and resizing of batches ``(N, 3, H, W)``."""

from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import InputError
from srblocks.training.degradations.kernels import gaussian_kernel

Border = Literal["mirror", "wrap"]
ResizeMode = Literal["area", "bilinear", "bicubic"]
RESIZE_MODES: Final[tuple[ResizeMode, ...]] = ("area", "bilinear", "bicubic")


def filter2d(x: Tensor, kernel: Tensor, *, border: Border = "mirror") -> Tensor:
    """Correlate every picture with its kernel: the kernel is not turned over.

    Args:
        x: ``(N, C, H, W)`` of any size, float32 or float64.
        kernel: ``(N, K, K)``, or ``(1, K, K)`` for all pictures; K odd.
        border: beyond it the picture is mirrored without repeating the edge pixel, or starts anew.

    Raises:
        InputError: ``kernel`` has another shape.
    """
    size = kernel.shape[-1]
    if kernel.ndim != 3 or kernel.shape[0] not in (1, len(x)) or kernel.shape[1] != size or size % 2 == 0:
        raise InputError(f"kernel must be ({len(x)}, K, K) or (1, K, K) with K odd, not {tuple(kernel.shape)}.")
    height, width = x.shape[-2:]
    # By Fourier transform, whose time hardly depends on K and is short for sides that are multiples of 8. What wraps
    # around in it falls into the rows and columns that are cut off.
    x = _extend(x, size // 2, [-(-(length + size - 1) // 8) * 8 for length in (height, width)], border)
    spectrum = torch.fft.rfft2(x) * torch.fft.rfft2(kernel.to(x), s=x.shape[-2:]).conj()[:, None]
    y: Tensor = torch.fft.irfft2(spectrum, s=x.shape[-2:])[..., :height, :width]
    return y


def usm_sharpen(x: Tensor, *, weight: float = 0.5, threshold: float = 10) -> Tensor:
    """Unsharp masking with a soft mask of what differs from its surroundings, a Gaussian of sigma 8.

    Real-ESRGAN and BSRGAN's second degradation start from the sharpened picture, and their networks learn to give it;
    Real-ESRGAN's discriminator alone is shown the plain one.

    Args:
        x: ``(N, C, H, W)`` in [0, 1], float32 or float64.
        weight: of what the surroundings lack.
        threshold: of the mask, in 0..255.
    """
    kernel = gaussian_kernel(51, x.new_tensor([8.0]))
    residual = x - filter2d(x, kernel)
    mask = filter2d((residual.abs() * 255 > threshold).to(x.dtype), kernel)
    sharp = (x + weight * residual).clamp(0, 1)
    return torch.lerp(x, sharp, mask)


def resize(x: Tensor, *, size: tuple[int, int] | None = None, factor: float | None = None, mode: ResizeMode) -> Tensor:
    """Resize to ``size``, or by ``factor``, without a filter against aliasing; bicubic may leave [0, 1].

    The results of the two differ where ``factor`` times the size is no whole number: coordinates follow what is given.
    """
    align = None if mode == "area" else False
    return F.interpolate(x, size=size, scale_factor=factor, mode=mode, align_corners=align)


def quantise(x: Tensor) -> Tensor:
    """Pictures in [0, 1], rounded to 8 bit."""
    return (x.clamp(0, 1) * 255).round() / 255


def _extend(x: Tensor, before: int, sizes: list[int], border: Border) -> Tensor:
    """Continue ``(..., H, W)`` beyond its border to ``sizes``, ``before`` rows and columns of which come first."""
    after = [size - length - before for size, length in zip(sizes, x.shape[-2:], strict=True)]
    if border == "mirror" and all(a < length for a, length in zip(after, x.shape[-2:], strict=True)):
        return F.pad(x, (before, after[1], before, after[0]), mode="reflect")
    for dim, size in ((-2, sizes[0]), (-1, sizes[1])):
        period = x.shape[dim] if border == "wrap" else max(2 * x.shape[dim] - 2, 1)
        index = (torch.arange(size, device=x.device) - before).remainder(period)
        x = x.index_select(dim, index if border == "wrap" else torch.minimum(index, period - index))
    return x
