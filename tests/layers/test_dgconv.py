"""DGConv: its three forms are one function, it starts like a convolution, and can take one's place."""

import itertools
import math
from typing import Literal, get_args

import pytest
import torch
from torch import nn

import srblocks as sr
from srblocks.layers import AIIBlock, DGConv
from srblocks.layers.dgconv import BRANCHES, AlphaMode
from tests.helpers import FORMS, add_noise, relative_error

Mode = Literal["zeros", "reflect", "replicate", "circular"]


@pytest.mark.parametrize("size", [3, (1, 5), (3, 2), (4, 4), 1])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), ((1, 2), 2, 1)])
@pytest.mark.parametrize("mode", get_args(Mode))
def test_all_forms_agree(
    size: int | tuple[int, int],
    stride: int | tuple[int, int],
    dilation: int,
    groups: int,
    mode: Mode,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    layer = DGConv(4, 6, size, stride=stride, dilation=dilation, groups=groups, padding_mode=mode)
    add_noise(layer)
    layer.to(device, dtype)
    x = torch.randn(2, 4, 13, 15, device=device, dtype=dtype)
    fused = layer.fuse()
    assert type(fused) is nn.Conv2d
    expected = layer.reference()(x)
    assert relative_error(layer(x), expected) < FORMS[dtype]
    assert relative_error(fused(x), expected) < FORMS[dtype]


@pytest.mark.parametrize("alpha_mode", get_args(AlphaMode))
@pytest.mark.parametrize("branches", [BRANCHES, ("csa", "vc"), ("csg", "hg", "vg", "idg"), ("vc",), ("csg",)])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_a_new_layer_has_the_variance_of_a_convolution(
    alpha_mode: AlphaMode, branches: tuple[str, ...], kernel_size: int
) -> None:
    layer = DGConv(48, 64, kernel_size, branches=branches, alpha_mode=alpha_mode)
    conv = nn.Conv2d(48, 64, kernel_size)
    ratio = float(layer.merged_kernel().detach().square().mean() / conv.weight.detach().square().mean())
    assert ratio == pytest.approx(1, abs=0.06)


def test_the_sheet_s_first_alphas() -> None:
    layer = DGConv(3, 3)
    assert layer.get_parameter("alpha_fc.2.bias")[0].item() == pytest.approx(-0.57034, abs=1e-5)
    assert DGConv(3, 3, 5).get_parameter("alpha_fc.2.bias")[0].item() == pytest.approx(-0.62249, abs=1e-5)


@pytest.mark.parametrize("alpha_mode", get_args(AlphaMode))
def test_gradients_reach_everything_and_are_right(alpha_mode: AlphaMode) -> None:
    layer = DGConv(2, 2, alpha_mode=alpha_mode).double()
    add_noise(layer)
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def output(*parameters: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))
        return y

    # Away from the kinks of |w| and ReLU, finite differences are trustworthy.
    assert torch.autograd.gradcheck(output, tuple(layer.parameters()), atol=1e-6)
    layer(x).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())


def test_the_irregular_taps_are_saved_and_come_from_the_generator() -> None:
    first = DGConv(8, 8, generator=torch.Generator().manual_seed(1))
    again = DGConv(8, 8, generator=torch.Generator().manual_seed(1))
    other = DGConv(8, 8, generator=torch.Generator().manual_seed(2))
    location = first.state_dict()["idg.location"]
    assert location.dtype == torch.uint8
    assert torch.equal(location, again.state_dict()["idg.location"])
    assert not torch.equal(location, other.state_dict()["idg.location"])
    other.load_state_dict(first.state_dict())
    x = torch.randn(1, 8, 5, 5)
    assert torch.equal(other.fuse()(x), first.fuse()(x))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid", 2])
@pytest.mark.parametrize("alpha_mode", get_args(AlphaMode))
def test_from_conv_computes_what_the_convolution_did(groups: int, padding: str | int, alpha_mode: AlphaMode) -> None:
    conv = nn.Conv2d(4, 6, (3, 5), groups=groups, padding=padding, padding_mode="reflect").double()
    conv.weight.requires_grad_(False)
    layer = DGConv.from_conv(conv, alpha_mode=alpha_mode)
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x))
    trainable = {name for name, parameter in layer.named_parameters() if parameter.requires_grad}
    assert trainable == {"bias"}


def test_from_conv_can_be_trained_in_every_branch() -> None:
    layer = DGConv.from_conv(nn.Conv2d(3, 4, 3))
    layer(torch.randn(1, 3, 8, 8)).square().sum().backward()
    for branch in BRANCHES:
        gradient = layer.get_parameter(f"{branch}.weight").grad
        assert gradient is not None
        assert gradient.abs().max() > 0


def test_branches_that_vanish_are_left_out() -> None:
    assert DGConv(2, 2, 1).branches == ("csa", "vc")
    assert DGConv(2, 2, (1, 3)).branches == ("csg", "csa", "hg", "vc", "idg")
    with pytest.raises(ValueError, match="vanish"):
        DGConv(2, 2, (1, 3), branches=("vg",))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"branches": ("vc", "xy")}, "branches may be"),
        ({"alpha_mode": "tanh"}, "alpha_mode must be"),
        ({"groups": 3}, "groups must divide"),
        ({"padding_mode": "mirror"}, "padding_mode must be"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        DGConv(4, 4, **arguments)  # type: ignore[arg-type]


def test_it_is_no_conv2d_so_that_initialisation_loops_leave_it_alone() -> None:
    assert not isinstance(DGConv(2, 2), nn.Conv2d)


def test_kernels_merge_in_float32_under_autocast() -> None:
    layer = DGConv(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(torch.randn(1, 4, 8, 8))
        assert layer.merged_kernel().dtype == torch.float32
    assert y.dtype == torch.bfloat16


def test_fusing_keeps_dtype_and_what_is_trainable() -> None:
    layer = DGConv(4, 4).bfloat16().requires_grad_(False).eval()
    fused = layer.fuse()
    assert fused.weight.dtype == torch.bfloat16
    assert not fused.weight.requires_grad
    assert not fused.training


@pytest.mark.parametrize("att", ["ca", "cca", "esa", "none"])
def test_the_merged_block_equals_the_block(
    att: Literal["ca", "cca", "esa", "none"], device: torch.device, dtype: torch.dtype
) -> None:
    block = AIIBlock(8, att=att)
    add_noise(block)
    block.to(device, dtype)
    x = torch.randn(2, 8, 16, 19, device=device, dtype=dtype)
    fused = block.fuse()
    convs = [module for module in fused.modules() if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)]
    assert len(convs) == (2 if att != "esa" else 6)
    expected = sr.as_reference(block)(x)
    assert relative_error(block(x), expected) < FORMS[dtype]
    assert relative_error(fused(x), expected) < FORMS[dtype]


def test_a_structural_path_answers_a_constant_with_its_bias() -> None:
    struct = AIIBlock(4).struct
    y = struct(torch.full((1, 4, 9, 9), 0.7))[..., 1:-1, 1:-1]
    assert struct.bias is not None
    torch.testing.assert_close(y, struct.bias.view(1, -1, 1, 1).expand_as(y), atol=1e-5, rtol=0)


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(sr.ArgumentError, match="dim must be even"):
        AIIBlock(7)


def test_parameter_counts_of_the_sheet() -> None:
    for channels, out in itertools.product((3, 24), (24, 48)):
        layer = DGConv(channels, out)
        alpha_network = 16 * 54 + 16 + 6 * 16 + 6
        assert sum(math.prod(p.shape) for p in layer.parameters()) == 6 * 9 * channels * out + out + alpha_network
