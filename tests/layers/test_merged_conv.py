"""Layers that are trained as branches: one function in all forms, fused into one convolution."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import srblocks as sr
from srblocks.layers import ECB, SPAB, Conv3XC, MergedConv
from srblocks.layers.edge_conv import EdgeConv
from srblocks.layers.merged_conv import ConvChain
from tests.helpers import FORMS, add_noise, relative_error

LAYERS: dict[str, Callable[[], MergedConv]] = {
    "ECB": lambda: ECB(4, 6),
    "ECB wide": lambda: ECB(4, 5, expansion=1.5),
    "ECB identity": lambda: ECB(4, 4, identity=True),
    "Conv3XC": lambda: Conv3XC(4, 6),
    "Conv3XC stride": lambda: Conv3XC(4, 6, expansion=3, stride=2),
    "chain": lambda: ConvChain((4, 5, 6, 7), (1, 3, 1)),
    "edge": lambda: EdgeConv(4, 6, edge="laplacian"),
}
each_layer = pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS.keys())


@each_layer
@pytest.mark.parametrize("size", [(7, 9), (1, 1), (2, 5)])
def test_all_forms_agree(
    build: Callable[[], MergedConv], size: tuple[int, int], device: torch.device, dtype: torch.dtype
) -> None:
    layer = build()
    # Also the biases, which reach the border through the padding.
    add_noise(layer, std=0.3)
    layer.to(device, dtype)
    x = torch.randn(2, 4, *size, device=device, dtype=dtype)
    fused = layer.fuse()
    assert type(fused) is nn.Conv2d
    expected = layer.reference()(x)
    assert relative_error(layer(x), expected) < FORMS[dtype]
    assert relative_error(fused(x), expected) < FORMS[dtype]
    assert fused(x).shape == expected.shape


@each_layer
def test_gradients_are_right(build: Callable[[], MergedConv]) -> None:
    layer = build().double()
    add_noise(layer, std=0.3)
    x = torch.randn(1, 4, 4, 5, dtype=torch.float64)
    layer(x).square().sum().backward()
    reference = layer.reference()
    reference.zero_grad()
    reference(x).square().sum().backward()
    for (name, parameter), expected in zip(layer.named_parameters(), reference.parameters(), strict=True):
        assert parameter.grad is not None, name
        assert expected.grad is not None, name
        torch.testing.assert_close(parameter.grad, expected.grad, atol=1e-12, rtol=1e-9)


@each_layer
def test_kernels_merge_in_float32_under_autocast(build: Callable[[], MergedConv]) -> None:
    layer = build()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(torch.randn(1, 4, 8, 8))
        weight, bias = layer.merged()
    assert bias is not None
    assert weight.dtype == bias.dtype == torch.float32
    assert y.dtype == torch.bfloat16


@each_layer
def test_fusing_keeps_dtype_mode_and_what_is_trainable(build: Callable[[], MergedConv]) -> None:
    layer = build().bfloat16().requires_grad_(False).eval()
    fused = layer.fuse()
    assert fused.bias is not None
    assert fused.weight.dtype == fused.bias.dtype == torch.bfloat16
    assert not fused.weight.requires_grad
    assert not fused.bias.requires_grad
    assert not fused.training
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(name.endswith("bias"))
    fused = layer.fuse()
    assert fused.bias is not None
    assert (fused.weight.requires_grad, fused.bias.requires_grad) == (False, True)


@each_layer
def test_one_picture_may_come_without_its_batch(build: Callable[[], MergedConv]) -> None:
    layer = build()
    x = torch.randn(4, 6, 7)
    for form in (layer, layer.reference(), layer.fuse()):
        torch.testing.assert_close(form(x), layer(x[None])[0])


def test_a_layer_of_your_own_needs_an_algebra_and_a_formula() -> None:
    class Doubled(MergedConv):
        def __init__(self) -> None:
            super().__init__(3, 2, (3, 5), groups=1, padding_mode="reflect")
            self.weight = nn.Parameter(torch.randn(2, 3, 3, 5))

        def merge(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
            return 2 * self.weight.to(dtype), None

        def by_branches(self, x: Tensor) -> Tensor:
            y = torch.nn.functional.conv2d(self.pad(x), self.weight)
            return y + y

    layer = Doubled()
    x = torch.randn(2, 3, 6, 7)
    assert layer.fuse().bias is None
    for form in (layer.reference(), layer.fuse()):
        torch.testing.assert_close(form(x), layer(x))
    report = sr.verify_fusion(layer)
    assert report.max_error_float64 < 1e-10
    assert report.unreached == ()


def test_the_proof_of_a_merged_layer_is_one_line() -> None:
    report = sr.verify_fusion(nn.Sequential(ECB(3, 4), nn.PReLU(4), SPAB(4)))
    assert [check.name for check in report.layers] == ["0", "2.conv1", "2.conv2", "2.conv3"]
    assert sr.verify_fusion(ECB(3, 4)).unreached == ()


def test_the_gate_of_spab_follows_from_its_result() -> None:
    block = SPAB(4).double()
    x = torch.randn(1, 4, 5, 6, dtype=torch.float64)
    y, _, attention = block.stages(x)
    assert torch.equal(block(x), y)
    assert attention.abs().max() < 0.5
    # The result of the convolutions comes back from the gate: h = logit(attention + 1/2).
    torch.testing.assert_close(y, (torch.logit(attention + 0.5) + x) * attention)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ECB(3, 4, identity=True), "identity must be False where 3 channels go in and 4 out"),
        (lambda: ECB(3, 4, expansion=0.1), "expansion must leave a channel"),
        (lambda: ECB(0, 4), "in_channels must be"),
        (lambda: Conv3XC(3, 4, expansion=0), "expansion must be"),
        (lambda: SPAB(0), "dim must be"),
    ],
)
def test_a_bad_argument_is_named(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        build()
