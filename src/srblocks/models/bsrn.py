"""BSRN: blueprint separable residual network, and BSRN-S.

Li, Liu, Chen, Cai, Gu, Qiao, Dong, "Blueprint Separable Residual Network for Efficient Image Super-Resolution", CVPR
Workshops 2022, arXiv 2205.05996. BSRN-S won the model complexity track of the NTIRE 2022 challenge.

Reference numbers: github.com/xiaom233/BSRN at 2d63d523 (MIT).
"""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Literal, get_args

from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.conv import ScaledConv
from srblocks.layers.distillation import ESDB, RFDB, DistillationTrunk
from srblocks.layers.separable import BSConvS, BSConvU, DepthwiseSeparableConv
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import (
    NearestConv,
    PixelAttentionUpsampler,
    PixelShuffleUpsampler,
    StepwisePixelShuffle,
)
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import (
    Arguments,
    Family,
    Layout,
    Names,
    Transform,
    count,
    shuffle_scale,
    translate_arguments,
)

Conv = Literal["bsconv_u", "bsconv_s", "depthwise", "plain"]
Upsampler = Literal["direct", "stepwise", "nearest", "pixel_attention"]

_CONVS: dict[str, Callable[..., nn.Module]] = {
    "bsconv_u": BSConvU,
    "bsconv_s": BSConvS,
    "depthwise": DepthwiseSeparableConv,
    "plain": nn.Conv2d,
}
# How many times over the picture goes in.
_COPIES = 4


class _Frame(SRModel):
    """What both networks do with their parts."""

    head: nn.Module
    trunk: nn.Module
    upsampler: nn.Module

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.trunk(self.head(x.repeat(1, _COPIES, 1, 1)))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y


class BSRN(_Frame):
    """BSRN: efficient separable distillation blocks whose outputs are all fused, one long skip, an upsampler.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 15×15 the
    picture is padded (below 51×51 with plain convolutions, which shrink the coarse map of the attention).

    Args:
        scale: factor; 4 unless the upsampler is ``"direct"``.
        dim: feature channels, at least 4 and ``reduction``.
        num_blocks: blocks.
        conv: the 3×3 convolutions: blueprint separable, ``"bsconv_u"`` or ``"bsconv_s"``, ``"depthwise"`` separable or
            ``"plain"``.
        upsampler: ``"direct"``, one pixel shuffle; ``"stepwise"``, two; ``"nearest"`` or ``"pixel_attention"``,
            nearest-neighbour steps with convolutions.
        reduction: of the channel attention, to ``dim // reduction`` channels.
        in_channels: channels of the picture.

    Raises:
        ArgumentError: a value that is not allowed.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 64,
        num_blocks: int = 8,
        conv: Conv = "bsconv_u",
        upsampler: Upsampler = "direct",
        reduction: int = 16,
        in_channels: int = 3,
    ) -> None:
        if conv not in _CONVS:
            raise ArgumentError(f"conv must be one of {', '.join(_CONVS)}, not {conv!r}.")
        # The reference pads what is plain only outside the attention. Three such convolutions take six points there.
        padded = conv != "plain"
        minimum = ESA.minimum if padded else ESA.minimum + 6 * ESA.step
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(minimum=minimum), stride=ESA.step)
        check_positive(dim=dim, num_blocks=num_blocks)
        make, attention = _CONVS[conv], partial(ESA, padded=padded)
        blocks = (ESDB(dim, reduction=reduction, conv=make, attention=attention) for _ in range(num_blocks))
        self.head = make(_COPIES * in_channels, dim, 3, padding=1)
        self.trunk = DistillationTrunk(dim, blocks, conv=make, activation=nn.GELU)
        self.upsampler = _upsampler(upsampler, dim, scale, in_channels)


class BSRNS(_Frame):
    """BSRN-S, the smaller one: a learned factor per channel instead of channel attention, and more biases.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size; below 15×15 the
    picture is padded.

    Args:
        scale: factor.
        dim: feature channels, at least 4.
        num_blocks: blocks.
        in_channels: channels of the picture.
    """

    def __init__(self, scale: int = 4, *, dim: int = 48, num_blocks: int = 5, in_channels: int = 3) -> None:
        super().__init__(scale, in_channels=in_channels, size_rule=SizeRule(minimum=ESA.minimum), stride=ESA.step)
        check_positive(dim=dim, num_blocks=num_blocks)
        blocks = (ScaledDistillationBlock(dim) for _ in range(num_blocks))
        self.head = _blueprint_conv(_COPIES * in_channels, dim, 3, padding=1)
        self.trunk = DistillationTrunk(dim, blocks, conv=_blueprint_conv, activation=nn.GELU)
        self.upsampler = PixelShuffleUpsampler(dim, scale, out_channels=in_channels)


class ScaledDistillationBlock(RFDB):
    """Block of BSRN-S: an RFDB of blueprint separable convolutions, a factor per channel, a 1×1, and a skip.

    Shape: ``(N, dim, H, W)`` -> the same, H and W at least 15.
    """

    def __init__(self, dim: int) -> None:
        attention = partial(ESA, conv=_blueprint_conv, activation=nn.GELU)
        super().__init__(dim, conv=_blueprint_conv, activation=nn.GELU, attention=attention)
        self.out = ScaledConv(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(super().forward(x))
        return y + x


def _blueprint_conv(
    in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, padding: int
) -> nn.Module:
    """BSRN-S's convolution: blueprint separable with two biases, but plain where it strides."""
    if stride > 1:
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding)
    return BSConvU(in_channels, out_channels, kernel_size, padding=padding, pointwise_bias=True)


