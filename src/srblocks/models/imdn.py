"""IMDN: information multi-distillation network, and the smaller networks of its authors.

Hui, Gao, Yang, Wang, "Lightweight Image Super-Resolution with Information Multi-distillation Network", ACM MM 2019,
arXiv 1909.11856. Its simplified form won the AIM 2019 challenge on constrained super-resolution.

Reference numbers: github.com/Zheng222/IMDN at 8f158e6a (no licence stated), and the baseline of later challenges in
github.com/ofsoundof/NTIRE2022_ESR at e95ba4a4 (MIT).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.distillation import IMDB, DistillationTrunk
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import (
    Arguments,
    Family,
    Layout,
    Names,
    count,
    shuffle_scale,
    translate_arguments,
)


class IMDN(SRModel):
    """IMDN: information multi-distillation blocks whose outputs are all fused, one long skip, one pixel shuffle.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels, at least 4 and ``reduction``.
        num_blocks: blocks.
        reduction: of the blocks' channel attention.
        in_channels: channels of the picture.
    """

    def __init__(
        self, scale: int = 4, *, dim: int = 64, num_blocks: int = 6, reduction: int = 16, in_channels: int = 3
    ) -> None:
        super().__init__(scale, in_channels=in_channels)
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.trunk = DistillationTrunk(dim, (IMDB(dim, reduction=reduction) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.trunk(self.head(x))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


class IMDNAS(SRModel):
    """IMDN for any scale: improves a picture that was already resized to the size that it shall have.

    It works at a quarter of the picture's size, after two convolutions with stride 2.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; padded to a
    multiple of 4.

    Args:
        scale: factor; 1 in the authors' network, so that the picture keeps its size.
        dim: feature channels, at least 4 and ``reduction``.
        num_blocks: blocks.
        reduction: of the blocks' channel attention.
        in_channels: channels of the picture.
    """

    def __init__(
        self, scale: int = 1, *, dim: int = 64, num_blocks: int = 6, reduction: int = 16, in_channels: int = 3
    ) -> None:
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(multiple_of=4), stride=4)
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = nn.Sequential(
            nn.Conv2d(in_channels, dim, 3, stride=2, padding=1),
            nn.LeakyReLU(0.05, inplace=True),
            nn.Conv2d(dim, dim, 3, stride=2, padding=1),
        )
        self.trunk = DistillationTrunk(dim, (IMDB(dim, reduction=reduction) for _ in range(num_blocks)))
        self.upsampler = PixelShuffleUpsampler(dim, 4 * scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.trunk(self.head(x))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


class SimpleIMDN(SRModel):
    """The simplified IMDN: multi-distillation blocks without attention in a plain stack, a skip, a pixel shuffle.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels, at least 4.
        num_blocks: blocks.
        kernel_size: of the convolution after the last block, odd.
        in_channels: channels of the picture.
    """

    def __init__(
        self, scale: int = 4, *, dim: int = 64, num_blocks: int = 8, kernel_size: int = 3, in_channels: int = 3
    ) -> None:
        check_positive(dim=dim, num_blocks=num_blocks, kernel_size=kernel_size)
        if kernel_size % 2 == 0:
            raise ArgumentError(f"kernel_size must be odd, not {kernel_size}.")
        # Four pixels to each side per block, one each for head and upsampler.
        reach = 4 * num_blocks + kernel_size // 2 + 2
        super().__init__(scale, in_channels=in_channels, receptive_field=2 * reach + 1)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.body = nn.Sequential(
            *(IMDB(dim, reduction=None) for _ in range(num_blocks)),
            nn.Conv2d(dim, dim, kernel_size, padding=kernel_size // 2),
        )
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.body(shallow)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


class LargeIMDB(nn.Module):
    """Block of IMDN-RTE: six bias-free convolutions, after each of which a quarter of the channels is kept.

    Shape: ``(N, dim, H, W)`` -> the same. ``dim`` is a multiple of 4.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        check_positive(dim=dim)
        if dim % 4:
            raise ArgumentError(f"dim must be a multiple of 4, because a quarter of it is kept at a time, not {dim}.")
        self.kept = dim // 4
        # Of the width of what is left: the first three fill up again to dim.
        widths = [(4, 4), (3, 4), (3, 4), (3, 3), (2, 2), (1, 1)]
        self.convs = nn.ModuleList(
            nn.Conv2d(of * self.kept, to * self.kept, 3, padding=1, bias=False) for of, to in widths
        )
        self.project = nn.Conv2d(6 * self.kept, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kept, rest = [], x
        for conv in self.convs:
            y = F.relu(conv(rest), inplace=True)
            kept.append(y[:, : self.kept])
            rest = y[:, self.kept :]
        out: Tensor = self.project(torch.cat(kept, dim=1))
        return out + x


class IMDNRTE(SRModel):
    """IMDN-RTE: a fast network that works at half of the picture's size, without attention.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; padded to a
    multiple of 2. Inside, pictures are in 0..255, as the released weights want them.

    Args:
        scale: factor; 2 in the authors' network.
        dim: feature channels, a multiple of 4.
        num_blocks: blocks.
        in_channels: channels of the picture.
    """

    def __init__(self, scale: int = 2, *, dim: int = 20, num_blocks: int = 6, in_channels: int = 3) -> None:
        check_positive(dim=dim, num_blocks=num_blocks)
        # At half the size, six pixels to each side per block and one for the upsampler; two before that, in the head.
        reach = 2 * (6 * num_blocks + 1) + 2
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(multiple_of=2),
            receptive_field=2 * reach + 1,
            stride=2,
            reference_range=255.0,
        )
        self.head = nn.Sequential(
            nn.Conv2d(in_channels, dim, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(dim, dim, 3, stride=2, padding=1, bias=False),
        )
        self.blocks = nn.Sequential(*(LargeIMDB(dim) for _ in range(num_blocks)))
        self.smooth = nn.Conv2d(dim, dim, 1, bias=False)
        self.upsampler = PixelShuffleUpsampler(dim, 2 * scale, out_channels=in_channels)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.smooth(self.blocks(shallow))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def imdn(scale: int = 4) -> IMDN:
    """IMDN, the paper's network: 715,176 parameters at ×4."""
    return IMDN(scale)


def imdn_as(scale: int = 1) -> IMDNAS:
    """IMDN_AS, for a picture that was already resized: 752,104 parameters."""
    return IMDNAS(scale)


def imdn_rtc(scale: int = 2) -> SimpleIMDN:
    """IMDN_RTC, the smallest: 20,190 parameters at ×2."""
    return SimpleIMDN(scale, dim=12, num_blocks=5, kernel_size=1)


def imdn_rte(scale: int = 2) -> IMDNRTE:
    """IMDN_RTE, trained for noisy pictures: 89,748 parameters at ×2."""
    return IMDNRTE(scale)


def imdn_baseline(scale: int = 4) -> SimpleIMDN:
    """The AIM 2019 winner as later challenges took it for their baseline: 893,936 parameters at ×4."""
    return SimpleIMDN(scale)


_ARGUMENTS = {
    "in_nc": "in_channels",
    "nf": "dim",
    "num_modules": "num_blocks",
    "out_nc": "out_channels",
}


def _arguments(theirs: Arguments) -> dict[str, Any]:
    return translate_arguments(theirs, {**_ARGUMENTS, "upscale": "scale"})


def _arguments_at_reduced_size(theirs: Arguments) -> dict[str, Any]:
    # Their `upscale` is not the factor but leads to the pixel shuffle's, which the tensors show.
    return translate_arguments(theirs, {**_ARGUMENTS, "upscale": None})


def _arguments_simple(theirs: Arguments) -> dict[str, Any]:
    names = {**_ARGUMENTS, "upscale": "scale", "nc": "dim", "nb": "num_blocks"}
    fixed = {"act_mode": "L", "upsample_mode": "pixelshuffle", "negative_slope": 0.05}
    return translate_arguments(theirs, names, fixed)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": count(state, "trunk.blocks"),
        "reduction": dim // state["trunk.blocks.0.attention.down.weight"].shape[0],
        "in_channels": in_channels,
    }


