"""Noise as Real-ESRGAN and BSRGAN add it. Pictures are RGB ``(N, 3, H, W)`` in [0, 1] before and after."""

from collections.abc import Callable

import torch
from torch import Tensor

from srblocks.training.degradations.checks import Range
from srblocks.training.degradations.dice import Dice
from srblocks.training.degradations.filters import quantise


def add_gaussian_noise(x: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    """Add white noise and clip.

    Args:
        x: ``(N, 3, H, W)``.
        sigma: standard deviation of each picture's noise, ``(N,)``, in 0..255.
        noise: of standard deviation 1; of 3 channels, or of 1 for grey noise.
    """
    return (x + per_picture(sigma / 255) * noise).clamp(0, 1)


def poisson_noise(x: Tensor, levels: Tensor, sample: Callable[[Tensor], Tensor]) -> Tensor:
    """What photons' counting adds to the pictures, rounded to 8 bit, ``(N, C, H, W)``.

    Args:
        x: ``(N, C, H, W)``.
        levels: how many photons each picture's white is, ``(N,)``.
        sample: means -> counts, as :meth:`Dice.poisson`.
    """
    x, levels = quantise(x), per_picture(levels)
    return sample(x * levels) / levels - x


def distinct_levels(x: Tensor) -> Tensor:
    """How many different 8-bit values each picture has, over all channels, up to the next power of 2: ``(N,)``."""
    values = (quantise(x) * 255).round().long().flatten(1)
    found = torch.zeros(len(x), 256, dtype=x.dtype, device=x.device).scatter_(1, values, 1).sum(1)
    powers = 2 ** torch.arange(9, dtype=x.dtype, device=x.device)
    return powers[torch.bucketize(found, powers)]


def luma(x: Tensor, weights: tuple[float, float, float] = (0.299, 0.587, 0.114)) -> Tensor:
    """Grey ``(N, 1, H, W)``."""
    return (x * x.new_tensor(weights).view(3, 1, 1)).sum(1, keepdim=True)


def random_gaussian_noise(x: Tensor, dice: Dice, *, sigma: Range, grey_probability: float) -> Tensor:
    """Real-ESRGAN's Gaussian noise, of each picture's own strength, in colour or grey.

    Args:
        x: ``(N, 3, H, W)``.
        dice: source of chance.
        sigma: range of the standard deviation, in 0..255.
        grey_probability: of grey noise, for each picture.
    """
    strength, grey = dice.uniform(*sigma), dice.chances(grey_probability)
    # As in the reference, all pictures of a batch share one grey field: that must be an oversight, but changes little.
    grey_noise = dice.normal(*x.shape[-2:]) if bool(grey.any()) else x.new_zeros(())
    noise = torch.where(per_picture(grey), grey_noise, dice.normal(*x.shape))
    return add_gaussian_noise(x, strength, noise)


def random_poisson_noise(x: Tensor, dice: Dice, *, scale: Range, grey_probability: float) -> Tensor:
    """Real-ESRGAN's Poisson noise, the more different values a picture has, the weaker, in colour or grey.

    Args:
        x: ``(N, 3, H, W)``.
        dice: source of chance.
        scale: range of the factor that the noise is multiplied with.
        grey_probability: of grey noise, for each picture.
    """
    strength, grey = dice.uniform(*scale), dice.chances(grey_probability)
    grey_noise = x.new_zeros(())
    if bool(grey.any()):
        # Torchvision's grey, whose weights are rounded to 4 digits.
        grey_x = luma(x, (0.2989, 0.587, 0.114))
        grey_noise = poisson_noise(grey_x, distinct_levels(grey_x), dice.poisson)
    noise = torch.where(per_picture(grey), grey_noise, poisson_noise(x, distinct_levels(x), dice.poisson))
    return (x + per_picture(strength) * noise).clamp(0, 1)


def mixed_noise(x: Tensor, dice: Dice, *, levels: tuple[int, int]) -> Tensor:
    """BSRGAN's Gaussian noise ``(N, 3, H, W)``: independent in the colours, the same in them, or correlated.

    Args:
        x: pictures that it is for.
        dice: source of chance.
        levels: range of the standard deviation, in 0..255; correlated noise always has the largest.
    """
    kind, level = dice.picks((0.4, 0.4, 0.2))[:, None, None], dice.integers(*levels)[:, None, None]
    colour = torch.eye(3, dtype=x.dtype, device=x.device)
    grey = colour[:1].expand(3, 3)
    # Covariance |Uᵀ·D·U|, with U an orthonormal basis of random vectors and D random variances.
    basis = torch.linalg.svd(dice.uniform(0, 1, 3, 3)).U
    variances, axes = torch.linalg.eigh((basis.mT @ (dice.uniform(0, 1, 3, 1) * basis)).abs())
    correlated = levels[1] * axes * variances.clamp(min=0).sqrt()[:, None, :]
    mixture = torch.where(kind == 2, correlated, level * torch.where(kind == 1, grey, colour)) / 255
    return torch.einsum("nij,njhw->nihw", mixture, dice.normal(*x.shape))


def per_picture(values: Tensor) -> Tensor:
    """``(N,)`` as ``(N, 1, 1, 1)``."""
    return values.view(-1, 1, 1, 1)
