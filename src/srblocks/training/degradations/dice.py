"""Random numbers for a batch of pictures that depend on nothing but one generator."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Dice:
    """Draws on the generator's device, and hands over on the device and in the dtype of a batch of pictures.

    Args:
        generator: the only source of chance.
        pictures: ``(N, C, H, W)``.
    """

    def __init__(self, generator: torch.Generator, pictures: Tensor) -> None:
        self.generator = generator
        self.batch = len(pictures)
        self.device, self.dtype = pictures.device, pictures.dtype

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Evenly distributed numbers for each picture: one, ``(N,)``, or of some shape, ``(N, *shape)``."""
        return low + (high - low) * self._rand(self.batch, *shape)

    def integers(self, low: int, high: int) -> Tensor:
        """A whole number from ``low`` to ``high``, both included, for each picture, ``(N,)``."""
        return self.uniform(low, high + 1).floor().clamp(max=high)

    def picks(self, weights: Sequence[float]) -> Tensor:
        """The index of an option for each picture, ``(N,)``."""
        on_generator = torch.tensor(weights, dtype=self.dtype, device=self.generator.device)
        return torch.multinomial(on_generator, self.batch, replacement=True, generator=self.generator).to(self.device)

    def chances(self, probability: float) -> Tensor:
        """Whether something happens to each picture, ``(N,)``."""
        return self.uniform(0, 1) < probability

    def number(self, low: float, high: float) -> float:
        """One evenly distributed number for the whole batch."""
        return low + (high - low) * self._rand().item()

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of several options, all as likely unless weighted, for the whole batch."""
        weights = [1.0] * len(options) if weights is None else weights
        point = self.number(0, sum(weights))
        for option, end in zip(options, accumulate(weights), strict=True):
            if point < end:
                return option
        return options[-1]

    def chance(self, probability: float) -> bool:
        """Whether something happens to the whole batch."""
        return self.number(0, 1) < probability

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in any order, for the whole batch."""
        order = torch.randperm(len(items), generator=self.generator, device=self.generator.device)
        return [items[index] for index in order.tolist()]

    def normal(self, *shape: int) -> Tensor:
        """Numbers of mean 0 and standard deviation 1."""
        numbers = torch.randn(shape, generator=self.generator, dtype=self.dtype, device=self.generator.device)
        return numbers.to(self.device)

    def poisson(self, mean: Tensor) -> Tensor:
        """Counts with the given means."""
        return torch.poisson(mean.to(self.generator.device), self.generator).to(self.device)

    def _rand(self, *shape: int) -> Tensor:
        numbers = torch.rand(shape, generator=self.generator, dtype=self.dtype, device=self.generator.device)
        return numbers.to(self.device)
