"""From HR pictures to the LR pictures that a network learns to enlarge, in batches, on any device.

Pictures are RGB ``(N, 3, H, W)`` in [0, 1], float32 or float64.
"""

from srblocks.training.degradations.base import Bicubic, Degradation
from srblocks.training.degradations.bsrgan import BSRGAN, BSRGANPlus
from srblocks.training.degradations.dice import Dice
from srblocks.training.degradations.filters import filter2d, quantise, resize, usm_sharpen
from srblocks.training.degradations.jpeg import jpeg
from srblocks.training.degradations.kernels import gaussian_kernel, plateau_kernel, sinc_kernel
from srblocks.training.degradations.real_esrgan import RealESRGAN, Round

# With the ranges of their papers.
DEGRADATIONS: dict[str, Degradation] = {
    "bicubic": Bicubic(),
    "bsrgan": BSRGAN(),
    "bsrgan_plus": BSRGANPlus(),
    "real_esrgan": RealESRGAN(),
}

__all__ = [
    "BSRGAN",
    "DEGRADATIONS",
    "BSRGANPlus",
    "Bicubic",
    "Degradation",
    "Dice",
    "RealESRGAN",
    "Round",
    "filter2d",
    "gaussian_kernel",
    "jpeg",
    "plateau_kernel",
    "quantise",
    "resize",
    "sinc_kernel",
    "usm_sharpen",
]
