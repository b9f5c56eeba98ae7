"""Blur kernels ``(..., K, K)``, of parameters ``(...)``: tensors of any shape, one kernel for each element.

Kernels sum to 1 and are centred in the middle of their grid; x runs along the columns, y along the rows.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive


def gaussian_kernel(
    kernel_size: int,
    sigma_x: Tensor,
    sigma_y: Tensor | None = None,
    theta: Tensor | None = None,
    *,
    beta: Tensor | float = 1.0,
    shift: float = 0.0,
) -> Tensor:
    """Gaussian exp(-q^beta / 2), where q is the squared distance in units of the standard deviations.

    Args:
        kernel_size: K, rows and columns.
        sigma_x: standard deviation along the first axis, in pixels.
        sigma_y: along the second axis; ``sigma_x`` unless given.
        theta: angle of the first axis to the rows, in radians; 0 unless given.
        beta: exponent of the generalised Gaussian: below 1 for heavier tails, above 1 for a flatter top.
        shift: how many pixels right and down of the middle the centre lies.

    Raises:
        ArgumentError: ``kernel_size`` is not a whole number of at least 1.
    """
    return normalise(torch.exp(-0.5 * _distance(kernel_size, sigma_x, sigma_y, theta, shift) ** _grid(beta)))


def plateau_kernel(
    kernel_size: int,
    sigma_x: Tensor,
    sigma_y: Tensor | None = None,
    theta: Tensor | None = None,
    *,
    beta: Tensor | float = 1.0,
) -> Tensor:
    """Plateau 1 / (1 + q^beta), where q is the squared distance in units of the standard deviations.

    Args:
        kernel_size: K, rows and columns.
        sigma_x: standard deviation along the first axis, in pixels.
        sigma_y: along the second axis; ``sigma_x`` unless given.
        theta: angle of the first axis to the rows, in radians; 0 unless given.
        beta: the larger, the steeper its edge.

    Raises:
        ArgumentError: ``kernel_size`` is not a whole number of at least 1.
    """
    return normalise(1 / (1 + _distance(kernel_size, sigma_x, sigma_y, theta) ** _grid(beta)))


def sinc_kernel(kernel_size: int, cutoff: Tensor) -> Tensor:
    """The circular low-pass filter ω·J₁(ω·r) / (2π·r), which makes ringing and overshoot.

    Args:
        kernel_size: K, rows and columns, odd.
        cutoff: ω in radians per pixel; π keeps everything that the grid holds.

    Raises:
        ArgumentError: ``kernel_size`` is not an odd number of at least 1.
    """
    check_positive(kernel_size=kernel_size)
    if kernel_size % 2 == 0:
        raise ArgumentError(f"kernel_size must be odd, not {kernel_size}.")
    x = _offsets(kernel_size, cutoff)
    radius = torch.hypot(x, x[:, None])
    radius[kernel_size // 2, kernel_size // 2] = 1  # a stand-in, to divide by
    kernel = _bessel_j1(cutoff[..., None, None] * radius) / (2 * math.pi * radius)
    kernel[..., kernel_size // 2, kernel_size // 2] = cutoff / (4 * math.pi)
    return normalise(kernel)


def laplacian_kernel(alpha: float = 0.2) -> Tensor:
    """MATLAB's 3×3 ``fspecial('laplacian', alpha)``, in float64; it sums to 0.

    Args:
        alpha: from 0, where the corners are 0, to 1, where the sides are.

    Raises:
        ArgumentError: ``alpha`` is outside of its range.
    """
    if not 0 <= alpha <= 1:
        raise ArgumentError(f"alpha must be within 0 and 1, not {alpha}.")
    corner, side = alpha / (alpha + 1), (1 - alpha) / (alpha + 1)
    centre = -4 / (alpha + 1)
    rows = ((corner, side, corner), (side, centre, side), (corner, side, corner))
    return torch.tensor(rows, dtype=torch.float64)


def normalise(kernel: Tensor) -> Tensor:
    """Kernels ``(..., K, K)``, each over its sum."""
    return kernel / kernel.sum((-2, -1), keepdim=True)


def crop_kernel(kernel: Tensor, kernel_size: Tensor) -> Tensor:
    """Kernels ``(..., K, K)``, 0 outside of their middle ``kernel_size`` ``(...)`` rows and columns, and normalised."""
    offsets = _offsets(kernel.shape[-1], kernel).abs()
    inside = offsets <= (kernel_size[..., None] - 1) / 2
    return normalise(kernel * (inside[..., None, :] & inside[..., :, None]))


def shift_kernel(kernel: Tensor, scale: int) -> Tensor:
    """Move kernels ``(N, K, K)`` up and left by (scale - 1) / 2 pixels, by bilinear interpolation, and normalise.

    Convolution with the moved kernel, of which every ``scale``-th pixel is taken from the first on, is centred on the
    ``scale``×``scale`` pixels that a pixel of the result stands for. The last row and column repeat outwards.
    """
    whole, part = divmod(scale - 1, 2)
    moved = F.pad(kernel[:, None], (0, whole + 1, 0, whole + 1), mode="replicate")[..., whole:, whole:]
    if part:
        return normalise(F.avg_pool2d(moved, 2, stride=1)[:, 0])
    return normalise(moved[:, 0, :-1, :-1])


def double_scale(kernel: Tensor) -> Tensor:
    """The kernel of reducing to a quarter, ``(M, M)``, from the one of halving, ``(K, K)``, which it applies twice.

    The margins, where next to nothing is left, are cut off: M = 3K - 2 - 2·⌊K/2⌋.

    Paper: Bell-Kligler et al., "Blind Super-Resolution Kernel Estimation using an Internal-GAN", NeurIPS 2019.
    """
    twice = F.conv_transpose2d(kernel[None, None], kernel[None, None], stride=2)[0, 0]
    kept = slice(kernel.shape[-1] // 2, twice.shape[-1] - kernel.shape[-1] // 2)
    return normalise(twice[kept, kept])


def _bessel_j1(x: Tensor) -> Tensor:
    """J₁ to 1e-15, of which torch's own in float64 is up to 5e-7 away.

    It is the mean of cos(θ - x·sin θ) over half a circle. Midpoints in equal steps give the mean of a smooth periodic
    function exactly, once they are some more than its oscillations, of which this one has about x / 2.
    """
    steps = 32 + int(0.6 * x.max())
    theta = (torch.arange(steps, dtype=x.dtype, device=x.device) + 0.5) * (math.pi / steps)
    return torch.cos(theta - x[..., None] * torch.sin(theta)).mean(-1)


def _offsets(kernel_size: int, like: Tensor) -> Tensor:
    """Positions relative to the middle, ``(K,)``."""
    return torch.arange(kernel_size, dtype=like.dtype, device=like.device) - (kernel_size - 1) / 2


def _grid(parameter: Tensor | float) -> Tensor | float:
    """A parameter ``(...)`` as ``(..., 1, 1)``, to meet ``(K, K)``."""
    return parameter[..., None, None] if isinstance(parameter, Tensor) else parameter


def _distance(
    kernel_size: int, sigma_x: Tensor, sigma_y: Tensor | None, theta: Tensor | None, shift: float = 0.0
) -> Tensor:
    """Squared distance from the centre in units of the standard deviations, ``(..., K, K)``."""
    check_positive(kernel_size=kernel_size)
    offsets = _offsets(kernel_size, sigma_x) - shift
    x, y = offsets[None, :], offsets[:, None]
    cos, sin = (1.0, 0.0) if theta is None else (_grid(theta.cos()), _grid(theta.sin()))
    sigma_y = sigma_x if sigma_y is None else sigma_y
    return ((cos * x + sin * y) / _grid(sigma_x)) ** 2 + ((cos * y - sin * x) / _grid(sigma_y)) ** 2
