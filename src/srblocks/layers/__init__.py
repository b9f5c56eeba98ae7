"""Layers to build networks from: each named block of the field once, with its shapes."""

from srblocks.layers.aiiblock import AIIBlock
from srblocks.layers.channel_attention import CALayer, CCALayer
from srblocks.layers.conv import ConvBatchNorm
from srblocks.layers.conv3xc import Conv3XC
from srblocks.layers.dense import DenseLayer, ResidualDenseBlock
from srblocks.layers.dgconv import DGConv
from srblocks.layers.distillation import RDB, RLFB, ResidualDistillationBlock
from srblocks.layers.edge_conv import ECB
from srblocks.layers.merged_conv import MergedConv
from srblocks.layers.norms import LayerNorm2d
from srblocks.layers.omni_attention import OSA, ChannelAttention, GatedConvFFN, LocalConvBlock, WindowAttention
from srblocks.layers.parameter_free_attention import SPAB
from srblocks.layers.spatial_attention import ESA
from srblocks.layers.upsamplers import (
    DecomposedTransposedConv,
    InterpolatedBase,
    NearestConv,
    PixelShuffleUpsampler,
    StepwisePixelShuffle,
    TransposedConv,
)
from srblocks.layers.window_attention import ELAB, GMSA, ShiftConv

__all__ = [
    "ECB",
    "ELAB",
    "ESA",
    "GMSA",
    "OSA",
    "RDB",
    "RLFB",
    "SPAB",
    "AIIBlock",
    "CALayer",
    "CCALayer",
    "ChannelAttention",
    "Conv3XC",
    "ConvBatchNorm",
    "DGConv",
    "DecomposedTransposedConv",
    "DenseLayer",
    "GatedConvFFN",
    "InterpolatedBase",
    "LayerNorm2d",
    "LocalConvBlock",
    "MergedConv",
    "NearestConv",
    "PixelShuffleUpsampler",
    "ResidualDenseBlock",
    "ResidualDistillationBlock",
    "ShiftConv",
    "StepwisePixelShuffle",
    "TransposedConv",
    "WindowAttention",
]
