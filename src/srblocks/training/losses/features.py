"""Losses on what an extractor sees in the pictures: any callable from pictures to feature maps by name."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.ops.resize import imresize
from srblocks.training.losses.pictures import at_least_float32, difference_of

Extractor = Callable[[Tensor], Mapping[str, Tensor]]
Criterion = Literal["l1", "l2", "frobenius"]

_DISTANCES: dict[str, Callable[[Tensor], Tensor]] = {
    "l1": lambda difference: difference.abs().mean(),
    "l2": lambda difference: difference.square().mean(),
    "frobenius": torch.linalg.vector_norm,
}


def gram(features: Tensor) -> Tensor:
    """Which channels go together: F·Fᵀ / (C·H·W), ``(N, C, C)`` of ``(N, C, H, W)``."""
    flat = at_least_float32(features).flatten(2)
    with torch.autocast(features.device.type, enabled=False):
        return flat @ flat.transpose(1, 2) / flat[0].numel()


class ImageNetNorm(nn.Module):
    """RGB in [0, 1] -> what networks trained on ImageNet want: less the mean, over the standard deviation."""

    def forward(self, x: Tensor) -> Tensor:
        # Rounded to float32 whatever follows, like the buffers of the field's extractors.
        constants = x.new_tensor(((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), dtype=torch.float32)
        mean, deviation = constants.to(x.dtype).view(2, 3, 1, 1).unbind()
        return (x - mean) / deviation


class RandomFeatures(nn.Module):
    """RLFN's extractor, which has learned nothing: 3×3 conv, tanh, 3×3 conv, random and frozen.

    It gives the maps ``"tanh"`` and ``"conv"``, 2 and 4 pixels smaller than the picture. The authors publish neither
    its width nor padding nor initialisation; here nothing is padded, weights are Kaiming's by fan-out, biases 0. The
    same seed gives the same extractor and leaves torch's random numbers alone, so that it need not be saved.

    Args:
        dim: channels of both maps.
        in_channels: channels of the pictures.
        seed: of the weights.
    """

    def __init__(self, dim: int = 3, *, in_channels: int = 3, seed: int = 0) -> None:
        super().__init__()
        check_positive(dim=dim, in_channels=in_channels)
        with torch.random.fork_rng(devices=[]):
            self.conv1 = nn.Conv2d(in_channels, dim, 3)
            self.conv2 = nn.Conv2d(dim, dim, 3)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.ndim == 1:
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter, mode="fan_out", generator=generator)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        shallow = torch.tanh(self.conv1(x))
        return {"tanh": shallow, "conv": self.conv2(shallow)}


class FeatureLoss(nn.Module):
    """What losses on feature maps share.

    Args:
        extractor: pictures -> feature maps by name. A module is frozen here: it goes to eval mode and stays there, and
            its parameters require no gradients.
        weights: weight of each map by name; every map with weight 1 unless given.
    """

    def __init__(self, extractor: Extractor, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.extractor = extractor
        self.weights = weights
        if isinstance(extractor, nn.Module):
            extractor.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "FeatureLoss":
        super().train(mode)
        if isinstance(self.extractor, nn.Module):
            self.extractor.eval()
        return self

    def layers(self, prediction: Tensor, *fixed: Tensor) -> list[tuple[float, list[Tensor]]]:
        """Every map's weight, and the map in the prediction and in the other pictures, which get no gradient.

        Raises:
            ArgumentError: ``weights`` names a map that the extractor does not give.
        """
        seen = [self.extractor(prediction)]
        with torch.no_grad():
            seen += [self.extractor(picture) for picture in fixed]
        weights = dict.fromkeys(seen[0], 1.0) if self.weights is None else self.weights
        for name in weights:
            if name not in seen[0]:
                raise ArgumentError(f"weights must name maps of the extractor ({', '.join(seen[0])}), not {name!r}.")
        return [(weight, [maps[name] for maps in seen]) for name, weight in weights.items()]


class ContentLoss(FeatureLoss):
    """Distance between the feature maps of prediction and target, the "perceptual" loss: ``loss(prediction, target)``.

    With torchvision's VGG19 and the layers and weights of Real-ESRGAN::

        from torchvision.models import vgg19
        from torchvision.models.feature_extraction import create_feature_extractor

        vgg = vgg19(weights="DEFAULT").features
        for layer in vgg:
            if isinstance(layer, torch.nn.ReLU):
                layer.inplace = False  # or each map would be overwritten after it was taken
        names = {"2": "conv1_2", "7": "conv2_2", "16": "conv3_4", "25": "conv4_4", "34": "conv5_4"}
        loss = ContentLoss(
            torch.nn.Sequential(ImageNetNorm(), create_feature_extractor(vgg, names)),
            weights={"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1, "conv4_4": 1, "conv5_4": 1},
        )

    Args:
        extractor: pictures -> feature maps by name; a module is frozen here.
        weights: weight of each map by name; every map with weight 1 unless given.
        criterion: mean |difference| (``"l1"``), mean square (``"l2"``), or norm of the whole batch (``"frobenius"``).

    Raises:
        ArgumentError: another ``criterion``, or, when called, ``weights`` names a map that the extractor does not give.

    Paper: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016.
    """

    def __init__(
        self, extractor: Extractor, weights: Mapping[str, float] | None = None, *, criterion: Criterion = "l1"
    ) -> None:
        super().__init__(extractor, weights)
        if criterion not in _DISTANCES:
            raise ArgumentError(f"criterion must be one of {', '.join(_DISTANCES)}, not {criterion!r}.")
        self.criterion = criterion

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        distance = _DISTANCES[self.criterion]
        terms = [
            weight * distance(difference_of(self.describe(ours), self.describe(theirs)))
            for weight, (ours, theirs) in self.layers(prediction, target)
        ]
        return torch.stack(terms).sum()

    def describe(self, features: Tensor) -> Tensor:
        """What of a map is compared."""
        return features


class TextureLoss(ContentLoss):
    """Distance between the Gram matrices of the feature maps, the "style" loss: ``loss(prediction, target)``.

    Args:
        extractor: pictures -> feature maps by name; a module is frozen here. :class:`ContentLoss` shows VGG19.
        weights: weight of each map by name; every map with weight 1 unless given.
        criterion: ``"l1"``, ``"l2"`` or ``"frobenius"``.

    Raises:
        ArgumentError: another ``criterion``, or, when called, ``weights`` names a map that the extractor does not give.

    Paper: Gatys et al., "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
    """

    def describe(self, features: Tensor) -> Tensor:
        return gram(features)


class ContrastiveLoss(FeatureLoss):
    """RLFN's loss: nearer to the target than to the enlarged LR picture: ``loss(prediction, target, lr=lr)``.

    Σ weight · mean |f(prediction) - f(target)| / (mean |f(prediction) - f(bicubic of lr)| + 1e-7) over the maps f.

    Args:
        extractor: pictures -> feature maps by name, a module is frozen here; :class:`RandomFeatures` unless given.
        weights: weight of each map by name; every map with weight 1 unless given.

    Raises:
        ArgumentError: when called, ``weights`` names a map that the extractor does not give.

    Paper: Kong et al., "Residual Local Feature Network for Efficient Super-Resolution", CVPRW 2022, arXiv 2205.07514.
    """

    def __init__(self, extractor: Extractor | None = None, weights: Mapping[str, float] | None = None) -> None:
        super().__init__(RandomFeatures() if extractor is None else extractor, weights)

    def forward(self, prediction: Tensor, target: Tensor, *, lr: Tensor) -> Tensor:
        return self.contrast(prediction, target, imresize(lr, target.shape[-1] / lr.shape[-1]))

    def contrast(self, prediction: Tensor, target: Tensor, negative: Tensor) -> Tensor:
        """The loss against any ``negative`` picture of the target's shape."""
        terms = [
            weight * difference_of(ours, positive).abs().mean() / (difference_of(ours, opposite).abs().mean() + 1e-7)
            for weight, (ours, positive, opposite) in self.layers(prediction, target, negative)
        ]
        return torch.stack(terms).sum()
