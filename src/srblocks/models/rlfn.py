"""RLFN: residual local feature network.

Kong, Li, Liu, Liu, He, Bai, Chen, Fu, "Residual Local Feature Network for Efficient Super-Resolution", CVPR Workshops
2022, arXiv 2205.07514. Winner of the runtime track of the NTIRE 2022 challenge on efficient super-resolution.

Reference numbers: github.com/bytedance/RLFN at bccfde91 (Apache-2.0), and the challenge's copy in
github.com/ofsoundof/NTIRE2022_ESR at e95ba4a4 (MIT).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.distillation import RLFB
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import (
    ESA_NAMES,
    Arguments,
    Family,
    Layout,
    Names,
    count,
    shuffle_scale,
    translate_arguments,
)


class RLFN(SRModel):
    """RLFN: a plain stack of residual local feature blocks, one long skip, one pixel shuffle.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 15×15 the
    picture is padded. Inside, pictures are in 0..255, as the released weights want them.

    Args:
        scale: factor.
        dim: feature channels.
        mid_dim: channels inside the blocks; ``dim`` unless given.
        num_blocks: blocks.
        esa_dim: bottleneck of the blocks' spatial attention.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 52,
        mid_dim: int | None = None,
        num_blocks: int = 6,
        esa_dim: int = 16,
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(minimum=ESA.minimum),
            stride=ESA.step,
            reference_range=255.0,
        )
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.blocks = nn.Sequential(*(RLFB(dim, mid_dim=mid_dim, esa_dim=esa_dim) for _ in range(num_blocks)))
        self.smooth = nn.Conv2d(dim, dim, 3, padding=1)
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.smooth(self.blocks(shallow))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def rlfn(scale: int = 4) -> RLFN:
    """RLFN, the paper's main network: 543,740 parameters at ×4."""
    return RLFN(scale, dim=52)


def rlfn_s(scale: int = 4) -> RLFN:
    """RLFN-S, the narrower one of the paper: 470,208 parameters at ×4."""
    return RLFN(scale, dim=48)


def rlfn_ntire(scale: int = 4) -> RLFN:
    """The NTIRE 2022 entry, 4 blocks, wider inside than outside: 317,218 parameters at ×4."""
    return RLFN(scale, dim=46, mid_dim=48, num_blocks=4)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "in_channels": "in_channels",
        "in_nc": "in_channels",
        "out_channels": "out_channels",
        "out_nc": "out_channels",
        "feature_channels": "dim",
        "nf": "dim",
        "mid_channels": "mid_dim",
        "mf": "mid_dim",
        "upscale": "scale",
    }
    return translate_arguments(theirs, names)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    mid_dim = state["blocks.0.conv1.weight"].shape[0]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "mid_dim": None if mid_dim == dim else mid_dim,
        "num_blocks": count(state, "blocks"),
        "esa_dim": state["blocks.0.attention.squeeze.weight"].shape[0],
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((6, 8)),
        "mid_dim": random.choice((None, 7, 10)),
        "num_blocks": random.choice((1, 2, 3)),
        "esa_dim": random.choice((3, 4)),
        "in_channels": random.choice((1, 3)),
    }


_BLOCK: Names = {
    "c1_r": "conv1",
    "c2_r": "conv2",
    "c3_r": "conv3",
    "c5": "project",
    "esa": ("attention", ESA_NAMES),
}

FAMILY = Family(
    name="rlfn",
    network=RLFN,
    constructors=(rlfn, rlfn_s, rlfn_ntire),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "bytedance",
            rename={
                "conv_1": "head",
                "block_{i+1}": ("blocks.{i}", _BLOCK),
                "conv_2": "smooth",
                "upsampler.0": "upsampler.conv",
            },
        ),
        Layout(
            "ntire",
            rename={
                "fea_conv": "head",
                "B{i+1}": ("blocks.{i}", _BLOCK),
                "LR_conv": "smooth",
                "upsampler.0": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    exceptions={"tiles": "ESA resizes a coarse map of the whole picture."},
    paper='Kong et al., "Residual Local Feature Network for Efficient Super-Resolution", CVPRW 2022, arXiv 2205.07514',
    licence="Apache-2.0 (bytedance/RLFN), MIT (ofsoundof/NTIRE2022_ESR)",
)
