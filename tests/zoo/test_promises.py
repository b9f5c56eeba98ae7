"""What every family of the zoo keeps. A new family is here by being in the registry."""

import copy
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import srblocks as sr
from srblocks.hub.checkpoints import read_checkpoint
from srblocks.hub.detection import find_matches
from tests.helpers import FORMS, add_noise, relative_error
from tests.zoo.networks import draw, picture

SEEDS = range(6)


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (19, 2), (7, 5), (18, 33)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_every_size_is_enlarged(family: sr.Family, size: tuple[int, int], device: torch.device) -> None:
    for seed in SEEDS:
        net = draw(family, seed).to(device)
        y = net(picture(net, *size, batch=2).to(device))
        assert net.scale is not None
        assert y.shape == (2, net.in_channels, net.scale * size[0], net.scale * size[1])
        assert torch.isfinite(y).all()


def test_a_batch_is_its_pictures(family: sr.Family, device: torch.device) -> None:
    net = draw(family).double().to(device)
    x = picture(net, 9, 20, batch=3).double().to(device)
    torch.testing.assert_close(net(x)[1:2], net(x[1:2]))


@pytest.mark.promise("gradients")
def test_gradients_reach_every_parameter(family: sr.Family, device: torch.device) -> None:
    for seed in SEEDS:
        net = draw(family, seed).to(device).train()
        names, reached = {name for name, _ in net.named_parameters()}, set[str]()
        # A narrow layer behind a ReLU may be dead for one draw of the weights, but not for all.
        for noise in range(12):
            if reached == names:
                break
            add_noise(net, std=0.3, seed=noise)
            net.zero_grad()
            net(picture(net, 8, 8, batch=2).to(device)).square().mean().backward()
            for name, parameter in net.named_parameters():
                assert parameter.grad is not None, name
                assert torch.isfinite(parameter.grad).all(), name
                reached |= {name} if parameter.grad.any() else set()
        assert reached == names


@pytest.mark.promise("forms")
def test_all_forms_agree(family: sr.Family, device: torch.device, dtype: torch.dtype) -> None:
    for seed in SEEDS:
        net = draw(family, seed).to(device, dtype)
        x = picture(net, 18, 21, batch=2).to(device, dtype)
        expected = net.reference()(x)
        for form in (net, net.fuse(), net.reference().fuse()):
            assert relative_error(form(x), expected) < FORMS[dtype]


@pytest.mark.parametrize("fused", [False, True], ids=["training", "fused"])
def test_weights_come_back(family: sr.Family, fused: bool, tmp_path: Path) -> None:
    for seed in SEEDS:
        net = draw(family, seed)
        net = net.fuse() if fused else net
        sr.save(net, tmp_path / "net.safetensors")
        again = sr.load(tmp_path / "net.safetensors")
        assert type(again) is type(net)
        assert (again.arguments, again.form) == (net.arguments, net.form)
        x = picture(net, 9, 12)
        assert torch.equal(again(x), net(x))


def test_every_layout_s_files_come_back(family: sr.Family, tmp_path: Path) -> None:
    for layout in family.layouts:
        for seed in SEEDS:
            net = draw(family, seed)
            net = net.fuse() if layout.form == "fused" else net
            for suffix in ("safetensors", "pth"):
                sr.save(net, tmp_path / f"net.{suffix}", layout=layout.name)
                again = sr.load(tmp_path / f"net.{suffix}")
                assert again.state_dict().keys() == net.state_dict().keys()
                for key, tensor in net.state_dict().items():
                    assert torch.equal(again.state_dict()[key], tensor), key


def test_a_layout_of_one_form_refuses_the_other(family: sr.Family, tmp_path: Path) -> None:
    net = draw(family)
    forms = {"training": net, "fused": net.fuse()}
    if net.state_dict().keys() != forms["fused"].state_dict().keys():
        for layout in family.layouts:
            other = forms["training" if layout.form == "fused" else "fused"]
            with pytest.raises(sr.CheckpointError, match="has no name for"):
                sr.save(other, tmp_path / "net.pth", layout=layout.name)


@pytest.mark.parametrize("fused", [False, True], ids=["training", "fused"])
def test_a_bare_state_dict_shows_what_it_is_of(family: sr.Family, fused: bool, tmp_path: Path) -> None:
    for seed in range(12):
        net = draw(family, seed)
        net = net.fuse() if fused else net
        torch.save(net.state_dict(), tmp_path / "bare.pth")
        matches = find_matches(read_checkpoint(tmp_path / "bare.pth"))
        assert [match.family.name for match in matches] == [family.name]
        for name, value in net.arguments.items():
            if name in family.hidden:
                continue
            assert matches[0].origins[name] == "seen"
            assert matches[0].arguments[name] == value


