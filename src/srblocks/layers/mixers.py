"""The blocks of ShuffleMixer: a large depthwise convolution mixes positions, an MLP over half of the channels the rest.

Sun, Pan, Tang, "ShuffleMixer: An Efficient ConvNet for Image Super-Resolution", NeurIPS 2022, arXiv 2205.15175.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_odd, check_positive
from srblocks.layers.norms import LayerNorm2d


class SplitPointMLP(nn.Module):
    """MLP per pixel over the first half of the channels; then all are shuffled, so that the next one meets the others.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels, a multiple of the 8 groups of the shuffle.
        mid_dim: channels inside the MLP; ``dim``, twice its input, unless given.

    Raises:
        ArgumentError: ``dim`` is no multiple of 8, or ``mid_dim`` is below 1.

    Paper: Sun et al., arXiv 2205.15175.
    """

    groups = 8

    def __init__(self, dim: int, *, mid_dim: int | None = None) -> None:
        super().__init__()
        mid_dim = dim if mid_dim is None else mid_dim
        check_positive(dim=dim, mid_dim=mid_dim)
        if dim % self.groups:
            raise ArgumentError(f"dim must be a multiple of {self.groups}, the groups of the shuffle, not {dim}.")
        self.project_in = nn.Conv2d(dim // 2, mid_dim, 1)
        self.project_out = nn.Conv2d(mid_dim, dim // 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        changed, kept = x.chunk(2, dim=1)
        changed = self.project_out(F.silu(self.project_in(changed)))
        return F.channel_shuffle(torch.cat((changed, kept), dim=1), self.groups)


class SMLayer(nn.Module):
    """Shuffle mixer layer: channels, positions, channels again.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels, a multiple of 8.
        kernel_size: side of the depthwise convolution, odd.
        mid_dim: channels inside the MLPs; ``dim`` unless given.

    Raises:
        ArgumentError: ``dim`` is no multiple of 8, or ``kernel_size`` is not odd.

    Paper: Sun et al., arXiv 2205.15175.
    """

    def __init__(self, dim: int, *, kernel_size: int = 7, mid_dim: int | None = None) -> None:
        super().__init__()
        check_positive(dim=dim)
        check_odd(kernel_size=kernel_size)
        self.norm1 = LayerNorm2d(dim, eps=1e-5, bias=False)
        self.mlp1 = SplitPointMLP(dim, mid_dim=mid_dim)
        self.depthwise = nn.Conv2d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm2 = LayerNorm2d(dim, eps=1e-5, bias=False)
        self.mlp2 = SplitPointMLP(dim, mid_dim=mid_dim)

    def forward(self, x: Tensor) -> Tensor:
        # The MLPs return shuffled channels, their inputs are not: the paper adds them all the same.
        x = self.depthwise(self.mlp1(self.norm1(x)) + x)
        y: Tensor = self.mlp2(self.norm2(x)) + x
        return y


class FMB(nn.Module):
    """Feature mixing block of ShuffleMixer: two mixer layers, then two convolutions, a skip around each pair.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels, a multiple of 8.
        kernel_size: side of the depthwise convolutions, odd.
        mid_dim: channels inside the MLPs; ``dim`` unless given.

    Raises:
        ArgumentError: ``dim`` is no multiple of 8, or ``kernel_size`` is not odd.

    Paper: Sun et al., arXiv 2205.15175.
    """

    def __init__(self, dim: int, *, kernel_size: int = 7, mid_dim: int | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(SMLayer(dim, kernel_size=kernel_size, mid_dim=mid_dim) for _ in range(2)))
        self.conv = nn.Conv2d(dim, dim + 16, 3, padding=1)
        self.project = nn.Conv2d(dim + 16, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x) + x
        y: Tensor = self.project(F.silu(self.conv(x))) + x
        return y
