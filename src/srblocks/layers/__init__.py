"""Layers to build networks from: each named block of the field once, with its shapes."""

from srblocks.layers.aiiblock import AIIBlock
from srblocks.layers.channel_attention import CALayer, CCALayer
from srblocks.layers.conv import ConvBatchNorm
from srblocks.layers.dense import DenseLayer, ResidualDenseBlock
from srblocks.layers.dgconv import DGConv
from srblocks.layers.distillation import RDB, RLFB, ResidualDistillationBlock
from srblocks.layers.feature_modulation import CCM, FMM, SAFM, SimpleSAFM
from srblocks.layers.mixers import FMB, SMLayer, SplitPointMLP
from srblocks.layers.norms import GRN, LayerNorm2d
from srblocks.layers.omni_attention import OSA, ChannelAttention, GatedConvFFN, LocalConvBlock, WindowAttention
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
    "CCM",
    "ELAB",
    "ESA",
    "FMB",
    "FMM",
    "GMSA",
    "GRN",
    "OSA",
    "RDB",
    "RLFB",
    "SAFM",
    "AIIBlock",
    "CALayer",
    "CCALayer",
    "ChannelAttention",
    "ConvBatchNorm",
    "DGConv",
    "DecomposedTransposedConv",
    "DenseLayer",
    "GatedConvFFN",
    "InterpolatedBase",
    "LayerNorm2d",
    "LocalConvBlock",
    "NearestConv",
    "PixelShuffleUpsampler",
    "ResidualDenseBlock",
    "ResidualDistillationBlock",
    "SMLayer",
    "ShiftConv",
    "SimpleSAFM",
    "SplitPointMLP",
    "StepwisePixelShuffle",
    "TransposedConv",
    "WindowAttention",
]
