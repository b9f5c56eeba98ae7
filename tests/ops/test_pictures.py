"""Colour and size conversions are those that the papers' numbers rest on."""

import json

import pytest
import torch

from srblocks.ops.color import rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb
from srblocks.ops.resize import imresize
from tests.helpers import golden

RESIZE = json.loads(golden("metrics/imresize").header["cases"])


@pytest.mark.parametrize("case", RESIZE, ids=lambda case: f"{case['index']}-x{case['scale']:.3g}")
def test_imresize_equals_matlab(case: dict[str, float], device: torch.device, dtype: torch.dtype) -> None:
    tensors = golden("metrics/imresize").tensors
    x = (tensors[f"{case['index']}/input"].to(device, dtype) / 255).permute(2, 0, 1)
    y = imresize(x, case["scale"], antialias=bool(case["antialiasing"]))
    expected = tensors[f"{case['index']}/output"].permute(2, 0, 1)
    torch.testing.assert_close(y.cpu().double(), expected, atol=1e-12 if dtype == torch.float64 else 2e-6, rtol=0)


def test_imresize_of_a_constant_is_the_constant() -> None:
    torch.testing.assert_close(imresize(torch.full((1, 5, 3), 0.25), 0.5), torch.full((1, 3, 2), 0.25))


def test_colours_equal_matlab() -> None:
    tensors = golden("metrics/ycbcr").tensors
    rgb = tensors["rgb"].permute(2, 0, 1)
    floats = rgb.float() / 255
    torch.testing.assert_close(rgb_to_ycbcr(floats), tensors["ycbcr_float"].permute(2, 0, 1), atol=3e-7, rtol=0)
    torch.testing.assert_close(rgb_to_y(floats)[0], tensors["y_float"], atol=3e-7, rtol=0)
    ycbcr = tensors["ycbcr_uint8"].permute(2, 0, 1)
    assert torch.equal((rgb_to_ycbcr(rgb.double() / 255) * 255).round().byte(), ycbcr)
    back = (ycbcr_to_rgb(ycbcr.double() / 255) * 255).round().clamp(0, 255).byte()
    assert torch.equal(back, tensors["rgb_from_ycbcr_uint8"].permute(2, 0, 1))
