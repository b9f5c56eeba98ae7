"""Attention without parameters of its own."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.conv3xc import Conv3XC


class SPAB(nn.Module):
    """Swift parameter-free attention block of SPAN: three convolutions, gated by an odd function of their own result.

    With h the result of the convolutions, the block gives ``(h + x) · (sigmoid(h) - 0.5)``.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.

    Paper: Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPRW 2024,
    arXiv 2311.12770.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        check_positive(dim=dim)
        self.conv1, self.conv2, self.conv3 = (Conv3XC(dim, dim) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)[0]

    def stages(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The result, the first convolution's activated output, and the attention map, each ``(N, dim, H, W)``."""
        first = F.silu(self.conv1(x))
        h = self.conv3(F.silu(self.conv2(first)))
        attention = torch.sigmoid(h) - 0.5
        return (h + x) * attention, first, attention
