"""DGPNet: directional gradient perceiving network.

Peng, Cao, Pei, Li, Guo, Fu, Wang, Zha, "Efficient Real-world Image Super-Resolution Via Adaptive Directional Gradient
Convolution", 2024, arXiv 2405.07023. The authors state that a company's patent application covers this work.

The authors published a figure, neither code nor weights nor settings. What the figure leaves open (widths, the balance
network, the kind of attention) is this library's choice; the numbers to compare with come from an implementation of the
definitions, branch by branch.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, get_args

import torch
from torch import Tensor, nn

from srblocks.layers.aiiblock import AIIBlock, Attention
from srblocks.layers.checks import check_positive
from srblocks.layers.dgconv import AlphaMode, DGConv
from srblocks.layers.fusion import plain_conv
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import InterpolatedBase
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import Arguments, Family, count, shuffle_scale, translate_arguments


class DGPNet(SRModel):
    """DGPNet: DGConvs and AIIBlocks at low resolution, a pixel shuffle, and a DGConv at high resolution.

    The bilinearly enlarged picture is added before the last convolution, which starts as the identity.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels, even.
        num_blocks: AIIBlocks.
        att: their attention, ``"ca"``, ``"cca"``, ``"esa"`` or ``"none"``, which leaves the receptive field finite.
        alpha_mode: how the DGConvs balance their branches.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 32,
        num_blocks: int = 8,
        att: Attention = "ca",
        alpha_mode: AlphaMode = "sigmoid",
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            scale,
            in_channels=in_channels,
            size_rule=SizeRule(minimum=ESA.minimum if att == "esa" else 1),
            stride=ESA.step if att == "esa" else 1,
            # Two pixels to each side per block, one each for head, upsampler and tail, which may reach the next pixel.
            receptive_field=2 * (2 * num_blocks + 3) + 1 if att == "none" else None,
        )
        check_positive(dim=dim, num_blocks=num_blocks)
        self.head = DGConv(in_channels, dim, alpha_mode=alpha_mode)
        self.blocks = nn.Sequential(*(AIIBlock(dim, att=att, alpha_mode=alpha_mode) for _ in range(num_blocks)))
        self.up = DGConv(dim, in_channels * scale**2, alpha_mode=alpha_mode)
        self.shuffle = nn.PixelShuffle(scale)
        self.base = InterpolatedBase(scale)
        identity = plain_conv(torch.empty(in_channels, in_channels, 3, 3), torch.zeros(in_channels), padding=(1, 1))
        nn.init.dirac_(identity.weight)
        self.tail = DGConv.from_conv(identity, alpha_mode=alpha_mode)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.head(x))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.shuffle(self.up(self.features(x))) + self.base(x))
        return y


def dgpnet_tiny(scale: int = 4) -> DGPNet:
    """DGPNet-tiny: 96,260 parameters at ×4 when fused. Sizes are this library's."""
    return DGPNet(scale, dim=24, num_blocks=4)


def dgpnet_small(scale: int = 4) -> DGPNet:
    """DGPNet-small: 315,460 parameters at ×4 when fused. Sizes are this library's."""
    return DGPNet(scale, dim=32, num_blocks=8)


def dgpnet_base(scale: int = 4) -> DGPNet:
    """DGPNet-base: 1,034,964 parameters at ×4 when fused. Sizes are this library's."""
    return DGPNet(scale, dim=48, num_blocks=12)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = ("scale", "dim", "num_blocks", "att", "alpha_mode", "in_channels")
    return translate_arguments(theirs, {name: name for name in names})


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    in_channels = state["tail.bias"].shape[0]
    shown: dict[str, Any] = {
        "scale": shuffle_scale(state["up.bias"], in_channels),
        "dim": state["head.bias"].shape[0],
        "num_blocks": count(state, "blocks"),
        "in_channels": in_channels,
    }
    if "head.alpha" in state:
        shown["alpha_mode"] = "param"
    if "blocks.0.att_s.squeeze.weight" in state:
        shown["att"] = "esa"
    elif "blocks.0.att_s.down.weight" not in state:
        shown["att"] = "none"
    return shown


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((4, 6, 8)),
        "num_blocks": random.choice((1, 2)),
        "att": random.choice(get_args(Attention)),
        "alpha_mode": random.choice(get_args(AlphaMode)),
        "in_channels": random.choice((1, 3)),
    }


FAMILY = Family(
    name="dgpnet",
    network=DGPNet,
    constructors=(dgpnet_tiny, dgpnet_small, dgpnet_base),
    scales=(2, 3, 4),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("att", "alpha_mode"),
    paper='Peng et al., "Efficient Real-world Image Super-Resolution Via Adaptive Directional Gradient Convolution", '
    "2024, arXiv 2405.07023",
    licence="none: the authors published no code; their work is said to be covered by a patent application",
)
