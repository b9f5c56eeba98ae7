"""ETDS: two streams that become one plain chain, with and without its clip."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import srblocks as sr
from srblocks.models import ETDS
from tests.helpers import FORMS, add_noise, golden, golden_names, relative_error

TRAINING = [
    name for name in golden_names(whole_networks=True) if name.startswith("etds/") and not name.endswith("_deploy")
]


@pytest.mark.parametrize("name", TRAINING)
def test_both_streams_equal_their_reference(
    name: str, tmp_path: Path, device: torch.device, dtype: torch.dtype
) -> None:
    case = golden(name)
    save_file(case.state, tmp_path / "reference.safetensors")
    net = sr.load(tmp_path / "reference.safetensors", arguments=case.kwargs, device=device, dtype=dtype)
    for form in (net, net.reference()):
        assert isinstance(form, ETDS)
        for actual, expected in zip(form.streams(case.inputs(dtype, device)[0]), case.outputs, strict=True):
            assert relative_error(actual, expected) <= case.tolerance(dtype)


@pytest.mark.parametrize("scale", [2, 3])
def test_the_clip_is_part_of_every_form(scale: int, device: torch.device, dtype: torch.dtype) -> None:
    clipped, free = ETDS(scale, dim=8, num_blocks=2, clip=True), ETDS(scale, dim=8, num_blocks=2)
    add_noise(clipped, std=0.2)
    free.load_state_dict(clipped.state_dict())
    x = torch.rand(1, 3, 9, 11, device=device, dtype=dtype)
    expected = free.to(device, dtype)(x)
    assert not ((expected >= 0) & (expected <= 1)).all()
    for form in (free.reference(), free.fuse()):
        assert relative_error(form(x), expected) < FORMS[dtype]
    for form in (clipped.to(device, dtype), clipped.reference(), clipped.fuse()):
        assert relative_error(form(x), expected.clamp(0, 1)) < FORMS[dtype]


def test_the_fused_form_is_convolutions_and_relus() -> None:
    fused = ETDS(3, dim=8, num_blocks=2, clip=True).fuse()
    parts = {type(module) for module in fused.modules() if not list(module.children())}
    assert parts == {nn.Conv2d, nn.PixelShuffle}


@pytest.mark.parametrize("exchange", ["none", "inject", "both"])
def test_the_narrow_stream_starts_as_the_picture(exchange: str) -> None:
    net = ETDS(3, dim=8, residual_dim=4, exchange=exchange)  # type: ignore[arg-type]
    x = torch.rand(1, 3, 5, 6)
    _, narrow = net.streams(x)
    assert torch.equal(narrow, nn.functional.interpolate(x, scale_factor=3, mode="nearest"))


def test_a_fused_network_has_no_streams() -> None:
    with pytest.raises(sr.SRBlocksError, match="because it is fused"):
        ETDS(2, dim=8).fuse().streams(torch.rand(1, 3, 5, 6))


def test_the_authors_plain_layout_has_no_place_for_a_network_without_its_clip(tmp_path: Path) -> None:
    with pytest.raises(sr.CheckpointError, match="has no name for"):
        sr.save(ETDS(2, dim=8).fuse(), tmp_path / "net.pth", layout="ecnu-plain")


def test_a_plain_file_that_lacks_something_is_told_so(tmp_path: Path) -> None:
    state = golden("etds/etds_x2_deploy").state
    del state["conv_first.bias"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(sr.CheckpointError, match=r"etds as ecnu-plain saves it: missing are 'conv_first\.bias'"):
        sr.load(tmp_path / "cut.pth")


def test_plain_weights_without_a_clip_are_recognised(tmp_path: Path) -> None:
    net = ETDS(3, dim=8, num_blocks=2).fuse()
    torch.save(net.state_dict(), tmp_path / "bare.pth")
    again = sr.load(tmp_path / "bare.pth")
    assert (again.form, again.arguments) == ("fused", net.arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residual_dim": 2}, "residual_dim must be at least in_channels = 3 and less than dim = 32, not 2"),
        ({"dim": 3}, "less than dim = 3, not 3"),
        ({"exchange": "all"}, "exchange must be one of none, inject, both"),
        ({"num_blocks": 0}, "num_blocks must be"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        ETDS(4, **arguments)  # type: ignore[arg-type]
