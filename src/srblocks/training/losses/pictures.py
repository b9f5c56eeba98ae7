"""Losses on pixels, their differences and their spectrum."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError

Reduction = Literal["mean", "sum", "none"]


def weighted_reduce(loss: Tensor, weight: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """Reduce a map of losses ``(N, C, H, W)``, each element times its weight.

    Args:
        loss: the map.
        weight: ``(N, C, H, W)``, or ``(N, 1, H, W)`` for all channels alike; all 1 unless given.
        reduction: ``"mean"`` divides by the sum of the weights; ``"none"`` gives the weighted map.

    Raises:
        InputError: ``weight`` has another shape.
    """
    if weight is not None:
        if weight.shape not in (loss.shape, (loss.shape[0], 1, *loss.shape[2:])):
            raise InputError(f"weight must be {tuple(loss.shape)}, or have 1 channel, not {tuple(weight.shape)}.")
        weight = weight.expand_as(loss)
        loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    return loss.mean() if weight is None else loss.sum() / weight.sum()


def total_variation(x: Tensor, *, weight: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """Anisotropic total variation: |difference| of vertical neighbours plus |difference| of horizontal neighbours.

    Either direction is reduced on its own; a pair has the weight of its upper or left pixel.

    Args:
        x: ``(N, C, H, W)`` of at least 2×2 pixels.
        weight: ``(N, C, H, W)`` or ``(N, 1, H, W)``; all 1 unless given.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        InputError: ``x`` is smaller than 2×2 pixels, or ``weight`` has another shape.
    """
    x = _with_neighbours(x)
    down, right = (x[..., 1:, :] - x[..., :-1, :]).abs(), (x[..., 1:] - x[..., :-1]).abs()
    upper, left = (None, None) if weight is None else (weight[..., :-1, :], weight[..., :-1])
    return weighted_reduce(down, upper, reduction) + weighted_reduce(right, left, reduction)


def isotropic_total_variation(
    x: Tensor, *, beta: float = 0.5, eps: float = 1e-12, weight: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Isotropic total variation: (right difference² + lower difference² + eps)^beta, without last row and column.

    Args:
        x: ``(N, C, H, W)`` of at least 2×2 pixels.
        beta: exponent; with 0.5 it is the length of the gradient.
        eps: keeps the derivative finite where the picture is flat; the deep image prior's code, which sums, has 0.
        weight: ``(N, C, H, W)`` or ``(N, 1, H, W)``; all 1 unless given.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        InputError: ``x`` is smaller than 2×2 pixels, or ``weight`` has another shape.
    """
    x = _with_neighbours(x)
    corner = x[..., :-1, :-1]
    steepness = (x[..., :-1, 1:] - corner).square() + (x[..., 1:, :-1] - corner).square()
    return weighted_reduce((steepness + eps) ** beta, None if weight is None else weight[..., :-1, :-1], reduction)


def uncertainty_weight(log_uncertainty: Tensor) -> Tensor:
    """The weights of uncertainty-driven training, ``(N, C, H, W)``: s - its minimum in each image and channel + 1."""
    s = at_least_float32(log_uncertainty)
    return s - s.amin((-2, -1), keepdim=True) + 1


class PixelLoss(nn.Module, ABC):
    """A loss of every element on its own: ``loss(prediction, target)``, or ``loss(prediction, target, weight)``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``, of the map times ``weight``, see :func:`weighted_reduce`.

    Raises:
        ArgumentError: another ``reduction``.
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ArgumentError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}.")
        self.reduction: Reduction = reduction

    @abstractmethod
    def loss_map(self, difference: Tensor) -> Tensor:
        """The loss of every element, given prediction - target."""

    def forward(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return weighted_reduce(self.loss_map(difference_of(prediction, target)), weight, self.reduction)


class L1Loss(PixelLoss):
    """|prediction - target|: ``loss(prediction, target, weight=None)``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    def loss_map(self, difference: Tensor) -> Tensor:
        return difference.abs()


