"""Cutting feature maps into windows of tokens, and putting them back."""

import torch
from einops import rearrange
from torch import Tensor


def to_windows(x: Tensor, size: int, *, grid: bool = False) -> Tensor:
    """Cut ``(N, C, H, W)`` into windows of ``size``² pixels: ``(N · windows, size², C)``.

    Windows and the pixels in them are ordered row by row. H and W must be multiples of ``size``. With ``grid`` a window
    does not hold neighbours, but ``size``² pixels that lie H / size rows and W / size columns apart.
    """
    pattern = "n c (a y) (b x) -> (n y x) (a b) c" if grid else "n c (y a) (x b) -> (n y x) (a b) c"
    return rearrange(x, pattern, a=size, b=size)


def from_windows(windows: Tensor, size: int, height: int, width: int, *, grid: bool = False) -> Tensor:
    """The inverse of :func:`to_windows`: back to ``(N, C, height, width)``."""
    pattern = "(n y x) (a b) c -> n c (a y) (b x)" if grid else "(n y x) (a b) c -> n c (y a) (x b)"
    return rearrange(windows, pattern, a=size, b=size, y=height // size, x=width // size)


def relative_positions(size: int) -> Tensor:
    """Which entry of a table of (2·size - 1)² relative positions belongs to each pair of tokens of a window.

    Entry ``[i, j]`` of the integer result ``(size², size²)`` counts the displacements of the query i from the key j row
    by row, from (-(size - 1), -(size - 1)) on.
    """
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    rows, columns = rows.flatten(), columns.flatten()
    dy = rows[:, None] - rows[None, :] + size - 1
    dx = columns[:, None] - columns[None, :] + size - 1
    return dy * (2 * size - 1) + dx
