"""Colour and size conversions are those that the papers' numbers rest on."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srblocks.ops.color import rgb_to_y, rgb_to_ycbcr, rgb_to_yiq, ycbcr_to_rgb
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


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_imresize_of_bytes_gives_matlab_s_bytes(scale: int, data: Path) -> None:
    folder = data / "images" / "bench" / "Set5"
    for path in sorted((folder / "HR").iterdir()):
        hr, expected = (
            torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
            for file in (path, folder / f"LR_x{scale}_uint8" / path.name)
        )
        height, width = (scale * side for side in expected.shape[1:])
        assert torch.equal(imresize(hr[:, :height, :width], 1 / scale), expected), path.name


def test_imresize_of_bytes_rounds_halves_up_after_each_direction() -> None:
    x = torch.tensor([[0, 0], [0, 1]], dtype=torch.uint8)
    assert imresize(x, 0.5).tolist() == [[1]]
    assert imresize(x.double(), 0.5).tolist() == [[0.25]]
    edge = torch.tensor([[0, 0, 255, 255]], dtype=torch.uint8)
    overshooting = imresize(edge.double(), 2)
    assert overshooting.min() < 0
    assert torch.equal(imresize(edge, 2), (overshooting.clamp(0, 255) + 0.5).floor().byte())


def test_yiq_of_grey_is_its_value_alone() -> None:
    yiq = rgb_to_yiq(torch.full((3, 1, 1), 0.5, dtype=torch.float64)).flatten()
    torch.testing.assert_close(yiq, torch.tensor([0.5, 0, 0], dtype=torch.float64), atol=1e-12, rtol=0)


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
