"""The blocks of SAFMN: features gated by coarse views of themselves, and a mixer of convolutions.

Sun, Dong, Tang, Pan, "Spatially-Adaptive Feature Modulation for Efficient Image Super-Resolution", ICCV 2023,
arXiv 2302.13800.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_minimum, check_positive
from srblocks.layers.norms import LayerNorm2d
from srblocks.ops.pooling import adaptive_max_pool, nearest_cells


class SAFM(nn.Module):
    """Spatially-adaptive feature modulation: every value times a gate computed at several scales.

    Each part of the channels is max-pooled to a coarser grid, filtered there by a depthwise 3×3 convolution and brought
    back by nearest neighbours; a 1×1 convolution of all parts and a GELU give the gate.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least the largest stride.

    Args:
        dim: feature channels, a multiple of the number of strides.
        strides: how much coarser the grid of each part of the channels is.
        bias: whether the convolutions have one.

    Raises:
        ArgumentError: a stride is below 1, or their number does not divide ``dim``.
        InputError: (when called) H or W is below the largest stride.

    Paper: Sun et al., arXiv 2302.13800.
    """

    def __init__(self, dim: int, *, strides: Sequence[int] = (1, 2, 4, 8), bias: bool = True) -> None:
        super().__init__()
        check_positive(dim=dim, **{f"strides[{index}]": stride for index, stride in enumerate(strides)})
        if not strides or dim % len(strides):
            raise ArgumentError(f"strides must be as many as divide dim = {dim}, not {len(strides)}.")
        self.strides = tuple(strides)
        part = dim // len(strides)
        self.levels = nn.ModuleList(nn.Conv2d(part, part, 3, padding=1, groups=part, bias=bias) for _ in strides)
        self.project = nn.Conv2d(dim, dim, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        check_minimum(x, max(self.strides), "SAFM")
        parts = []
        for part, conv, stride in zip(x.chunk(len(self.strides), dim=1), self.levels, self.strides, strict=True):
            if stride == 1:
                parts.append(conv(part))
            else:
                parts.append(nearest_cells(conv(adaptive_max_pool(part, stride)), x.shape[-2], x.shape[-1]))
        return x * F.gelu(self.project(torch.cat(parts, dim=1)))


class SimpleSAFM(nn.Module):
    """The modulation of SAFMN++: one coarse scale, for some of the channels. No biases.

    After a 3×3 convolution the first channels are multiplied by a gate that is computed on an eight times coarser grid;
    a 1×1 convolution mixes them with the others.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 8.

    Args:
        dim: feature channels.
        reduction: dim // reduction channels are multiplied.

    Raises:
        ArgumentError: an argument is below 1, or no channel would be multiplied.
        InputError: (when called) H or W is below 8.

    Paper: Ren et al., "The Ninth NTIRE 2024 Efficient Super-Resolution Challenge Report", arXiv 2404.10343.
    """

    stride = 8

    def __init__(self, dim: int, *, reduction: int = 3) -> None:
        super().__init__()
        check_positive(dim=dim, reduction=reduction)
        if reduction > dim:
            raise ArgumentError(f"reduction must be at most dim = {dim}, not {reduction}.")
        part = dim // reduction
        self.project_in = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.depthwise = nn.Conv2d(part, part, 3, padding=1, groups=part, bias=False)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        check_minimum(x, self.stride, "SimpleSAFM")
        x = self.project_in(x)
        part = self.depthwise.in_channels
        modulated, others = x[:, :part], x[:, part:]
        coarse = self.depthwise(adaptive_max_pool(modulated, self.stride))
        gate = F.gelu(F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False))
        y: Tensor = self.project_out(F.gelu(torch.cat((others, modulated * gate), dim=1)))
        return y


class CCM(nn.Module):
    """Convolutional channel mixer: a 3×3 convolution to more channels, GELU, and a 1×1 back.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.
        mid_dim: channels between the two; 2·dim unless given.
        bias: whether the convolutions have one.

    Paper: Sun et al., arXiv 2302.13800.
    """

    def __init__(self, dim: int, *, mid_dim: int | None = None, bias: bool = True) -> None:
        super().__init__()
        mid_dim = 2 * dim if mid_dim is None else mid_dim
        check_positive(dim=dim, mid_dim=mid_dim)
        self.conv = nn.Conv2d(dim, mid_dim, 3, padding=1, bias=bias)
        self.project = nn.Conv2d(mid_dim, dim, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(F.gelu(self.conv(x)))
        return y


class FMM(nn.Module):
    """Feature mixing module of SAFMN: modulation and channel mixer, each behind a layer norm and with a skip.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 8.

    Args:
        dim: feature channels, a multiple of 4.
        mid_dim: channels inside the channel mixer; 2·dim unless given.

    Raises:
        ArgumentError: ``dim`` is no multiple of 4.
        InputError: (when called) H or W is below 8.

    Paper: Sun et al., arXiv 2302.13800.
    """

    def __init__(self, dim: int, *, mid_dim: int | None = None) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim)
        self.modulation = SAFM(dim)
        self.norm2 = LayerNorm2d(dim)
        self.mixer = CCM(dim, mid_dim=mid_dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.modulation(self.norm1(x)) + x
        y: Tensor = self.mixer(self.norm2(x)) + x
        return y
