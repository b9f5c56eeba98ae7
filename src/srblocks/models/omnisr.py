"""Omni-SR: omni aggregation networks for lightweight super-resolution.

Wang, Chen, Ni, Liu, Liu, "Omni Aggregation Networks for Lightweight Image Super-Resolution", CVPR 2023,
arXiv 2304.10244.

Reference numbers: github.com/Francis0625/Omni-SR at cd9901e3 (Apache-2.0 by its readme).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from torch import Tensor, nn

from srblocks.layers.checks import check_positive
from srblocks.layers.omni_attention import OSA
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


class OSAGroup(nn.Module):
    """OSA blocks and a 1×1 convolution with a skip around them, gated by ESA.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of ``window_size`` and at least 15.
    """

    def __init__(
        self, dim: int, *, num_blocks: int, window_size: int, num_heads: int, bias: bool, relative_bias: bool
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(
                OSA(dim, window_size=window_size, num_heads=num_heads, relative_bias=relative_bias)
                for _ in range(num_blocks)
            ),
            nn.Conv2d(dim, dim, 1, bias=bias),
        )
        self.attention = ESA(dim, esa_dim=max(dim // 4, 16))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.attention(x + self.body(x))
        return y


class OmniSR(SRModel):
    """Omni-SR: groups of omni self-attention blocks, one long skip, one pixel shuffle.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; padded with zeros
    to a multiple of the windows, at least 15×15.

    Args:
        scale: factor.
        dim: feature channels, a multiple of ``num_heads``.
        num_groups: groups of blocks.
        num_blocks: OSA blocks in each group.
        window_size: side of the windows.
        num_heads: heads of every attention.
        bias: of the first and last convolutions and those that close the groups.
        relative_bias: learn a bias per relative position in the attention over space.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 64,
        num_groups: int = 5,
        num_blocks: int = 1,
        window_size: int = 8,
        num_heads: int = 4,
        bias: bool = True,
        relative_bias: bool = True,
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(minimum=ESA.minimum, multiple_of=window_size, mode="zeros"),
            stride=ESA.step,
        )
        check_positive(num_groups=num_groups, num_blocks=num_blocks)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1, bias=bias)
        self.groups = nn.Sequential(
            *(
                OSAGroup(
                    dim,
                    num_blocks=num_blocks,
                    window_size=window_size,
                    num_heads=num_heads,
                    bias=bias,
                    relative_bias=relative_bias,
                )
                for _ in range(num_groups)
            )
        )
        self.smooth = nn.Conv2d(dim, dim, 3, padding=1, bias=bias)
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels, bias=bias)

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x)
        y: Tensor = shallow + self.smooth(self.groups(shallow))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


def omnisr(scale: int = 4) -> OmniSR:
    """Omni-SR as released: 805,376 parameters at ×4 (the paper counts 792K, without biases of attention and norms)."""
    return OmniSR(scale)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "num_in_ch": "in_channels",
        "num_out_ch": "out_channels",
        "num_feat": "dim",
        "upsampling": "scale",
        "res_num": "num_groups",
        "block_num": "num_blocks",
        "bias": "bias",
        "window_size": "window_size",
        "pe": "relative_bias",
        "ffn_bias": None,  # accepted and unused by the reference
        "block_script_name": None,
        "block_class_name": None,
    }
    return translate_arguments(theirs, names)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    table = state.get("groups.0.body.0.window_space.bias_table")
    shown: dict[str, Any] = {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_groups": count(state, "groups"),
        "num_blocks": count(state, "groups.0.body") - 1,
        "num_heads": state["groups.0.body.0.window_channels.layer.temperature"].shape[0],
        "bias": "head.bias" in state,
        "relative_bias": table is not None,
        "in_channels": in_channels,
    }
    if table is not None:
        shown["window_size"] = (round(table.shape[0] ** 0.5) + 1) // 2
    return shown


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 12)),
        "num_groups": random.choice((1, 2)),
        "num_blocks": random.choice((1, 2)),
        "window_size": random.choice((4, 8)),
        "num_heads": random.choice((2, 4)),
        "bias": random.choice((True, False)),
        "relative_bias": random.choice((True, False)),
        "in_channels": random.choice((1, 3)),
    }


_SPACE: Names = {
    "norm": "norm",
    "fn": ("", {"to_qkv": "qkv", "to_out.0": "project", "rel_pos_bias.weight": "bias_table"}),
}
_CHANNELS: Names = {
    "norm": "norm",
    "fn": (
        "layer",
        {"temperature": "temperature", "qkv": "qkv", "qkv_dwconv": "depthwise", "project_out": "project"},
    ),
}
_FFN: Names = {
    "norm": "norm",
    "fn": ("layer", {"project_in": "project_in", "dwconv": "depthwise", "project_out": "project_out"}),
}
_OSA: Names = {
    "0.fn": (
        "local",
        {"0": "project_in", "2": "depthwise", "4.gate.1": "down", "4.gate.3": "up", "5": "project_out"},
    ),
    "2": ("window_space", _SPACE),
    "4": ("ffn1", _FFN),
    "5": ("window_channels", _CHANNELS),
    "6": ("ffn2", _FFN),
    "8": ("grid_space", _SPACE),
    "10": ("ffn3", _FFN),
    "11": ("grid_channels", _CHANNELS),
    "12": ("ffn4", _FFN),
}
FAMILY = Family(
    name="omnisr",
    network=OmniSR,
    constructors=(omnisr,),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "francis0625",
            rename={
                "input": "head",
                "residual_layer.{g}": (
                    "groups.{g}",
                    {
                        "residual_layer.{b}": ("body.{b}", {"layer": ("", _OSA), "weight": "weight", "bias": "bias"}),
                        "esa": ("attention", ESA_NAMES),
                    },
                ),
                "output": "smooth",
                "up.0": "upsampler.conv",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("window_size",),
    exceptions={"tiles": "Squeeze-and-excite and grid attention see the whole picture."},
    paper='Wang et al., "Omni Aggregation Networks for Lightweight Image Super-Resolution", CVPR 2023, '
    "arXiv 2304.10244",
    licence="Apache-2.0 by its readme (Francis0625/Omni-SR)",
)
