"""ECBSR: edge-oriented convolution blocks for super-resolution.

Zhang, Zeng, Zhang, "Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices", ACM Multimedia
2021.

Reference numbers: github.com/xindongzhang/ECBSR at c60b1d27 (Apache-2.0), for luma; github.com/ECNUSR/ETDS at 64ad1b85
(Apache-2.0), for colours.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import pairwise
from random import Random
from typing import Any, Literal, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.edge_conv import ECB, Edge, edge_filter
from srblocks.models.base import SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments

Activation = Literal["prelu", "relu", "rrelu", "softplus", "linear"]


class RandomReLU(nn.RReLU):
    """A ReLU whose slope for negative values is random in training, within ±0.05, and 0 otherwise."""

    def __init__(self) -> None:
        super().__init__(-0.05, 0.05)

    def forward(self, x: Tensor) -> Tensor:
        # The plain one can be exported.
        return super().forward(x) if self.training else F.relu(x)


_ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "prelu": nn.PReLU,
    "relu": lambda dim: nn.ReLU(),
    "rrelu": lambda dim: RandomReLU(),
    "softplus": lambda dim: nn.Softplus(),
    "linear": lambda dim: nn.Identity(),
}


class ECBSR(SRModel):
    """ECBSR: a plain chain of ECBs with one skip, the nearest-neighbour enlarged picture. Fused, a chain of 3×3.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size. With one channel
    it is the luma of studio range and inside in 0..255; with three, RGB in [0, 1] all through.

    Args:
        scale: factor.
        dim: feature channels.
        num_blocks: ECBs between the first and the last.
        identity: every ECB with as many channels out as in adds its input.
        activation: after every ECB but the last: ``"prelu"``, ``"relu"``, ``"rrelu"`` (random slopes of ±0.05 in
            training, 0 otherwise), ``"softplus"`` or ``"linear"``, which is none.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 16,
        num_blocks: int = 4,
        identity: bool = False,
        activation: Activation = "prelu",
        in_channels: int = 1,
    ) -> None:
        super().__init__(
            scale,
            in_channels=in_channels,
            colors="y" if in_channels == 1 else None,
            receptive_field=2 * (num_blocks + 2) + 1,
            reference_range=255.0 if in_channels == 1 else 1.0,
        )
        check_positive(dim=dim, num_blocks=num_blocks)
        if activation not in _ACTIVATIONS:
            raise ArgumentError(f"activation must be one of {', '.join(_ACTIVATIONS)}, not {activation!r}.")
        widths = pairwise((in_channels, *[dim] * (num_blocks + 1), in_channels * scale**2))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    OrderedDict(
                        conv=ECB(before, after, identity=identity and before == after),
                        act=_ACTIVATIONS["linear" if index > num_blocks else activation](after),
                    )
                )
                for index, (before, after) in enumerate(widths)
            )
        )
        self.shuffle = nn.PixelShuffle(scale)

    def features(self, x: Tensor) -> Tensor:
        *blocks, _ = self.blocks
        for block in blocks:
            x = block(x)
        return x

    def upscale(self, x: Tensor) -> Tensor:
        details = self.blocks[-1](self.features(x))
        # Each colour is added to all scale² values that are shuffled into its enlarged pixel.
        y: Tensor = self.shuffle((details.unflatten(1, (self.in_channels, -1)) + x.unsqueeze(2)).flatten(1, 2))
        return y


def ecbsr_m4c8(scale: int = 4) -> ECBSR:
    """ECBSR-M4C8 for luma: 16,624 parameters at ×4, 3,624 fused."""
    return ECBSR(scale, dim=8, num_blocks=4)


def ecbsr_m4c16(scale: int = 4) -> ECBSR:
    """ECBSR-M4C16 for luma: 47,120 parameters at ×4, 11,840 fused."""
    return ECBSR(scale, dim=16, num_blocks=4)


def ecbsr_m10c10(scale: int = 4) -> ECBSR:
    """ECBSR-M10C10 for luma: 42,536 parameters at ×4, 10,766 fused."""
    return ECBSR(scale, dim=10, num_blocks=10)


def ecbsr_m16c64(scale: int = 4) -> ECBSR:
    """ECBSR-M16C64 for luma, the paper's largest: 2,206,160 parameters at ×4, 601,808 fused."""
    return ECBSR(scale, dim=64, num_blocks=16)


