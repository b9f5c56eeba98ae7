"""Padding at the bottom and the right, for networks that want a certain size."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

PadMode = Literal["reflect", "zeros"]


def pad_to(x: Tensor, height: int, width: int, mode: PadMode = "reflect") -> Tensor:
    """Grow ``(N, C, H, W)`` at the bottom and the right to ``(N, C, height, width)``.

    ``"reflect"`` mirrors without repeating the edge pixel; where the picture is too small to mirror that far, the rest
    repeats the last pixel. ``"zeros"`` adds black.
    """
    bottom, right = height - x.shape[-2], width - x.shape[-1]
    if bottom == 0 and right == 0:
        return x
    if mode == "zeros":
        return F.pad(x, (0, right, 0, bottom))
    mirrored = (0, min(right, x.shape[-1] - 1), 0, min(bottom, x.shape[-2] - 1))
    x = F.pad(x, mirrored, mode="reflect")
    repeated = (0, right - mirrored[1], 0, bottom - mirrored[3])
    return F.pad(x, repeated, mode="replicate") if any(repeated) else x
