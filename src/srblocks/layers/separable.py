"""Convolutions split into one over the channels and one over the pixels of each channel."""

import math

from torch import nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive


class BSConvU(nn.Sequential):
    """Blueprint separable convolution: a 1×1 over the channels, then one k×k filter for each output channel.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H', W')``, as ``nn.Conv2d`` has it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the filters.
        stride: of the filters.
        padding: zeros around what the 1×1 gives; None keeps the size (kernel_size // 2, for odd kernels and stride 1).
        bias: of the filters.
        pointwise_bias: whether the 1×1 has a bias too. Padding comes after it, so at the border it is more than
            another bias.

    Raises:
        ArgumentError: a size is below 1.

    Paper: Haase, Amthor, "Rethinking Depthwise Separable Convolutions: How Intra-Kernel Correlations Lead to Improved
    MobileNets", CVPR 2020, arXiv 2003.13549.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        pointwise_bias: bool = False,
    ) -> None:
        check_positive(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size)
        super().__init__()
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=pointwise_bias)
        self.depthwise = _depthwise(out_channels, kernel_size, stride=stride, padding=padding, bias=bias)


class BSConvS(nn.Sequential):
    """Subspace blueprint separable convolution: as :class:`BSConvU`, its 1×1 through fewer channels.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H', W')``, as ``nn.Conv2d`` has it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the filters.
        stride: of the filters.
        padding: zeros around what the 1×1s give; None keeps the size.
        bias: of the filters.
        ratio: the 1×1 goes through this share of the input's channels, rounded up, ...
        min_channels: ... but through no fewer than these, if the input has as many.

    Raises:
        ArgumentError: a size is below 1, or the ratio not above 0.

    Paper: arXiv 2003.13549.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        ratio: float = 0.25,
        min_channels: int = 4,
    ) -> None:
        check_positive(
            in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, min_channels=min_channels
        )
        if not 0 < ratio < math.inf:
            raise ArgumentError(f"ratio must be above 0, not {ratio}.")
        super().__init__()
        mid_channels = min(in_channels, max(min_channels, math.ceil(ratio * in_channels)))
        self.squeeze = nn.Conv2d(in_channels, mid_channels, 1, bias=False)
        self.expand = nn.Conv2d(mid_channels, out_channels, 1, bias=False)
        self.depthwise = _depthwise(out_channels, kernel_size, stride=stride, padding=padding, bias=bias)


class DepthwiseSeparableConv(nn.Sequential):
    """Depthwise separable convolution of MobileNet, without norms: one k×k filter per input channel, then a 1×1.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H', W')``, as ``nn.Conv2d`` has it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the filters.
        stride: of the filters.
        padding: zeros around the input; None keeps the size.
        bias: of the filters; the 1×1 has none.

    Raises:
        ArgumentError: a size is below 1.

    Paper: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    arXiv 1704.04861.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
    ) -> None:
        check_positive(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size)
        super().__init__()
        self.depthwise = _depthwise(in_channels, kernel_size, stride=stride, padding=padding, bias=bias)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)


def _depthwise(channels: int, kernel_size: int, *, stride: int, padding: int | None, bias: bool) -> nn.Conv2d:
    check_positive(stride=stride)
    return nn.Conv2d(
        channels,
        channels,
        kernel_size,
        stride=stride,
        padding=kernel_size // 2 if padding is None else padding,
        groups=channels,
        bias=bias,
    )