def ecbsr_m4c16_rgb(scale: int = 4) -> ECBSR:
    """ECBSR-M4C16 for colours, of the authors of ETDS: 16,768 parameters at ×4 when fused."""
    return ECBSR(scale, dim=16, num_blocks=4, in_channels=3)


def ecbsr_m4c32_rgb(scale: int = 4) -> ECBSR:
    """ECBSR-M4C32 for colours, of the authors of ETDS: 51,920 parameters at ×4 when fused."""
    return ECBSR(scale, dim=32, num_blocks=4, in_channels=3)


def ecbsr_m6c40_rgb(scale: int = 4) -> ECBSR:
    """ECBSR-M6C40 for colours, of the authors of ETDS: 105,368 parameters at ×4 when fused."""
    return ECBSR(scale, dim=40, num_blocks=6, in_channels=3)


_EDGES: dict[str, Edge] = {"conv1x1_sbx": "sobel_x", "conv1x1_sby": "sobel_y", "conv1x1_lpl": "laplacian"}


def _masks(net: ECBSR) -> dict[str, Tensor]:
    """The edge filters, which the reference saves once per channel."""
    convs = [conv for conv in net.modules() if isinstance(conv, ECB)]
    return {
        f"backbone.{i}.{theirs}.mask": edge_filter(ours).expand(conv.out_channels, 1, 3, 3)
        for i, conv in enumerate(convs)
        for theirs, ours in _EDGES.items()
    }


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "module_nums": "num_blocks",
        "num_block": "num_blocks",
        "channel_nums": "dim",
        "num_feat": "dim",
        "with_idt": "identity",
        "act_type": "activation",
        "scale": "scale",
        "upscale": "scale",
        "colors": "in_channels",
        "num_in_ch": "in_channels",
        "num_out_ch": "out_channels",
    }
    ours = translate_arguments(theirs, names)
    if "identity" in ours:
        ours["identity"] = bool(ours["identity"])
    return ours


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    kernel = "conv.weight" if "blocks.0.conv.weight" in state else "conv.plain.weight"
    num_blocks = count(state, "blocks") - 2
    dim, in_channels = state[f"blocks.0.{kernel}"].shape[:2]
    return {
        "scale": shuffle_scale(state[f"blocks.{num_blocks + 1}.{kernel}"], in_channels),
        "dim": dim,
        "num_blocks": num_blocks,
        "activation": "prelu" if "blocks.0.act.weight" in state else "relu",
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((4, 6)),
        "num_blocks": random.choice((1, 2)),
        "identity": random.choice((False, True)),
        "activation": random.choice(get_args(Activation)),
        "in_channels": random.choice((1, 3)),
    }


_EDGE: Names = {"k0": "pointwise.weight", "b0": "pointwise.bias", "scale": "scale", "bias": "bias", "mask": None}
_WIDE: Names = {"k0": "convs.0.weight", "b0": "convs.0.bias", "k1": "convs.1.weight", "b1": "convs.1.bias"}
_PLAIN: Names = {"weight": "weight", "bias": "bias"}

FAMILY = Family(
    name="ecbsr",
    network=ECBSR,
    constructors=(
        ecbsr_m4c8,
        ecbsr_m4c16,
        ecbsr_m10c10,
        ecbsr_m16c64,
        ecbsr_m4c16_rgb,
        ecbsr_m4c32_rgb,
        ecbsr_m6c40_rgb,
    ),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "xindongzhang",
            rename={
                "backbone.{i}": (
                    "blocks.{i}",
                    {
                        "conv3x3": "conv.plain",
                        "conv1x1_3x3": ("conv.wide", _WIDE),
                        **{theirs: (f"conv.{ours}", _EDGE) for theirs, ours in _EDGES.items()},
                        "act": "act",
                    },
                )
            },
            constants=_masks,
        ),
        Layout(
            "xindongzhang-plain",
            rename={"backbone.{i}": ("blocks.{i}", {"conv3x3": ("conv", _PLAIN), "act": "act"})},
            form="fused",
        ),
        Layout(
            "ecnu-plain",
            rename={"backbone.{i}": ("blocks.{i}", {"0": ("conv", _PLAIN), "1": "act"})},
            form="fused",
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("identity", "activation"),
    exceptions={"gradients": "The biases before ECB's edge filters cancel, because each filter sums to zero."},
    paper='Zhang et al., "Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices", ACM '
    "Multimedia 2021",
    licence="Apache-2.0 (xindongzhang/ECBSR, ECNUSR/ETDS)",
)
