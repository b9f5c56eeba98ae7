"""From features to the enlarged picture.

All map ``(N, dim, H, W)`` to ``(N, out_channels, scale·H, scale·W)``.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_odd, check_positive
from srblocks.layers.spatial_attention import PixelAttention


class PixelShuffleUpsampler(nn.Sequential):
    """One convolution to scale² values per output channel, spread over the enlarged grid (direct sub-pixel).

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels.
        scale: factor, 1 or more.
        out_channels: channels of the result.
        bias: whether the convolution has one.
        kernel_size: side of its kernel, odd.

    Paper: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", CVPR 2016, arXiv 1609.05158.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3, bias: bool = True, kernel_size: int = 3) -> None:
        check_positive(dim=dim, scale=scale, out_channels=out_channels)
        check_odd(kernel_size=kernel_size)
        super().__init__()
        self.conv = nn.Conv2d(dim, out_channels * scale**2, kernel_size, padding=kernel_size // 2, bias=bias)
        self.shuffle = nn.PixelShuffle(scale)


class StepwisePixelShuffle(nn.Sequential):
    """Sub-pixel convolutions one after the other, by the prime factors of the scale, then a 3×3 convolution.

    This is the tail of EDSR and RCAN: ×2 one step, ×3 one step, ×4 two steps of 2.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels, kept up to the last convolution.
        scale: factor, 1 or more.
        out_channels: channels of the result.

    Paper: Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", arXiv 1707.02921.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3) -> None:
        super().__init__()
        self.steps = nn.Sequential(*(PixelShuffleUpsampler(dim, step, out_channels=dim) for step in _steps(scale)))
        self.conv = nn.Conv2d(dim, out_channels, 3, padding=1)


class NearestConv(nn.Module):
    """Nearest-neighbour steps with a 3×3 convolution after each: no checkerboard, common for real photographs.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels, kept up to the last convolution.
        scale: factor, 1 or more; taken by its prime factors.
        out_channels: channels of the result.
        negative_slope: of the leaky ReLU after each convolution but the last.

    Paper: Odena et al., "Deconvolution and Checkerboard Artifacts", Distill 2016; the form of ESRGAN, arXiv 1809.00219.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3, negative_slope: float = 0.2) -> None:
        super().__init__()
        self.factors, self.negative_slope = _steps(scale), negative_slope
        self.steps = nn.ModuleList(nn.Conv2d(dim, dim, 3, padding=1) for _ in self.factors)
        self.refine = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv = nn.Conv2d(dim, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for factor, step in zip(self.factors, self.steps, strict=True):
            x = F.leaky_relu(step(F.interpolate(x, scale_factor=factor, mode="nearest")), self.negative_slope)
        y: Tensor = self.conv(F.leaky_relu(self.refine(x), self.negative_slope))
        return y


class PixelAttentionUpsampler(nn.Sequential):
    """Nearest-neighbour steps with few channels, each followed by a convolution, pixel attention and a convolution.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels.
        scale: factor, 1 or more; taken by its prime factors.
        out_channels: channels of the result.
        mid_dim: channels after the first convolution.

    Paper: Zhao et al., "Efficient Image Super-Resolution Using Pixel Attention", ECCV Workshops 2020, arXiv 2010.01073.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3, mid_dim: int = 24) -> None:
        check_positive(dim=dim, out_channels=out_channels, mid_dim=mid_dim)
        super().__init__()
        self.steps = nn.Sequential()
        for factor in _steps(scale):
            step = nn.Sequential(
                nn.Upsample(scale_factor=factor),
                nn.Conv2d(dim, mid_dim, 3, padding=1),
                PixelAttention(mid_dim),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(mid_dim, mid_dim, 3, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
            )
            self.steps.append(step)
            dim = mid_dim
        self.conv = nn.Conv2d(dim, out_channels, 3, padding=1)


class TransposedConv(nn.ConvTranspose2d):
    """One transposed convolution, the tail of FSRCNN.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels.
        scale: factor, 1 or more.
        out_channels: channels of the result.
        kernel_size: side of the kernel, at least the scale.

    Paper: Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", arXiv 1608.00367.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3, kernel_size: int = 9) -> None:
        padding, extra = transposed_padding(scale, kernel_size)
        super().__init__(dim, out_channels, kernel_size, stride=scale, padding=padding, output_padding=extra)


class DecomposedTransposedConv(nn.Sequential):
    """A transposed convolution decomposed into a vertical and a horizontal one: 2·k instead of k² taps.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, scale·H, scale·W)``.

    Args:
        dim: feature channels, also between the two.
        scale: factor, 1 or more.
        out_channels: channels of the result.
        kernel_size: length of both kernels, at least the scale.
    """

    def __init__(self, dim: int, scale: int, *, out_channels: int = 3, kernel_size: int = 9) -> None:
        padding, extra = transposed_padding(scale, kernel_size)
        super().__init__()
        self.vertical = nn.ConvTranspose2d(
            dim, dim, (kernel_size, 1), stride=(scale, 1), padding=(padding, 0), output_padding=(extra, 0)
        )
        self.horizontal = nn.ConvTranspose2d(
            dim, out_channels, (1, kernel_size), stride=(1, scale), padding=(0, padding), output_padding=(0, extra)
        )


class InterpolatedBase(nn.Module):
    """The enlarged input picture, to which a network adds what is missing. No parameters.

    Shape: ``(N, C, H, W)`` -> ``(N, C, scale·H, scale·W)``.

    Args:
        scale: factor, 1 or more.
        mode: ``"nearest"``, ``"bilinear"`` or ``"bicubic"`` (torch's, a = -0.75), with half-pixel centres.

    Paper: Kim et al., "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", arXiv 1511.04587, was
    the first to learn the difference from an interpolated base.
    """

    def __init__(self, scale: int, *, mode: Literal["nearest", "bilinear", "bicubic"] = "bilinear") -> None:
        check_positive(scale=scale)
        if mode not in ("nearest", "bilinear", "bicubic"):
            raise ArgumentError(f"mode must be nearest, bilinear or bicubic, not {mode!r}.")
        super().__init__()
        self.scale, self.mode = scale, mode

    def forward(self, x: Tensor) -> Tensor:
        align_corners = None if self.mode == "nearest" else False
        return F.interpolate(x, scale_factor=self.scale, mode=self.mode, align_corners=align_corners)


@torch.no_grad()
def add_nearest(weight: Tensor, copies: int) -> None:
    """Add to a kernel, in place, the one that repeats every input channel ``copies`` times.

    Before a pixel shuffle that is nearest-neighbour enlargement.
    """
    row, column = weight.shape[2] // 2, weight.shape[3] // 2
    for output in range(weight.shape[0]):
        weight[output, output // copies, row, column] += 1


def transposed_padding(scale: int, kernel_size: int) -> tuple[int, int]:
    """``padding`` and ``output_padding`` with which a transposed convolution gives exactly scale times the size."""
    check_positive(scale=scale)
    if kernel_size < scale:
        raise ArgumentError(f"kernel_size must be at least the scale {scale}, or pixels stay empty, not {kernel_size}.")
    padding = (kernel_size - scale + 1) // 2
    return padding, scale - kernel_size + 2 * padding


def _steps(scale: int) -> tuple[int, ...]:
    """The prime factors of the scale, smallest first."""
    check_positive(scale=scale)
    factors, divisor = [], 2
    while scale > 1:
        while scale % divisor == 0:
            factors.append(divisor)
            scale //= divisor
        divisor += 1
    return tuple(factors)
