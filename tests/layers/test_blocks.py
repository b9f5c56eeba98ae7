"""Shapes, minimal sizes and refused arguments of the other layers."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

import srblocks as sr
from srblocks import layers
from srblocks.layers.constants import Constants

UPSAMPLERS: list[Callable[..., nn.Module]] = [
    layers.PixelShuffleUpsampler,
    layers.StepwisePixelShuffle,
    layers.NearestConv,
    layers.PixelAttentionUpsampler,
    layers.TransposedConv,
    layers.DecomposedTransposedConv,
]


@pytest.mark.parametrize("upsampler", UPSAMPLERS)
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 6, 8])
def test_upsamplers_give_scale_times_the_size(upsampler: Callable[..., nn.Module], scale: int) -> None:
    assert upsampler(8, scale)(torch.rand(2, 8, 5, 7)).shape == (2, 3, 5 * scale, 7 * scale)
    assert upsampler(8, scale, out_channels=1)(torch.rand(1, 8, 1, 1)).shape == (1, 1, scale, scale)


@pytest.mark.parametrize("upsampler", UPSAMPLERS)
@pytest.mark.parametrize("scale", [0, -2, 1.5, True])
def test_upsamplers_refuse_other_scales(upsampler: Callable[..., nn.Module], scale: object) -> None:
    with pytest.raises(sr.ArgumentError, match="scale must be a whole number"):
        upsampler(8, scale)


def test_a_decomposed_transposed_convolution_needs_fewer_weights() -> None:
    whole, parts = layers.TransposedConv(16, 2), layers.DecomposedTransposedConv(16, 2)
    assert parts(torch.rand(1, 16, 4, 4)).shape == whole(torch.rand(1, 16, 4, 4)).shape
    assert sum(p.numel() for p in layers.DecomposedTransposedConv(3, 2).parameters()) < sum(
        p.numel() for p in layers.TransposedConv(3, 2).parameters()
    )


def test_a_transposed_kernel_must_cover_the_scale() -> None:
    with pytest.raises(sr.ArgumentError, match="kernel_size must be at least"):
        layers.TransposedConv(4, 4, kernel_size=3)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_an_interpolated_base_keeps_constants(mode: str) -> None:
    base = layers.InterpolatedBase(3, mode=mode)  # type: ignore[arg-type]
    torch.testing.assert_close(base(torch.full((1, 3, 2, 5), 0.4)), torch.full((1, 3, 6, 15), 0.4))


@pytest.mark.parametrize(
    ("layer", "shape", "minimum"),
    [
        (layers.ESA(6), (1, 6, 14, 20), "15×15"),
        (layers.ESA(6, num_convs=3, padded=False), (1, 6, 50, 60), "51×51"),
        (layers.RLFB(6), (1, 6, 20, 14), "15×15"),
        (layers.RFDB(6), (1, 6, 20, 14), "15×15"),
        (layers.ESDB(16), (1, 16, 14, 20), "15×15"),
        (layers.ELAB(6), (1, 6, 16, 20), "multiples of 16"),
        (layers.OSA(8), (1, 8, 12, 8), "multiples of 8"),
        (layers.SAFM(8), (1, 8, 7, 20), "SAFM needs at least 8×8"),
        (layers.SAFM(8, strides=(1, 16)), (1, 8, 20, 15), "16×16"),
        (layers.FMM(8), (1, 8, 20, 7), "8×8"),
        (layers.SimpleSAFM(8), (1, 8, 7, 20), "SimpleSAFM needs at least 8×8"),
        (layers.WindowAttention(8), (1, 8, 9, 9), "WindowAttention needs .* multiples of 8"),
        (layers.ChannelAttention(8), (1, 8, 9, 9), "ChannelAttention needs .* multiples of 8"),
    ],
)
def test_a_block_below_its_minimum_names_it(layer: nn.Module, shape: tuple[int, ...], minimum: str) -> None:
    with pytest.raises(ValueError, match=minimum):
        layer(torch.rand(shape))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: layers.CALayer(8, reduction=16), "reduction must be at most dim"),
        (lambda: layers.ESA(8, esa_dim=0), "esa_dim"),
        (lambda: layers.IMDB(3), "dim must be at least 4"),
        (lambda: layers.IMDB(12), "reduction must be at most dim = 12"),
        (lambda: layers.RFDB(3), "dim must be at least 4"),
        (lambda: layers.ESDB(0), "dim must be a whole number"),
        (lambda: layers.BSConvU(4, 0), "out_channels must be"),
        (lambda: layers.BSConvS(4, 4, ratio=0), "ratio must be above 0"),
        (lambda: layers.DepthwiseSeparableConv(4, 4, stride=0), "stride must be"),
        (lambda: layers.PixelAttention(0), "dim must be"),
        (lambda: layers.DistillationTrunk(8, []), "number_of_blocks must be"),
        (lambda: layers.ELAB(8), "dim must be a multiple of the number of windows, 3"),
        (lambda: layers.OSA(10), "num_heads must divide dim"),
        (lambda: layers.InterpolatedBase(2, mode="lanczos"), "mode must be"),  # type: ignore[arg-type]
        (lambda: layers.DGConv(4, 0), "out_channels must be a whole number"),
        (lambda: layers.DGConv(4, 4, (3, 0)), "kernel_width must be"),
        (lambda: layers.DGConv(4, 4, padding="same"), "padding must be"),  # type: ignore[arg-type]
        (lambda: layers.CALayer(8, reduction=0), "reduction must be a whole number"),
        (lambda: layers.RLFB(8, mid_dim=0), "mid_dim must be"),
        (lambda: layers.ELAB(6, window_sizes=()), "window_sizes must have"),
        (lambda: layers.ELAB(6, window_sizes=(0, 4)), r"window_sizes\[0\] must be"),
        (lambda: layers.ELAB(6, num_shared=-1), "num_shared must be"),
        (lambda: layers.OSA(8, window_size=0), "window_size must be"),
        (lambda: layers.ResidualDenseBlock(8, num_layers=0), "num_layers must be"),
        (lambda: layers.PixelShuffleUpsampler(8, 2, kernel_size=2), "kernel_size must be odd, not 2"),
        (lambda: layers.SMLayer(8, kernel_size=4), "kernel_size must be odd, not 4"),
        (lambda: layers.SplitPointMLP(12), "dim must be a multiple of 8"),
        (lambda: layers.SAFM(10), "strides must be as many as divide dim = 10, not 4"),
        (lambda: layers.SAFM(8, strides=()), "strides must be as many"),
        (lambda: layers.SAFM(8, strides=(1, 0)), r"strides\[1\] must be"),
        (lambda: layers.SimpleSAFM(4, reduction=5), "reduction must be at most dim = 4"),
        (lambda: layers.CCM(8, mid_dim=0), "mid_dim must be"),
    ],
)
def test_a_bad_argument_is_named(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        build()


def test_contrast_attention_survives_a_constant_channel() -> None:
    layer = layers.CCALayer(8, reduction=4)
    x = torch.full((1, 8, 5, 5), 0.3, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_attention_without_padding_takes_a_map_of_its_minimum() -> None:
    layer = layers.ESA(6, num_convs=3, padded=False)
    assert layer(torch.rand(1, 6, 51, 60)).shape == (1, 6, 51, 60)
    assert layers.ESA.minimum == 15


def test_blocks_take_other_convolutions() -> None:
    x = torch.rand(2, 16, 20, 17)
    for block in (
        layers.RFDB(16, conv=layers.DGConv, activation=nn.ReLU),
        layers.RFDB(16, attention=lambda dim, **_: layers.CALayer(dim)),
        layers.ESDB(16, conv=layers.BSConvS),
        layers.ESA(16, conv=layers.DepthwiseSeparableConv, num_convs=2),
    ):
        assert block(x).shape == x.shape


def test_gmsa_says_what_scores_it_needs() -> None:
    x = torch.rand(1, 6, 16, 16)
    with pytest.raises(ValueError, match="scores of an earlier layer"):
        layers.GMSA(6, reuses_scores=True)(x)
    with pytest.raises(ValueError, match="its own scores"):
        layers.GMSA(6)(x, [x])


def test_constants_are_neither_copied_nor_pickled_nor_bound_to_inference() -> None:
    constants = Constants()
    with torch.inference_mode():
        tensor = constants.get("one", torch.zeros(1), lambda: torch.ones(1))
    assert not tensor.is_inference()
    assert constants.get("one", torch.zeros(1), lambda: torch.zeros(1)) is tensor
    assert constants.get("one", torch.zeros(1).double(), lambda: torch.ones(1)).dtype == torch.float64
    for twin in (copy.deepcopy(constants), pickle.loads(pickle.dumps(constants))):
        assert twin.get("one", torch.zeros(1), lambda: torch.full((1,), 5.0)).item() == 5
