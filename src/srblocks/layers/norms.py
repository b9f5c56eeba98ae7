"""Norms of feature maps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_positive


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of every pixel.

    Shape: ``(N, dim, H, W)`` -> the same, channels-last in memory. A sum takes the layout of its first term, so a block
    that adds its input last keeps what follows in this layout, in which most of it is faster.

    Args:
        dim: feature channels.
        eps: added to the (biased) variance.
        bias: whether something learned is added.
    """

    def __init__(self, dim: int, *, eps: float = 1e-6, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim)) if bias else None
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        y = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2)


class GRN(nn.Module):
    """Global response norm: every channel is amplified by how strong it is, in the whole map, among the channels.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.
        eps: added to the mean energy.

    Paper: Woo et al., "ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders", CVPR 2023,
    arXiv 2301.00808.
    """

    def __init__(self, dim: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        check_positive(dim=dim)
        self.weight = nn.Parameter(torch.zeros(1, dim, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, dim, 1, 1))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        energy: Tensor = torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True)
        relative = energy / (energy.mean(1, keepdim=True) + self.eps)
        return x * (1 + self.weight * relative) + self.bias
