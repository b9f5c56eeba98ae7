"""SAFMN: spatially-adaptive feature modulation network, its form for NTIRE 2023, and the one for compressed pictures.

Sun, Dong, Tang, Pan, "Spatially-Adaptive Feature Modulation for Efficient Image Super-Resolution", ICCV 2023,
arXiv 2302.13800. Li et al., "NTIRE 2023 Challenge on Efficient Super-Resolution: Methods and Results", CVPR Workshops
2023. Their SAFMN++ is in ``safmnpp.py``.

Reference numbers: github.com/sunny2109/SAFMN at 68c2182e (Apache-2.0; its folder for NTIRE 2023 MIT).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.feature_modulation import CCM, FMM, SAFM
from srblocks.layers.norms import GRN
from srblocks.layers.upsamplers import InterpolatedBase, PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments


class SAFMN(SRModel):
    """SAFMN: a plain stack of feature mixing modules, one long skip, one pixel shuffle.

    Its pooling cells depend on the size of the picture. Only where both sides are multiples of 8 are they 8×8 pixels
    everywhere, and one pixel's outputs then depend on a square with sides of 32·num_blocks + 5 pixels: tiles that
    overlap by one less give the result of the whole picture.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 8×8 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels, a multiple of 4.
        num_blocks: feature mixing modules.
        mid_dim: channels inside their channel mixers; 2·dim unless given.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 36,
        num_blocks: int = 8,
        mid_dim: int | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(minimum=8), stride=8)
        check_positive(num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.blocks = nn.Sequential(*(FMM(dim, mid_dim=mid_dim) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.blocks(shallow)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


class PlainFMM(nn.Module):
    """Feature mixing module without norms and biases, its modulation on grids 4, 8 and 16 times coarser.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 16.
    """

    strides = (1, 4, 8, 16)

    def __init__(self, dim: int, *, mid_dim: int | None = None) -> None:
        super().__init__()
        self.modulation = SAFM(dim, strides=self.strides, bias=False)
        self.mixer = CCM(dim, mid_dim=mid_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(x)
        y: Tensor = self.mixer(x)
        return x + y


class SAFMNNTIRE(SRModel):
    """SAFMN as it went to NTIRE 2023: no layer norms, a global response norm in front, an interpolated base.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 16×16 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels, a multiple of 4.
        num_blocks: feature mixing modules.
        mid_dim: channels inside their channel mixers; 2·dim unless given.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 36,
        num_blocks: int = 8,
        mid_dim: int | None = None,
        in_channels: int = 3,
    ) -> None:
        coarsest = max(PlainFMM.strides)
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(minimum=coarsest), stride=coarsest)
        check_positive(num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.norm = GRN(dim)
        self.blocks = nn.Sequential(*(PlainFMM(dim, mid_dim=mid_dim) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)
        self.base = InterpolatedBase(scale)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.norm(self.head(x)))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x)) + self.base(x)
        return y


class FMMGroup(nn.Module):
    """Feature mixing modules and a 3×3 convolution, with a skip around them.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 8.
    """

    def __init__(self, dim: int, *, num_blocks: int, mid_dim: int | None = None) -> None:
        super().__init__()
        check_positive(num_blocks=num_blocks)
        self.blocks = nn.Sequential(*(FMM(dim, mid_dim=mid_dim) for _ in range(num_blocks)))
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(self.blocks(x))
        return x + y


class SAFMNBCIE(SRModel):
    """SAFMN for blind compressed-image enhancement: removes JPEG artefacts; the picture keeps its size.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> the same, any size; padded to a multiple of ``unshuffle``, at least
    8 times that.

    Args:
        scale: 1.
        dim: feature channels, a multiple of 4.
        num_groups: groups of feature mixing modules.
        num_blocks: modules in each group.
        mid_dim: channels inside their channel mixers; 2·dim unless given.
        unshuffle: the picture is taken apart into unshuffle² smaller ones, put together again at the end.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 1,
        *,
        dim: int = 128,
        num_groups: int = 8,
        num_blocks: int = 6,
        mid_dim: int | None = None,
        unshuffle: int = 2,
        in_channels: int = 3,
    ) -> None:
        if scale != 1:
            raise ArgumentError(f"scale must be 1, because this network keeps a picture's size, not {scale!r}.")
        check_positive(num_groups=num_groups, unshuffle=unshuffle)
        minimum = 8 * unshuffle
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(minimum=minimum, multiple_of=unshuffle),
            stride=minimum,
        )
        self.unshuffle = nn.PixelUnshuffle(unshuffle)
        self.head = nn.Conv2d(in_channels * unshuffle**2, dim, 3, padding=1)
        self.groups = nn.Sequential(*(FMMGroup(dim, num_blocks=num_blocks, mid_dim=mid_dim) for _ in range(num_groups)))
        self.upsampler = PixelShuffleUpsampler(dim, unshuffle, out_channels=dim)
        self.tail = nn.Conv2d(dim, in_channels, 3, padding=1)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(self.unshuffle(x))
        y: Tensor = shallow + self.groups(shallow)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.upsampler(self.features(x)))
        return y


def safmn(scale: int = 4) -> SAFMN:
    """SAFMN, the paper's efficient network: 239,520 parameters at ×4."""
    return SAFMN(scale)


def safmn_l(scale: int = 4) -> SAFMN:
    """SAFMN-L, the paper's large network, also released for real photographs: 5,600,816 parameters at ×4."""
    return SAFMN(scale, dim=128, num_blocks=16)


def safmn_ntire(scale: int = 4) -> SAFMNNTIRE:
    """The authors' entry to NTIRE 2023: 237,000 parameters at ×4."""
    return SAFMNNTIRE(scale)


def safmn_bcie(scale: int = 1) -> SAFMNBCIE:
    """SAFMN-BCIE for pictures that were compressed: 18,414,083 parameters at ×1."""
    return SAFMNBCIE(scale)


def arguments(theirs: Arguments) -> dict[str, Any]:
    """The reference's arguments as ours, for all networks of the family that enlarge."""
    names = {"dim": "dim", "n_blocks": "num_blocks", "ffn_scale": "ffn_scale", "upscaling_factor": "scale"}
    return _with_mid_dim(translate_arguments(theirs, names))


def _arguments_bcie(theirs: Arguments) -> dict[str, Any]:
    names = {
        "dim": "dim",
        "n_blocks": "num_groups",
        "num_layers": "num_blocks",
        "ffn_scale": "ffn_scale",
        "upscaling_factor": "unshuffle",
    }
    return _with_mid_dim(translate_arguments(theirs, names))


def _with_mid_dim(ours: dict[str, Any]) -> dict[str, Any]:
    """With the number of channels that a factor stands for, where it is known what it is of."""
    ffn_scale = ours.pop("ffn_scale", None)
    return ours if ffn_scale is None or "dim" not in ours else ours | {"mid_dim": int(ours["dim"] * ffn_scale)}


def configure(state: Mapping[str, Tensor], ratio: float = 2) -> dict[str, Any]:
    """What a state of a network that enlarges shows; its ``mid_dim`` is ``ratio`` times its ``dim`` unless given."""
    dim, in_channels = state["head.weight"].shape[:2]
    mid_dim = state["blocks.0.mixer.conv.weight"].shape[0]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": count(state, "blocks"),
        "mid_dim": None if mid_dim == int(ratio * dim) else mid_dim,
        "in_channels": in_channels,
    }