@pytest.mark.promise("tiles")
def test_a_tile_with_its_surroundings_gives_the_whole_picture_s_result(family: sr.Family) -> None:
    networks = (draw(family, seed).double() for seed in range(40))
    net = next((net for net in networks if net.receptive_field is not None), None)
    assert net is not None, "no network has a finite receptive field"
    assert net.scale is not None
    assert net.receptive_field is not None
    step = net.size_rule.multiple_of
    halo = -(-(net.receptive_field // 2) // step) * step
    first, last = halo + step, halo + 5 * step
    x = picture(net, last + halo + 3, last + halo + 7).double()
    tile = net(x[..., first - halo : last + halo, first - halo : last + halo])
    s = net.scale
    inner = tile[..., s * halo : s * (halo + last - first), s * halo : s * (halo + last - first)]
    torch.testing.assert_close(inner, net(x)[..., s * first : s * last, s * first : s * last])
    # One pixel less does not do: the field is not claimed too large.
    smaller = net(x[..., first - halo + 1 : last + halo - 1, first - halo + 1 : last + halo - 1])
    edge = s * (halo - 1)
    cut = smaller[..., edge : edge + s * (last - first), edge : edge + s * (last - first)]
    assert relative_error(cut, inner) > 1e-12


def test_networks_without_a_receptive_field_have_none(family: sr.Family) -> None:
    for seed in SEEDS:
        net = draw(family, seed).double()
        if net.receptive_field is None:
            x = picture(net, 64, 64).double()
            assert net.scale is not None
            half = net(x[..., :32, :])[..., : 8 * net.scale, :]
            assert relative_error(half, net(x)[..., : 8 * net.scale, :]) > 1e-12


# How far half precision may be from float32, relative to the largest value; the docs give this as the dtype table.
HALF = {torch.float16: 0.02, torch.bfloat16: 0.15}


@pytest.mark.promise("float16")
def test_float16_is_finite_and_close(family: sr.Family, device: torch.device) -> None:
    assert_half_is_close(family, device, torch.float16)


@pytest.mark.promise("bfloat16")
def test_bfloat16_is_finite_and_close(family: sr.Family, device: torch.device) -> None:
    assert_half_is_close(family, device, torch.bfloat16)


def assert_half_is_close(family: sr.Family, device: torch.device, dtype: torch.dtype) -> None:
    for seed in SEEDS:
        net = draw(family, seed).to(device)
        x = picture(net, 18, 21).to(device)
        expected = net(x)
        for form in (net, net.fuse()):
            y = copy.deepcopy(form).to(dtype)(x.to(dtype))
            assert y.dtype == dtype
            assert torch.isfinite(y).all()
            assert relative_error(y, expected) < HALF[dtype]


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_copies_compute_the_same(family: sr.Family, copier: Callable[[sr.SRModel], sr.SRModel]) -> None:
    net = draw(family)
    x = picture(net, 9, 12)
    expected = net(x)  # fills the constants
    twin = copier(net)
    assert torch.equal(twin(x), expected)
    assert twin.arguments == net.arguments
    assert all(a.data_ptr() != b.data_ptr() for a, b in zip(net.parameters(), twin.parameters(), strict=True))


def test_it_can_be_built_without_memory(family: sr.Family) -> None:
    with torch.device("meta"):
        net = family.network(**draw(family).arguments)
        x = torch.rand(1, net.in_channels, 20, 24)
    assert all(tensor.is_meta for tensor in net.state_dict().values())
    assert net(x).is_meta
    assert all(tensor.is_meta for tensor in net.eval().fuse().state_dict().values())


def test_inference_mode_does_not_spoil_training(family: sr.Family) -> None:
    net = draw(family)
    x = picture(net, 9, 12)
    with torch.inference_mode():
        net(x)
    net(x).sum().backward()


def test_the_record_is_consistent(family: sr.Family) -> None:
    parameters = inspect.signature(family.network).parameters
    assert set(family.hidden) <= set(parameters)
    assert [p.kind for p in parameters.values()][1:] == [inspect.Parameter.KEYWORD_ONLY] * (len(parameters) - 1)
    for constructor in family.constructors:
        with torch.device("meta"):
            assert constructor().family is family
            assert {constructor(scale).scale for scale in family.scales} == set(family.scales)
        assert constructor.__doc__
    known = {"gradients", "forms", "tiles", "float16", "bfloat16", "export", "onnx", "compile"}
    assert set(family.exceptions) <= known
    assert all(reason.endswith(".") for reason in family.exceptions.values())