def _upsampler(kind: Upsampler, dim: int, scale: int, out_channels: int) -> nn.Module:
    if kind not in get_args(Upsampler):
        raise ArgumentError(f"upsampler must be one of {', '.join(get_args(Upsampler))}, not {kind!r}.")
    if kind == "direct":
        return PixelShuffleUpsampler(dim, scale, out_channels=out_channels)
    if scale != 4:
        raise ArgumentError(f"scale must be 4 with the upsampler {kind!r}, not {scale!r}.")
    if kind == "pixel_attention":
        return PixelAttentionUpsampler(dim, scale, out_channels=out_channels)
    tail = StepwisePixelShuffle if kind == "stepwise" else NearestConv
    return nn.Sequential(
        nn.Conv2d(dim, dim, 3, padding=1),
        nn.LeakyReLU(0.01, inplace=True),
        tail(dim, scale, out_channels=out_channels),
    )


def bsrn(scale: int = 4) -> BSRN:
    """BSRN as released: 352,400 parameters at ×4."""
    return BSRN(scale)


def bsrn_s(scale: int = 4) -> BSRNS:
    """BSRN-S, the NTIRE 2022 entry: 156,288 parameters at ×4."""
    return BSRNS(scale)


_ARGUMENTS = {
    "num_in_ch": "in_channels",
    "num_feat": "dim",
    "num_block": "num_blocks",
    "num_out_ch": "out_channels",
    "upscale": "scale",
    "conv": "conv",
    "upsampler": "upsampler",
    "p": None,  # gives BSConvS its width, which the tensors show
}


def _arguments(theirs: Arguments) -> dict[str, Any]:
    ours = translate_arguments(theirs, _ARGUMENTS)
    if "conv" in ours:
        known = {"BSConvU": "bsconv_u", "BSConvS": "bsconv_s", "DepthWiseConv": "depthwise"}
        ours["conv"] = known.get(ours["conv"], "plain")  # as the reference takes any other name
    if "upsampler" in ours:
        names = ("pixelshuffledirect", "pixelshuffleblock", "nearestconv", "pa")
        if ours["upsampler"] not in names:
            raise ArgumentError(f"upsampler must be one of {', '.join(names)}, not {ours['upsampler']!r}.")
        ours["upsampler"] = get_args(Upsampler)[names.index(ours["upsampler"])]
    return ours


def _arguments_s(theirs: Arguments) -> dict[str, Any]:
    fixed = {"conv": "BSConvU", "upsampler": "pixelshuffledirect"}
    return translate_arguments(theirs, {name: ours for name, ours in _ARGUMENTS.items() if name not in fixed}, fixed)


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim = state["trunk.project.weight"].shape[0]
    head = next(
        state[f"head.{name}"] for name in ("weight", "squeeze.weight", "pointwise.weight") if f"head.{name}" in state
    )
    in_channels = head.shape[1] // _COPIES
    shown = {
        "scale": 4,
        "dim": dim,
        "num_blocks": count(state, "trunk.blocks"),
        "conv": _conv_of(state, dim),
        "upsampler": _upsampler_of(state),
        "reduction": dim // state["trunk.blocks.0.contrast.down.weight"].shape[0],
        "in_channels": in_channels,
    }
    if shown["upsampler"] == "direct":
        shown["scale"] = shuffle_scale(state["upsampler.conv.weight"], in_channels)
    return shown