def _configure_as(state: Mapping[str, Tensor]) -> dict[str, Any]:
    shown = _configure({**state, "head.weight": state["head.0.weight"]})
    return {**shown, "scale": shown["scale"] // 4}


def _configure_simple(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    num_blocks = count(state, "body") - 1
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": num_blocks,
        "kernel_size": state[f"body.{num_blocks}.weight"].shape[-1],
        "in_channels": in_channels,
    }


def _configure_rte(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.0.weight"].shape[:2]
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels) // 2,
        "dim": dim,
        "num_blocks": count(state, "blocks"),
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 12)),
        "num_blocks": random.choice((1, 2, 3)),
        "reduction": random.choice((2, 4)),
        "in_channels": random.choice((1, 3)),
    }


def _draw_simple(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((4, 7, 8)),
        "num_blocks": random.choice((1, 2)),
        "kernel_size": random.choice((1, 3)),
        "in_channels": random.choice((1, 3)),
    }


def _draw_rte(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3)),
        "dim": random.choice((4, 8)),
        "num_blocks": random.choice((1, 2)),
        "in_channels": random.choice((1, 3)),
    }


_IMDB: Names = {
    "c1": "conv1",
    "c2": "conv2",
    "c3": "conv3",
    "c4": "conv4",
    "c5": "project",
    "cca": ("attention", {"conv_du.0": "down", "conv_du.2": "up"}),
}
_TRUNK: Names = {
    "IMDB{i+1}": ("trunk.blocks.{i}", _IMDB),
    "c.0": "trunk.project",
    "LR_conv": "trunk.smooth",
    "upsampler.0": "upsampler.conv",
}
_LAST: Names = {"weight": "weight", "bias": "bias"}

