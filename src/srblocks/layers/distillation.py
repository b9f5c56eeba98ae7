"""Residual blocks of the distillation line: RLFN's and the study's."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.channel_attention import CALayer
from srblocks.layers.checks import check_positive
from srblocks.layers.spatial_attention import ESA


class RLFB(nn.Module):
    """Residual local feature block of RLFN: three 3×3 convolutions with a skip, a 1×1, and spatial attention.

    Shape: ``(N, dim, H, W)`` -> ``(N, out_dim, H, W)``, H and W at least 15.

    Args:
        dim: feature channels.
        mid_dim: channels between the 3×3 convolutions; ``dim`` unless given.
        out_dim: channels of the result; ``dim`` unless given.
        esa_dim: bottleneck of the attention.

    Paper: Kong et al., "Residual Local Feature Network for Efficient Super-Resolution", CVPRW 2022, arXiv 2205.07514.
    """

    def __init__(self, dim: int, *, mid_dim: int | None = None, out_dim: int | None = None, esa_dim: int = 16) -> None:
        super().__init__()
        mid_dim, out_dim = dim if mid_dim is None else mid_dim, dim if out_dim is None else out_dim
        check_positive(dim=dim, mid_dim=mid_dim, out_dim=out_dim)
        self.conv1 = nn.Conv2d(dim, mid_dim, 3, padding=1)
        self.conv2 = nn.Conv2d(mid_dim, mid_dim, 3, padding=1)
        self.conv3 = nn.Conv2d(mid_dim, dim, 3, padding=1)
        self.project = nn.Conv2d(dim, out_dim, 1)
        self.attention = ESA(out_dim, esa_dim=esa_dim)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.conv1(x), 0.05)
        y = F.leaky_relu(self.conv2(y), 0.05)
        y = F.leaky_relu(self.conv3(y), 0.05)
        out: Tensor = self.attention(self.project(y + x))
        return out


class ResidualDistillationBlock(nn.Module):
    """Residual distillation block of RDBN: the outputs of three convolutions, fused, gated and added to the input.

    ``RDB`` is its short name here. The residual *dense* block of RDN, which other libraries call RDB, is
    :class:`~srblocks.layers.ResidualDenseBlock`.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.
        reduction: bottleneck of the channel attention, dim // reduction channels.
    """

    def __init__(self, dim: int, *, reduction: int = 16) -> None:
        super().__init__()
        check_positive(dim=dim)
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv3 = nn.Conv2d(dim, dim, 3, padding=1)
        self.project = nn.Conv2d(3 * dim, dim, 1)
        self.attention = CALayer(dim, reduction=reduction)

    def forward(self, x: Tensor) -> Tensor:
        y1 = F.relu(self.conv1(x))
        y2 = F.relu(self.conv2(y1))
        y3 = F.relu(self.conv3(y2))
        y: Tensor = self.attention(self.project(torch.cat((y1, y2, y3), dim=1)))
        return x + y


RDB = ResidualDistillationBlock
