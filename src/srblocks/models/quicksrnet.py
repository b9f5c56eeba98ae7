"""QuickSRNet: a plain chain of 3×3 convolutions, residual by its initialisation.

Berger, Dhingra, Mercier, Savani, Panchal, Porikli, "QuickSRNet: Plain Single-Image Super-Resolution Architecture for
Faster Inference on Mobile Platforms", CVPR Workshops 2023, arXiv 2303.04336.

Reference numbers: github.com/quic/aimet-model-zoo at d09d2b04, folder aimet_zoo_torch/quicksrnet (Qualcomm's licence,
mostly BSD-3-Clause).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.upsamplers import add_nearest
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import Arguments, Family, Layout, count, shuffle_scale, translate_arguments


class QuickSRNet(SRModel):
    """QuickSRNet: 3×3 convolutions whose outputs are clipped to [0, 1], and a pixel shuffle. No skip: nothing to fuse.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)`` in [0, 1], any size. At ×1.5
    the features are gathered from 2×2 to 1×1 pixels and spread to 3×3, sizes are rounded down, and the attribute
    ``scale`` is None, because it is no whole number.

    Args:
        scale: factor, a whole number or 1.5.
        dim: feature channels.
        num_blocks: convolutions between the first and the last.
        input_connection: add a learned 1×1 convolution of the picture before the shuffle.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: float = 4,
        *,
        dim: int = 32,
        num_blocks: int = 2,
        input_connection: bool = False,
        in_channels: int = 3,
    ) -> None:
        if isinstance(scale, int):
            step, factor = 1, scale
        elif scale == 1.5:
            step, factor = 2, 3
        else:
            raise ArgumentError(f"scale must be a whole number of at least 1, or 1.5, not {scale!r}.")
        super().__init__(
            factor if step == 1 else None,
            in_channels=in_channels,
            size_rule=SizeRule(multiple_of=step),
            receptive_field=2 * (num_blocks + 2) + 1,
        )
        check_positive(dim=dim, num_blocks=num_blocks)
        layers: list[nn.Module] = []
        for channels in (in_channels, *[dim] * num_blocks):
            layers += [nn.Conv2d(channels, dim, 3, padding=1), nn.Hardtanh(0, 1)]
        self.body = nn.Sequential(*layers)
        self.gather = nn.Identity() if step == 1 else nn.PixelUnshuffle(step)
        self.tail = (
            nn.Conv2d(dim, in_channels * factor**2, 3, padding=1)
            if step == 1
            else nn.Conv2d(dim * step**2, in_channels * factor**2, 1)
        )
        self.connection = (
            nn.Conv2d(in_channels, in_channels * factor**2, 2 * step - 1, stride=step, padding=step - 1)
            if input_connection
            else None
        )
        self.shuffle = nn.PixelShuffle(factor)
        self._let_the_picture_pass()

    @torch.no_grad()
    def _let_the_picture_pass(self) -> None:
        """Add the identity to the random kernels, and at the end nearest-neighbour enlargement."""
        for conv in self.body:
            if isinstance(conv, nn.Conv2d):
                conv.weight[:, :, 1, 1].diagonal().add_(1)
        if self.connection is None:
            add_nearest(self.tail.weight, self.shuffle.upscale_factor**2)
        else:
            nn.init.zeros_(self.connection.weight)
            add_nearest(self.connection.weight, self.shuffle.upscale_factor**2)
            assert self.connection.bias is not None
            nn.init.zeros_(self.connection.bias)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        values = self.tail(self.gather(self.features(x)))
        if self.connection is not None:
            values = values + self.connection(x)
        y: Tensor = self.shuffle(values.clamp(0, 1))
        return y


def quicksrnet_small(scale: float = 4) -> QuickSRNet:
    """QuickSRNet-Small: 33,264 parameters at ×4."""
    return QuickSRNet(scale, dim=32, num_blocks=2)


def quicksrnet_medium(scale: float = 4) -> QuickSRNet:
    """QuickSRNet-Medium: 61,008 parameters at ×4."""
    return QuickSRNet(scale, dim=32, num_blocks=5)


def quicksrnet_large(scale: float = 4) -> QuickSRNet:
    """QuickSRNet-Large, with an input connection: 435,888 parameters at ×4."""
    return QuickSRNet(scale, dim=64, num_blocks=11, input_connection=True)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "scaling_factor": "scale",
        "num_channels": "dim",
        "num_intermediate_layers": "num_blocks",
        "use_ito_connection": "input_connection",
        "in_channels": "in_channels",
        "out_channels": "out_channels",
    }
    return translate_arguments(theirs, names)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["body.0.weight"].shape[:2]
    tail = state["tail.weight"]
    return {
        "scale": 1.5 if tail.shape[2] == 1 else shuffle_scale(tail, in_channels),
        "dim": dim,
        "num_blocks": count(state, "body") - 1,
        "input_connection": "connection.weight" in state,
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((4, 6)),
        "num_blocks": random.choice((1, 2)),
        "input_connection": random.choice((False, True)),
        "in_channels": random.choice((1, 3)),
    }


FAMILY = Family(
    name="quicksrnet",
    network=QuickSRNet,
    constructors=(quicksrnet_small, quicksrnet_medium, quicksrnet_large),
    scales=(2, 3, 4),
    layouts=(Layout("quic", rename={"cnn": "body", "conv_last": "tail", "anchor.net": "connection"}),),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    paper='Berger et al., "QuickSRNet: Plain Single-Image Super-Resolution Architecture for Faster Inference on Mobile '
    'Platforms", CVPRW 2023, arXiv 2303.04336',
    licence="Qualcomm's, mostly BSD-3-Clause (quic/aimet-model-zoo)",
)
