"""What a weights file is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srblocks.hub.catalog import Weights, sha256
from srblocks.hub.checkpoints import Form
from srblocks.hub.detection import Origin, identify
from srblocks.hub.weights import open_source


@dataclass(frozen=True)
class Inspection:
    """What a weights file was found to be.

    Attributes:
        path: where it lies.
        bytes: its size.
        sha256: of its content.
        tensors: how many it holds.
        family: whose it is; None for a stranger's network, which only its header describes.
        network: the class.
        layout: whose naming of the tensors; None is ours.
        form: ``"training"`` or ``"fused"``.
        arguments: all of the network's.
        origins: where each comes from, as in :class:`srblocks.hub.detection.Match`.
        weights: its entry of the catalog.
    """

    path: Path
    bytes: int
    sha256: str
    tensors: int
    family: str | None
    network: str
    layout: str | None
    form: Form
    arguments: dict[str, Any]
    origins: dict[str, Origin]
    weights: Weights | None


def inspect_weights(source: str | os.PathLike[str]) -> Inspection:
    """Find out what a source that :func:`srblocks.load` takes holds, without building the network.

    Raises:
        UnknownModelError, CheckpointError, ArgumentError: as for :func:`srblocks.load`.
    """
    checkpoint, weights = open_source(source)
    path, header = checkpoint.path, checkpoint.header
    file = (path, path.stat().st_size, sha256(path), len(checkpoint.state))
    if header is not None and header.family is None:
        origins: dict[str, Origin] = dict.fromkeys(header.arguments, "header")
        return Inspection(*file, None, header.network, None, header.form, header.arguments, origins, weights)
    match = identify(checkpoint, catalogued=None if weights is None else weights.arguments)
    family, layout = match.family, None if match.layout is None else match.layout.name
    return Inspection(
        *file, family.name, family.network.__name__, layout, match.form, match.arguments, match.origins, weights
    )
