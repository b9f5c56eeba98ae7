"""Degradations compute what their papers' code computes, and depend on nothing but their generator."""

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import psnr
from srblocks.ops.resize import imresize
from srblocks.training.degradations import (
    BSRGAN,
    DEGRADATIONS,
    BSRGANPlus,
    Dice,
    RealESRGAN,
    filter2d,
    gaussian_kernel,
    jpeg,
    plateau_kernel,
    quantise,
    resize,
    sinc_kernel,
    usm_sharpen,
)
from srblocks.training.degradations.checks import Range
from srblocks.training.degradations.jpeg import jpeg_coefficients
from srblocks.training.degradations.kernels import crop_kernel, double_scale, laplacian_kernel, shift_kernel
from srblocks.training.degradations.noise import (
    add_gaussian_noise,
    distinct_levels,
    mixed_noise,
    random_gaussian_noise,
    random_poisson_noise,
)
from tests.helpers import golden, relative_error

T = TypeVar("T")

# Most references are computed in float32.
FLOAT32 = 5e-6


def reference(name: str, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    return {key: tensor.to(device, dtype) for key, tensor in golden(f"degradations/{name}").tensors.items()}


def picture(reference: Tensor) -> Tensor:
    """``(1, 3, H, W)`` of ``(H, W, 3)``."""
    return reference.permute(2, 0, 1)[None]


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual, expected.to(actual), atol=tolerance, rtol=0)


def number(value: float, like: Tensor) -> Tensor:
    return torch.tensor(value, dtype=like.dtype, device=like.device)


@pytest.mark.parametrize("case", json.loads(golden("degradations/kernels").header["cases"]), ids=str)
def test_kernels(case: dict[str, Any], device: torch.device, dtype: torch.dtype) -> None:
    cases = json.loads(golden("degradations/kernels").header["cases"])
    expected = reference("kernels", dtype, device)[str(cases.index(case))]
    given, size = case["args"], case["args"]["kernel_size"]
    if case["function"] == "circular_lowpass_kernel":
        kernel = sinc_kernel(given["pad_to"] or size, number(given["cutoff"], expected))
        kernel = crop_kernel(kernel, torch.tensor(size, device=device))
    else:
        sigma_x, sigma_y, theta = (number(given[name], expected) for name in ("sig_x", "sig_y", "theta"))
        make = plateau_kernel if "plateau" in case["function"] else gaussian_kernel
        beta = given.get("beta", 1.0)
        if given["isotropic"]:
            kernel = make(size, sigma_x, beta=beta)
        else:
            kernel = make(size, sigma_x, sigma_y, theta, beta=beta)
    assert relative_error(kernel, expected) <= (1e-9 if dtype == torch.float64 else 1e-5)


def test_the_kernels_of_bsrgan(device: torch.device, dtype: torch.dtype) -> None:
    expected = reference("bsrgan_parts", dtype, device)
    like = expected["image"]

    def gaussian(size: int, sigma: float) -> Tensor:
        return gaussian_kernel(size, number(sigma, like))

    def anisotropic(size: int, variance_x: float, variance_y: float, theta: float, shift: float = 0.0) -> Tensor:
        sigmas = [number(variance, like).sqrt() for variance in (variance_x, variance_y)]
        return gaussian_kernel(size, sigmas[0], sigmas[1], number(theta, like), shift=shift)

    kernels = {
        "aniso_9": anisotropic(9, 2.0, 0.3, 2.4),
        "aniso_15": anisotropic(15, 6.0, 1.5, 0.7),
        "aniso_25": anisotropic(25, 8.0, 4.0, 1.57),
        "fspecial_gaussian_11": gaussian(11, 1.3),
        "fspecial_gaussian_25": gaussian(25, 2.2),
        "fspecial_laplacian": laplacian_kernel(0.4),
        "shifted_25_x2": shift_kernel(gaussian(25, 1.9)[None], 2)[0],
        "shifted_25_x4": shift_kernel(gaussian(25, 1.9)[None], 4)[0],
        "analytic_kernel": double_scale(gaussian(7, 1.1)),
        "gen_kernel_draws_.3_.8_.4": anisotropic(15, 0.6 + 0.3 * 9.4, 0.6 + 0.8 * 9.4, 0.4 * math.pi, shift=-0.5),
    }
    for name, kernel in kernels.items():
        assert relative_error(kernel, expected[name]) <= (1e-9 if dtype == torch.float64 else 1e-5), name


