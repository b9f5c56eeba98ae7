"""SPAN: swift parameter-free attention network.

Wan, Yu, Li, Chen, Zou, Liu, Yin, Zuo, "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR
Workshops 2024, arXiv 2311.12770. Winner of the NTIRE 2024 challenge on efficient super-resolution.

Reference numbers: github.com/hongyuanyu/SPAN at c77a5917 (Apache-2.0), and the challenge's fused form in
github.com/Amazingren/NTIRE2024_ESR at 6404fa48 (MIT).
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.constants import Constants
from srblocks.layers.conv3xc import Conv3XC
from srblocks.layers.parameter_free_attention import SPAB
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.models.base import SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments

RGB_MEAN = (0.4488, 0.4371, 0.4040)


class SPAN(SRModel):
    """SPAN: blocks gated by parameter-free attention, four levels of features side by side, one pixel shuffle.

    Every 3×3 is trained as a :class:`~srblocks.layers.Conv3XC`. There is no skip to the result, and the mean that is
    subtracted is not added again.

    Shape: ``(N, 3, H, W)`` in [0, 1] -> ``(N, 3, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels.
        num_blocks: blocks.
        gain: what the pictures are multiplied with inside, after the mean is subtracted.
        mean: of the three colours.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 48,
        num_blocks: int = 6,
        gain: float = 255.0,
        mean: Sequence[float] = RGB_MEAN,
    ) -> None:
        # One pixel to each side for head, smooth and upsampler each, three for every block.
        super().__init__(scale, receptive_field=2 * (3 * num_blocks + 3) + 1)
        check_positive(dim=dim, num_blocks=num_blocks)
        if len(mean) != 3:
            raise ArgumentError(f"mean must have three numbers, not {len(mean)}.")
        self.gain, self.mean = gain, tuple(mean)
        self.head = Conv3XC(3, dim)
        self.blocks = nn.ModuleList(SPAB(dim) for _ in range(num_blocks))
        self.smooth = Conv3XC(dim, dim)
        self.project = nn.Conv2d(4 * dim, dim, 1)
        self.upsampler = PixelShuffleUpsampler(dim, scale)
        self._constants = Constants()

    def features(self, x: Tensor) -> Tensor:
        mean = self._constants.get("mean", x, lambda: torch.tensor(self.mean, dtype=torch.float32).view(3, 1, 1))
        shallow: Tensor = self.head((x - mean) * self.gain)
        y = shallow
        for index, block in enumerate(self.blocks):
            assert isinstance(block, SPAB)
            y, inner, _ = block.stages(y)
            if index == 0:
                early = y
        gathered: Tensor = self.project(torch.cat((shallow, self.smooth(y), early, inner), dim=1))
        return gathered

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def span(scale: int = 4) -> SPAN:
    """SPAN of the paper: 498,208 parameters at ×4 when fused."""
    return SPAN(scale, dim=52)


def span_s(scale: int = 4) -> SPAN:
    """SPAN-S, the narrower one of the paper: 1,840,488 parameters at ×4, 426,288 fused."""
    return SPAN(scale, dim=48)


def span_ntire(scale: int = 4) -> SPAN:
    """The winner of NTIRE 2024: 150,688 parameters at ×4 when fused."""
    return SPAN(scale, dim=28)


def span_tiny(scale: int = 4) -> SPAN:
    """SPAN-Tiny, another entry to NTIRE 2024: 130,828 parameters at ×4 when fused."""
    return SPAN(scale, dim=26)


def _merged_kernels(net: SPAN) -> dict[str, Tensor]:
    """What each Conv3XC amounts to, which the reference saves with the branches, and computes again when it loads."""
    merged = net.fuse().state_dict()
    return {name: merged[key] for key, name in _FUSED.to_reference(merged).items() if ".eval_conv." in name}


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "num_in_ch": "in_channels",
        "num_out_ch": "out_channels",
        "feature_channels": "dim",
        "upscale": "scale",
        "bias": "bias",
        "img_range": "gain",
        "rgb_mean": "mean",
    }
    ours = translate_arguments(theirs, names)
    if ours.pop("in_channels", 3) != 3:
        raise ArgumentError("arguments must have num_in_ch = 3, because the mean that SPAN subtracts has three.")
    if not ours.pop("bias", True):
        raise ArgumentError("arguments must have bias = True, because the reference cannot merge its kernels without.")
    if "mean" in ours:
        ours["mean"] = tuple(ours["mean"])
    return ours


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    tail = state["upsampler.conv.weight"]
    return {"scale": shuffle_scale(tail, 3), "dim": tail.shape[1], "num_blocks": count(state, "blocks")}


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((4, 6)),
        "num_blocks": random.choice((1, 2)),
        "gain": random.choice((1.0, 255.0)),
        "mean": random.choice((RGB_MEAN, (0.5, 0.25, 0.0))),
    }


def _names(conv: Names) -> Names:
    """The reference's names, where a Conv3XC's own parts have these."""
    block = {f"c{index}_r": (f"conv{index}", conv) for index in (1, 2, 3)}
    return {
        "conv_1": ("head", conv),
        "block_{i+1}": ("blocks.{i}", block),
        "conv_2": ("smooth", conv),
        "conv_cat": "project",
        "upsampler.0": "upsampler.conv",
    }


_TRAINING = Layout(
    "hongyuanyu",
    rename=_names({"sk": "skip", "conv": "wide.convs", "eval_conv": None}),
    constants=_merged_kernels,
)
_FUSED = Layout(
    "ntire",
    rename=_names({"eval_conv.weight": "weight", "eval_conv.bias": "bias"}),
    form="fused",
)

FAMILY = Family(
    name="span",
    network=SPAN,
    constructors=(span, span_s, span_ntire, span_tiny),
    scales=(2, 3, 4),
    layouts=(_TRAINING, _FUSED),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("gain", "mean"),
    paper='Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPRW 2024, '
    "arXiv 2311.12770",
    licence="Apache-2.0 (hongyuanyu/SPAN), MIT (Amazingren/NTIRE2024_ESR)",
)
