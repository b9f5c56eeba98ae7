"""What degradations say of pictures and ranges that they cannot take."""

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, InputError

Range = tuple[float, float]


def check_pictures(x: Tensor) -> None:
    """Raise an InputError unless ``x`` is RGB ``(N, 3, H, W)`` in float32 or float64."""
    if x.ndim != 4 or x.shape[1] != 3 or 0 in x.shape or x.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"Degradations take RGB pictures (N, 3, H, W) in float32 or float64, not {x.dtype} of {tuple(x.shape)}."
        )


def check_range(low: float, high: float, **ranges: Range) -> None:
    """Raise an ArgumentError that names the first range that does not lie within ``low`` and ``high``."""
    for name, (start, end) in ranges.items():
        if not low <= start <= end <= high:
            raise ArgumentError(f"{name} must be (smallest, largest) within {low} and {high}, not ({start}, {end}).")


def check_probability(**probabilities: float) -> None:
    """Raise an ArgumentError that names the first probability that is none."""
    for name, probability in probabilities.items():
        if not 0 <= probability <= 1:
            raise ArgumentError(f"{name} must be within 0 and 1, not {probability}.")


def check_weights(count: int, **weights: tuple[float, ...]) -> None:
    """Raise an ArgumentError that names the first weights that are not ``count`` numbers of at least 0, one above."""
    for name, values in weights.items():
        if len(values) != count or min(values) < 0 or not sum(values) > 0:
            raise ArgumentError(f"{name} must be {count} numbers of at least 0, one of them above, not {values}.")
