"""Colours as the super-resolution papers convert them: BT.601, studio range, like MATLAB's ``rgb2ycbcr``.

Pictures are ``(..., 3, H, W)``, RGB in [0, 1]; Y lies in [16/255, 235/255]. Measures of quality use the YIQ of NTSC.
"""

import torch
from torch import Tensor

_LUMA = (65.481, 128.553, 24.966)
_TO_YCBCR = (_LUMA, (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_OFFSET = (16.0, 128.0, 128.0)
_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def rgb_to_y(rgb: Tensor) -> Tensor:
    """Luma ``(..., 1, H, W)`` of RGB ``(..., 3, H, W)`` in [0, 1]."""
    weights = rgb.new_tensor(_LUMA).view(3, 1, 1)
    return ((rgb * weights).sum(-3, keepdim=True) + _OFFSET[0]) / 255


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """YCbCr ``(..., 3, H, W)`` of RGB ``(..., 3, H, W)``, both in [0, 1]."""
    mixed = torch.einsum("ij,...jhw->...ihw", rgb.new_tensor(_TO_YCBCR), rgb)
    return (mixed + rgb.new_tensor(_OFFSET).view(3, 1, 1)) / 255


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """RGB ``(..., 3, H, W)`` of YCbCr ``(..., 3, H, W)``, both in [0, 1]; the inverse of :func:`rgb_to_ycbcr`."""
    to_ycbcr = torch.tensor(_TO_YCBCR, dtype=torch.float64)
    to_rgb = torch.linalg.inv(to_ycbcr).to(ycbcr.device, ycbcr.dtype)
    return torch.einsum("ij,...jhw->...ihw", to_rgb, ycbcr * 255 - ycbcr.new_tensor(_OFFSET).view(3, 1, 1))


def rgb_to_yiq(rgb: Tensor) -> Tensor:
    """YIQ ``(..., 3, H, W)`` of RGB ``(..., 3, H, W)`` of any range; Y has the same range."""
    return torch.einsum("ij,...jhw->...ihw", rgb.new_tensor(_TO_YIQ), rgb)
