"""What papers do to two pictures before they compare them: 8 bit, without the border, in luma."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srblocks.errors import ArgumentError, InputError
from srblocks.ops.color import rgb_to_y

Pixels = Tensor | NDArray[Any]


def comparable(
    picture: Pixels, target: Pixels, *, border: int, luma: bool, quantise: bool, channels: tuple[int, ...] = ()
) -> tuple[Tensor, Tensor]:
    """Both as float64 ``(N, C, H, W)`` in [0, 1].

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side.
        luma: Y of BT.601 in studio range of pictures with three channels, unrounded.
        quantise: clamp floats to [0, 1] and round them to 8 bit.
        channels: how many there may be; any number unless given.

    Raises:
        InputError: sizes differ, pictures of other dtypes or shapes, or nothing is left inside the border.
        ArgumentError: ``border`` is negative.
    """
    if border < 0:
        raise ArgumentError(f"border must be at least 0, not {border}.")
    a, b = _batch(picture), _batch(target)
    if a.shape != b.shape:
        raise InputError(f"Pictures must have the same shape, not {tuple(a.shape)} and {tuple(b.shape)}.")
    if channels and a.shape[1] not in channels:
        raise InputError(f"Pictures must have {' or '.join(map(str, channels))} channels, not {a.shape[1]}.")
    if min(a.shape[-2:]) <= 2 * border:
        raise InputError(f"Nothing of {a.shape[-2]}×{a.shape[-1]} pixels is left inside a border of {border}.")
    return _prepare(a, border, luma, quantise), _prepare(b, border, luma, quantise)


def check_side(x: Tensor, minimum: int, measure: str) -> None:
    """Raise an InputError unless ``(N, C, H, W)`` has at least ``minimum`` rows and columns."""
    height, width = x.shape[-2:]
    if min(height, width) < minimum:
        raise InputError(
            f"{measure} needs at least {minimum}×{minimum} pixels inside the border, not {height}×{width}."
        )


def shrink_factor(x: Tensor) -> int:
    """By how much some measures shrink ``(N, C, H, W)`` first, so that its shorter side is about 256."""
    return max(1, round(min(x.shape[-2:]) / 256))


def _batch(pixels: Pixels) -> Tensor:
    """``(N, C, H, W)``, uint8 or floating point."""
    if isinstance(pixels, np.ndarray):
        if pixels.ndim not in (2, 3):
            raise InputError(f"Arrays must be (H, W) or (H, W, C), not {pixels.shape}.")
        if pixels.dtype != np.uint8 and not np.issubdtype(pixels.dtype, np.floating):
            raise InputError(f"Pictures must be uint8, or floating point in [0, 1], not {pixels.dtype}.")
        dtype = torch.uint8 if pixels.dtype == np.uint8 else torch.float64
        x = torch.tensor(pixels, dtype=dtype)
        return (x.unsqueeze(-1) if x.ndim == 2 else x).permute(2, 0, 1).unsqueeze(0)
    if pixels.dtype != torch.uint8 and not pixels.is_floating_point():
        raise InputError(f"Pictures must be uint8, or floating point in [0, 1], not {pixels.dtype}.")
    if pixels.ndim not in (3, 4):
        raise InputError(f"Pictures must be (N, C, H, W) or (C, H, W), not {tuple(pixels.shape)}.")
    return pixels if pixels.ndim == 4 else pixels.unsqueeze(0)


def _prepare(x: Tensor, border: int, luma: bool, quantise: bool) -> Tensor:
    x = x[..., border : x.shape[-2] - border, border : x.shape[-1] - border]
    x = x.cpu() if x.device.type == "mps" else x  # which has no float64
    if not x.is_floating_point():
        x = x.to(torch.float64) / 255
    elif quantise:
        x = (x.to(torch.float64).clamp(0, 1) * 255).round() / 255
    if luma and x.shape[1] == 3:
        # Papers compute the luma of 8-bit pictures in float32.
        x = rgb_to_y(x.float() if quantise else x)
    return x.to(torch.float64)
