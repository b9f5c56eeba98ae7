"""ECBSR: activations, colours, and the constants of its files."""

from pathlib import Path
from typing import get_args

import pytest
import torch

import srblocks as sr
from srblocks.models import ECBSR
from srblocks.models.ecbsr import Activation
from tests.helpers import FORMS, add_noise, golden, relative_error


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("identity", [False, True])
def test_every_activation_is_fused(
    activation: Activation, identity: bool, device: torch.device, dtype: torch.dtype
) -> None:
    # With four channels of one colour at ×2 the last ECB has an identity, too.
    net = ECBSR(2, dim=4, num_blocks=1, activation=activation, identity=identity)
    add_noise(net, std=0.2)
    net.to(device, dtype).eval()
    x = torch.rand(1, 1, 7, 9, device=device, dtype=dtype)
    expected = net.reference()(x)
    for form in (net, net.fuse()):
        assert relative_error(form(x), expected) < FORMS[dtype]


def test_gradients_reach_all_but_the_biases_that_cancel() -> None:
    net = ECBSR(2, dim=4, num_blocks=1, in_channels=3, activation="softplus")
    add_noise(net, std=0.3)
    net(torch.rand(2, 3, 8, 8)).square().mean().backward()
    dead = {name for name, p in net.named_parameters() if p.grad is not None and not p.grad.any()}
    assert dead == {name for name, _ in net.named_parameters() if name.endswith("pointwise.bias")}


def test_one_channel_is_luma_in_the_reference_s_range() -> None:
    luma, colours = ECBSR(2, dim=4), ECBSR(2, dim=4, in_channels=3)
    assert (luma.colors, luma.reference_range) == ("y", 255.0)
    assert (colours.colors, colours.reference_range) == ("rgb", 1.0)


def test_a_file_with_other_edge_filters_is_refused(tmp_path: Path) -> None:
    state = golden("ecbsr/ecbsr_x2_y").state
    state["backbone.1.conv1x1_lpl.mask"][0, 0, 1, 1] = -8
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(sr.CheckpointError, match=r"backbone\.1\.conv1x1_lpl\.mask .* is not the constant"):
        sr.load(tmp_path / "other.pth")


def test_a_bad_activation_is_named() -> None:
    with pytest.raises(sr.ArgumentError, match="activation must be one of prelu, relu, rrelu, softplus, linear"):
        ECBSR(2, activation="tanh")  # type: ignore[arg-type]
