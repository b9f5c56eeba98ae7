"""What only the SAFMN family has: cells that depend on the size of the picture, and a network that does not enlarge."""

from pathlib import Path

import pytest
import torch

import srblocks as sr
from tests.helpers import add_noise

# Network -> by how much its field for multiples of 8 exceeds 32 pixels per block.
LOCAL = {sr.models.SAFMN: 5, sr.models.SAFMNPP: 15, sr.models.LightSAFMNPP: 15}


@pytest.mark.parametrize("network", LOCAL, ids=lambda network: network.__name__)
@pytest.mark.parametrize("num_blocks", [1, 3])
def test_fields_of_multiples_are_the_documented_ones(network: type[sr.SRModel], num_blocks: int) -> None:
    net = network(1, dim=8, num_blocks=num_blocks)
    add_noise(net, std=0.3)
    x = torch.rand(1, 3, 192, 64)
    reach = 0
    with torch.no_grad():
        y = net(x)
        for cut in range(96, 104):
            for changed in (slice(0, cut), slice(cut, None)):
                other = x.clone()
                other[:, :, changed] = torch.rand_like(other[:, :, changed])
                same = (net(other) == y).all(3).all(1).squeeze(0)
                kept = same[cut:] if changed.start == 0 else same[:cut].flip(0)
                reach = max(reach, int((~kept).nonzero().max()) + 1)
    assert 2 * reach + 1 == 32 * num_blocks + LOCAL[network]


@pytest.mark.parametrize("network", LOCAL, ids=lambda network: network.__name__)
def test_tiles_of_multiples_are_exact(network: type[sr.SRModel]) -> None:
    net = network(2, dim=8, num_blocks=1).eval()
    add_noise(net)
    x = torch.rand(3, 136, 160)
    up = sr.Upscaler(net, tile=64, overlap=32 + LOCAL[network] - 1)
    with torch.no_grad():
        torch.testing.assert_close(up(x), net(x[None])[0], atol=1e-5, rtol=0)
        assert (up(x[:, :133]) - net(x[None, :, :133])[0]).abs().max() > 1e-5


def test_the_restoring_network_does_not_enlarge() -> None:
    with pytest.raises(sr.ArgumentError, match="scale must be 1, because this network keeps a picture's size, not 2"):
        sr.models.SAFMNBCIE(2)


def test_other_forms_of_safmnpp_are_refused(tmp_path: Path) -> None:
    sr.save(sr.models.SAFMNPP(2, dim=6, num_blocks=1), tmp_path / "net.pth", layout="sunny2109")
    assert sr.load(tmp_path / "net.pth", arguments={"use_se": False}).scale == 2
    with pytest.raises(sr.ArgumentError, match="use_se = False"):
        sr.load(tmp_path / "net.pth", arguments={"use_se": True})