def _configure_bcie(state: Mapping[str, Tensor]) -> dict[str, Any]:
    in_channels, dim = state["tail.weight"].shape[:2]
    mid_dim = state["groups.0.blocks.0.mixer.conv.weight"].shape[0]
    return {
        "scale": 1,
        "dim": dim,
        "num_groups": count(state, "groups"),
        "num_blocks": count(state, "groups.0.blocks"),
        "mid_dim": None if mid_dim == 2 * dim else mid_dim,
        "unshuffle": shuffle_scale(state["upsampler.conv.weight"], dim),
        "in_channels": in_channels,
    }


def draw(random: Random) -> dict[str, Any]:
    """Random small arguments of a network that enlarges."""
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 12)),
        "num_blocks": random.choice((2, 3)),
        "mid_dim": random.choice((None, 10)),
        "in_channels": random.choice((1, 3)),
    }


def _draw_bcie(random: Random) -> dict[str, Any]:
    return draw(random) | {
        "scale": 1,
        "num_groups": random.choice((1, 2)),
        "unshuffle": random.choice((1, 2, 3)),
    }


_MODULATION: Names = {"mfr.{j}": "levels.{j}", "aggr": "project"}
_MIXER: Names = {"ccm.0": "conv", "ccm.2": "project"}
_PLAIN_FMM: Names = {"safm": ("modulation", _MODULATION), "ccm": ("mixer", _MIXER)}
_FMM: Names = {**_PLAIN_FMM, "norm1": "norm1", "norm2": "norm2"}

_PAPER = (
    'Sun et al., "Spatially-Adaptive Feature Modulation for Efficient Image Super-Resolution", ICCV 2023, '
    "arXiv 2302.13800"
)
CELLS = "The size of the picture decides where the cells of its max-pooling lie."
LICENCE = "Apache-2.0 (sunny2109/SAFMN)"

FAMILIES = (
    Family(
        name="safmn",
        network=SAFMN,
        constructors=(safmn, safmn_l),
        scales=(2, 3, 4),
        layouts=(
            Layout(
                "sunny2109",
                rename={"to_feat": "head", "feats.{i}": ("blocks.{i}", _FMM), "to_img.0": "upsampler.conv"},
            ),
        ),
        arguments=arguments,
        configure=configure,
        draw=draw,
        exceptions={"tiles": CELLS},
        paper=_PAPER,
        licence=LICENCE,
    ),
    Family(
        name="safmn_ntire",
        network=SAFMNNTIRE,
        constructors=(safmn_ntire,),
        scales=(2, 3, 4),
        layouts=(
            Layout(
                "sunny2109",
                rename={
                    "to_feat": "head",
                    "norm": ("norm", {"gamma": "weight", "beta": "bias"}),
                    "feats.{i}": ("blocks.{i}", _PLAIN_FMM),
                    "to_img.0": "upsampler.conv",
                },
            ),
        ),
        arguments=arguments,
        configure=configure,
        draw=draw,
        exceptions={"tiles": "The global response norm measures the whole picture."},
        paper='Li et al., "NTIRE 2023 Challenge on Efficient Super-Resolution: Methods and Results", CVPRW 2023',
        licence="MIT (sunny2109/SAFMN, NTIRE2023_ESR)",
    ),
    Family(
        name="safmn_bcie",
        network=SAFMNBCIE,
        constructors=(safmn_bcie,),
        scales=(1,),
        layouts=(
            Layout(
                "sunny2109",
                rename={
                    "to_feat.1": "head",
                    "feats.{i}": ("groups.{i}", {"layers.{k}": ("blocks.{k}", _FMM), "conv": "conv"}),
                    "to_img.0": "upsampler.conv",
                    "to_img.2": "tail",
                },
            ),
        ),
        arguments=_arguments_bcie,
        configure=_configure_bcie,
        draw=_draw_bcie,
        exceptions={"tiles": CELLS},
        paper=_PAPER,
        licence=LICENCE,
    ),
)
