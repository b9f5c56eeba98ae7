"""QuickSRNet: its start, and the factor that is no whole number."""

from pathlib import Path

import pytest
import torch
from torch import nn

import srblocks as sr
from srblocks.models import QuickSRNet
from tests.helpers import add_noise, golden

PARAMETERS = {"quicksrnet_small": 22_875, "quicksrnet_medium": 50_619, "quicksrnet_large": 415_695}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts_at_one_and_a_half(name: str) -> None:
    with torch.device("meta"):
        net = getattr(sr.models, name)(1.5)
    assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("connected", [False, True])
def test_one_and_a_half_takes_every_size(connected: bool, tmp_path: Path) -> None:
    net = QuickSRNet(1.5, dim=6, input_connection=connected)
    add_noise(net)
    assert net.scale is None
    for height, width in ((1, 1), (7, 4), (6, 9)):
        assert net(torch.rand(2, 3, height, width)).shape == (2, 3, 3 * height // 2, 3 * width // 2)
    x = torch.rand(1, 3, 7, 9)
    for form in (net.fuse(), net.reference()):
        assert torch.equal(form(x), net(x))
    for layout in (None, "quic"):
        sr.save(net, tmp_path / "net.pth", layout=layout)
        again = sr.load(tmp_path / "net.pth")
        assert again.arguments == net.arguments
        assert torch.equal(again(x), net(x))


def test_an_upscaler_wants_a_whole_factor() -> None:
    with pytest.raises(sr.ArgumentError, match="net must have one whole factor"):
        sr.Upscaler(QuickSRNet(1.5))


@pytest.mark.parametrize("scale", [0, 2.5, 2.0, "2"])
def test_other_factors_are_refused(scale: object) -> None:
    with pytest.raises(sr.ArgumentError, match="scale must be a whole number"):
        QuickSRNet(scale)  # type: ignore[arg-type]


def test_the_connection_starts_as_the_reference_s_anchor() -> None:
    case = golden("quicksrnet/AnchorOp")
    connection = QuickSRNet(2, input_connection=True).connection
    assert isinstance(connection, nn.Conv2d)
    for key, tensor in case.state.items():
        assert torch.equal(connection.state_dict()[key.removeprefix("net.")], tensor)
    x = case.inputs(torch.float64, torch.device("cpu"))[0]
    assert torch.equal(connection.double()(x), case.outputs[0])


def test_the_identity_is_added_to_random_kernels() -> None:
    torch.manual_seed(0)
    net = QuickSRNet(3, dim=8, num_blocks=1)
    torch.manual_seed(0)
    plain = [nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 27, 3)]
    added = [
        net.get_parameter(f"{name}.weight") - conv.weight
        for name, conv in zip(("body.0", "body.2", "tail"), plain, strict=True)
    ]
    for kernel, ones in zip(added, (3, 8, 27), strict=True):
        torch.testing.assert_close(kernel.sum(), torch.tensor(float(ones)))
        assert (kernel.abs() > 1e-6).sum() == ones
    assert all(added[2][o, o // 9, 1, 1] > 0.9 for o in range(27))
