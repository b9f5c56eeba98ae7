"""From a map to coarse cells and back, for sizes that are no multiple of a cell too.

Both functions are torch's own, written out while a graph is made: torch binds the graph of the one to a single size,
and ONNX has no operator for it; of the other, ONNX Runtime rounds some positions to another cell.
"""

import torch
import torch.nn.functional as F
from einops import reduce
from torch import Tensor


def adaptive_max_pool(x: Tensor, stride: int) -> Tensor:
    """The largest value of every cell: ``(N, C, H, W)`` -> ``(N, C, H // stride, W // stride)``.

    As ``F.adaptive_max_pool2d``: of n cells along H pixels, cell j goes from pixel ⌊j·H / n⌋ to ⌈(j + 1)·H / n⌉. They
    are squares of ``stride`` pixels where H and W are multiples of it; else they are up to 2·stride - 1 pixels long and
    may overlap.

    Args:
        x: H and W at least ``stride``.
        stride: side of a cell.
    """
    if not torch.compiler.is_compiling():
        return F.adaptive_max_pool2d(x, (x.shape[-2] // stride, x.shape[-1] // stride))
    return _pool_rows(_pool_rows(x, stride).transpose(-1, -2), stride).transpose(-1, -2)


def nearest_cells(cells: Tensor, height: int, width: int) -> Tensor:
    """Every pixel's cell: ``(N, C, h, w)`` -> ``(N, C, height, width)``; pixel i of H gets cell ⌊i·h / H⌋."""
    if not torch.compiler.is_compiling():
        return F.interpolate(cells, size=(height, width), mode="nearest")
    rows = torch.arange(height, device=cells.device) * cells.shape[-2] // height
    columns = torch.arange(width, device=cells.device) * cells.shape[-1] // width
    return cells.index_select(-2, rows).index_select(-1, columns)


def _pool_rows(x: Tensor, stride: int) -> Tensor:
    length = x.shape[-2]
    cells = length // stride
    cell = torch.arange(cells, device=x.device)
    first, last = cell * length // cells, ((cell + 1) * length - 1) // cells
    # As many steps as the longest cell may need; a shorter one meets its last row again.
    rows = torch.minimum(first[:, None] + torch.arange(2 * stride - 1, device=x.device), last[:, None])
    return reduce(x.index_select(-2, rows.flatten()), "n c (cell row) w -> n c cell w", "max", cell=cells)
