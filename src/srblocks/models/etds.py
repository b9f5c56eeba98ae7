"""ETDS: equivalent transformation and dual stream network.

Chao, Zhou, Gao, Gong, Yang, Zeng, Dehbi, "Equivalent Transformation and Dual Stream Network Construction for Mobile
Image Super-Resolution", CVPR 2023.

Reference numbers: github.com/ECNUSR/ETDS at 64ad1b85 (Apache-2.0).
"""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError, SRBlocksError
from srblocks.layers.checks import check_positive
from srblocks.layers.fusion import plain_conv
from srblocks.layers.merged_conv import MergedConv, affine
from srblocks.layers.upsamplers import add_nearest
from srblocks.models.base import SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments
from srblocks.ops.kernels import Affine

Exchange = Literal["none", "inject", "both"]


class StreamConv(MergedConv):
    """3×3 convolutions between streams that lie side by side in the channels: merged, one 3×3 convolution.

    Each is a block of the merged kernel, at the rows of the stream that it adds to and the columns of the one that it
    reads; other blocks are zero.

    Shape: ``(N, Σ inputs, H, W)`` -> ``(N, Σ outputs, H, W)``.

    Args:
        inputs: channels of each stream that comes in.
        outputs: channels of each stream that goes out.
        routes: name of a convolution -> the index of the stream that it reads, and of the one that it adds to.
    """

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int], routes: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(sum(inputs), sum(outputs))
        self.inputs, self.outputs, self.routes = list(inputs), list(outputs), dict(routes)
        for name, (source, target) in routes.items():
            self.add_module(name, nn.Conv2d(inputs[source], outputs[target], 3, padding=1))

    def merge(self, dtype: torch.dtype) -> Affine:
        like = next(self.parameters())
        kernel = like.new_zeros((self.out_channels, self.in_channels, 3, 3), dtype=dtype)
        bias = like.new_zeros(self.out_channels, dtype=dtype)
        for name, (source, target) in self.routes.items():
            columns, rows = _place(self.inputs, source), _place(self.outputs, target)
            weight, shift = affine(self.get_submodule(name), dtype)
            kernel[rows, columns] += weight
            bias[rows] += shift
        return kernel, bias

    def by_branches(self, x: Tensor) -> Tensor:
        y = x.new_zeros((x.shape[0], self.out_channels, *x.shape[2:]))
        for part, (_, target) in zip(self.parts(x), self.routes.values(), strict=True):
            y[:, _place(self.outputs, target)] += part
        return y

    def parts(self, x: Tensor) -> list[Tensor]:
        """What each convolution gives, in the order of ``routes``."""
        streams = torch.split(x, self.inputs, dim=1)
        return [self.get_submodule(name)(streams[source]) for name, (source, _) in self.routes.items()]


def _place(widths: Sequence[int], index: int) -> slice:
    start = sum(widths[:index])
    return slice(start, start + widths[index])


class Tail(nn.Module):
    """The last convolution of ETDS, and a clip to [0, 1] if there is one.

    Args:
        conv: to scale² values per colour.
        clip: whether to clip.
        spare: output channels that the fused form has more, because the released ones have them.
    """

    def __init__(self, conv: StreamConv, *, clip: bool, spare: int = 0) -> None:
        super().__init__()
        self.conv, self.clip, self.spare = conv, clip, spare

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y.clamp(0, 1) if self.clip else y

    def fuse(self) -> nn.Module:
        """The plain convolution; with a clip, two convolutions and ReLUs."""
        if not self.clip:
            return self.conv.fuse()
        weight, bias = self.conv.exactly_merged()
        assert bias is not None
        # In place, because other arithmetic on "meta" would import PyTorch's compiler.
        weight = F.pad(weight.mul_(-1), (0, 0, 0, 0, 0, 0, 0, self.spare))
        inverted = self.conv.as_conv(weight, F.pad(bias.mul_(-1).add_(1), (0, self.spare), value=1.0))
        return ClippedConv(inverted, self.conv.out_channels).train(self.training)


