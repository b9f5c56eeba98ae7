"""Densely connected blocks.

Zhang et al., "Residual Dense Network for Image Super-Resolution", CVPR 2018, arXiv 1802.08797.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_positive


class DenseLayer(nn.Module):
    """``[x, relu(conv(x))]``: adds ``growth`` channels to its input.

    Shape: ``(N, dim, H, W)`` -> ``(N, dim + growth, H, W)``.
    """

    def __init__(self, dim: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, F.relu(self.conv(x))), dim=1)


class ResidualDenseBlock(nn.Module):
    """Residual dense block of RDN: every convolution sees the outputs of all before it.

    In RDN's paper this is called RDB; in this library ``RDB`` is the
    :class:`~srblocks.layers.ResidualDistillationBlock`.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.
        growth: channels that each layer adds.
        num_layers: densely connected 3×3 convolutions.

    Paper: Zhang et al., arXiv 1802.08797.
    """

    def __init__(self, dim: int, *, growth: int = 64, num_layers: int = 8) -> None:
        super().__init__()
        check_positive(dim=dim, growth=growth, num_layers=num_layers)
        self.layers = nn.Sequential(*(DenseLayer(dim + index * growth, growth) for index in range(num_layers)))
        self.project = nn.Conv2d(dim + num_layers * growth, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.layers(x))
        return x + y
