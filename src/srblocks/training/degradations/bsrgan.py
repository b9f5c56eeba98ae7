"""BSRGAN's degradations: blur, resizing, noise and JPEG in random order."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from srblocks.ops.resize import imresize
from srblocks.training.degradations.base import Degradation
from srblocks.training.degradations.checks import check_probability, check_range
from srblocks.training.degradations.dice import Dice
from srblocks.training.degradations.filters import RESIZE_MODES, filter2d, quantise, resize, usm_sharpen
from srblocks.training.degradations.jpeg import jpeg
from srblocks.training.degradations.kernels import crop_kernel, gaussian_kernel, shift_kernel
from srblocks.training.degradations.noise import luma, mixed_noise, per_picture, poisson_noise


@dataclass(frozen=True)
class BSRGAN(Degradation):
    """BSRGAN's first degradation, with each step once.

    One draw for the whole batch decides on order, steps and sizes; kernels, strength and kind of the noise and the
    quality of JPEG are drawn for each picture. The reference resizes and compresses with OpenCV, whose results differ
    between versions; here torch resizes, and :func:`jpeg` compresses. Its model of a camera is not published as a
    formula, and that step is left out, as the reference does without the model's file.

    Args:
        halve_probability: at scale 4, of halving the picture first.
        resize_probability: of thinning out by resizing, not by blurring and taking every ``scale``-th pixel.
        noise_levels: standard deviation of the noise, whole numbers in 0..255.
        jpeg_probability: of JPEG as one of the steps; it always is the last one.
        jpeg_quality: whole numbers from 1 to 100.

    Raises:
        ArgumentError: a value outside of its range.

    Paper: Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image Super-Resolution", ICCV 2021,
    arXiv 2103.14006. Reference numbers: github.com/cszn/BSRGAN at 5ce1a9c6 (Apache-2.0).
    """

    _: KW_ONLY
    halve_probability: float = 0.25
    resize_probability: float = 0.75
    noise_levels: tuple[int, int] = (2, 25)
    jpeg_probability: float = 0.9
    jpeg_quality: tuple[int, int] = (30, 95)

    def __post_init__(self) -> None:
        check_probability(
            halve_probability=self.halve_probability,
            resize_probability=self.resize_probability,
            jpeg_probability=self.jpeg_probability,
        )
        check_range(0, 255, noise_levels=self.noise_levels)
        check_range(1, 100, jpeg_quality=self.jpeg_quality)

    def degrade(self, hr: Tensor, scale: int, dice: Dice) -> Tensor:
        x, size = hr, (hr.shape[-2] // scale, hr.shape[-1] // scale)
        if scale == 4 and dice.chance(self.halve_probability):
            half = hr.shape[-2] // 2, hr.shape[-1] // 2
            x = _resize(x, half, dice) if dice.chance(0.5) else imresize(x, 0.5).clamp(0, 1)
            scale = 2
        steps = dice.shuffled(("blur", "blur", "thin out", "fit", "noise", "jpeg"))
        # The size is final only after both of these, in this order.
        first, second = sorted((steps.index("thin out"), steps.index("fit")))
        steps[first], steps[second] = "thin out", "fit"
        for step in steps:
            match step:
                case "blur":
                    x = _blur(x, scale, dice)
                case "thin out":
                    x = self._thin_out(x, scale, dice)
                case "fit":
                    x = _resize(x, size, dice)
                case "noise":
                    x = (x + mixed_noise(x, dice, levels=self.noise_levels)).clamp(0, 1)
                case "jpeg":
                    if dice.chance(self.jpeg_probability):
                        x = _jpeg(x, self.jpeg_quality, dice)
        return _jpeg(x, self.jpeg_quality, dice)

    def _thin_out(self, x: Tensor, scale: int, dice: Dice) -> Tensor:
        if dice.chance(self.resize_probability):
            return _resize_by(x, 1 / dice.number(1, 2 * scale), dice)
        kernel = shift_kernel(gaussian_kernel(25, dice.uniform(0.1, 0.6 * scale)), scale)
        # The reference convolves, which turns the kernel over.
        return filter2d(x, kernel.flip(-2, -1))[..., ::scale, ::scale].clamp(0, 1)


@dataclass(frozen=True)
class BSRGANPlus(Degradation):
    """BSRGAN's second degradation, with most steps twice: blur, resizing, three kinds of noise, JPEG.

    What :class:`BSRGAN` says of batches and of the reference's libraries holds here too. Networks are trained to give
    the sharpened picture: compare them with ``usm_sharpen(hr)``.

    Args:
        sharpen: degrade the sharpened picture.
        shuffle_probability: of any order of all steps; otherwise the noises alone change places.
        poisson_probability: of Poisson noise, each time.
        speckle_probability: of noise in proportion to the picture, each time.
        noise_levels: standard deviation of the noise, whole numbers in 0..255.
        jpeg_quality: whole numbers from 1 to 100.

    Raises:
        ArgumentError: a value outside of its range.

    Paper: Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image Super-Resolution", ICCV 2021,
    arXiv 2103.14006. Reference numbers: github.com/cszn/BSRGAN at 5ce1a9c6 (Apache-2.0).
    """

    _: KW_ONLY
    sharpen: bool = True
    shuffle_probability: float = 0.5
    poisson_probability: float = 0.1
    speckle_probability: float = 0.1
    noise_levels: tuple[int, int] = (2, 25)
    jpeg_quality: tuple[int, int] = (30, 95)

    def __post_init__(self) -> None:
        check_probability(
            shuffle_probability=self.shuffle_probability,
            poisson_probability=self.poisson_probability,
            speckle_probability=self.speckle_probability,
        )
        check_range(0, 255, noise_levels=self.noise_levels)
        check_range(1, 100, jpeg_quality=self.jpeg_quality)

    def degrade(self, hr: Tensor, scale: int, dice: Dice) -> Tensor:
        size = hr.shape[-2] // scale, hr.shape[-1] // scale
        x = usm_sharpen(hr) if self.sharpen else hr
        for step in self._steps(dice):
            match step:
                case "blur":
                    x = _blur(x, scale, dice)
                case "resize":
                    bounds = dice.pick(((1.0, 2.0), (0.5 / scale, 1.0), (1.0, 1.0)), (0.2, 0.7, 0.1))
                    x = _resize_by(x, dice.number(*bounds), dice)
                case "gaussian":
                    x = (x + mixed_noise(x, dice, levels=self.noise_levels)).clamp(0, 1)
                case "poisson":
                    if dice.chance(self.poisson_probability):
                        x = _poisson(x, dice)
                case "speckle":
                    if dice.chance(self.speckle_probability):
                        x = (x + x * mixed_noise(x, dice, levels=self.noise_levels)).clamp(0, 1)
                case "jpeg":
                    x = _jpeg(x, self.jpeg_quality, dice)
        return _jpeg(_resize(x, size, dice), self.jpeg_quality, dice)

    def _steps(self, dice: Dice) -> list[str]:
        noises = ("gaussian", "poisson", "speckle")
        if dice.chance(self.shuffle_probability):
            return dice.shuffled(("blur", "resize", *noises, "jpeg", "blur", "resize", *noises))
        return ["blur", "resize", *dice.shuffled(noises), "jpeg", "blur", "resize", *dice.shuffled(noises)]


def _blur(x: Tensor, scale: int, dice: Dice) -> Tensor:
    """Blur each picture by its own Gaussian, isotropic or not, of 7×7 to 25×25 pixels."""
    anisotropic, sigma = dice.chances(0.5), dice.uniform(0, 2 + 0.2 * scale)
    # The two variances, not the deviations, of an anisotropic kernel are evenly distributed.
    sigma_x, sigma_y = (
        torch.where(anisotropic, dice.uniform(0, 4 + scale).sqrt(), sigma).clamp(min=0.01) for _ in range(2)
    )
    kernel = gaussian_kernel(25, sigma_x, sigma_y, dice.uniform(0, math.pi))
    return filter2d(x, crop_kernel(kernel, 2 * dice.integers(2, 11) + 3))


def _resize(x: Tensor, size: tuple[int, int], dice: Dice) -> Tensor:
    return resize(x, size=size, mode=dice.pick(RESIZE_MODES)).clamp(0, 1)


def _resize_by(x: Tensor, factor: float, dice: Dice) -> Tensor:
    return _resize(x, (max(1, int(factor * x.shape[-2])), max(1, int(factor * x.shape[-1]))), dice)


def _poisson(x: Tensor, dice: Dice) -> Tensor:
    """Each picture by its own count of photons, in colour or grey."""
    x, levels = quantise(x), 10 ** dice.uniform(2, 4)
    colour = poisson_noise(x, levels, dice.poisson)
    grey = poisson_noise(luma(x), levels, dice.poisson)
    return (x + torch.where(per_picture(dice.chances(0.5)), colour, grey)).clamp(0, 1)


def _jpeg(x: Tensor, quality: tuple[int, int], dice: Dice) -> Tensor:
    """What a file and its reader make of the picture: 8 bit before and after."""
    return quantise(jpeg(quantise(x), dice.integers(*quality)))
