"""Losses of two networks against each other, on the discriminator's raw logits; and penalties on its gradient."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from srblocks.errors import ArgumentError
from srblocks.training.losses.pictures import at_least_float32

GANKind = Literal["vanilla", "lsgan", "wgan", "wgan_softplus", "hinge"]
Discriminator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GANLoss:
    """The losses of generator and discriminator. It holds nothing but its arguments, so it is no module.

    With r and f the logits of real and generated pictures and every term a mean over all elements of the batch:

    | kind | discriminator: real | discriminator: generated | generator |
    |---|---|---|---|
    | `vanilla` | BCE(r, 1) | BCE(f, 0) | BCE(f, 1) |
    | `lsgan` | (r - 1)² | f² | (f - 1)² |
    | `wgan` | -r | f | -f |
    | `wgan_softplus` | softplus(-r) | softplus(f) | softplus(-f) |
    | `hinge` | relu(1 - r) | relu(1 + f) | -f |

    Args:
        kind: the row.
        relativistic: judge each side relative to the other's mean, r - mean f and f - mean r, as ESRGAN does; for
            ``vanilla`` and ``lsgan``.
        real_label: in place of the 1 of ``vanilla`` and ``lsgan``; less smooths the labels.
        fake_label: in place of their 0.

    Raises:
        ArgumentError: another ``kind``, or one that is not defined relativistically.

    Papers: Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014; Mao et al., "Least Squares Generative
    Adversarial Networks", ICCV 2017; Arjovsky et al., "Wasserstein GAN", ICML 2017; Lim and Ye, "Geometric GAN", 2017;
    Jolicoeur-Martineau, "The Relativistic Discriminator", ICLR 2019.
    """

    kind: GANKind = "vanilla"
    _: KW_ONLY
    relativistic: bool = False
    real_label: float = 1.0
    fake_label: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(GANKind):
            raise ArgumentError(f"kind must be one of {', '.join(get_args(GANKind))}, not {self.kind!r}.")
        if self.relativistic and self.kind not in ("vanilla", "lsgan"):
            raise ArgumentError(f"kind must be vanilla or lsgan where relativistic is True, not {self.kind!r}.")

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """The generator's loss.

        Args:
            fake: logits of its pictures.
            real: logits of real pictures, which a relativistic loss needs; no gradient flows into them.

        Raises:
            ArgumentError: a relativistic loss without ``real``.
        """
        fake = at_least_float32(fake)
        if self.relativistic:
            if real is None:
                raise ArgumentError(
                    "real must be given: a relativistic loss compares with the logits of real pictures."
                )
            real = at_least_float32(real.detach())
            return (self._distance(real - fake.mean(), False) + self._distance(fake - real.mean(), True)) / 2
        return -fake.mean() if self.kind == "hinge" else self._distance(fake, True)

    def discriminator(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's losses on real and on generated pictures: to be added, or propagated one by one.

        Args:
            real: logits of real pictures.
            fake: logits of the generator's pictures, detached from the generator.
        """
        real, fake = at_least_float32(real), at_least_float32(fake)
        if self.relativistic:
            relative_real, relative_fake = real - fake.detach().mean(), fake - real.detach().mean()
            return self._distance(relative_real, True) / 2, self._distance(relative_fake, False) / 2
        return self._distance(real, True), self._distance(fake, False)

    def _distance(self, logits: Tensor, real: bool) -> Tensor:
        """How far logits are from what the discriminator should say of real or generated pictures."""
        label, away = (self.real_label, -logits) if real else (self.fake_label, logits)
        match self.kind:
            case "vanilla":
                return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
            case "lsgan":
                return (logits - label).square().mean()
            case "wgan":
                return away.mean()
            case "wgan_softplus":
                return F.softplus(away).mean()
            case "hinge":
                return F.relu(1 + away).mean()


def r1_penalty(discriminator: Discriminator, real: Tensor) -> Tensor:
    """Mean over the batch of the squared norm of the logits' gradient at real pictures; times γ/2, added to the loss.

    Paper: Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018.
    """
    return _gradient(discriminator, real).square().flatten(1).sum(1).mean()


def gradient_penalty(
    discriminator: Discriminator, real: Tensor, fake: Tensor, *, alpha: Tensor | None = None, per_pixel: bool = False
) -> Tensor:
    """Mean of (norm - 1)² of the logits' gradient between real and generated pictures; times 10, added to the loss.

    Args:
        discriminator: pictures -> logits.
        real: ``(N, C, H, W)``.
        fake: ``(N, C, H, W)``.
        alpha: ``(N,)``, each sample's share of the real picture in [0, 1]; drawn evenly unless given.
        per_pixel: take the norm over the channels of each pixel, as BasicSR does, not over the whole sample, as the
            paper does.

    Paper: Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
    """
    if alpha is None:
        alpha = torch.rand(len(real), dtype=real.dtype, device=real.device)
    alpha = alpha.view(-1, 1, 1, 1)
    gradient = _gradient(discriminator, alpha * real + (1 - alpha) * fake)
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=1 if per_pixel else (1, 2, 3))
    return (norm - 1).square().mean()


def _gradient(discriminator: Discriminator, pictures: Tensor) -> Tensor:
    """Gradient of the summed logits at some pictures, through which the discriminator can be trained."""
    pictures = pictures.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(pictures).sum(), pictures, create_graph=True)
    return at_least_float32(gradient)
