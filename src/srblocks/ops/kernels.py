"""Kernel algebra: convolutions that add up, folded into one kernel.

A convolution is linear in its kernel, so whatever is linear in the pixels under the kernel can be moved into the
kernel. If a branch weights differences of pixels, ``y = w · (D x)``, then ``y = (Dᵀ w) · x``: one plain convolution
with the *effective* kernel ``Dᵀ w``. The functions named after DGConv's operators (Peng et al., arXiv 2405.07023)
are those maps ``T = Dᵀ``. They take kernels ``(out, in / groups, kh, kw)`` of any size and return the same shape;
stride, dilation, groups and padding do not matter to them, because dilated taps are still the taps, and the padding
is part of the picture before any difference is taken.

The others take and return whole convolutions, each a kernel and its bias ``(out,)``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError

Affine = tuple[Tensor, Tensor]


def vanilla(kernel: Tensor) -> Tensor:
    """VC, the plain kernel: weights ``x_k``."""
    return kernel


def centre_surround_gradient(kernel: Tensor) -> Tensor:
    """CSG: weights ``x_k - M``, M the mean of all pixels under the kernel (the centre too)."""
    return kernel - _mean(kernel)


def centre_surround_aggregation(kernel: Tensor) -> Tensor:
    """CSA: weights ``x_k + M``, M the mean of all pixels under the kernel (the centre too)."""
    return kernel + _mean(kernel)


def horizontal_gradient(kernel: Tensor) -> Tensor:
    """HG: weights the difference of ``x_k`` and its mirror image in the other half of the columns."""
    return kernel - kernel.flip(-1)


def vertical_gradient(kernel: Tensor) -> Tensor:
    """VG: weights the difference of ``x_k`` and its mirror image in the other half of the rows."""
    return kernel - kernel.flip(-2)


def irregular_gradient(kernel: Tensor, location: Tensor) -> Tensor:
    """IDG: weights ``x_k - x_L``, L one fixed tap per kernel.

    Args:
        kernel: ``(out, in / groups, kh, kw)``.
        location: ``(out, in / groups)``, integers in 0 .. kh·kw - 1, taps counted row by row.
    """
    taps = kernel.flatten(2)
    total = taps.sum(2, keepdim=True)
    return taps.scatter_add(2, location.long().unsqueeze(2), -total).view_as(kernel)


def _mean(kernel: Tensor) -> Tensor:
    # Not mean(): its gradient would divide every tap instead of their sum.
    return kernel.sum((-2, -1), keepdim=True) / (kernel.shape[-2] * kernel.shape[-1])


def fold_batch_norm(
    kernel: Tensor, bias: Tensor | None, *, mean: Tensor, variance: Tensor, weight: Tensor, shift: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Kernel and bias of the convolution that equals this one followed by a batch norm with fixed statistics.

    Args:
        kernel: ``(out, in / groups, kh, kw)``.
        bias: ``(out,)``, or None for zeros.
        mean: the running mean, ``(out,)``.
        variance: the running variance, ``(out,)``.
        weight: the norm's gain, ``(out,)``.
        shift: the norm's bias, ``(out,)``.
        eps: what the norm adds to the variance.
    """
    gain = weight / (variance + eps).sqrt()
    centred = -mean if bias is None else bias - mean
    return kernel * gain.view(-1, 1, 1, 1), centred * gain + shift


def compose(first: Affine, second: Affine) -> Affine:
    """The convolution that equals two in a row, at least one of them pointwise.

    It is exact at the border too where the picture is padded before the first: the first one's bias then reaches the
    frame that the second one reads.

    Args:
        first: kernel ``(mid, in, kh, kw)`` and bias ``(mid,)``.
        second: kernel ``(out, mid, kh, kw)`` and bias ``(out,)``.

    Raises:
        ArgumentError: neither is pointwise.
    """
    (inner, shift), (outer, bias) = first, second
    if (1, 1) not in (inner.shape[2:], outer.shape[2:]):
        raise ArgumentError(
            f"first or second must be pointwise, not {tuple(inner.shape[2:])} and {tuple(outer.shape[2:])}."
        )
    return torch.einsum("om...,mi...->oi...", outer, inner), bias + torch.einsum("omhw,m->o", outer, shift)


def compose_depthwise(first: Affine, second: Affine) -> Affine:
    """As :func:`compose`, where the first is pointwise and the second reads one channel each, ``(out, 1, kh, kw)``."""
    (inner, shift), (outer, bias) = first, second
    return outer * inner, bias + outer.sum((1, 2, 3)) * shift


def add(*convs: Affine) -> Affine:
    """The convolution that equals the sum of several with kernels of one size."""
    weights, biases = zip(*convs, strict=True)
    return torch.stack(weights).sum(0), torch.stack(biases).sum(0)


def centred(pointwise: Tensor, rows: int, columns: int) -> Tensor:
    """A pointwise kernel ``(out, in, 1, 1)`` as one of odd size, zeros around it: the same convolution."""
    return F.pad(pointwise, (columns // 2, columns // 2, rows // 2, rows // 2))


def add_identity(kernel: Tensor, groups: int = 1) -> Tensor:
    """The kernel of the convolution that equals this one plus its input: ``y = k * x + x``.

    Args:
        kernel: ``(channels, channels / groups, kh, kw)`` of a convolution that keeps the size, kh and kw odd.
        groups: of the convolution.
    """
    identity = torch.zeros_like(kernel)
    centre = identity[:, :, kernel.shape[2] // 2, kernel.shape[3] // 2].view(groups, -1, kernel.shape[1])
    centre.diagonal(dim1=1, dim2=2).fill_(1)
    return identity.add_(kernel)


def scale_inputs(kernel: Tensor, gain: Tensor) -> Tensor:
    """The kernel of the convolution that equals this one after a multiplication of every channel.

    Args:
        kernel: ``(out, in, kh, kw)``.
        gain: one factor per channel of the input, ``in`` values.
    """
    return kernel * gain.reshape(1, -1, 1, 1)