def test_a_batch_of_kernels_is_its_kernels() -> None:
    sigma_x, sigma_y, theta, beta = torch.rand(4, 5) + 0.5
    for make in (gaussian_kernel, plateau_kernel):
        batch = make(9, sigma_x, sigma_y, theta, beta=beta)
        singles = [make(9, *values, beta=b) for *values, b in zip(sigma_x, sigma_y, theta, beta, strict=True)]
        torch.testing.assert_close(batch, torch.stack(singles))
    torch.testing.assert_close(sinc_kernel(9, theta)[2], sinc_kernel(9, theta[2]))


@pytest.mark.parametrize("sigma", [1e-3, 0.3, 5.0])
def test_kernels_sum_to_one(sigma: float) -> None:
    kernels = [make(21, torch.tensor([sigma])) for make in (gaussian_kernel, plateau_kernel, sinc_kernel)]
    kernels += [shift_kernel(kernels[0], scale) for scale in (1, 2, 3, 4)]
    kernels += [crop_kernel(kernel, torch.tensor([7])) for kernel in kernels]
    for kernel in kernels:
        torch.testing.assert_close(kernel.sum((-2, -1)), torch.ones(1))


def test_filters(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("filter_usm", dtype, device)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-6
    assert_close(filter2d(case["input"], case["kernels"]), case["filter2d_double"], tolerance)
    assert_close(filter2d(case["input"], case["kernels"][:1]), case["filter2d_single_kernel"], tolerance)


def test_filters_of_bsrgan(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("bsrgan_parts", dtype, device)
    x, kernel = picture(case["image"]), case["aniso_15"][None].flip(-2, -1)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-6
    assert_close(filter2d(x, kernel), picture(case["blur_mirror"]), tolerance)
    assert_close(filter2d(x, kernel, border="wrap")[..., ::3, ::3], picture(case["classical_x3"]), tolerance)


@pytest.mark.parametrize("border", ["mirror", "wrap"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 3), (11, 40)])
def test_filters_reach_beyond_small_pictures(shape: tuple[int, int], border: Any) -> None:
    x, kernel = torch.rand(2, 3, *shape, dtype=torch.float64), torch.rand(2, 21, 21, dtype=torch.float64)
    mode = {"mirror": "reflect", "wrap": "wrap"}[border]
    padded = torch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (10, 10), (10, 10)), mode=mode))  # type: ignore[call-overload]
    expected = (padded.unfold(2, 21, 1).unfold(3, 21, 1) * kernel[:, None, None, None]).sum((-2, -1))
    torch.testing.assert_close(filter2d(x, kernel, border=border), expected)


