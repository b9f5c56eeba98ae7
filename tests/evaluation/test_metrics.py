"""The measures are the papers' numbers."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import fsim, gmsd, imresize, ms_gmsd, ms_ssim, psnr, ssim
from tests.helpers import golden

Metric = Callable[..., Tensor]
CASES = json.loads(golden("metrics/psnr_ssim").header["cases"])
METRICS = [psnr, ssim, ms_ssim, gmsd, ms_gmsd, fsim]
# The measure of the reference -> ours.
REFERENCE: dict[str, Metric] = {
    "ssim": partial(ssim, luma=False, downsample=True),
    "ssim_nodownsample": partial(ssim, luma=False),
    "ms_ssim": partial(ms_ssim, luma=False),
    "ms_ssim_3levels": partial(ms_ssim, luma=False, weights=(0.2, 0.3, 0.5)),
    "gmsd": gmsd,
    "ms_gmsd": ms_gmsd,
    "ms_gmsd_chromatic": partial(ms_gmsd, chroma=True),
    "fsim": fsim,
    "fsimc": partial(fsim, chroma=True),
}
MEASURED = [
    (f"{case['image']}/", measure)
    for case in json.loads(golden("metrics/gmsd_fsim_msssim").header["cases"])
    for measure in case["measures"]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_psnr_and_ssim_equal_the_reference(case: dict[str, int]) -> None:
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


@pytest.mark.parametrize(
    ("case", "prefix", "measure"),
    [
        *(("gmsd_fsim_msssim", prefix, measure) for prefix, measure in MEASURED),
        ("msssim_colour", "", "ms_ssim"),
        ("msssim_colour", "", "ms_gmsd"),
    ],
)
def test_the_others_equal_the_reference(
    case: str, prefix: str, measure: str, device: torch.device, dtype: torch.dtype
) -> None:
    tensors = golden(f"metrics/{case}").tensors
    a, b = (tensors[f"{prefix}{name}"].permute(2, 0, 1).to(device) for name in ("img", "img2"))
    expected, metric = float(tensors[f"{prefix}{measure}"]), REFERENCE[measure]
    tolerance = 1e-13 if dtype == torch.float64 else 1e-8
    assert float(metric(a, b)) == pytest.approx(expected, abs=1e-13)
    a, b = a.to(dtype) / 255, b.to(dtype) / 255
    assert float(metric(a, b, quantise=False)) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("metric", METRICS)
def test_arrays_and_tensors_give_the_same(metric: Metric) -> None:
    a, b = (np.random.default_rng(seed).integers(0, 256, (170, 165, 3), dtype=np.uint8) for seed in (0, 1))
    expected = metric(a, b)
    assert (expected.shape, expected.dtype) == ((1,), torch.float64)
    x, y = (torch.from_numpy(array).permute(2, 0, 1) for array in (a, b))
    assert torch.equal(metric(x, y), expected)
    assert torch.equal(metric(x[None], b), expected)
    torch.testing.assert_close(metric(x.double() / 255, y.double() / 255), expected)
    torch.testing.assert_close(metric(a / 255, (b / 255).astype(np.float32)), expected)
    torch.testing.assert_close(metric(a[..., 0], b[..., 0]), metric(x[:1], y[:1]))


@pytest.mark.parametrize("metric", METRICS)
def test_every_picture_of_a_batch_has_its_own_value(metric: Metric) -> None:
    a, b = torch.rand(2, 3, 170, 165), torch.rand(2, 3, 170, 165)
    single = torch.cat([metric(a[i], b[i], border=2) for i in range(2)])
    torch.testing.assert_close(metric(a, b, border=2), single)
    inside = metric(a[..., 2:-2, 2:-2], b[..., 2:-2, 2:-2])
    torch.testing.assert_close(inside, single)


@pytest.mark.parametrize(
    ("metric", "best"), [(psnr, float("inf")), (ssim, 1), (ms_ssim, 1), (gmsd, 0), (ms_gmsd, 0), (fsim, 1)]
)
def test_equal_pictures(metric: Metric, best: float) -> None:
    x = torch.rand(2, 3, 161, 170)
    assert metric(x, x).tolist() == pytest.approx([best] * 2, abs=1e-12)


@pytest.mark.parametrize("metric", [partial(ms_gmsd, chroma=True), partial(fsim, chroma=True)])
def test_chroma_sees_what_luminance_does_not(metric: Metric) -> None:
    x = torch.rand(3, 32, 32, dtype=torch.float64)
    # Along the colours that have no luminance.
    y = x + 0.1 * torch.tensor([0.587, -0.299, 0.0], dtype=torch.float64).view(3, 1, 1)
    plain = metric(x, y, quantise=False, chroma=False)
    torch.testing.assert_close(plain, metric(x, x, quantise=False, chroma=False), atol=1e-9, rtol=0)
    assert abs(float(metric(x, y, quantise=False) - plain)) > 1e-4
    with pytest.raises(InputError, match="3 channels, not 1"):
        metric(x[:1], y[:1])


@pytest.mark.parametrize(("size", "factor"), [((383, 700), 1), ((384, 500), 2), ((650, 640), 2)])
def test_downsampled_ssim_is_that_of_smaller_pictures(size: tuple[int, int], factor: int) -> None:
    a, b = torch.rand(1, 1, *size), torch.rand(1, 1, *size)
    small = (F.avg_pool2d(x.double(), factor) for x in (a, b))
    torch.testing.assert_close(ssim(a, b, downsample=True, quantise=False), ssim(*small, quantise=False))


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
def test_gradients_flow_without_rounding(metric: Metric) -> None:
    x, y = torch.rand(1, 3, 161, 161, requires_grad=True), torch.rand(1, 3, 161, 161)
    torch.autograd.backward(metric(x, y, quantise=False))
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() > 0


def test_floats_are_rounded_to_eight_bits_first() -> None:
    x = torch.full((1, 1, 12, 12), 0.5)
    assert torch.isinf(psnr(x, x + 0.001))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("pictures", "border", "message"),
    [
        ((torch.rand(3, 20, 20), torch.rand(3, 20, 21)), 0, "same shape"),
        ((torch.rand(20, 20), torch.rand(20, 20)), 0, r"\(N, C, H, W\)"),
        ((np.zeros((1, 20, 20, 3)), np.zeros((1, 20, 20, 3))), 0, r"\(H, W, C\)"),
        ((np.zeros((20, 20), np.uint16), np.zeros((20, 20), np.uint16)), 0, "uint8, or floating point"),
        ((torch.zeros(3, 20, 20).short(), torch.zeros(3, 20, 20).short()), 0, "uint8, or floating point"),
        ((torch.rand(3, 20, 20), torch.rand(3, 20, 20)), 10, "border of 10"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    metric: Metric, pictures: tuple[Any, Any], border: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        metric(*pictures, border=border)


@pytest.mark.parametrize("metric", METRICS)
def test_a_border_is_not_negative(metric: Metric) -> None:
    with pytest.raises(ArgumentError, match="border must be at least 0"):
        metric(torch.zeros(3, 200, 200), torch.zeros(3, 200, 200), border=-1)


@pytest.mark.parametrize(
    ("metric", "minimum"),
    [(ssim, 11), (ms_ssim, 161), (partial(ms_ssim, weights=(1, 1)), 21), (gmsd, 5), (ms_gmsd, 16), (fsim, 6)],
)
def test_a_picture_that_is_too_small_is_refused(metric: Metric, minimum: int) -> None:
    x = torch.rand(3, minimum + 2, minimum + 9)
    assert torch.isfinite(metric(x, x, border=1)).all()
    with pytest.raises(InputError, match=f"at least {minimum}×{minimum} pixels inside the border, not {minimum - 1}×"):
        metric(x[:, 1:], x[:, 1:], border=1)


@pytest.mark.parametrize("weights", [(), (0.5, 0), (0.5, -0.5)])
def test_the_weights_of_scales_are_above_0(weights: tuple[float, ...]) -> None:
    with pytest.raises(ArgumentError, match="weights must be numbers above 0"):
        ms_ssim(torch.rand(3, 200, 200), torch.rand(3, 200, 200), weights=weights)


def test_imresize_refuses_what_it_would_spoil() -> None:
    with pytest.raises(InputError, match="floating-point or uint8"):
        imresize(torch.zeros(3, 8, 8).short(), 0.5)
    with pytest.raises(ArgumentError, match="scale must be above 0"):
        imresize(torch.zeros(3, 8, 8), 0)
