"""Gates per channel, computed from statistics of the whole map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive


class CALayer(nn.Module):
    """Channel attention of RCAN: every channel times a gate computed from the means of all channels.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels.
        reduction: the gate's bottleneck has dim // reduction channels ...
        squeeze_dim: ... or this many.

    Raises:
        ArgumentError: an argument is below 1, or the bottleneck would have no channel.

    Paper: Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks", arXiv 1807.02758.
    """

    def __init__(self, dim: int, *, reduction: int = 16, squeeze_dim: int | None = None) -> None:
        super().__init__()
        check_positive(dim=dim, reduction=reduction)
        if squeeze_dim is None:
            squeeze_dim = dim // reduction
            if squeeze_dim < 1:
                raise ArgumentError(f"reduction must be at most dim = {dim}, not {reduction}; or give squeeze_dim.")
        check_positive(squeeze_dim=squeeze_dim)
        self.down = nn.Conv2d(dim, squeeze_dim, 1)
        self.up = nn.Conv2d(squeeze_dim, dim, 1)

    def statistics(self, x: Tensor) -> Tensor:
        """What the gate is computed from: ``(N, dim, H, W)`` -> ``(N, dim, 1, 1)``."""
        return x.mean((-2, -1), keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.up(F.relu(self.down(self.statistics(x)))))


class CCALayer(CALayer):
    """Contrast-aware channel attention of IMDN: as :class:`CALayer`, from mean plus standard deviation.

    The standard deviation is the population's, without an epsilon. Where a channel is constant its gradient is taken
    to be zero (it has none).

    Paper: Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network",
    arXiv 1909.11856.
    """

    def statistics(self, x: Tensor) -> Tensor:
        mean = x.mean((-2, -1), keepdim=True)
        variance = (x - mean).square().mean((-2, -1), keepdim=True)
        constant = variance == 0
        return mean + variance.masked_fill(constant, 1).sqrt().masked_fill(constant, 0)
