"""Layers that resize maps: in a tile they compute what they compute of the whole picture."""

import pytest
import torch
from torch import nn

from srblocks.layers import ESA
from srblocks.layers.tiles import Whole, tiles_of


@pytest.mark.parametrize("size", [(200, 173), (131, 246)])
@pytest.mark.parametrize("padded", [True, False])
def test_esa_gives_in_tiles_what_it_gives_of_the_whole_map(
    size: tuple[int, int], padded: bool, device: torch.device
) -> None:
    layer = ESA(6, esa_dim=4, num_convs=2, padded=padded).double().to(device)
    x = torch.randn(1, 6, *size, dtype=torch.float64, device=device)
    # On the grid of the coarse map, and with the picture's remainder, as the Upscaler cuts them.
    side = [length % ESA.step + 16 * ESA.step for length in size]
    origins = [(0, 0), (2 * ESA.step, ESA.step), (size[0] - side[0], size[1] - side[1])]
    tiles = torch.cat([x[:, :, top : top + side[0], left : left + side[1]] for top, left in origins])
    with tiles_of(Whole(size, origins)):
        together = layer(tiles)
    whole, margin = layer(x), 42
    for (top, left), tile, alone in zip(origins, together, layer(tiles), strict=True):
        rows, columns = (
            slice(margin if start else 0, side[axis] - (margin if start + side[axis] < size[axis] else 0))
            for axis, start in enumerate((top, left))
        )
        expected = whole[0, :, top : top + side[0], left : left + side[1]][:, rows, columns]
        torch.testing.assert_close(tile[:, rows, columns], expected)
        assert (alone[:, rows, columns] - expected).abs().max() > 1e-6


def test_outside_of_tiles_nothing_is_known_of_a_whole() -> None:
    layer, x = ESA(4, esa_dim=2), torch.randn(1, 4, 30, 31)
    before = layer(x)
    with pytest.raises(ZeroDivisionError), tiles_of(Whole((60, 60), [(0, 0)])):
        raise ZeroDivisionError
    assert isinstance(layer, nn.Module)
    assert torch.equal(layer(x), before)
