"""ShuffleMixer: depthwise convolutions with large kernels, and MLPs over shuffled halves of the channels.

Sun, Pan, Tang, "ShuffleMixer: An Efficient ConvNet for Image Super-Resolution", NeurIPS 2022, arXiv 2205.15175.

Reference numbers: github.com/sunny2109/ShuffleMixer at 9173c4b2 (MIT).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.layers.checks import check_odd, check_positive
from srblocks.layers.mixers import FMB
from srblocks.layers.upsamplers import InterpolatedBase, PixelShuffleUpsampler
from srblocks.models.base import SRModel
from srblocks.models.family import Arguments, Family, Layout, Names, count, shuffle_scale, translate_arguments


class ShuffleMixer(SRModel):
    """ShuffleMixer: a plain stack of feature mixing blocks, which learns the difference from the interpolated picture.

    Shape: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, scale·H, scale·W)``, any size.

    Args:
        scale: factor.
        dim: feature channels, a multiple of 8.
        num_blocks: feature mixing blocks.
        kernel_size: side of the depthwise convolutions, odd.
        mid_dim: channels inside the MLPs; ``dim`` unless given.
        in_channels: channels of the picture.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        dim: int = 64,
        num_blocks: int = 5,
        kernel_size: int = 7,
        mid_dim: int | None = None,
        in_channels: int = 3,
    ) -> None:
        check_positive(num_blocks=num_blocks)
        check_odd(kernel_size=kernel_size)
        # Two depthwise convolutions and a 3×3 in each block, and the first and the last convolution.
        reach = num_blocks * (2 * (kernel_size // 2) + 1) + 2
        super().__init__(scale, in_channels=in_channels, receptive_field=2 * reach + 1)
        self.head = nn.Conv2d(in_channels, dim, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(FMB(dim, kernel_size=kernel_size, mid_dim=mid_dim) for _ in range(num_blocks)))
        steps = (2, 2) if scale == 4 else (scale,)
        self.steps = nn.ModuleList(PixelShuffleUpsampler(dim, step, out_channels=dim, kernel_size=1) for step in steps)
        self.tail = nn.Conv2d(dim, in_channels, 3, padding=1)
        self.base = InterpolatedBase(scale)

    def features(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.head(x))
        return y

    def upscale(self, x: Tensor) -> Tensor:
        y = self.features(x)
        for step in self.steps:
            y = F.silu(step(y))
        enlarged: Tensor = self.tail(y) + self.base(x)
        return enlarged


def shufflemixer(scale: int = 4) -> ShuffleMixer:
    """ShuffleMixer, the paper's base model with 7×7 kernels: 410,579 parameters at ×4."""
    return ShuffleMixer(scale)


def shufflemixer_tiny(scale: int = 4) -> ShuffleMixer:
    """ShuffleMixer-tiny, half as wide, with 3×3 kernels: 112,659 parameters at ×4."""
    return ShuffleMixer(scale, dim=32, kernel_size=3)


def _arguments(theirs: Arguments) -> dict[str, Any]:
    names = {
        "n_feats": "dim",
        "kernel_size": "kernel_size",
        "n_blocks": "num_blocks",
        "mlp_ratio": "mlp_ratio",
        "upscaling_factor": "scale",
    }
    ours = translate_arguments(theirs, names)
    if "mlp_ratio" in ours:
        # Of half of the channels; the default is what their constructor has.
        ours["mid_dim"] = int(ours.get("dim", 64) // 2 * ours.pop("mlp_ratio"))
    return ours


def _configure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    dim, in_channels = state["head.weight"].shape[:2]
    layer = "blocks.0.layers.0"
    mid_dim = state[f"{layer}.mlp1.project_in.weight"].shape[0]
    return {
        "scale": 4 if count(state, "steps") == 2 else shuffle_scale(state["steps.0.conv.weight"], dim),
        "dim": dim,
        "num_blocks": count(state, "blocks"),
        "kernel_size": state[f"{layer}.depthwise.weight"].shape[-1],
        "mid_dim": None if mid_dim == dim else mid_dim,
        "in_channels": in_channels,
    }


def _draw(random: Random) -> dict[str, Any]:
    return {
        "scale": random.choice((1, 2, 3, 4)),
        "dim": random.choice((8, 16)),
        "num_blocks": random.choice((1, 2)),
        "kernel_size": random.choice((3, 5, 7)),
        "mid_dim": random.choice((None, 6, 12)),
        "in_channels": random.choice((1, 3)),
    }


_MLP: Names = {"fc.0": "project_in", "fc.2": "project_out"}

FAMILY = Family(
    name="shufflemixer",
    network=ShuffleMixer,
    constructors=(shufflemixer, shufflemixer_tiny),
    scales=(2, 3, 4),
    layouts=(
        Layout(
            "sunny2109",
            rename={
                "to_feat": "head",
                "blocks.{i}": (
                    "blocks.{i}",
                    {
                        "net.{j}": (
                            "layers.{j}",
                            {
                                "norm1.body": "norm1",
                                "norm2.body": "norm2",
                                "mlp1": ("mlp1", _MLP),
                                "mlp2": ("mlp2", _MLP),
                                "spatial": "depthwise",
                            },
                        ),
                        "conv.0": "conv",
                        "conv.2": "project",
                    },
                ),
                # Their spelling.
                "upsapling.0": "steps.0.conv",
                "upsapling.3": "steps.1.conv",
                "tail": "tail",
            },
        ),
    ),
    arguments=_arguments,
    configure=_configure,
    draw=_draw,
    paper='Sun et al., "ShuffleMixer: An Efficient ConvNet for Image Super-Resolution", NeurIPS 2022, arXiv 2205.15175',
    licence="MIT (sunny2109/ShuffleMixer)",
)
