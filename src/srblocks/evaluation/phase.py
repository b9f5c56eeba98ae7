"""FSIM and FSIMc: how alike the features of two pictures are, found by the phases of their waves."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.evaluation.gradients import gradient_magnitude
from srblocks.evaluation.protocol import Pixels, check_side, comparable, shrink_factor
from srblocks.ops.color import rgb_to_yiq

SCHARR = (3 / 16, 10 / 16, 3 / 16)
# The bank of log-Gabor filters.
WAVELENGTHS, ORIENTATIONS = (6.0, 12.0, 24.0, 48.0), 4
BANDWIDTH, SPREAD = 0.55, math.pi / 4 / 1.2
CUTOFF, SHARPNESS = 0.45, 15
# How many standard deviations of the noise are cut off, and by how much that is known to be too many.
NOISE_DEVIATIONS, NOISE_EXCESS = 2.0, 1.7


def fsim(picture: Pixels, target: Pixels, *, border: int = 0, chroma: bool = False, quantise: bool = True) -> Tensor:
    """Feature similarity, ``(N,)`` in float64: phase congruency and gradients, weighted by the former.

    Large pictures are averaged down to a shorter side of about 256 first, as the authors do.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, of one channel or RGB;
            uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side.
        chroma: count the colours (I and Q of YIQ) too, which makes it FSIMc; pictures must be RGB.
        quantise: round floats to 8 bit first.

    Raises:
        InputError: sizes differ, pictures of other dtypes or channels, or less than 6×6 pixels, the shortest wave of
            the filters, are left inside the border.
        ArgumentError: ``border`` is negative.

    Paper: Zhang et al., "FSIM: A Feature Similarity Index for Image Quality Assessment", 2011.
    """
    channels = (3,) if chroma else (1, 3)
    a, b = comparable(picture, target, border=border, luma=False, quantise=quantise, channels=channels)
    check_side(a, int(WAVELENGTHS[0]), "FSIM")
    both = 255 * torch.cat((a, b))
    both = F.avg_pool2d(both, shrink_factor(both))
    both = rgb_to_yiq(both) if both.shape[1] == 3 else both
    luminance, colours = both[:, :1], both[:, 1:]
    phase = phase_congruency(luminance)
    alike = _similarity(phase, 0.85) * _similarity(gradient_magnitude(luminance, SCHARR), 160)
    if chroma:
        alike = alike * _similarity(colours, 200).prod(1, keepdim=True).abs() ** 0.03
    weight = torch.maximum(*phase.chunk(2))
    return (alike * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def phase_congruency(x: Tensor) -> Tensor:
    """How much the waves of ``(N, 1, H, W)``, in 0..255, agree in phase at each pixel: 0 to 1, high at features."""
    height, width = x.shape[-2:]
    epsilon = torch.finfo(x.dtype).eps
    rows, columns = torch.meshgrid(_frequencies(height, x), _frequencies(width, x), indexing="ij")
    radius, angle = torch.hypot(rows, columns), torch.atan2(-columns, rows)
    radial = _radial_filters(radius)
    spectrum = torch.fft.fft2(x)
    energy, amplitude = torch.zeros_like(x), torch.zeros_like(x)
    for number in range(ORIENTATIONS):
        off = angle - number * math.pi / ORIENTATIONS
        off = torch.atan2(off.sin(), off.cos())
        filters = radial * torch.exp(-(off**2) / (2 * SPREAD**2))
        responses = torch.fft.ifft2(spectrum * filters)
        even, odd = responses.real, responses.imag
        mean_even, mean_odd = even.sum(1, keepdim=True), odd.sum(1, keepdim=True)
        length = torch.hypot(mean_even, mean_odd) + epsilon
        mean_even, mean_odd = mean_even / length, mean_odd / length
        agreement = even * mean_even + odd * mean_odd - (even * mean_odd - odd * mean_even).abs()
        energy += (agreement.sum(1, keepdim=True) - _noise(responses, filters)).relu()
        amplitude += responses.abs().sum(1, keepdim=True)
    return (energy + epsilon) / (amplitude + epsilon)


def _frequencies(length: int, like: Tensor) -> Tensor:
    """Of each row or column of a spectrum, in cycles per pixel; those of an odd number reach from -0.5 to 0.5."""
    indices = torch.arange(length, dtype=like.dtype, device=like.device) - length // 2
    shifted: Tensor = torch.fft.ifftshift(indices / (length - length % 2))
    return shifted


def _radial_filters(radius: Tensor) -> Tensor:
    """Band-passes ``(wavelengths, H, W)``: Gaussians of the logarithm of the frequency, zero for the mean."""
    low_pass = 1 / (1 + (radius / CUTOFF) ** (2 * SHARPNESS))
    wavelengths = radius.new_tensor(WAVELENGTHS).view(-1, 1, 1)
    octaves = torch.log(radius * wavelengths)  # minus infinity for the mean
    return low_pass * torch.exp(-octaves.square() / (2 * math.log(BANDWIDTH) ** 2))


def _noise(responses: Tensor, filters: Tensor) -> Tensor:
    """Energy ``(N, 1, 1, 1)`` that noise alone gives, judged by the finest wave's responses."""
    height, width = filters.shape[-2:]
    median = responses[:, 0].abs().square().flatten(1).median(1).values
    power = median / math.log(2) / filters[0].square().sum()
    spatial = torch.fft.ifft2(filters.sum(0)).real
    # Noise energy is Rayleigh distributed.
    deviation: Tensor = (power * height * width * spatial.square().sum()).sqrt()
    threshold = math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)
    return deviation.view(-1, 1, 1, 1) * (threshold / NOISE_EXCESS)


def _similarity(both: Tensor, constant: float) -> Tensor:
    """Of the first and the second half of the maps."""
    a, b = both.chunk(2)
    return (2 * a * b + constant) / (a.square() + b.square() + constant)
