"""DGConv's six operators as they are defined: on the differences of the pixels under a kernel.

This is the slow way, for reading and for checking; :mod:`srblocks.ops.kernels` has the same operators moved into the
kernel. Everything works on patches ``(N, groups, in / groups, taps, positions)`` and kernels
``(groups, out / groups, in / groups, taps)`` and returns ``(N, groups, out / groups, positions)``.
"""

import torch
from einops import rearrange
from torch import Tensor


def weight_vanilla(patches: Tensor, kernel: Tensor) -> Tensor:
    """Σ w_k · x_k."""
    return torch.einsum("ngikp,goik->ngop", patches, kernel)


def weight_centre_surround_gradient(patches: Tensor, kernel: Tensor) -> Tensor:
    """Σ w_k · (x_k - M)."""
    return weight_vanilla(patches - patches.mean(3, keepdim=True), kernel)


def weight_centre_surround_aggregation(patches: Tensor, kernel: Tensor) -> Tensor:
    """Σ w_k · (x_k + M)."""
    return weight_vanilla(patches + patches.mean(3, keepdim=True), kernel)


def weight_horizontal_gradient(patches: Tensor, kernel: Tensor, columns: int) -> Tensor:
    """Σ w_k · (x_k - x at the mirrored column)."""
    cells = rearrange(patches, "n g i (r c) p -> n g i r c p", c=columns)
    return weight_vanilla(patches - cells.flip(4).flatten(3, 4), kernel)


def weight_vertical_gradient(patches: Tensor, kernel: Tensor, columns: int) -> Tensor:
    """Σ w_k · (x_k - x at the mirrored row)."""
    cells = rearrange(patches, "n g i (r c) p -> n g i r c p", c=columns)
    return weight_vanilla(patches - cells.flip(3).flatten(3, 4), kernel)


def weight_irregular_gradient(patches: Tensor, kernel: Tensor, location: Tensor) -> Tensor:
    """Σ w_k · (x_k - x_L), with L from ``location`` ``(groups, out / groups, in / groups)``."""
    outputs = []
    for output in range(kernel.shape[1]):
        at = location[None, :, output, :, None, None].long().expand(*patches.shape[:3], 1, patches.shape[4])
        outputs.append(torch.einsum("ngikp,gik->ngp", patches - patches.gather(3, at), kernel[:, output]))
    return torch.stack(outputs, dim=2)
