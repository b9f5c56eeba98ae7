"""What super-resolution networks are trained with.

Pictures are ``(N, C, H, W)`` in [0, 1], the prediction comes before the target. Every loss is computed in at least
float32, and its gradient is finite everywhere, at equal and at flat pictures too.

Reference numbers: github.com/XPixelGroup/BasicSR at 8d56e3a0 (Apache-2.0), github.com/QianNing0/UDL at 5b4c112e (no
licence stated), github.com/DmitryUlyanov/deep-image-prior at 042e0d4c.
"""

from collections.abc import Callable

from torch import nn

from srblocks.training.losses.adversarial import GANLoss, gradient_penalty, r1_penalty
from srblocks.training.losses.features import (
    ContentLoss,
    ContrastiveLoss,
    ImageNetNorm,
    RandomFeatures,
    TextureLoss,
    gram,
)
from srblocks.training.losses.pictures import (
    CharbonnierLoss,
    FFTLoss,
    L1Loss,
    MSELoss,
    TVLoss,
    UncertaintyDrivenLoss,
    UncertaintyEstimationLoss,
    isotropic_total_variation,
    total_variation,
    uncertainty_weight,
    weighted_reduce,
)

# Losses that need nothing but pictures, by name: `loss(prediction, target)`; `contrastive` also takes `lr=`.
LOSSES: dict[str, Callable[[], nn.Module]] = {
    "l1": L1Loss,
    "l2": MSELoss,
    "charbonnier": CharbonnierLoss,
    "fft": FFTLoss,
    "tv": TVLoss,
    "contrastive": ContrastiveLoss,
}

__all__ = [
    "LOSSES",
    "CharbonnierLoss",
    "ContentLoss",
    "ContrastiveLoss",
    "FFTLoss",
    "GANLoss",
    "ImageNetNorm",
    "L1Loss",
    "MSELoss",
    "RandomFeatures",
    "TVLoss",
    "TextureLoss",
    "UncertaintyDrivenLoss",
    "UncertaintyEstimationLoss",
    "gradient_penalty",
    "gram",
    "isotropic_total_variation",
    "r1_penalty",
    "total_variation",
    "uncertainty_weight",
    "weighted_reduce",
]
