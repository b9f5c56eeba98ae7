"""Real-ESRGAN's degradation: two rounds of blur, resizing, noise and JPEG, with ringing in the last step."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from srblocks.errors import ArgumentError
from srblocks.training.degradations.base import Degradation
from srblocks.training.degradations.checks import Range, check_probability, check_range, check_weights
from srblocks.training.degradations.dice import Dice
from srblocks.training.degradations.filters import RESIZE_MODES, filter2d, resize, usm_sharpen
from srblocks.training.degradations.jpeg import jpeg
from srblocks.training.degradations.kernels import crop_kernel, gaussian_kernel, plateau_kernel, sinc_kernel
from srblocks.training.degradations.noise import random_gaussian_noise, random_poisson_noise


@dataclass(frozen=True, kw_only=True)
class Round:
    """What differs between the two rounds.

    Args:
        blur_probability: of blurring the batch.
        blur_sigma: standard deviations of the kernels, in pixels.
        resize_weights: of enlarging, of reducing, and of keeping the size.
        resize_factor: the smallest factor for reducing and the largest for enlarging.
        gaussian_sigma: standard deviation of Gaussian noise, in 0..255.
        poisson_scale: factor of Poisson noise.

    Raises:
        ArgumentError: a value outside of its range.
    """

    blur_probability: float
    blur_sigma: Range
    resize_weights: tuple[float, float, float]
    resize_factor: Range
    gaussian_sigma: Range
    poisson_scale: Range

    def __post_init__(self) -> None:
        check_probability(blur_probability=self.blur_probability)
        check_range(0.01, math.inf, blur_sigma=self.blur_sigma)
        check_weights(3, resize_weights=self.resize_weights)
        check_range(0.01, 100, resize_factor=self.resize_factor)
        check_range(0, math.inf, gaussian_sigma=self.gaussian_sigma, poisson_scale=self.poisson_scale)


@dataclass(frozen=True)
class RealESRGAN(Degradation):
    """Real-ESRGAN's second-order degradation.

    One draw for the whole batch decides which steps are taken and how pictures are resized; kernels, strength and
    colour of the noise and the quality of JPEG are drawn for each picture. A batch is less varied than as many pictures
    one by one.

    Networks are trained to give the sharpened picture: compare them with ``usm_sharpen(hr)``.

    Args:
        first: ranges of the first round.
        second: ranges of the second round.
        sharpen: degrade the sharpened picture.
        kernel_sizes: odd numbers of pixels, all as likely.
        kernel_weights: of isotropic and anisotropic Gaussian, isotropic and anisotropic generalised Gaussian,
            isotropic and anisotropic plateau.
        generalised_beta: exponent of generalised Gaussians; half of them are drawn below 1, half above.
        plateau_beta: exponent of plateaus, likewise.
        sinc_probability: of a sinc kernel instead, for each picture.
        gaussian_probability: of Gaussian instead of Poisson noise, for the batch.
        grey_probability: of grey noise, for each picture.
        jpeg_quality: of both rounds.
        ringing_probability: of a sinc filter at the end, for each picture.
        jpeg_last_probability: of JPEG after the last resizing, not before, for the batch.

    Raises:
        ArgumentError: a value outside of its range.

    Paper: Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCVW 2021,
    arXiv 2107.10833. Reference numbers: github.com/xinntao/Real-ESRGAN at a4abfb29 (BSD-3-Clause).
    """

    _: KW_ONLY
    first: Round = Round(
        blur_probability=1.0,
        blur_sigma=(0.2, 3.0),
        resize_weights=(0.2, 0.7, 0.1),
        resize_factor=(0.15, 1.5),
        gaussian_sigma=(1.0, 30.0),
        poisson_scale=(0.05, 3.0),
    )
    second: Round = Round(
        blur_probability=0.8,
        blur_sigma=(0.2, 1.5),
        resize_weights=(0.3, 0.4, 0.3),
        resize_factor=(0.3, 1.2),
        gaussian_sigma=(1.0, 25.0),
        poisson_scale=(0.05, 2.5),
    )
    sharpen: bool = True
    kernel_sizes: tuple[int, ...] = (7, 9, 11, 13, 15, 17, 19, 21)
    kernel_weights: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    generalised_beta: Range = (0.5, 4.0)
    plateau_beta: Range = (1.0, 2.0)
    sinc_probability: float = 0.1
    gaussian_probability: float = 0.5
    grey_probability: float = 0.4
    jpeg_quality: Range = (30.0, 95.0)
    ringing_probability: float = 0.8
    jpeg_last_probability: float = 0.5

    def __post_init__(self) -> None:
        check_probability(
            sinc_probability=self.sinc_probability,
            gaussian_probability=self.gaussian_probability,
            grey_probability=self.grey_probability,
            ringing_probability=self.ringing_probability,
            jpeg_last_probability=self.jpeg_last_probability,
        )
        check_range(1, 100, jpeg_quality=self.jpeg_quality)
        check_range(0.1, math.inf, generalised_beta=self.generalised_beta, plateau_beta=self.plateau_beta)
        check_weights(6, kernel_weights=self.kernel_weights)
        if not self.kernel_sizes or any(size < 1 or size % 2 == 0 for size in self.kernel_sizes):
            raise ArgumentError(f"kernel_sizes must be odd numbers of at least 1, not {self.kernel_sizes}.")

    def degrade(self, hr: Tensor, scale: int, dice: Dice) -> Tensor:
        height, width = hr.shape[-2] // scale, hr.shape[-1] // scale
        x = usm_sharpen(hr) if self.sharpen else hr

        x = self._blur(x, self.first, dice)
        # At least 2 pixels are left of each side, so that whatever is rounded off leaves 1.
        factor = max(self._factor(self.first, dice), 2 / min(x.shape[-2:]))
        x = resize(x, factor=factor, mode=dice.pick(RESIZE_MODES))
        x = self._noise(x, self.first, dice)
        x = self._jpeg(x, dice)

        x = self._blur(x, self.second, dice)
        factor = self._factor(self.second, dice)
        size = max(1, int(height * factor)), max(1, int(width * factor))
        x = resize(x, size=size, mode=dice.pick(RESIZE_MODES))
        x = self._noise(x, self.second, dice)

        jpeg_last = dice.chance(self.jpeg_last_probability)
        if not jpeg_last:
            x = self._jpeg(x, dice)
        x = resize(x, size=(height, width), mode=dice.pick(RESIZE_MODES))
        x = filter2d(x, self.ringing_kernels(dice))
        return self._jpeg(x, dice) if jpeg_last else x

    def blur_kernels(self, sigma: Range, dice: Dice) -> Tensor:
        """A blur kernel for each picture, ``(N, K, K)``."""
        largest, size = max(self.kernel_sizes), self._kernel_size(dice)
        kind = dice.picks(self.kernel_weights)
        sigma_x, sigma_y = dice.uniform(*sigma), dice.uniform(*sigma)
        axes = sigma_x, torch.where(kind % 2 == 1, sigma_y, sigma_x), dice.uniform(-math.pi, math.pi)
        beta = torch.where(kind < 2, 1.0, self._beta(self.generalised_beta, dice))
        gaussian = gaussian_kernel(largest, *axes, beta=beta)
        plateau = plateau_kernel(largest, *axes, beta=self._beta(self.plateau_beta, dice))
        small, large = dice.uniform(math.pi / 3, math.pi), dice.uniform(math.pi / 5, math.pi)
        sinc = sinc_kernel(largest, torch.where(size < 13, small, large))
        kernel = torch.where(_each(kind >= 4), plateau, gaussian)
        return crop_kernel(torch.where(_each(dice.chances(self.sinc_probability)), sinc, kernel), size)

    def ringing_kernels(self, dice: Dice) -> Tensor:
        """A sinc kernel, or one that does nothing, for each picture, ``(N, K, K)``."""
        sinc = sinc_kernel(max(self.kernel_sizes), dice.uniform(math.pi / 3, math.pi))
        return crop_kernel(sinc, torch.where(dice.chances(self.ringing_probability), self._kernel_size(dice), 1))

    def _blur(self, x: Tensor, stage: Round, dice: Dice) -> Tensor:
        if not dice.chance(stage.blur_probability):
            return x
        return filter2d(x, self.blur_kernels(stage.blur_sigma, dice))

    def _factor(self, stage: Round, dice: Dice) -> float:
        smallest, largest = stage.resize_factor
        return dice.number(*dice.pick(((1.0, largest), (smallest, 1.0), (1.0, 1.0)), stage.resize_weights))

    def _noise(self, x: Tensor, stage: Round, dice: Dice) -> Tensor:
        if dice.chance(self.gaussian_probability):
            return random_gaussian_noise(x, dice, sigma=stage.gaussian_sigma, grey_probability=self.grey_probability)
        return random_poisson_noise(x, dice, scale=stage.poisson_scale, grey_probability=self.grey_probability)

    def _jpeg(self, x: Tensor, dice: Dice) -> Tensor:
        return jpeg(x.clamp(0, 1), dice.uniform(*self.jpeg_quality))

    def _kernel_size(self, dice: Dice) -> Tensor:
        sizes = torch.tensor(self.kernel_sizes, device=dice.device)
        return sizes[dice.picks([1.0] * len(sizes))]

    def _beta(self, bounds: Range, dice: Dice) -> Tensor:
        return torch.where(dice.chances(0.5), dice.uniform(bounds[0], 1), dice.uniform(1, bounds[1]))


def _each(chosen: Tensor) -> Tensor:
    """``(N,)`` as ``(N, 1, 1)``, to choose between kernels."""
    return chosen[:, None, None]
