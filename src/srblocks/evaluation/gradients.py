"""GMSD and MS-GMSD: how evenly the edges of two pictures agree. Lower is better."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.evaluation.protocol import Pixels, check_side, comparable
from srblocks.ops.color import rgb_to_yiq

PREWITT = (1 / 3, 1 / 3, 1 / 3)
# How much each scale counts, from fine to coarse.
SCALE_WEIGHTS = (0.096, 0.596, 0.289, 0.019)


def gmsd(picture: Pixels, target: Pixels, *, border: int = 0, quantise: bool = True) -> Tensor:
    """Gradient magnitude similarity deviation, ``(N,)`` in float64; 0 for equal pictures.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, of one channel or RGB;
            uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side.
        quantise: round floats to 8 bit first.

    Raises:
        InputError: sizes differ, pictures of other dtypes or channels, or less than 5×5 pixels are left inside the
            border.
        ArgumentError: ``border`` is negative.

    Paper: Xue et al., "Gradient Magnitude Similarity Deviation: A Highly Efficient Perceptual Image Quality Index",
    2014.
    """
    a, b = comparable(picture, target, border=border, luma=False, quantise=quantise, channels=(1, 3))
    check_side(a, 5, "GMSD")
    both = torch.cat((a, b))
    luminance = rgb_to_yiq(both)[:, :1] if both.shape[1] == 3 else both
    return _deviation(_halved(luminance), 170 / 255**2)


def ms_gmsd(picture: Pixels, target: Pixels, *, border: int = 0, chroma: bool = False, quantise: bool = True) -> Tensor:
    """Gradient magnitude similarity deviation over four scales, ``(N,)`` in float64; 0 for equal pictures.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, of one channel or RGB;
            uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side.
        chroma: count the difference of the colours (I and Q of YIQ) too; pictures must be RGB.
        quantise: round floats to 8 bit first.

    Raises:
        InputError: sizes differ, pictures of other dtypes or channels, or less than 16×16 pixels are left inside the
            border.
        ArgumentError: ``border`` is negative.

    Paper: Zhang et al., "Gradient Magnitude Similarity Deviation on Multiple Scales for Color Image Quality
    Assessment", 2017.
    """
    channels = (3,) if chroma else (1, 3)
    a, b = comparable(picture, target, border=border, luma=False, quantise=quantise, channels=channels)
    check_side(a, 16, "MS-GMSD")
    both = 255 * torch.cat((a, b))
    both = rgb_to_yiq(both) if both.shape[1] == 3 else both
    total = torch.zeros_like(a[:, 0, 0, 0])
    for scale, weight in enumerate(SCALE_WEIGHTS):
        both = _halved(both) if scale else both
        total += weight * _deviation(both[:, :1], 170, masking=0.5) ** 2
    result = total.sqrt()
    if not chroma:
        return result
    # Colours are compared at the coarsest scale only.
    of_a, of_b = both[:, 1:].chunk(2)
    colours = (of_a - of_b).square().mean((2, 3)).sum(1).sqrt()
    share = 2 / (1 + 0.32 * torch.exp(-15 * result)) - 1
    return share * result + (1 - share) * 0.01 * colours


def gradient_magnitude(x: Tensor, smoothing: tuple[float, float, float]) -> Tensor:
    """Length of the gradient of ``(N, 1, H, W)``, zero beyond the border: central differences, smoothed across."""
    difference = x.new_tensor((-1.0, 0.0, 1.0))
    kernel = torch.outer(x.new_tensor(smoothing), difference)
    gradient = F.conv2d(x, torch.stack((kernel, kernel.T)).unsqueeze(1), padding=1)
    return gradient.square().sum(1, keepdim=True).sqrt()


def _deviation(both: Tensor, constant: float, *, masking: float = 0.0) -> Tensor:
    """Standard deviation of the similarity of gradients, between the first and the second half of the pictures."""
    a, b = gradient_magnitude(both, PREWITT).chunk(2)
    product = a * b
    similarity = ((2 - masking) * product + constant) / (a**2 + b**2 - masking * product + constant)
    return similarity.std((1, 2, 3), correction=0)


def _halved(x: Tensor) -> Tensor:
    """Means of 2×2 pixels; where a side is odd, black is added at the bottom and the right."""
    odd = max(x.shape[-2] % 2, x.shape[-1] % 2)
    return F.avg_pool2d(F.pad(x, (0, odd, 0, odd)), 2)