_PAPER = (
    'Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network", ACM MM 2019, '
    "arXiv 1909.11856"
)
_LICENCE = "none stated (Zheng222/IMDN)"
_TILES = {"tiles": "Channel attention averages the whole picture."}

FAMILY = Family(
    name="imdn",
    network=IMDN,
    constructors=(imdn,),
    scales=(2, 3, 4),
    layouts=(Layout("zheng222", rename={"fea_conv": "head", **_TRUNK}),),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    exceptions=_TILES,
    paper=_PAPER,
    licence=_LICENCE,
)
FAMILY_AS = Family(
    name="imdn_as",
    network=IMDNAS,
    constructors=(imdn_as,),
    scales=(1,),
    layouts=(Layout("zheng222", rename={"fea_conv": "head", **_TRUNK}),),
    arguments=_arguments_at_reduced_size,
    configure=_configure_as,
    draw=_draw,
    exceptions=_TILES,
    paper=_PAPER,
    licence=_LICENCE,
)
FAMILY_SIMPLE = Family(
    name="imdn_simple",
    network=SimpleIMDN,
    constructors=(imdn_rtc, imdn_baseline),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "zheng222",
            rename={
                "model.0": "head",
                "model.1.sub.{i}": ("body.{i}", {**_IMDB, **_LAST}),
                "model.2": "upsampler.conv",
            },
        ),
        Layout(
            "ntire",
            rename={
                "model.0": "head",
                "model.1.sub.{i}": (
                    "body.{i}",
                    {
                        "conv1.0": "conv1",
                        "conv2.0": "conv2",
                        "conv3.0": "conv3",
                        "conv4": "conv4",
                        "conv1x1": "project",
                        **_LAST,
                    },
                ),
                "model.2": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments_simple,
    configure=_configure_simple,
    draw=_draw_simple,
    paper=_PAPER,
    licence=f"{_LICENCE}, MIT (ofsoundof/NTIRE2022_ESR)",
)
FAMILY_RTE = Family(
    name="imdn_rte",
    network=IMDNRTE,
    constructors=(imdn_rte,),
    scales=(2,),
    layouts=(
        Layout(
            "zheng222",
            rename={
                "fea_conv": "head",
                "block{i+1}": (
                    "blocks.{i}",
                    {
                        "c1": "convs.0",
                        "c2": "convs.1",
                        "c3": "convs.2",
                        "c4": "convs.3",
                        "c5": "convs.4",
                        "c6": "convs.5",
                        "c7": "project",
                    },
                ),
                "LR_conv": "smooth",
                "upsampler.0": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments_at_reduced_size,
    configure=_configure_rte,
    draw=_draw_rte,
    paper=_PAPER,
    licence=_LICENCE,
)