class ClippedConv(nn.Module):
    """A convolution and a clip to [0, 1] made of convolutions and ReLUs only: ReLU(1 - ReLU(1 - y)).

    Shape: ``(N, dim, H, W)`` -> ``(N, out_channels, H, W)``.

    Args:
        inverted: gives 1 - y.
        out_channels: as many of its channels as are wanted.
    """

    def __init__(self, inverted: nn.Conv2d, out_channels: int) -> None:
        super().__init__()
        self.inverted, self.out_channels = inverted, out_channels
        like, width = inverted.weight, inverted.out_channels
        self.clip = plain_conv(
            like.new_empty(width, width, 1, 1), like.new_ones(width), requires_grad=like.requires_grad
        )
        with torch.no_grad():
            nn.init.dirac_(self.clip.weight).mul_(-1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = F.relu(self.clip(F.relu(self.inverted(x))))
        return y[:, : self.out_channels]


class ETDS(SRModel):
    """ETDS: a wide stream for detail beside a narrow one that starts by carrying the picture; fused, a plain chain.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels of both streams together.
        num_blocks: layers between the first and the last.
        residual_dim: channels of the narrow stream, at least ``in_channels``; as many unless given.
        exchange: what the streams give each other in every layer: ``"none"``, ``"inject"`` (the narrow one adds to the
            wide one) or ``"both"``.
        clip: clip the result to [0, 1], as the released plain networks do and the training code does not. Train on
            :meth:`streams`, where nothing is clipped.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 32,
        num_blocks: int = 4,
        residual_dim: int | None = None,
        exchange: Exchange = "inject",
        clip: bool = False,
        in_channels: int = 3,
    ) -> None:
        super().__init__(scale, in_channels=in_channels, receptive_field=2 * (num_blocks + 2) + 1)
        narrow = in_channels if residual_dim is None else residual_dim
        check_positive(dim=dim, num_blocks=num_blocks, residual_dim=narrow)
        if not in_channels <= narrow < dim:
            raise ArgumentError(
                f"residual_dim must be at least in_channels = {in_channels} and less than dim = {dim}, not {narrow}."
            )
        if exchange not in get_args(Exchange):
            raise ArgumentError(f"exchange must be one of {', '.join(get_args(Exchange))}, not {exchange!r}.")
        streams, routes = (dim - narrow, narrow), {"detail": (0, 0), "residual": (1, 1)}
        if exchange != "none":
            routes["to_detail"] = (1, 0)
        if exchange == "both":
            routes["to_residual"] = (0, 1)
        self.head = StreamConv((in_channels,), streams, {"detail": (0, 0), "residual": (0, 1)})
        self.blocks = nn.ModuleList(StreamConv(streams, streams, routes) for _ in range(num_blocks))
        last = StreamConv(streams, (in_channels * scale**2,), {"detail": (0, 0), "residual": (1, 0)})
        self.tail = Tail(last, clip=clip, spare=1 if scale == 3 else 0)
        self.shuffle = nn.PixelShuffle(scale)
        self._carry_the_picture()

    def _carry_the_picture(self) -> None:
        """Let the narrow stream start as the picture, and give it enlarged by nearest neighbours."""
        last = self.tail.conv
        for conv in (self.head, *self.blocks, last):
            for name, route in conv.named_children():
                if name != "detail":
                    nn.init.zeros_(route.get_parameter("weight"))
                    nn.init.zeros_(route.get_parameter("bias"))
                if name == "residual" and conv is not last:
                    nn.init.dirac_(route.get_parameter("weight"))
        add_nearest(last.get_parameter("residual.weight"), last.out_channels // self.in_channels)

    def features(self, x: Tensor) -> Tensor:
        x = F.relu(self.head(x))
        for block in self.blocks:
            x = F.relu(block(x))
        return x

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.shuffle(self.tail(self.features(x)))
        return y

    def streams(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The picture before any clipping, and the narrow stream's part of it, on the input that :meth:`prepare` gives.

        The paper trains on both, ``L1(picture, hr) + 0.5 · L1(part, hr)``, and for the first 100,000 of 1.6 million
        steps only what is called ``detail``.

        Raises:
            SRBlocksError: the network is fused, where the streams are one.
        """
        if not isinstance(self.tail, Tail):
            raise SRBlocksError("The streams of this ETDS are one, because it is fused: take the training form.")
        detail, residual = self.tail.conv.parts(self.features(x))
        return self.shuffle(detail + residual), self.shuffle(residual)


def etds_t(scale: int = 4) -> ETDS:
    """ETDS-T (M5C16): 17,366 parameters at ×4, 21,360 fused."""
    return ETDS(scale, dim=16, num_blocks=5, clip=True)


def etds_s(scale: int = 4) -> ETDS:
    """ETDS-S (M4C32): 48,792 parameters at ×4, 54,112 fused."""
    return ETDS(scale, dim=32, num_blocks=4, clip=True)


def etds_m(scale: int = 4) -> ETDS:
    """ETDS-M (M6C32): 65,780 parameters at ×4, 72,608 fused."""
    return ETDS(scale, dim=32, num_blocks=6, clip=True)


def etds_l(scale: int = 4) -> ETDS:
    """ETDS-L (M7C48): 159,474 parameters at ×4, 169,968 fused."""
    return ETDS(scale, dim=48, num_blocks=7, clip=True)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "num_in_ch": "in_channels",
        "num_out_ch": "out_channels",
        "upscale": "scale",
        "num_block": "num_blocks",
        "num_feat": "dim",
        "num_residual_feat": "residual_dim",
    }
    ours = translate_arguments(theirs, names)
    if ours.get("residual_dim") == ours.get("in_channels", 3):
        ours["residual_dim"] = None
    return ours


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    shown: dict[str, Any] = {"num_blocks": count(state, "blocks")}
    if "head.weight" in state:  # the plain form
        dim, in_channels = state["head.weight"].shape[:2]
        clip = "tail.inverted.weight" in state
        last = state["tail.inverted.weight" if clip else "tail.weight"]
        # The last few of the inverted channels may be spare.
        scale = math.isqrt(last.shape[0] // in_channels) if clip else shuffle_scale(last, in_channels)
        return shown | {"scale": scale, "dim": dim, "clip": clip, "in_channels": in_channels}
    wide, in_channels = state["head.detail.weight"].shape[:2]
    narrow = state["head.residual.weight"].shape[0]
    both, inject = (f"blocks.0.{name}.weight" in state for name in ("to_residual", "to_detail"))
    return shown | {
        "scale": shuffle_scale(state["tail.conv.detail.weight"], in_channels),
        "dim": wide + narrow,
        "residual_dim": None if narrow == in_channels else narrow,
        "exchange": "both" if both else "inject" if inject else "none",
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    in_channels = random.choice((1, 3))
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 10)),
        "num_blocks": random.choice((1, 2)),
        "residual_dim": random.choice((None, in_channels + 1)),
        "exchange": random.choice(get_args(Exchange)),
        # Without it the authors' plain layout has no place for the last convolution.
        "clip": True,
        "in_channels": in_channels,
    }


_PLAIN: Names = {"weight": "weight", "bias": "bias"}

FAMILY = Family(
    name="etds",
    network=ETDS,
    constructors=(etds_t, etds_s, etds_m, etds_l),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "ecnu",
            rename={
                "conv_first": "head.detail",
                "conv_residual_first": "head.residual",
                "backbone_convs.{i}": "blocks.{i}.detail",
                "residual_convs.{i}": "blocks.{i}.residual",
                "add_residual_convs.{i}": "blocks.{i}.to_detail",
                "advanced_residual_convs.{i}": "blocks.{i}.to_residual",
                "conv_last": "tail.conv.detail",
                "conv_residual_last": "tail.conv.residual",
            },
        ),
        Layout(
            "ecnu-plain",
            rename={
                "conv_first": ("head", _PLAIN),
                "backbone_convs.{i}": ("blocks.{i}", _PLAIN),
                "conv_last": "tail.inverted",
                "conv_clip": "tail.clip",
            },
            form="fused",
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("residual_dim", "exchange", "clip"),
    paper='Chao et al., "Equivalent Transformation and Dual Stream Network Construction for Mobile Image '
    'Super-Resolution", CVPR 2023',
    licence="Apache-2.0 (ECNUSR/ETDS)",
)
