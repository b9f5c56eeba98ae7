"""Conv3XC, the convolution of SPAN."""

import torch
from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.merged_conv import ConvChain, MergedConv, affine
from srblocks.ops import kernels
from srblocks.ops.kernels import Affine


class Conv3XC(MergedConv):
    """The convolution of SPAN: 1×1, 3×3 and 1×1 in a row beside a 1×1 in training, one 3×3 when merged.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        expansion: of the channels before and after the inner 3×3.
        stride: of the whole.

    Paper: Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPRW 2024,
    arXiv 2311.12770.
    """

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int = 2, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, stride=stride)
        check_positive(expansion=expansion)
        widths = (in_channels, expansion * in_channels, expansion * out_channels, out_channels)
        self.wide = ConvChain(widths, (1, 3, 1), stride=stride)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def merge(self, dtype: torch.dtype) -> Affine:
        pointwise, bias = affine(self.skip, dtype)
        return kernels.add(self.wide.merge(dtype), (kernels.centred(pointwise, 3, 3), bias))

    def by_branches(self, x: Tensor) -> Tensor:
        y: Tensor = self.wide(x) + self.skip(x)
        return y
