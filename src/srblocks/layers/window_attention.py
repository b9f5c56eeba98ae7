"""The attention block of ELAN.

Zhang et al., "Efficient Long-Range Attention Network for Image Super-resolution", ECCV 2022, arXiv 2203.06697.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError
from srblocks.layers.checks import check_multiple, check_positive
from srblocks.layers.constants import Constants
from srblocks.layers.conv import ConvBatchNorm
from srblocks.layers.fusion import HasReference
from srblocks.ops.attention import attention
from srblocks.ops.shifts import cross_kernels, shift_cross
from srblocks.ops.windows import from_windows, to_windows


class ShiftConv(HasReference):
    """A 1×1 convolution that sees the four neighbours: fifths of its input are moved by one pixel first.

    The moving costs no parameters and next to no arithmetic; the reference form is the paper's depthwise 3×3
    convolution with kernels of zeros and ones.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H, W)``.

    Args:
        in_channels: channels of the input. The moved groups have in_channels // 5 each, the unmoved one the rest.
        out_channels: channels of the output.

    Paper: arXiv 2203.06697.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)
        self._constants = Constants()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(self._depthwise(x) if self.explicit else shift_cross(x))
        return y

    def _depthwise(self, x: Tensor) -> Tensor:
        channels = self.conv.in_channels
        kernels = self._constants.get("cross", x, lambda: cross_kernels(channels))
        return F.conv2d(x, kernels, padding=1, groups=channels)


class GMSA(HasReference):
    """Group-wise multi-scale self-attention: each third of the channels attends in windows of another size.

    Queries and keys are the same tensor, the scores have no scale, bias or mask, and there is one head per group.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of every window size.

    Args:
        dim: feature channels, a multiple of the number of windows.
        window_sizes: the side of each group's windows.
        shifted: move the map cyclically by half a window before cutting it, and back afterwards. Pixels wrap around the
            border of the map.
        reuses_scores: take the scores of an earlier layer instead of computing its own.

    Raises:
        ArgumentError: a size is below 1, or ``dim`` is not a multiple of the number of windows.
        InputError: (when called) H or W is not a multiple of the window sizes.

    Paper: arXiv 2203.06697.
    """

    def __init__(
        self,
        dim: int,
        *,
        window_sizes: Sequence[int] = (4, 8, 16),
        shifted: bool = False,
        reuses_scores: bool = False,
    ) -> None:
        super().__init__()
        check_positive(dim=dim)
        check_window_sizes(window_sizes)
        if dim % len(window_sizes):
            raise ArgumentError(f"dim must be a multiple of the number of windows, {len(window_sizes)}, not {dim}.")
        self.window_sizes, self.shifted, self.reuses_scores = tuple(window_sizes), shifted, reuses_scores
        self.project_in = ConvBatchNorm(dim, dim if reuses_scores else 2 * dim)
        self.project_out = nn.Conv2d(dim, dim, 1)

    def forward(
        self, x: Tensor, scores: Sequence[Tensor] | None = None, *, want_scores: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Attend.

        Args:
            x: ``(N, dim, H, W)``.
            scores: where ``reuses_scores``, one tensor ``(N · windows, size², size²)`` per group.
            want_scores: return the scores that were computed.

        Returns:
            The map ``(N, dim, H, W)``, and the scores (those given, or an empty list where they are not wanted).
        """
        height, width = x.shape[-2:]
        check_multiple(x, math.lcm(*self.window_sizes), "GMSA")
        if self.reuses_scores != (scores is not None):
            raise InputError(
                "GMSA needs the scores of an earlier layer."
                if self.reuses_scores
                else "This GMSA makes its own scores."
            )
        outputs, kept = [], []
        groups = self.project_in(x).chunk(len(self.window_sizes), dim=1)
        for index, (group, size) in enumerate(zip(groups, self.window_sizes, strict=True)):
            # Floor division of the negative, as in the authors' code; it matters for odd windows only.
            if self.shifted:
                group = group.roll((-size // 2, -size // 2), (-2, -1))
            windows = to_windows(group, size)
            if scores is not None:
                attended = scores[index] @ windows
                kept.append(scores[index])
            else:
                query, value = windows.chunk(2, dim=-1)
                attended, own = attention(
                    query, query, value, scale=1.0, want_scores=want_scores, explicit=self.explicit
                )
                if own is not None:
                    kept.append(own)
            output = from_windows(attended, size, height, width)
            outputs.append(output.roll((size // 2, size // 2), (-2, -1)) if self.shifted else output)
        y: Tensor = self.project_out(torch.cat(outputs, dim=1))
        return y, kept


class ELAB(nn.Module):
    """Efficient long-range attention block: shift-convolutions for the neighbourhood, GMSA for the distance.

    ``1 + num_shared`` sub-layers of both; the first computes the attention scores, the others use them again.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of every window size.

    Args:
        dim: feature channels, a multiple of the number of windows.
        window_sizes: the windows of the three groups of channels.
        shifted: shift the windows by half their size, cyclically and without a mask.
        num_shared: sub-layers that reuse the scores of the first.
        expansion: how many times wider the features between the two shift-convolutions are.

    Raises:
        ArgumentError: a size is below 1, or ``dim`` is not a multiple of the number of windows.
        InputError: (when called) H or W is not a multiple of the window sizes.

    Paper: Zhang et al., arXiv 2203.06697.
    """

    def __init__(
        self,
        dim: int,
        *,
        window_sizes: Sequence[int] = (4, 8, 16),
        shifted: bool = False,
        num_shared: int = 0,
        expansion: int = 2,
    ) -> None:
        super().__init__()
        check_positive(dim=dim, expansion=expansion)
        if num_shared < 0:
            raise ArgumentError(f"num_shared must be at least 0, not {num_shared}.")
        self.local = nn.ModuleList(
            nn.Sequential(ShiftConv(dim, expansion * dim), nn.ReLU(), ShiftConv(expansion * dim, dim))
            for _ in range(1 + num_shared)
        )
        self.attention = nn.ModuleList(
            GMSA(dim, window_sizes=window_sizes, shifted=shifted, reuses_scores=index > 0)
            for index in range(1 + num_shared)
        )

    def forward(self, x: Tensor) -> Tensor:
        scores: list[Tensor] | None = None
        for local, gmsa in zip(self.local, self.attention, strict=True):
            x = x + local(x)
            attended, scores = gmsa(x, scores, want_scores=len(self.local) > 1)
            x = x + attended
        return x


def check_window_sizes(window_sizes: Sequence[int]) -> None:
    """Raise an ArgumentError unless these are one or more sides of windows."""
    if not window_sizes:
        raise ArgumentError("window_sizes must have at least one size.")
    check_positive(**{f"window_sizes[{index}]": size for index, size in enumerate(window_sizes)})
