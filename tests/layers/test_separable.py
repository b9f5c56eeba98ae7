"""Separable convolutions: what they amount to, and that they stand in for ``nn.Conv2d``."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from srblocks.layers import BSConvS, BSConvU, DepthwiseSeparableConv
from tests.helpers import relative_error

LAYERS: list[Callable[..., nn.Module]] = [BSConvU, BSConvS, DepthwiseSeparableConv]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), [(3, 1, 1), (5, 2, 0), (1, 1, 0), (4, 3, 2)])
def test_shapes_are_those_of_the_plain_convolution(
    layer: Callable[..., nn.Module], kernel_size: int, stride: int, padding: int
) -> None:
    x = torch.rand(2, 8, 13, 10)
    plain = nn.Conv2d(8, 12, kernel_size, stride=stride, padding=padding)
    separable = layer(8, 12, kernel_size, stride=stride, padding=padding)
    assert separable(x).shape == plain(x).shape
    assert layer(8, 12, 7)(x).shape == (2, 12, 13, 10)


def test_a_blueprint_is_a_kernel_times_its_weights() -> None:
    layer = BSConvU(5, 7, stride=2).double()
    kernel = layer.pointwise.weight * layer.depthwise.weight
    x = torch.randn(2, 5, 9, 8, dtype=torch.float64)
    y = F.conv2d(x, kernel, layer.depthwise.bias, stride=2, padding=1)
    assert relative_error(layer(x), y) < 1e-14


def test_the_padding_comes_after_the_pointwise_bias() -> None:
    layer = BSConvU(2, 3, pointwise_bias=True)
    nn.init.zeros_(layer.pointwise.weight)
    nn.init.ones_(layer.pointwise.bias)  # type: ignore[arg-type]
    nn.init.ones_(layer.depthwise.weight)
    nn.init.zeros_(layer.depthwise.bias)  # type: ignore[arg-type]
    y = layer(torch.rand(1, 2, 3, 3))[0, 0]
    assert y.tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


@pytest.mark.parametrize(
    ("in_channels", "ratio", "expected"), [(12, 0.25, 4), (24, 0.25, 6), (25, 0.25, 7), (3, 0.25, 3), (24, 0.5, 12)]
)
def test_the_subspace_has_its_share_of_the_channels(in_channels: int, ratio: float, expected: int) -> None:
    assert BSConvS(in_channels, 9, ratio=ratio).squeeze.out_channels == expected