def test_sharpening(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("filter_usm", dtype, device)
    x = case["usm_input"]
    assert_close(usm_sharpen(x), case["usm_output"], FLOAT32)
    assert_close(usm_sharpen(x, weight=1, threshold=5), case["usm_output_w1_t5"], FLOAT32)
    assert_close(usm_sharpen(x[:1]), picture(case["usm_cv2_output"]), FLOAT32)
    assert relative_error(gaussian_kernel(51, number(8, x)), case["usm_kernel"]) <= 1e-6
    case = reference("bsrgan_parts", dtype, device)
    assert_close(usm_sharpen(picture(case["image"])), picture(case["add_sharpening"]), FLOAT32)


@pytest.mark.parametrize("case", json.loads(golden("degradations/jpeg").header["cases"]), ids=str)
def test_jpeg(case: dict[str, Any], device: torch.device, dtype: torch.dtype) -> None:
    tensors, index = reference("jpeg", dtype, device), case["index"]
    x, quality = tensors[f"{index}/input"], torch.tensor(case["qualities"], device=device)
    assert_close(jpeg(x, quality), tensors[f"{index}/output"], FLOAT32)
    assert_close(jpeg(x, quality, differentiable=True), tensors[f"{index}/output_differentiable"], FLOAT32)
    for name, plane in zip(("y", "cb", "cr"), jpeg_coefficients(x, quality.to(dtype)), strict=True):
        blocks = plane.transpose(2, 3).flatten(1, 2)
        assert torch.equal(blocks, tensors[f"{index}/coeff_{name}"])


def smooth_picture() -> Tensor:
    """A picture with edges and gentle colours, ``(1, 3, 64, 96)``."""
    generator = torch.Generator().manual_seed(1)
    x = resize(torch.rand(1, 3, 8, 12, generator=generator), size=(64, 96), mode="bicubic").clamp(0, 1)
    x[..., 20:40, 30:70] *= 0.5
    return quantise(x)


def as_a_file(x: Tensor, quality: int) -> Tensor:
    """What Pillow writes and reads of ``(1, 3, H, W)``."""
    pixels = (x[0] * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return picture(torch.from_numpy(np.array(Image.open(file))) / 255)


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_jpeg_loses_what_files_lose(quality: int) -> None:
    x = smooth_picture()
    assert abs(float(psnr(jpeg(x, quality), x) - psnr(as_a_file(x, quality), x))) < 0.5
    # Turned over, for the reference's table is; what is left are rounded steps, and in colour the way of enlarging it.
    assert float(psnr(jpeg(x.mT, quality).mT, as_a_file(x, quality))) > 44
    grey = quantise(x.mean(1, keepdim=True)).expand(-1, 3, -1, -1)
    assert (jpeg(grey.mT, quality).mT - as_a_file(grey, quality)).abs().mean() < 1.2 / 255


def test_jpeg_of_quality_100_is_nearly_the_picture() -> None:
    grey = torch.rand(2, 1, 40, 40).expand(-1, 3, -1, -1)
    assert_close(jpeg(grey, 100), grey, 1 / 255)
    assert float(psnr(jpeg(smooth_picture(), 100), smooth_picture())) > 45


def test_jpeg_is_worse_at_lower_quality() -> None:
    x = smooth_picture()
    errors = [float((jpeg(x, quality) - x).square().mean()) for quality in (10, 30, 60, 90, 100)]
    assert errors == sorted(errors, reverse=True)


def test_differentiable_jpeg_has_a_gradient() -> None:
    x = torch.rand(2, 3, 17, 20, requires_grad=True)
    jpeg(x, 50, differentiable=True).square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.abs().max() > 0
    assert torch.autograd.grad(jpeg(x, 50).sum(), x)[0].abs().max() == 0


class Replay(Dice):
    """Dice that fall as written down."""

    def __init__(self, pictures: Tensor, draws: Sequence[Any]) -> None:
        super().__init__(torch.Generator(), pictures)
        self.draws: Iterator[Any] = iter(draws)

    def _rand(self, *shape: int) -> Tensor:
        return self._next(*shape)

    def normal(self, *shape: int) -> Tensor:
        return self._next(*shape)

    def poisson(self, mean: Tensor) -> Tensor:
        return self._next(*mean.shape)

    def _next(self, *shape: int) -> Tensor:
        drawn: Tensor = next(self.draws)
        assert drawn.shape == shape
        return drawn


@pytest.mark.parametrize("index", range(5))
def test_noise(index: int, device: torch.device, dtype: torch.dtype) -> None:
    tensors = reference("noise", dtype, device)
    x, expected = tensors["input"], tensors[f"{index}/output"]
    draws = [tensors[key] for key in sorted(tensors) if key.startswith(f"{index}/draw")]
    dice, grey = Replay(x, draws), {0: 0.0, 1: 0.6, 2: 0.0, 3: 0.6}
    if index < 2:
        actual = random_gaussian_noise(x, dice, sigma=(1, 30), grey_probability=grey[index])
    elif index < 4:
        actual = random_poisson_noise(x, dice, scale=(0.05, 3), grey_probability=grey[index])
    else:
        actual = quantise(add_gaussian_noise(x, number(15, x).expand(2), next(dice.draws)))
    assert_close(actual, expected, FLOAT32)
    assert next(dice.draws, None) is None


def test_grey_noise_is_grey() -> None:
    x = torch.full((3, 3, 16, 16), 0.5)
    dice = Dice(torch.Generator().manual_seed(0), x)
    for noisy in (
        random_gaussian_noise(x, dice, sigma=(10, 20), grey_probability=1),
        random_poisson_noise(x, dice, scale=(1, 1), grey_probability=1),
    ):
        assert (noisy - x).abs().max() > 0.01
        torch.testing.assert_close(noisy, noisy[:, :1].expand_as(noisy))


def test_distinct_levels() -> None:
    x = torch.zeros(4, 3, 8, 8)
    x[1, 0, 0, 0] = 1
    x[2].view(-1)[:3] = torch.tensor([0.2, 0.4, 0.6])
    x[3].view(-1)[:4] = torch.tensor([0.2, 0.4, 0.6, 0.8])
    assert distinct_levels(x).tolist() == [1, 2, 4, 8]


def test_the_noise_of_bsrgan_has_its_three_kinds() -> None:
    x = torch.zeros(300, 3, 40, 40)
    noise = mixed_noise(x, Dice(torch.Generator().manual_seed(0), x), levels=(20, 20)).flatten(2).double() * 255
    covariance = noise @ noise.mT / noise.shape[-1]
    variance, mixed = covariance.diagonal(dim1=1, dim2=2), covariance[:, [0, 0, 1], [1, 2, 2]]
    grey = (mixed > 0.99 * variance.mean(1, keepdim=True)).all(1)
    colour = (mixed.abs() < 0.15 * 400).all(1) & ((variance - 400).abs() < 0.15 * 400).all(1)
    assert 0.3 < float(grey.float().mean()) < 0.5
    assert 0.3 < float(colour.float().mean()) < 0.5
    assert 0.1 < float((~grey & ~colour).float().mean()) < 0.3
    assert variance.max() < 1.2 * 400


class Scripted(Replay):
    """Dice for a whole degradation: every choice and number as written down."""

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        chosen: T = next(self.draws)
        return chosen

    def number(self, low: float, high: float) -> float:
        return low if low == high else next(self.draws)

    def chance(self, probability: float) -> bool:
        return probability > 0 and (probability == 1 or next(self.draws))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return self._next(self.batch)

    def chances(self, probability: float) -> Tensor:
        return torch.tensor([False], device=self.device)


@pytest.mark.parametrize("order", [0, 1])
def test_the_whole_chain_of_real_esrgan(order: int, device: torch.device, dtype: torch.dtype) -> None:
    case = reference(f"realesrgan_chain_order{order}", dtype, device)
    choices = json.loads(golden(f"degradations/realesrgan_chain_order{order}").header["choices"])
    assert choices["order"] == order

    class WithTheirKernels(RealESRGAN):
        def blur_kernels(self, sigma: Range, dice: Dice) -> Tensor:
            return case["kernel1" if sigma == self.first.blur_sigma else "kernel2"]

        def ringing_kernels(self, dice: Dice) -> Tensor:
            return case["sinc_kernel"]

    def value(name: str) -> Tensor:
        return number(choices[name], case["gt"])[None]

    first, second = ((choices[name], choices[name]) for name in ("scale1", "scale2"))
    draws = [first, choices["mode1"], True, value("sigma1"), case["noise1_randn"], value("q1")]
    draws += [True, second, choices["mode2"], True, value("sigma2"), case["noise2_randn"]]
    draws += [True, choices["mode3"], value("q2")] if order == 0 else [False, value("q2"), choices["mode3"]]
    dice = Scripted(case["gt"], draws)
    actual = WithTheirKernels().degrade(case["gt"], 4, dice)
    assert next(dice.draws, None) is None
    assert_close(actual, case["before_round"], 2e-5)
    assert_close(quantise(actual), case["lq"], 1e-6)


def test_the_kernels_of_real_esrgan_are_what_its_arguments_say() -> None:
    dice = Dice(torch.Generator().manual_seed(0), torch.empty(400, 3, 1, 1))
    kernels = RealESRGAN().blur_kernels((0.2, 3.0), dice)
    assert kernels.shape == (400, 21, 21)
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(400))
    sizes = (kernels.abs().amax(1) > 0).sum(1)
    assert set(sizes.tolist()) <= set(range(1, 22, 2))  # narrow ones vanish within their size
    assert sizes.max() == 21
    assert 0.05 < float((kernels.amin((1, 2)) < 0).float().mean()) < 0.15

    one_kind = RealESRGAN(kernel_weights=(1, 0, 0, 0, 0, 0), sinc_probability=0).blur_kernels((0.2, 3.0), dice)
    torch.testing.assert_close(one_kind, one_kind.mT)
    assert one_kind.min() >= 0
    other_kind = RealESRGAN(kernel_weights=(0, 1, 0, 0, 0, 0), sinc_probability=0).blur_kernels((0.2, 3.0), dice)
    assert (other_kind - other_kind.mT).abs().amax((1, 2)).median() > 1e-3

    silent = RealESRGAN(ringing_probability=0).ringing_kernels(dice)
    x = torch.rand(400, 1, 4, 4)
    torch.testing.assert_close(filter2d(x, silent), x)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_degradation_gives_a_smaller_8_bit_picture(
    name: str, scale: int, device: torch.device, dtype: torch.dtype
) -> None:
    for seed in range(8):
        generator = torch.Generator(device).manual_seed(seed)
        hr = torch.rand(2, 3, 12 * (1 + seed), 36, device=device, dtype=dtype)
        lr = DEGRADATIONS[name](hr, scale=scale, generator=generator)
        assert lr.shape == (2, 3, 12 * (1 + seed) // scale, 36 // scale)
        assert lr.dtype == dtype
        assert lr.device.type == device.type
        assert lr.min() >= 0
        assert lr.max() <= 1
        assert_close(lr * 255, (lr * 255).round(), 1e-4)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_pictures_may_be_tiny(name: str, scale: int) -> None:
    for seed in range(20):
        lr = DEGRADATIONS[name](
            torch.rand(1, 3, scale, 2 * scale), scale=scale, generator=torch.Generator().manual_seed(seed)
        )
        assert lr.shape == (1, 3, 1, 2)
        assert lr.isfinite().all()


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_the_same_seed_gives_the_same_pictures_whatever_else_was_drawn(name: str) -> None:
    hr = torch.rand(2, 3, 48, 48)
    results = []
    for disturbance in range(2):
        torch.manual_seed(disturbance)
        np.random.seed(disturbance)  # noqa: NPY002
        before, generator = torch.get_rng_state(), torch.Generator().manual_seed(7)
        results.append([DEGRADATIONS[name](hr, scale=4, generator=generator) for _ in range(6)])
        assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert name == "bicubic" or len({lr.sum().item() for lr in results[0]}) == 6


def test_bicubic_is_the_benchmarks() -> None:
    hr = torch.rand(1, 3, 24, 36)
    lr = DEGRADATIONS["bicubic"](hr, scale=3, generator=torch.Generator())
    assert torch.equal(lr, quantise(imresize(hr, 1 / 3)))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_no_gradient_and_no_half_precision(name: str) -> None:
    hr = torch.rand(1, 3, 32, 32, requires_grad=True)
    lr = [DEGRADATIONS[name](hr, scale=2, generator=torch.Generator().manual_seed(3))]
    with torch.autocast("cpu", torch.bfloat16):
        lr += [DEGRADATIONS[name](hr, scale=2, generator=torch.Generator().manual_seed(3))]
    assert not lr[0].requires_grad
    assert torch.equal(lr[0], lr[1])


QUIET_ROUNDS = [replace(stage, gaussian_sigma=(0, 0)) for stage in (RealESRGAN.first, RealESRGAN.second)]
QUIET = {
    "bsrgan": BSRGAN(noise_levels=(0, 0)),
    "bsrgan_plus": BSRGANPlus(noise_levels=(0, 0), poisson_probability=0, speckle_probability=0),
    # Its first resizing, which is left out, rounds the size down and keeps the factor: that moves the picture a little.
    "real_esrgan": RealESRGAN(
        first=replace(QUIET_ROUNDS[0], resize_weights=(0, 0, 1)), second=QUIET_ROUNDS[1], gaussian_probability=1
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_lr_pictures_stay_where_the_hr_picture_is(name: str) -> None:
    # A step of brightness in the middle: on average over degradations without noise it stays in the middle.
    hr = torch.full((4, 3, 32, 64), 0.25)
    hr[..., 32:] = 0.75
    generator = torch.Generator().manual_seed(0)
    mean = torch.stack([QUIET[name](hr, scale=4, generator=generator) for _ in range(60)]).mean((0, 1, 2, 3))
    assert_close(mean + mean.flip(0), torch.ones(16), 0.01)
    assert mean[0] < 0.3
    assert mean[-1] > 0.7


def test_steps_can_be_switched_off() -> None:
    # What is left of BSRGAN without noise and compression keeps a constant picture as it is.
    hr = torch.full((2, 3, 32, 32), 102 / 255)
    quiet = BSRGAN(noise_levels=(0, 0), jpeg_quality=(100, 100))
    for seed in range(10):
        lr = quiet(hr, scale=4, generator=torch.Generator().manual_seed(seed))
        assert_close(lr, torch.full((2, 3, 8, 8), 102 / 255), 1.5 / 255)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_other_pictures_and_scales_are_refused_in_one_sentence(name: str) -> None:
    generator = torch.Generator()
    degrade = DEGRADATIONS[name]
    with pytest.raises(ArgumentError, match="scale must divide the pictures' height and width, but 4 does not 30×32"):
        degrade(torch.rand(1, 3, 30, 32), scale=4, generator=generator)
    with pytest.raises(ArgumentError, match="scale must be a whole number of at least 1, not 0"):
        degrade(torch.rand(1, 3, 30, 32), scale=0, generator=generator)
    for hr in (
        torch.rand(3, 32, 32),
        torch.rand(1, 1, 32, 32),
        torch.rand(1, 3, 32, 32).half(),
        torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
        torch.rand(0, 3, 32, 32),
    ):
        with pytest.raises(InputError, match="RGB pictures"):
            degrade(hr, scale=4, generator=generator)


def test_other_arguments_are_refused_in_one_sentence() -> None:
    x, real_esrgan = torch.rand(2, 3, 8, 8), RealESRGAN()
    with pytest.raises(ArgumentError, match=r"quality must be above 0 and at most 100, not 0\.0"):
        jpeg(x, 0)
    with pytest.raises(InputError, match=r"quality must be one number or \(2,\), not \(3,\)"):
        jpeg(x, torch.full((3,), 50.0))
    with pytest.raises(InputError, match="K odd"):
        filter2d(x, torch.rand(2, 4, 4))
    with pytest.raises(InputError, match="K odd"):
        filter2d(x, torch.rand(3, 5, 5))
    with pytest.raises(ArgumentError, match="kernel_size must be odd, not 4"):
        sinc_kernel(4, torch.tensor(1.0))
    with pytest.raises(ArgumentError, match="alpha must be within 0 and 1, not 2"):
        laplacian_kernel(2)
    with pytest.raises(ArgumentError, match=r"halve_probability must be within 0 and 1, not 1\.5"):
        BSRGAN(halve_probability=1.5)
    with pytest.raises(ArgumentError, match=r"noise_levels must be .* within 0 and 255, not \(25, 2\)"):
        BSRGANPlus(noise_levels=(25, 2))
    with pytest.raises(ArgumentError, match="kernel_sizes must be odd"):
        RealESRGAN(kernel_sizes=(7, 8))
    with pytest.raises(ArgumentError, match="kernel_weights must be 6 numbers"):
        RealESRGAN(kernel_weights=(1.0, 2.0))
    with pytest.raises(ArgumentError, match="resize_weights must be 3 numbers"):
        RealESRGAN(first=replace(real_esrgan.first, resize_weights=(0.0, 0.0, 0.0)))
