"""RFDN: residual feature distillation network.

Liu, Tang, Wu, "Residual Feature Distillation Network for Lightweight Image Super-Resolution", ECCV Workshops 2020,
arXiv 2009.11551. Winner of the AIM 2020 challenge on efficient super-resolution, and the baseline of those that
followed.

Reference numbers: github.com/njulj/RFDN at 7cf4e25b (MIT).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.distillation import RFDB, DistillationTrunk
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import (
    ESA_NAMES,
    Arguments,
    Family,
    Layout,
    count,
    shuffle_scale,
    translate_arguments,
)


class RFDN(SRModel):
    """RFDN: residual feature distillation blocks whose outputs are all fused, one long skip, one pixel shuffle.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 15×15 the
    picture is padded. Inside, pictures are in 0..255, as the released weights want them.

    Args:
        scale: factor.
        dim: feature channels, at least 4.
        num_blocks: blocks.
        in_channels: channels of the picture.
    """

    def __init__(self, scale: int = 4, *, dim: int = 50, num_blocks: int = 4, in_channels: int = 3) -> None:
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(minimum=ESA.minimum),
            stride=ESA.step,
            reference_range=255.0,
        )
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.trunk = DistillationTrunk(dim, (RFDB(dim) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.trunk(self.head(x))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def rfdn_aim(scale: int = 4) -> RFDN:
    """The AIM 2020 entry: 433,448 parameters at ×4. The RFDN of the paper's tables was not released."""
    return RFDN(scale, dim=50, num_blocks=4)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "in_nc": "in_channels",
        "nf": "dim",
        "num_modules": "num_blocks",
        "out_nc": "out_channels",
        "upscale": None,  # ignored by the reference, which always enlarges four times
    }
    return translate_arguments(theirs, names)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": count(state, "trunk.blocks"),
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((16, 17)),
        "num_blocks": random.choice((1, 2)),
        "in_channels": random.choice((1, 3)),
    }


FAMILY = Family(
    name="rfdn",
    network=RFDN,
    constructors=(rfdn_aim,),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "njulj",
            rename={
                "fea_conv": "head",
                "B{i+1}": (
                    "trunk.blocks.{i}",
                    {
                        "c1_d": "distil.0",
                        "c2_d": "distil.1",
                        "c3_d": "distil.2",
                        "c1_r": "refine.0.layer",
                        "c2_r": "refine.1.layer",
                        "c3_r": "refine.2.layer",
                        "c4": "last",
                        "c5": "project",
                        "esa": (
                            "attention",
                            {**ESA_NAMES, "conv_max": "convs.0", "conv3": "convs.1", "conv3_": "convs.2"},
                        ),
                    },
                ),
                "c.0": "trunk.project",
                "LR_conv": "trunk.smooth",
                "upsampler.0": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    exceptions={"tiles": "ESA resizes a coarse map of the whole picture."},
    paper='Liu et al., "Residual Feature Distillation Network for Lightweight Image Super-Resolution", ECCVW 2020, '
    "arXiv 2009.11551",
    licence="MIT (njulj/RFDN)",
)
