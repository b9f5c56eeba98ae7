"""Blocks of the distillation line, from IMDN over RFDN and BSRN to RLFN, and the trunk that most of them stand in."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.channel_attention import CALayer, CCALayer
from srblocks.layers.checks import check_positive
from srblocks.layers.conv import ResidualConv
from srblocks.layers.separable import BSConvU
from srblocks.layers.spatial_attention import ESA

_leaky_relu = partial(nn.LeakyReLU, 0.05, inplace=True)


class IMDB(nn.Module):
    """Information multi-distillation block of IMDN: after each convolution a quarter of the channels is kept.

    The rest goes on to the next of four 3×3 convolutions. What was kept is gated by contrast-aware channel attention,
    fused by a 1×1 and added to the input.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels, at least 4; ``dim // 4`` are kept at a time.
        reduction: bottleneck of the attention, a reduction-th of the channels; None leaves the attention out, as the
            small networks of IMDN's authors do.

    Raises:
        ArgumentError: ``dim`` is below 4, or ``reduction`` above the channels that are kept in all.

    Paper: Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network", ACM MM 2019,
    arXiv 1909.11856.
    """

    def __init__(self, dim: int, *, reduction: int | None = 16) -> None:
        super().__init__()
        _check_dim(dim)
        self.kept = dim // 4
        rest = dim - self.kept
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv2 = nn.Conv2d(rest, dim, 3, padding=1)
        self.conv3 = nn.Conv2d(rest, dim, 3, padding=1)
        self.conv4 = nn.Conv2d(rest, self.kept, 3, padding=1)
        self.attention = nn.Identity() if reduction is None else CCALayer(4 * self.kept, reduction=reduction)
        self.project = nn.Conv2d(4 * self.kept, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, rest = [], x
        for conv in (self.conv1, self.conv2, self.conv3):
            y = F.leaky_relu(conv(rest), 0.05, inplace=True)
            kept.append(y[:, : self.kept])
            rest = y[:, self.kept :]
        kept.append(self.conv4(rest))
        out: Tensor = self.project(self.attention(torch.cat(kept, dim=1)))
        return out + x


class RFDB(nn.Module):
    """Residual feature distillation block of RFDN: 1×1 convolutions keep half the channels of each of four stages.

    Beside each of the first three, a 3×3 convolution with a skip, which fuses to a plain one, leads on to the next
    stage. What was kept is fused by a 1×1 and gated by spatial attention. Nothing is added around the block.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 15 with the usual attention.

    Args:
        dim: feature channels, at least 4; ``dim // 2`` are kept at a time.
        conv: makes the 3×3 convolutions; called as ``nn.Conv2d`` is.
        activation: makes the activations.
        attention: makes what gates the result; called as :class:`ESA` is, with its dimensions.

    Raises:
        ArgumentError: ``dim`` is below 4.

    Paper: Liu et al., "Residual Feature Distillation Network for Lightweight Image Super-Resolution", ECCV Workshops
    2020, arXiv 2009.11551.
    """

    def __init__(
        self,
        dim: int,
        *,
        conv: Callable[..., nn.Module] = nn.Conv2d,
        activation: Callable[[], nn.Module] = _leaky_relu,
        attention: Callable[..., nn.Module] = ESA,
    ) -> None:
        super().__init__()
        _check_dim(dim)
        kept = dim // 2
        self.distil = nn.ModuleList(nn.Conv2d(dim, kept, 1) for _ in range(3))
        self.refine = nn.ModuleList(ResidualConv(conv(dim, dim, 3, padding=1)) for _ in range(3))
        self.last = conv(dim, kept, 3, padding=1)
        self.activation = activation()
        self.project = nn.Conv2d(4 * kept, dim, 1)
        self.attention = attention(dim, esa_dim=dim // 4, num_convs=3)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for distil, refine in zip(self.distil, self.refine, strict=True):
            kept.append(self.activation(distil(x)))
            x = self.activation(refine(x))
        kept.append(self.activation(self.last(x)))
        y: Tensor = self.attention(self.project(torch.cat(kept, dim=1)))
        return y


class ESDB(RFDB):
    """Efficient separable distillation block of BSRN: an :class:`RFDB` of blueprint separable convolutions.

    Its activations are GELUs, also in the spatial attention. A contrast-aware channel attention follows, and the input
    is added.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 15 with the usual attention.

    Args:
        dim: feature channels, at least 4.
        reduction: the channel attention's bottleneck has ``dim // reduction`` channels.
        conv: makes the 3×3 convolutions, also those of the spatial attention; called as ``nn.Conv2d`` is.
        attention: makes the spatial attention; called as :class:`ESA` is, with all but ``padded``.

    Raises:
        ArgumentError: ``dim`` is below 4 or ``reduction``.

    Paper: Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution", CVPR Workshops 2022,
    arXiv 2205.05996.
    """

    def __init__(
        self,
        dim: int,
        *,
        reduction: int = 16,
        conv: Callable[..., nn.Module] = BSConvU,
        attention: Callable[..., nn.Module] = ESA,
    ) -> None:
        attention = partial(attention, conv=conv, activation=nn.GELU)
        super().__init__(dim, conv=conv, activation=nn.GELU, attention=attention)
        self.contrast = CCALayer(dim, reduction=reduction)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.contrast(super().forward(x))
        return y + x


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


class DistillationTrunk(nn.Module):
    """Blocks in a chain, the outputs of all of them fused, and a long skip: the trunk of IMDN, RFDN and BSRN.

    Shape: ``(N, dim, H, W)`` -> the same, as the blocks have it.

    Args:
        dim: feature channels.
        blocks: modules that keep the shape.
        conv: makes the last 3×3 convolution; called as ``nn.Conv2d`` is.
        activation: makes the one between fusion and last convolution.

    Paper: the intermediate information collection of Hui et al., arXiv 1909.11856.
    """

    def __init__(
        self,
        dim: int,
        blocks: Iterable[nn.Module],
        *,
        conv: Callable[..., nn.Module] = nn.Conv2d,
        activation: Callable[[], nn.Module] = _leaky_relu,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        check_positive(dim=dim, number_of_blocks=len(self.blocks))
        self.project = nn.Conv2d(len(self.blocks) * dim, dim, 1)
        self.activation = activation()
        self.smooth = conv(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [x]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        y: Tensor = self.smooth(self.activation(self.project(torch.cat(outputs[1:], dim=1))))
        return y + x


def _check_dim(dim: int) -> None:
    check_positive(dim=dim)
    if dim < 4:
        raise ArgumentError(f"dim must be at least 4, because a part of the block has a quarter of it, not {dim}.")
