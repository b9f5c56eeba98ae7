"""Tiles cover a picture once, are equal, aligned and deep enough."""

import pytest

from srblocks.inference.tiling import TileGrid


@pytest.mark.parametrize("length", [1, 7, 16, 33, 64, 100, 257])
@pytest.mark.parametrize("tile", [1, 8, 16, 48, 300, None])
@pytest.mark.parametrize("overlap", [0, 1, 7, 16])
@pytest.mark.parametrize("multiple_of", [1, 4, 16])
def test_every_pixel_is_taken_once_and_from_deep_inside(
    length: int, tile: int | None, overlap: int, multiple_of: int
) -> None:
    spans = [row for row, _ in TileGrid(length, 1, tile, overlap, multiple_of)]
    assert [span.first for span in spans] == [0, *(span.last for span in spans[:-1])]
    assert spans[-1].last == length
    assert len({span.stop - span.start for span in spans}) == 1
    size = spans[0].stop - spans[0].start
    for span in spans:
        assert 0 <= span.start <= span.first < span.last <= span.stop <= length
        assert span.start % multiple_of == 0
        assert (length - size) % multiple_of == 0
        if size > overlap + multiple_of:
            assert span.start == 0 or span.first - span.start >= overlap // 2
            assert span.stop == length or span.stop - span.last >= overlap // 2


def test_a_grid_knows_its_number_of_tiles() -> None:
    grid = TileGrid(100, 60, tile=40, overlap=10)
    assert len(grid) == len(list(grid)) == 6
