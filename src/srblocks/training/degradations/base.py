"""What all degradations share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.ops.resize import imresize
from srblocks.training.degradations.checks import check_pictures
from srblocks.training.degradations.dice import Dice
from srblocks.training.degradations.filters import quantise


@dataclass(frozen=True)
class Degradation(ABC):
    """A way from HR to LR pictures: ``degradation(hr, scale=4, generator=generator)``. Subclasses write ``degrade``."""

    def __call__(self, hr: Tensor, *, scale: int, generator: torch.Generator) -> Tensor:
        """LR pictures ``(N, 3, H / scale, W / scale)`` in [0, 1], rounded to 8 bit as files are, without a gradient.

        Args:
            hr: RGB ``(N, 3, H, W)`` in [0, 1], float32 or float64, on any device.
            scale: by which both sides are divided.
            generator: the only source of chance: on a CPU the same state gives the same pictures. Drawing is fastest
                where it lives on the pictures' device.

        Raises:
            InputError: other pictures.
            ArgumentError: ``scale`` does not divide both sides.
        """
        check_pictures(hr)
        check_positive(scale=scale)
        height, width = hr.shape[-2:]
        if height % scale or width % scale:
            raise ArgumentError(
                f"scale must divide the pictures' height and width, but {scale} does not {height}×{width}."
            )
        with torch.no_grad(), torch.autocast(hr.device.type, enabled=False):
            return quantise(self.degrade(hr, scale, Dice(generator, hr)))

    @abstractmethod
    def degrade(self, hr: Tensor, scale: int, dice: Dice) -> Tensor:
        """LR pictures ``(N, 3, H / scale, W / scale)``, neither clipped nor rounded yet."""


@dataclass(frozen=True)
class Bicubic(Degradation):
    """MATLAB's ``imresize``: what benchmarks and most papers train and test on. Nothing is left to chance."""

    def degrade(self, hr: Tensor, scale: int, dice: Dice) -> Tensor:
        return imresize(hr, 1 / scale)
