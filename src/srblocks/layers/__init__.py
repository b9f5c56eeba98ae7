"""Layers to build networks from: each named block of the field once, with its shapes."""

from srblocks.layers.aiiblock import AIIBlock
from srblocks.layers.channel_attention import CALayer, CCALayer
from srblocks.layers.conv import ConvBatchNorm, ResidualConv, ScaledConv
from srblocks.layers.conv3xc import Conv3XC
from srblocks.layers.dense import DenseLayer, ResidualDenseBlock
from srblocks.layers.dgconv import DGConv
from srblocks.layers.distillation import ESDB, IMDB, RDB, RFDB, RLFB, DistillationTrunk, ResidualDistillationBlock
from srblocks.layers.edge_conv import ECB
from srblocks.layers.feature_modulation import CCM, FMM, SAFM, SimpleSAFM
from srblocks.layers.merged_conv import MergedConv
from srblocks.layers.mixers import FMB, SMLayer, SplitPointMLP
from srblocks.layers.norms import GRN, LayerNorm2d
from srblocks.layers.omni_attention import OSA, ChannelAttention, GatedConvFFN, LocalConvBlock, WindowAttention
from srblocks.layers.parameter_free_attention import SPAB
from srblocks.layers.separable import BSConvS, BSConvU, DepthwiseSeparableConv
from srblocks.layers.spatial_attention import ESA, PixelAttention
from srblocks.layers.upsamplers import (
    DecomposedTransposedConv,
    InterpolatedBase,
    NearestConv,
    PixelAttentionUpsampler,
    PixelShuffleUpsampler,
    StepwisePixelShuffle,
    TransposedConv,
)
from srblocks.layers.window_attention import ELAB, GMSA, ShiftConv

__all__ = [
    "CCM",
    "ECB",
    "ELAB",
    "ESA",
    "ESDB",
    "FMB",
    "FMM",
    "GMSA",
    "GRN",
    "IMDB",
    "OSA",
    "RDB",
    "RFDB",
    "RLFB",
    "SAFM",
    "SPAB",
    "AIIBlock",
    "BSConvS",
    "BSConvU",
    "CALayer",
    "CCALayer",
    "ChannelAttention",
    "Conv3XC",
    "ConvBatchNorm",
    "DGConv",
    "DecomposedTransposedConv",
    "DenseLayer",
    "DepthwiseSeparableConv",
    "DistillationTrunk",
    "GatedConvFFN",
    "InterpolatedBase",
    "LayerNorm2d",
    "LocalConvBlock",
    "MergedConv",
    "NearestConv",
    "PixelAttention",
    "PixelAttentionUpsampler",
    "PixelShuffleUpsampler",
    "ResidualConv",
    "ResidualDenseBlock",
    "ResidualDistillationBlock",
    "SMLayer",
    "ScaledConv",
    "ShiftConv",
    "SimpleSAFM",
    "SplitPointMLP",
    "StepwisePixelShuffle",
    "TransposedConv",
    "WindowAttention",
]
