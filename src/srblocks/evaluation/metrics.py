"""PSNR and SSIM as the super-resolution papers compute them.

Pictures are ``(N, C, H, W)`` or ``(C, H, W)``, uint8 or floating point in [0, 1]; every picture gets its own value.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.ops.color import rgb_to_y


def psnr(picture: Tensor, target: Tensor, *, border: int = 0, luma: bool = True, quantise: bool = True) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``(N,)`` in float64; infinite for equal pictures.

    Args:
        picture: ``(N, C, H, W)`` or ``(C, H, W)``, uint8 or float in [0, 1].
        target: of the same shape.
        border: pixels to leave out at each side; papers take the scale.
        luma: compare Y of BT.601 in studio range, where pictures have three channels; otherwise one mean over all.
        quantise: round floats to 8 bit first, as papers do. Without it, 1e-8 is added to the mean square error, which
            keeps the value finite: the form for validation and losses.

    Raises:
        InputError: shapes differ, pictures of other dtypes, or nothing is left inside the border.
        ArgumentError: ``border`` is negative.
    """
    a, b = _comparable(picture, target, border, luma, quantise)
    error = (a - b).square().mean((1, 2, 3))
    return 10 * torch.log10(1 / (error if quantise else error + 1e-8))


def ssim(picture: Tensor, target: Tensor, *, border: int = 0, luma: bool = True, quantise: bool = True) -> Tensor:
    """Structural similarity, ``(N,)`` in float64: 11×11 Gaussian window of sigma 1.5, valid area only.

    Args:
        picture: ``(N, C, H, W)`` or ``(C, H, W)``, uint8 or float in [0, 1].
        target: of the same shape.
        border: pixels to leave out at each side; papers take the scale.
        luma: compare Y of BT.601 in studio range, where pictures have three channels; otherwise the channels' mean.
        quantise: round floats to 8 bit first, as papers do.

    Raises:
        InputError: shapes differ, pictures of other dtypes, or less than 11×11 pixels are left inside the border.
        ArgumentError: ``border`` is negative.

    Paper: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """
    a, b = _comparable(picture, target, border, luma, quantise)
    if min(a.shape[-2:]) < 11:
        raise InputError(f"SSIM needs at least 11×11 pixels inside the border, not {a.shape[-2]}×{a.shape[-1]}.")
    mean_a, mean_b = _gaussian(a), _gaussian(b)
    variance_a = _gaussian(a * a) - mean_a**2
    variance_b = _gaussian(b * b) - mean_b**2
    covariance = _gaussian(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * (2 * covariance + c2) / (variance_a + variance_b + c2)).mean((1, 2, 3))


def _comparable(picture: Tensor, target: Tensor, border: int, luma: bool, quantise: bool) -> tuple[Tensor, Tensor]:
    """Both as float64 ``(N, C, H, W)`` in [0, 1], without the border, in luma if wanted."""
    if picture.shape != target.shape:
        raise InputError(f"Pictures must have the same shape, not {tuple(picture.shape)} and {tuple(target.shape)}.")
    if border < 0:
        raise ArgumentError(f"border must be at least 0, not {border}.")
    for x in (picture, target):
        if x.dtype != torch.uint8 and not x.is_floating_point():
            raise InputError(f"Pictures must be uint8, or floating point in [0, 1], not {x.dtype}.")
    if picture.ndim not in (3, 4):
        raise InputError(f"Pictures must be (N, C, H, W) or (C, H, W), not {tuple(picture.shape)}.")
    if min(picture.shape[-2:]) <= 2 * border:
        raise InputError(
            f"Nothing of {picture.shape[-2]}×{picture.shape[-1]} pixels is left inside a border of {border}."
        )
    return _prepare(picture, border, luma, quantise), _prepare(target, border, luma, quantise)


def _prepare(x: Tensor, border: int, luma: bool, quantise: bool) -> Tensor:
    x = x if x.ndim == 4 else x.unsqueeze(0)
    x = x[..., border : x.shape[-2] - border, border : x.shape[-1] - border]
    if not x.is_floating_point():
        x = x.to(torch.float64) / 255
    elif quantise:
        x = (x.to(torch.float64).clamp(0, 1) * 255).round() / 255
    if luma and x.shape[1] == 3:
        # Papers compute the luma of 8-bit pictures in float32.
        x = rgb_to_y(x.float() if quantise else x)
    return x.to(torch.float64)


def _gaussian(x: Tensor) -> Tensor:
    """Gaussian-weighted mean around every pixel that has a whole 11×11 window."""
    offsets = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    weights = torch.exp(-(offsets**2) / (2 * 1.5**2))
    weights = (weights / weights.sum()).repeat(x.shape[1], 1, 1, 1)
    x = F.conv2d(x, weights.view(-1, 1, 11, 1), groups=x.shape[1])
    return F.conv2d(x, weights.view(-1, 1, 1, 11), groups=x.shape[1])
