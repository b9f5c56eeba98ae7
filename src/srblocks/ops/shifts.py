"""Moving groups of channels by one pixel, so that a 1×1 convolution after it sees the neighbours."""

import torch
import torch.nn.functional as F
from torch import Tensor

# What the output pixel (y, x) of each group of channels reads, as (dy, dx); the last group takes the remainder.
CROSS = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))


def shift_cross(x: Tensor) -> Tensor:
    """Move four fifths of the channels by one pixel each way, zeros coming in at the border.

    The channels of ``(N, C, H, W)`` are cut into five groups of C // 5 (the last takes the remainder), which read
    their right, left, lower and upper neighbour and themselves.
    """
    group = x.shape[1] // 5
    right, left, down, up, rest = x.tensor_split((group, 2 * group, 3 * group, 4 * group), dim=1)
    return torch.cat(
        (
            F.pad(right[..., :, 1:], (0, 1, 0, 0)),
            F.pad(left[..., :, :-1], (1, 0, 0, 0)),
            F.pad(down[..., 1:, :], (0, 0, 0, 1)),
            F.pad(up[..., :-1, :], (0, 0, 1, 0)),
            rest,
        ),
        dim=1,
    )


def cross_kernels(channels: int) -> Tensor:
    """The depthwise 3×3 kernels ``(channels, 1, 3, 3)`` of zeros and ones that compute :func:`shift_cross`."""
    kernels = torch.zeros(channels, 1, 3, 3)
    group = channels // 5
    for index, (dy, dx) in enumerate(CROSS):
        end = channels if index == len(CROSS) - 1 else (index + 1) * group
        kernels[index * group : end, 0, 1 + dy, 1 + dx] = 1
    return kernels
