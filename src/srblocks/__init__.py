"""Super-resolution building blocks for PyTorch."""

import importlib
from typing import TYPE_CHECKING, Any

from srblocks import layers, models
from srblocks.errors import (
    ArgumentError,
    CheckpointError,
    FusionError,
    InputError,
    SRBlocksError,
    UnknownModelError,
)
from srblocks.hub import TransferReport, Weights, create_model, list_weights, load, push_to_hub, save, transfer
from srblocks.layers.fusion import Fusible, as_reference, fuse
from srblocks.layers.replacement import ReplacementReport, replace_convs
from srblocks.layers.verification import FusionReport, verify_fusion
from srblocks.models import Family, Layout, SizeRule, SRModel, list_models, register
from srblocks.version import __version__ as __version__

if TYPE_CHECKING:
    from srblocks import evaluation
    from srblocks.inference import Upscaler

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
    "TransferReport",
    "UnknownModelError",
    "Upscaler",
    "Weights",
    "as_reference",
    "create_model",
    "evaluation",
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
    "transfer",
    "verify_fusion",
]


def __getattr__(name: str) -> Any:
    # Pictures need NumPy and Pillow, which take their time to load: only who works with some waits for them.
    if name == "Upscaler":
        return importlib.import_module("srblocks.inference").Upscaler
    if name == "evaluation":
        return importlib.import_module("srblocks.evaluation")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
