"""SAFMN++ and its light form: what SAFMN's authors made of it for NTIRE 2024 and the real-time challenge of AIS 2024.

Ren et al., "The Ninth NTIRE 2024 Efficient Super-Resolution Challenge Report", CVPR Workshops 2024, arXiv 2404.10343.
Conde et al., "Real-Time 4K Super-Resolution of Compressed AVIF Images. AIS 2024 Challenge Survey", CVPR Workshops 2024,
arXiv 2404.16484.

Reference numbers: github.com/sunny2109/SAFMN at 68c2182e (Apache-2.0).
"""

from functools import partial
from typing import Any

from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.feature_modulation import CCM, SimpleSAFM
from srblocks.layers.upsamplers import InterpolatedBase, PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import Arguments, Family, Layout, Names
from srblocks.models.safmn import CELLS, LICENCE, arguments, configure, draw


class SimpleFMM(nn.Module):
    """The module of SAFMN++: its modulation and a channel mixer, one after the other, without norms, biases or skip.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 8.
    """

    def __init__(self, dim: int, *, reduction: int, mid_dim: int | None = None) -> None:
        super().__init__()
        self.modulation = SimpleSAFM(dim, reduction=reduction)
        self.mixer = CCM(dim, mid_dim=int(1.5 * dim) if mid_dim is None else mid_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.mixer(self.modulation(x))
        return y


class SAFMNPP(SRModel):
    """SAFMN++: modules of a simpler modulation, each with a skip; no norms, no biases, an interpolated base.

    As for :class:`SAFMN`, tiles can be exact where both sides are multiples of 8; the square then has sides of
    32·num_blocks + 15 pixels.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 8×8 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels; the modules modulate dim // 3 of them.
        num_blocks: modules.
        mid_dim: channels inside their channel mixers; 1.5·dim, rounded down, unless given.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 36,
        num_blocks: int = 6,
        mid_dim: int | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            scale, in_channels=in_channels, size_rule=SizeRule(minimum=SimpleSAFM.stride), stride=SimpleSAFM.stride
        )
        check_positive(num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList(SimpleFMM(dim, reduction=3, mid_dim=mid_dim) for _ in range(num_blocks))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels, bias=False)
        self.base = InterpolatedBase(scale)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(x)
        for block in self.blocks:
            y = y + block(y)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x)) + self.base(x)
        return y


class LightSAFMNPP(SRModel):
    """Light SAFMN++: few modules without skips of their own, one long skip, no norms, no biases.

    As for :class:`SAFMN`, tiles can be exact where both sides are multiples of 8; the square then has sides of
    32·num_blocks + 15 pixels.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 8×8 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels; the modules modulate half of them.
        num_blocks: modules.
        mid_dim: channels inside their channel mixers; 1.5·dim, rounded down, unless given.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 32,
        num_blocks: int = 2,
        mid_dim: int | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            scale, in_channels=in_channels, size_rule=SizeRule(minimum=SimpleSAFM.stride), stride=SimpleSAFM.stride
        )
        check_positive(num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(SimpleFMM(dim, reduction=2, mid_dim=mid_dim) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels, bias=False)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.blocks(shallow)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def safmnpp(scale: int = 4) -> SAFMNPP:
    """SAFMN++, the authors' entry to NTIRE 2024: 211,572 parameters at ×4."""
    return SAFMNPP(scale)


def safmnpp_light(scale: int = 4) -> LightSAFMNPP:
    """Light SAFMN++, the authors' entry to the real-time challenge of AIS 2024: 66,176 parameters at ×4."""
    return LightSAFMNPP(scale)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    if theirs.get("use_se", False):
        raise ArgumentError("arguments must have use_se = False: no released SAFMN++ has squeeze and excitation.")
    return arguments({name: value for name, value in theirs.items() if name != "use_se"})


_SIMPLE_SAFM: Names = {"proj": "project_in", "dwconv": "depthwise", "out": "project_out"}

FAMILIES = (
    Family(
        name="safmnpp",
        network=SAFMNPP,
        constructors=(safmnpp,),
        scales=(2, 3, 4),
        layouts=(
            Layout(
                "sunny2109",
                rename={
                    "to_feat": "head",
                    "feats.{i}": (
                        "blocks.{i}",
                        {
                            "conv1": ("modulation", _SIMPLE_SAFM),
                            "conv2.conv1": "mixer.conv",
                            "conv2.conv2": "mixer.project",
                        },
                    ),
                    "to_img.0": "upsampler.conv",
                },
            ),
        ),
        arguments=_arguments,
        configure=partial(configure, ratio=1.5),
        draw=draw,
        exceptions={"tiles": CELLS},
        paper='Ren et al., "The Ninth NTIRE 2024 Efficient Super-Resolution Challenge Report", CVPRW 2024, '
        "arXiv 2404.10343",
        licence=LICENCE,
    ),
    Family(
        name="safmnpp_light",
        network=LightSAFMNPP,
        constructors=(safmnpp_light,),
        scales=(2, 3, 4),
        layouts=(
            Layout(
                "sunny2109",
                rename={
                    "to_feat": "head",
                    "feats.{i}": (
                        "blocks.{i}",
                        {
                            "conv1": ("modulation", _SIMPLE_SAFM),
                            "conv2.conv.0": "mixer.conv",
                            "conv2.conv.2": "mixer.project",
                        },
                    ),
                    "to_img.0": "upsampler.conv",
                },
            ),
        ),
        arguments=arguments,
        configure=partial(configure, ratio=1.5),
        draw=draw,
        exceptions={"tiles": CELLS},
        paper='Conde et al., "Real-Time 4K Super-Resolution of Compressed AVIF Images. AIS 2024 Challenge Survey", '
        "CVPRW 2024, arXiv 2404.16484",
        licence=LICENCE,
    ),
)
