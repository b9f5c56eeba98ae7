"""RDBN: residual distillation block network.

The network that the study behind this library ends with as its possible architecture; there is no other publication.
The reference numbers come from an implementation of its flowcharts.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.distillation import ResidualDistillationBlock
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import ESA_NAMES, Arguments, Family, Layout, count, shuffle_scale, translate_arguments


class RDBN(SRModel):
    """RDBN: a chain of residual distillation blocks whose outputs are all fused and gated by ESA.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 15×15 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels.
        num_blocks: residual distillation blocks.
        reduction: of the blocks' channel attention.
        esa_dim: bottleneck of the spatial attention.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 2,
        *,
        dim: int = 64,
        num_blocks: int = 6,
        reduction: int = 16,
        esa_dim: int = 16,
        in_channels: int = 3,
    ) -> None:
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(minimum=ESA.minimum), stride=ESA.step)
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualDistillationBlock(dim, reduction=reduction) for _ in range(num_blocks))
        self.project = nn.Conv2d(num_blocks * dim, dim, 1)
        self.attention = ESA(dim, esa_dim=esa_dim)
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        shallow = F.relu(self.head(x))
        outputs = [shallow]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        y: Tensor = self.attention(self.project(torch.cat(outputs[1:], dim=1)))
        return shallow + y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def rdbn(scale: int = 2) -> RDBN:
    """RDBN as the study describes it: 6 blocks of 64 channels, 782,692 parameters at ×2."""
    return RDBN(scale)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = ("scale", "dim", "num_blocks", "reduction", "esa_dim", "in_channels")
    return translate_arguments(theirs, {name: name for name in names})


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": count(state, "blocks"),
        "reduction": dim // state["blocks.0.attention.down.weight"].shape[0],
        "esa_dim": state["attention.squeeze.weight"].shape[0],
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 12)),
        "num_blocks": random.choice((1, 2, 3)),
        "reduction": random.choice((2, 4)),
        "esa_dim": random.choice((3, 4)),
        "in_channels": random.choice((1, 3)),
    }


FAMILY = Family(
    name="rdbn",
    network=RDBN,
    constructors=(rdbn,),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "study",
            rename={
                "head": "head",
                "blocks.{i}": (
                    "blocks.{i}",
                    {
                        "conv1": "conv1",
                        "conv2": "conv2",
                        "conv3": "conv3",
                        "fuse_conv": "project",
                        "attention": "attention",
                    },
                ),
                "fusion": "project",
                "attention": ("attention", ESA_NAMES),
                "tail": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    exceptions={"tiles": "Channel attention averages the whole picture, and ESA resizes a coarse map of it."},
    paper="the study behind this library; no other publication",
    licence="Apache-2.0",
)
