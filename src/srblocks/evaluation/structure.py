"""SSIM and MS-SSIM: how alike the structure of two pictures is."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError
from srblocks.evaluation.protocol import Pixels, check_side, comparable, shrink_factor

WINDOW, SIGMA = 11, 1.5
_BELL = [math.exp(-((tap - WINDOW // 2) ** 2) / (2 * SIGMA**2)) for tap in range(WINDOW)]
GAUSSIAN = [value / sum(_BELL) for value in _BELL]
C1, C2 = 0.01**2, 0.03**2
# How much each scale counts, from fine to coarse, as the authors measured it on observers; the sum is 1.0001.
SCALE_WEIGHTS: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(
    picture: Pixels,
    target: Pixels,
    *,
    border: int = 0,
    luma: bool = True,
    quantise: bool = True,
    downsample: bool = False,
) -> Tensor:
    """Structural similarity, ``(N,)`` in float64: 11×11 Gaussian window of sigma 1.5, valid area only.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side; papers take the scale.
        luma: compare Y of BT.601 in studio range, where pictures have three channels; otherwise the channels' mean.
        quantise: round floats to 8 bit first, as papers do.
        downsample: average large pictures down to a shorter side of about 256 first, as the measure's authors advise
            and super-resolution papers do not.

    Raises:
        InputError: sizes differ, pictures of other dtypes, or less than 11×11 pixels are left inside the border.
        ArgumentError: ``border`` is negative.

    Paper: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """
    a, b = comparable(picture, target, border=border, luma=luma, quantise=quantise)
    check_side(a, WINDOW, "SSIM")
    if downsample:
        a, b = (F.avg_pool2d(x, shrink_factor(x)) for x in (a, b))
    luminance, structure = _similarity(a, b)
    return (luminance * structure).mean((1, 2, 3))


def ms_ssim(
    picture: Pixels,
    target: Pixels,
    *,
    border: int = 0,
    luma: bool = True,
    quantise: bool = True,
    weights: Sequence[float] | None = None,
) -> Tensor:
    """Structural similarity over several scales, ``(N,)`` in float64.

    Contrast and structure count at every scale, the luminance at the coarsest alone; from one to the next, pictures are
    halved.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side; papers take the scale.
        luma: compare Y of BT.601 in studio range, where pictures have three channels; otherwise the channels' mean.
        quantise: round floats to 8 bit first.
        weights: exponent of each scale, from fine to coarse, divided by their sum; the authors' for five scales unless
            given.

    Raises:
        InputError: sizes differ, pictures of other dtypes, or the coarsest scale has no whole window: five scales need
            161×161 pixels inside the border.
        ArgumentError: ``border`` is negative, or ``weights`` are not all above 0.

    Paper: Wang et al., "Multiscale Structural Similarity for Image Quality Assessment", 2003.
    """
    if weights is None:
        exponents = SCALE_WEIGHTS
    elif weights and min(weights) > 0:
        exponents = tuple(weight / sum(weights) for weight in weights)
    else:
        raise ArgumentError(f"weights must be numbers above 0, one for each scale, not {weights!r}.")
    a, b = comparable(picture, target, border=border, luma=luma, quantise=quantise)
    check_side(a, (WINDOW - 1) * 2 ** (len(exponents) - 1) + 1, f"MS-SSIM of {len(exponents)} scales")
    result = torch.ones_like(a[:, :, 0, 0])
    for scale, exponent in enumerate(exponents, start=1):
        luminance, structure = _similarity(a, b)
        coarsest = scale == len(exponents)
        result *= (luminance * structure if coarsest else structure).mean((2, 3)).relu() ** exponent
        a, b = _halved(a), _halved(b)
    return result.mean(1)


def _similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of the luminance's similarity, and of contrast and structure's."""
    mean_a, mean_b, mean_aa, mean_bb, mean_ab = _gaussian(torch.stack((a, b, a * a, b * b, a * b)))
    variances = mean_aa - mean_a**2 + mean_bb - mean_b**2
    covariance = mean_ab - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def _gaussian(x: Tensor) -> Tensor:
    """Gaussian-weighted mean around every pixel of ``(..., H, W)`` that has a whole window."""
    for dim in (-2, -1):
        length = x.shape[dim] - WINDOW + 1
        # Tap by tap: on a CPU ten times as fast as a convolution in float64.
        mean = x.narrow(dim, 0, length) * GAUSSIAN[0]
        for tap in range(1, WINDOW):
            mean.add_(x.narrow(dim, tap, length), alpha=GAUSSIAN[tap])
        x = mean
    return x


def _halved(x: Tensor) -> Tensor:
    """Means of 2×2 pixels; where a side is odd, the first row and column are repeated."""
    odd = max(x.shape[-2] % 2, x.shape[-1] % 2)
    return F.avg_pool2d(F.pad(x, (odd, 0, odd, 0), mode="replicate"), 2)
