"""Super-resolution building blocks for PyTorch."""

from srblocks import layers, models
from srblocks.errors import (
    ArgumentError,
    CheckpointError,
    FusionError,
    InputError,
    SRBlocksError,
    UnknownModelError,
)
from srblocks.hub import Weights, create_model, list_weights, load, push_to_hub, save
from srblocks.layers.fusion import Fusible, as_reference, fuse
from srblocks.layers.replacement import ReplacementReport, replace_convs
from srblocks.layers.verification import FusionReport, verify_fusion
from srblocks.models import Family, Layout, SizeRule, SRModel, list_models, register

__version__ = "0.1.0.dev0"

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "Family",
    "Fusible",
    "FusionError",
    "FusionReport",
    "InputError",
    "Layout",
    "ReplacementReport",
    "SRBlocksError",
    "SRModel",
    "SizeRule",
    "UnknownModelError",
    "Weights",
    "as_reference",
    "create_model",
    "fuse",
    "layers",
    "list_models",
    "list_weights",
    "load",
    "models",
    "push_to_hub",
    "register",
    "replace_convs",
    "save",
    "verify_fusion",
]
