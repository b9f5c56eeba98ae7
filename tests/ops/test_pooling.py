"""Cells of uneven size are the same whether torch pools them or a graph does."""

import pytest
import torch

from srblocks.ops.pooling import adaptive_max_pool, nearest_cells

SIZES = [(16, 16), (17, 23), (31, 40), (47, 33), (100, 61)]


@pytest.mark.parametrize("stride", [2, 3, 8, 16])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_graph_pools_as_torch_does(
    stride: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    x = torch.randn(2, 3, *size, device=device)
    pooled = adaptive_max_pool(x, stride)
    spread = nearest_cells(pooled, *size)
    assert pooled.shape == (2, 3, size[0] // stride, size[1] // stride)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert torch.equal(adaptive_max_pool(x, stride), pooled)
    assert torch.equal(nearest_cells(pooled, *size), spread)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pixels_get_the_cell_that_they_lie_in(size: tuple[int, int]) -> None:
    rows = torch.arange(size[0] // 8).float().view(1, 1, -1, 1)
    assert nearest_cells(rows, *size)[0, 0, :, -1].tolist() == [i * (size[0] // 8) // size[0] for i in range(size[0])]
