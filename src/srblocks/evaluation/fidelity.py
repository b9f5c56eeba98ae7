"""PSNR: how far the pixels of two pictures are apart."""

import torch
from torch import Tensor

from srblocks.evaluation.protocol import Pixels, comparable


def psnr(picture: Pixels, target: Pixels, *, border: int = 0, luma: bool = True, quantise: bool = True) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``(N,)`` in float64; infinite for equal pictures.

    Args:
        picture: tensor ``(N, C, H, W)`` or ``(C, H, W)``, or array ``(H, W)`` or ``(H, W, C)``, uint8 or in [0, 1].
        target: of the same size.
        border: pixels to leave out at each side; papers take the scale.
        luma: compare Y of BT.601 in studio range, where pictures have three channels; otherwise one mean over all.
        quantise: round floats to 8 bit first, as papers do. Without it, 1e-8 is added to the mean square error, which
            keeps the value finite: the form for validation and losses.

    Raises:
        InputError: sizes differ, pictures of other dtypes, or nothing is left inside the border.
        ArgumentError: ``border`` is negative.
    """
    a, b = comparable(picture, target, border=border, luma=luma, quantise=quantise)
    error = (a - b).square().mean((1, 2, 3))
    return 10 * torch.log10(1 / (error if quantise else error + 1e-8))
