"""ELAN: efficient long-range attention network.

Zhang, Zeng, Guo, Zhang, "Efficient Long-Range Attention Network for Image Super-resolution", ECCV 2022,
arXiv 2203.06697.

Reference numbers: github.com/xindongzhang/ELAN at 97ab3fa0 (Apache-2.0).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.constants import Constants
from srblocks.layers.upsamplers import PixelShuffleUpsampler
from srblocks.layers.window_attention import ELAB, check_window_sizes
from srblocks.models.base import SizeRule, SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments
from srblocks.ops.shifts import cross_kernels

RGB_MEAN = (0.4488, 0.4371, 0.4040)


class ELAN(SRModel):
    """ELAN: attention blocks with plain and shifted windows in turn, one long skip, one pixel shuffle.

    Shape: ``(N, 3, H, W)`` in [0, 1] -> ``(N, 3, scale·H, scale·W)``, any size; padded by reflection to a multiple of
    the windows. Shifted windows wrap around the border, so that the receptive field is the whole picture.

    Args:
        scale: factor.
        dim: feature channels, a multiple of the number of windows.
        num_blocks: ELABs.
        num_shared: sub-layers of each that reuse its attention scores.
        window_sizes: sides of the windows of the groups of channels.
        expansion: of the features between the shift-convolutions.
        reference_range: 255.0 or 1.0, the range that the weights were trained in.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 60,
        num_blocks: int = 12,
        num_shared: int = 1,
        window_sizes: Sequence[int] = (4, 8, 16),
        expansion: int = 2,
        reference_range: float = 255.0,
    ) -> None:
        check_positive(num_blocks=num_blocks)
        check_window_sizes(window_sizes)
        super().__init__(
            scale, size_rule=SizeRule(multiple_of=math.lcm(*window_sizes)), reference_range=reference_range
        )
        self.head = nn.Conv2d(3, dim, 3, padding=1)
        self.blocks = nn.Sequential(
            *(
                ELAB(
                    dim,
                    window_sizes=window_sizes,
                    shifted=index % 2 == 1,
                    num_shared=num_shared,
                    expansion=expansion,
                )
                for index in range(num_blocks)
            )
        )
        self.upsampler = PixelShuffleUpsampler(dim, scale)
        self._constants = Constants()

    def features(self, x: Tensor) -> Tensor:
        shallow = self.head(x - self._mean(x))
        y: Tensor = shallow + self.blocks(shallow)
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.upsampler(self.features(x))
        return y + self._mean(x)

    def _mean(self, x: Tensor) -> Tensor:
        return self._constants.get("mean", x, lambda: _mean_in(self.reference_range).view(3, 1, 1))


def elan_light(scale: int = 4) -> ELAN:
    """ELAN-light: 601,488 trainable parameters at ×4."""
    return ELAN(scale)


def elan(scale: int = 4) -> ELAN:
    """ELAN: 8,312,448 trainable parameters at ×4."""
    return ELAN(scale, dim=180, num_blocks=36, num_shared=0)


def _mean_in(reference_range: float) -> Tensor:
    # The product of two float32 numbers, as the reference stores it.
    return torch.tensor(reference_range, dtype=torch.float32) * torch.tensor(RGB_MEAN)


def _constants(net: ELAN) -> dict[str, Tensor]:
    mean, identity = _mean_in(net.reference_range), torch.eye(3).view(3, 3, 1, 1)
    constants = {
        "sub_mean.weight": identity,
        "sub_mean.bias": -mean,
        "add_mean.weight": identity,
        "add_mean.bias": mean,
    }
    dim, expansion = net.arguments["dim"], net.arguments["expansion"]
    for i, j in product(range(net.arguments["num_blocks"]), range(1 + net.arguments["num_shared"])):
        for k, channels in enumerate((dim, expansion * dim)):
            constants[f"body.{i}.modules_lfe.lfe_{j}.conv{k}.shift_conv.weight"] = cross_kernels(channels)
    return constants


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "scale": "scale",
        "rgb_range": "reference_range",
        "colors": "colors",
        "m_elan": "depth",
        "c_elan": "dim",
        "n_share": "num_shared",
        "r_expand": "expansion",
        "act_type": None,  # ignored by the reference, which always uses ReLU
        "window_sizes": "window_sizes",
        "pretrain": None,
    }
    ours = translate_arguments(theirs, names)
    if ours.pop("colors", 3) != 3:
        raise ArgumentError("arguments must have colors = 3, because the mean that ELAN subtracts has three.")
    depth = ours.pop("depth", None)
    if depth is not None and "num_shared" in ours:
        ours["num_blocks"] = depth // (1 + ours["num_shared"])
    if "window_sizes" in ours:
        ours["window_sizes"] = tuple(ours["window_sizes"])
    return ours


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim = state["head.weight"].shape[0]
    shown: dict[str, Any] = {
        "scale": shuffle_scale(state["upsampler.conv.weight"], 3),
        "dim": dim,
        "num_blocks": count(state, "blocks"),
        "num_shared": count(state, "blocks.0.local") - 1,
        "expansion": state["blocks.0.local.0.0.conv.weight"].shape[0] // dim,
    }
    if "add_mean.bias" in state:
        shown["reference_range"] = float(round(float(state["add_mean.bias"][0]) / RGB_MEAN[0]))
    return shown


def _draw(random: Random) -> dict[str, Any]:
    windows = random.choice(((2, 2, 4), (2, 4, 8)))
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((6, 12)),
        "num_blocks": 2,
        "num_shared": random.choice((0, 1)),
        "window_sizes": windows,
        "expansion": random.choice((1, 2, 3)),
        "reference_range": random.choice((1.0, 255.0)),
    }


_NORMED: Names = {"0": "conv", "1": "norm"}

FAMILY = Family(
    name="elan",
    network=ELAN,
    constructors=(elan_light, elan),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "xindongzhang",
            rename={
                "sub_mean": None,
                "add_mean": None,
                "head.0": "head",
                "body.{i}": (
                    "blocks.{i}",
                    {
                        "modules_lfe.lfe_{j}": (
                            "local.{j}",
                            {
                                "conv0.shift_conv": ("0", {"weight": None, "conv1x1": "conv"}),
                                "conv1.shift_conv": ("2", {"weight": None, "conv1x1": "conv"}),
                            },
                        ),
                        "modules_gmsa.gmsa_{j}": (
                            "attention.{j}",
                            {"project_inp": ("project_in", _NORMED), "project_out": "project_out"},
                        ),
                    },
                ),
                "tail.0": "upsampler.conv",
            },
            constants=_constants,
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    hidden=("window_sizes", "reference_range"),
    exceptions={"tiles": "Shifted windows wrap around the border of the picture."},
    paper='Zhang et al., "Efficient Long-Range Attention Network for Image Super-resolution", ECCV 2022, '
    "arXiv 2203.06697",
    licence="Apache-2.0 (xindongzhang/ELAN)",
)
