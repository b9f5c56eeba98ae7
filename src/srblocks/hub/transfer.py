"""Starting a network from another's weights: the one way that is not strict."""

import os
from dataclasses import dataclass

import torch
from torch import nn

from srblocks.errors import CheckpointError
from srblocks.hub.weights import load
from srblocks.models.base import SRModel


@dataclass(frozen=True)
class TransferReport:
    """What :func:`transfer` did, by name of the tensors.

    Attributes:
        copied: tensors of the target that now have the source's values.
        kept: tensors of the target for which the source has none, or one of another shape.
        unused: tensors of the source that went nowhere.
    """

    copied: tuple[str, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"copied {len(self.copied)} tensors, kept {len(self.kept)}, left {len(self.unused)} of the source"]
        lines += [f"  kept  {name}" for name in self.kept]
        lines += [f"  left  {name}" for name in self.unused]
        return "\n".join(lines)


def transfer(source: nn.Module | str | os.PathLike[str], target: nn.Module) -> TransferReport:
    """Copy what fits of a trained network into another: a ×2 network into a ×4 one, say. The target is changed.

    >>> import srblocks as sr
    >>> report = sr.transfer("dgpnet_tiny_x4", sr.create_model("dgpnet_tiny", scale=2))
    >>> "head.bias" in report.copied, "up.bias" in report.kept
    (True, True)

    Args:
        source: the network, or anything that :func:`load` takes; it is fused first if the target is in fused form.
        target: the network to start.

    Raises:
        CheckpointError: nothing fits, or the source cannot be loaded.
    """
    net = source if isinstance(source, nn.Module) else load(source)
    if isinstance(net, SRModel) and isinstance(target, SRModel) and target.form == "fused" != net.form:
        net = net.fuse()
    theirs, ours = net.state_dict(), target.state_dict()
    copied = [name for name, tensor in ours.items() if name in theirs and theirs[name].shape == tensor.shape]
    if not copied:
        raise CheckpointError(f"Nothing of this {type(net).__name__} fits a {type(target).__name__}.")
    with torch.no_grad():
        for name in copied:
            ours[name].copy_(theirs[name])
    return TransferReport(
        tuple(copied),
        tuple(name for name in ours if name not in copied),
        tuple(name for name in theirs if name not in copied),
    )