def _conv_of(state: Mapping[str, Tensor], dim: int) -> Conv:
    last = "trunk.blocks.0.last"
    if f"{last}.weight" in state:
        return "plain"
    if f"{last}.squeeze.weight" in state:
        return "bsconv_s"
    # The filters are on the input or, half as many, on the output.
    return "depthwise" if state[f"{last}.depthwise.weight"].shape[0] == dim else "bsconv_u"


def _upsampler_of(state: Mapping[str, Tensor]) -> Upsampler:
    if "upsampler.2.conv.weight" in state:
        return "nearest" if "upsampler.2.refine.weight" in state else "stepwise"
    return "pixel_attention" if "upsampler.steps.0.1.weight" in state else "direct"


def _configure_s(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, copied_channels = state["head.pointwise.weight"].shape[:2]
    in_channels = copied_channels // _COPIES
    return {
        "scale": shuffle_scale(state["upsampler.conv.weight"], in_channels),
        "dim": dim,
        "num_blocks": count(state, "trunk.blocks"),
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    upsampler = random.choice(get_args(Upsampler))
    return {
        "scale": random.choice((1, 2, 3, 4)) if upsampler == "direct" else 4,
        "dim": random.choice((8, 12)),
        "num_blocks": random.choice((1, 2)),
        "conv": random.choice(get_args(Conv)),
        "upsampler": upsampler,
        "reduction": random.choice((2, 4)),
        "in_channels": random.choice((1, 3)),
    }


def _draw_s(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 9, 12)),
        "num_blocks": random.choice((1, 2)),
        "in_channels": random.choice((1, 3)),
    }


# The parts of whichever convolution it is.
_CONV: Names = {
    "pw": "pointwise",
    "pw1": "squeeze",
    "pw2": "expand",
    "dw": "depthwise",
    "weight": "weight",
    "bias": "bias",
}
_RFDB: Names = {
    "c1_d": "distil.0",
    "c2_d": "distil.1",
    "c3_d": "distil.2",
    "c1_r": ("refine.0.layer", _CONV),
    "c2_r": ("refine.1.layer", _CONV),
    "c3_r": ("refine.2.layer", _CONV),
    "c4": ("last", _CONV),
    "c5": "project",
    "esa": (
        "attention",
        {
            "conv1": "squeeze",
            "conv_f": "shortcut",
            "conv2": ("stride", _CONV),
            "conv_max": ("convs.0", _CONV),
            "conv3": ("convs.1", _CONV),
            "conv3_": ("convs.2", _CONV),
            "conv4": "expand",
        },
    ),
}
_NETWORK: Names = {
    "fea_conv": ("head", _CONV),
    "c1": "trunk.project",
    "c2": ("trunk.smooth", _CONV),
    "upsampler.upsampleOneStep.0": "upsampler.conv",
}
# BSRN-S has its 1×1 convolutions as linear layers, and a factor per channel as one row.
_AS_LINEAR = Transform(
    to_ours=lambda tensor: tensor[..., None, None] if tensor.ndim == 2 else tensor,
    to_reference=lambda tensor: tensor[..., 0, 0] if tensor.shape[2:] == (1, 1) else tensor,
)

_PAPER = (
    'Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution", CVPRW 2022, '
    "arXiv 2205.05996"
)
_LICENCE = "MIT (xiaom233/BSRN)"

FAMILY = Family(
    name="bsrn",
    network=BSRN,
    constructors=(bsrn,),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "xiaom233",
            rename={
                **_NETWORK,
                "B{i+1}": (
                    "trunk.blocks.{i}",
                    {**_RFDB, "cca": ("contrast", {"conv_du.0": "down", "conv_du.2": "up"})},
                ),
                # The authors published nothing with another upsampler; its names stay ours.
                "upsampler": "upsampler",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    exceptions={"tiles": "Channel attention averages the whole picture, and ESA resizes a coarse map of it."},
    paper=_PAPER,
    licence=_LICENCE,
)
FAMILY_S = Family(
    name="bsrn_s",
    network=BSRNS,
    constructors=(bsrn_s,),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "xiaom233",
            rename={
                **_NETWORK,
                "B{i+1}": ("trunk.blocks.{i}", {**_RFDB, "cw": "out.gain", "conv_out": "out.conv"}),
            },
            transform=_AS_LINEAR,
        ),
    ),
    arguments=_arguments_s,
    configure=_configure_s,
    draw=_draw_s,
    exceptions={"tiles": "ESA resizes a coarse map of the whole picture."},
    paper=_PAPER,
    licence=_LICENCE,
)
