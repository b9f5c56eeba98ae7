"""Moving groups of channels by one pixel, so that a 1×1 convolution after it sees the neighbours."""

import torch
from torch import Tensor

# What the output pixel (y, x) of each group of channels reads, as (dy, dx); the last group takes the remainder.
CROSS = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))


def shift_cross(x: Tensor) -> Tensor:
    """Move four fifths of the channels by one pixel each way, zeros coming in at the border.

    The channels of ``(N, C, H, W)`` are cut into five groups of C // 5 (the last takes the remainder), which read
    their right, left, lower and upper neighbour and themselves.
    """
    a, b, c, d = (index * (x.shape[1] // 5) for index in (1, 2, 3, 4))
    y = torch.zeros_like(x)
    y[:, :a, :, :-1] = x[:, :a, :, 1:]
    y[:, a:b, :, 1:] = x[:, a:b, :, :-1]
    y[:, b:c, :-1] = x[:, b:c, 1:]
    y[:, c:d, 1:] = x[:, c:d, :-1]
    y[:, d:] = x[:, d:]
    return y


def cross_kernels(channels: int) -> Tensor:
    """The depthwise 3×3 kernels ``(channels, 1, 3, 3)`` of zeros and ones that compute :func:`shift_cross`."""
    kernels = torch.zeros(channels, 1, 3, 3)
    group = channels // 5
    for index, (dy, dx) in enumerate(CROSS):
        end = channels if index == len(CROSS) - 1 else (index + 1) * group
        kernels[index * group : end, 0, 1 + dy, 1 + dx] = 1
    return kernels
