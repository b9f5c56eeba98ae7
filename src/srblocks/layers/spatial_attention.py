"""Gates per pixel."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_minimum, check_positive
from srblocks.layers.tiles import current_whole


class ESA(nn.Module):
    """Enhanced spatial attention: every value times a gate computed on a coarse, wide view of the map.

    A 1×1 squeeze, a 3×3 with stride 2 and a 7×7 max-pool with stride 3 widen the view; 3×3 convolutions work there, and
    a bilinear resize brings the result back, where it meets the squeezed map.

    ======================  ============================================
    form                    arguments
    ======================  ============================================
    RLFN (slimmed)          the defaults
    RFDN (RFA-Net)          ``esa_dim=dim // 4, num_convs=3``
    Omni-SR                 ``esa_dim=max(dim // 4, 16)``
    BSRN                    RFDN's, ``conv=BSConvU, activation=nn.GELU``
    ======================  ============================================

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least ``minimum``, which is 15 with ``padded``.

    Args:
        dim: feature channels.
        esa_dim: channels of the squeezed map.
        num_convs: 3×3 convolutions on the coarse view.
        conv: makes the 3×3 convolutions; called as ``nn.Conv2d`` is.
        activation: makes what stands between those on the coarse view.
        padded: those on the coarse view keep its size; if not, each takes a row and a column from every side.

    Raises:
        ArgumentError: an argument is below 1.
        InputError: (when called) H or W is too small.

    Papers: Liu et al., "Residual Feature Aggregation Network", CVPR 2020; Liu et al., "Residual Feature Distillation
    Network", arXiv 2009.11551; Kong et al., "Residual Local Feature Network", arXiv 2205.07514.
    """

    minimum = 15
    # LR pixels between the points of the coarse map: the convolution's stride times the pool's.
    step = 6

    def __init__(
        self,
        dim: int,
        *,
        esa_dim: int = 16,
        num_convs: int = 1,
        conv: Callable[..., nn.Module] = nn.Conv2d,
        activation: Callable[[], nn.Module] = nn.ReLU,
        padded: bool = True,
    ) -> None:
        super().__init__()
        check_positive(dim=dim, esa_dim=esa_dim, num_convs=num_convs)
        if not padded:
            self.minimum += 2 * num_convs * self.step
        self.squeeze = nn.Conv2d(dim, esa_dim, 1)
        self.shortcut = nn.Conv2d(esa_dim, esa_dim, 1)
        self.stride = conv(esa_dim, esa_dim, 3, stride=2, padding=0)
        self.convs = nn.ModuleList(conv(esa_dim, esa_dim, 3, padding=int(padded)) for _ in range(num_convs))
        self.activation = activation()
        self.expand = nn.Conv2d(esa_dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_minimum(x, self.minimum, "ESA")
        squeezed = self.squeeze(x)
        coarse = F.max_pool2d(self.stride(squeezed), kernel_size=7, stride=3)
        for index, conv in enumerate(self.convs):
            coarse = conv(self.activation(coarse) if index else coarse)
        return x * torch.sigmoid(self.expand(self._resize(coarse, x.shape[-2:]) + self.shortcut(squeezed)))

    def _resize(self, coarse: Tensor, size: torch.Size) -> Tensor:
        """Bring the coarse map back, in a tile at the points where the resize of the whole picture's map reads."""
        whole = None if torch.compiler.is_compiling() else current_whole()
        if whole is None:
            return F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
        rows, columns = (
            torch.stack(
                [self._weights(coarse, axis, size[axis], whole.size[axis], origin[axis]) for origin in whole.origins]
            )
            for axis in (0, 1)
        )
        return rows.unsqueeze(1) @ coarse @ columns.unsqueeze(1).mT

    def _weights(self, coarse: Tensor, axis: int, size: int, whole: int, origin: int) -> Tensor:
        """``(size, points)``: how much of each coarse point of a tile goes into each of its rows or columns."""
        points = coarse.shape[2 + axis]
        count = points + (whole - size) // self.step
        where = torch.arange(origin, origin + size, device=coarse.device, dtype=torch.float32)
        where = ((where + 0.5) * (count / whole) - 0.5).clamp(0, count - 1) - origin / self.step
        distance = where.clamp(0, points - 1).unsqueeze(1) - torch.arange(points, device=coarse.device)
        return (1 - distance.abs()).clamp(min=0).to(coarse.dtype)


class PixelAttention(nn.Module):
    """Pixel attention of PAN: every value times a gate computed from all channels of its pixel.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.

    Paper: Zhao et al., "Efficient Image Super-Resolution Using Pixel Attention", ECCV Workshops 2020, arXiv 2010.01073.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        check_positive(dim=dim)
        self.conv = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv(x))