class MSELoss(PixelLoss):
    """(prediction - target)²: ``loss(prediction, target, weight=None)``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    def loss_map(self, difference: Tensor) -> Tensor:
        return difference.square()


class CharbonnierLoss(PixelLoss):
    """√((prediction - target)² + eps): ``loss(prediction, target, weight=None)``.

    Args:
        eps: as it stands under the root: papers that write ε² there, with ε = 1e-3, mean 1e-6.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ArgumentError: ``eps`` is not above 0, or another ``reduction``.

    Paper: Charbonnier et al., "Two Deterministic Half-Quadratic Regularization Algorithms for Computed Imaging", 1994.
    """

    def __init__(self, *, eps: float = 1e-12, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        if not eps > 0:
            raise ArgumentError(f"eps must be above 0, not {eps!r}.")
        self.eps = eps

    def loss_map(self, difference: Tensor) -> Tensor:
        return (difference.square() + self.eps).sqrt()


class FFTLoss(nn.Module):
    """Mean |difference| of the spectra, over real and imaginary parts of ``rfft2``: ``loss(prediction, target)``.

    Paper: Cho et al., "Rethinking Coarse-to-Fine Approach in Single Image Deblurring", ICCV 2021.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        # The transform is linear: one of the difference, not the difference of two.
        return torch.view_as_real(torch.fft.rfft2(difference_of(prediction, target))).abs().mean()


class TVLoss(nn.Module):
    """Mean total variation of the prediction: ``loss(prediction)``, or ``loss(prediction, target)``, target ignored.

    Args:
        isotropic: the length of the gradient, not the sum of its components' sizes.
    """

    def __init__(self, *, isotropic: bool = False) -> None:
        super().__init__()
        self.isotropic = isotropic

    def forward(self, prediction: Tensor, target: Tensor | None = None) -> Tensor:
        return isotropic_total_variation(prediction) if self.isotropic else total_variation(prediction)


class UncertaintyEstimationLoss(nn.Module):
    """Step 1 of uncertainty-driven training: mean |prediction - target|·e^-s + 2·mean s.

    The network gives a second map s beside its picture, of the same shape: the logarithm of how uncertain each element
    is. ``loss(prediction, target, s)``. The authors' pictures are in 0..255, which shifts s by log 255.

    Paper: Ning et al., "Uncertainty-Driven Loss for Single Image Super-Resolution", NeurIPS 2021.
    """

    def forward(self, prediction: Tensor, target: Tensor, log_uncertainty: Tensor) -> Tensor:
        s = at_least_float32(log_uncertainty)
        return (difference_of(prediction, target).abs() * torch.exp(-s)).mean() + 2 * s.mean()


class UncertaintyDrivenLoss(nn.Module):
    """Step 2 of uncertainty-driven training: mean |prediction - target|·w, with larger w where it is more uncertain.

    ``loss(prediction, target, s)``: s comes from a frozen copy of step 1's network, with whose weights this step's
    network starts too. No gradient flows into s. See :func:`uncertainty_weight`.

    Paper: Ning et al., "Uncertainty-Driven Loss for Single Image Super-Resolution", NeurIPS 2021.
    """

    def forward(self, prediction: Tensor, target: Tensor, log_uncertainty: Tensor) -> Tensor:
        return (difference_of(prediction, target).abs() * uncertainty_weight(log_uncertainty.detach())).mean()


def at_least_float32(x: Tensor) -> Tensor:
    """The tensor, in float32 if it was in half precision: sums over pictures and small constants need the digits."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def difference_of(prediction: Tensor, target: Tensor) -> Tensor:
    """Prediction - target, in at least float32.

    Raises:
        InputError: the shapes differ.
    """
    if prediction.shape != target.shape:
        raise InputError(
            f"Prediction and target must have the same shape, not {tuple(prediction.shape)} and {tuple(target.shape)}."
        )
    return at_least_float32(prediction) - at_least_float32(target)


def _with_neighbours(x: Tensor) -> Tensor:
    """The picture in at least float32, if it has neighbours to differ from."""
    if x.ndim != 4 or min(x.shape[-2:]) < 2:
        raise InputError(f"Total variation needs pictures (N, C, H, W) of at least 2×2 pixels, not {tuple(x.shape)}.")
    return at_least_float32(x)
