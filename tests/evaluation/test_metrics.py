"""PSNR and SSIM are the papers' numbers."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import imresize, psnr, ssim
from tests.helpers import golden

CASES = json.loads(golden("metrics/psnr_ssim").header["cases"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_equal_the_reference(case: dict[str, int]) -> None:
    tensors = golden("metrics/psnr_ssim").tensors
    image, number = case["image"], case["case"]
    a, b = (tensors[f"{image}/{name}"].permute(2, 0, 1) for name in ("img_rgb", "img2_rgb"))
    border, luma = case["crop_border"], bool(case["y_channel"])

    def expected(name: str) -> float:
        return float(tensors[f"{image}/{number}/{name}"])

    assert float(psnr(a, b, border=border, luma=luma)) == pytest.approx(expected("psnr"), abs=1e-6)
    assert float(ssim(a, b, border=border, luma=luma)) == pytest.approx(expected("ssim"), abs=1e-7)
    a, b = a.double() / 255, b.double() / 255
    assert float(psnr(a, b, border=border, luma=luma)) == pytest.approx(expected("psnr"), abs=1e-6)
    assert float(psnr(a, b, border=border, luma=luma, quantise=False)) == pytest.approx(expected("psnr_pt"), abs=1e-6)
    assert float(ssim(a, b, border=border, luma=luma, quantise=False)) == pytest.approx(expected("ssim_pt"), abs=1e-7)


def test_equal_pictures() -> None:
    x = torch.rand(2, 3, 16, 20)
    assert psnr(x, x).tolist() == [float("inf")] * 2
    assert ssim(x, x).tolist() == pytest.approx([1, 1])


def test_floats_are_rounded_to_eight_bits_first() -> None:
    x = torch.full((1, 1, 12, 12), 0.5)
    assert torch.isinf(psnr(x, x + 0.001))


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    ("shapes", "border", "message"),
    [
        (((3, 20, 20), (3, 20, 21)), 0, "same shape"),
        (((20, 20), (20, 20)), 0, r"\(N, C, H, W\)"),
        (((3, 20, 20), (3, 20, 20)), 10, "border of 10"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    metric: Callable[..., Tensor], shapes: tuple[tuple[int, ...], tuple[int, ...]], border: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        metric(torch.rand(shapes[0]), torch.rand(shapes[1]), border=border)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_other_numbers_are_refused(metric: Callable[..., Tensor]) -> None:
    x = torch.zeros(3, 20, 20)
    with pytest.raises(InputError, match="uint8, or floating point"):
        metric(x.short(), x.short())
    with pytest.raises(ArgumentError, match="border must be at least 0"):
        metric(x, x, border=-1)


def test_imresize_refuses_what_it_would_spoil() -> None:
    with pytest.raises(InputError, match="floating-point"):
        imresize(torch.zeros(3, 8, 8).byte(), 0.5)
    with pytest.raises(ArgumentError, match="scale must be above 0"):
        imresize(torch.zeros(3, 8, 8), 0)


def test_ssim_needs_a_whole_window() -> None:
    with pytest.raises(InputError, match="11×11"):
        ssim(torch.rand(3, 10, 30), torch.rand(3, 10, 30))
