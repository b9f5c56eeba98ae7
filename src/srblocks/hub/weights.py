"""``sr.load`` and ``sr.save``."""

import inspect
import json
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.hub.checkpoints import Checkpoint, Header, read_checkpoint, write_checkpoint
from srblocks.hub.detection import build_empty, describe_difference, identify, shapes
from srblocks.models.base import SRModel


def load(
    source: str | os.PathLike[str],
    *,
    arguments: Mapping[str, Any] | None = None,
    network: type[SRModel] | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> SRModel:
    """A trained network from a weights file, in eval mode.

    Family and arguments are found from the names and shapes of the tensors, in our naming or in that of the paper's own
    code. What they do not show comes from ``arguments``, else from the file's header, else it is the released default.

    Args:
        source: path of a safetensors file or a PyTorch checkpoint (of which only tensors are read).
        arguments: the reference constructor's own arguments; with ``network``, those of its constructor.
        network: the class, for a network that is not registered.
        device: where to put it; the CPU unless given.
        dtype: of its parameters; float32 unless given.

    Raises:
        CheckpointError: the file cannot be read, is of no known network, or does not fit ``network``.
        ArgumentError: ``arguments`` has one that is not known.
    """
    checkpoint = read_checkpoint(source)
    if network is None:
        match = identify(checkpoint, arguments)
        net, state = build_empty(match.family.network, match.arguments, match.form), match.state
    else:
        net, state = _build_for(checkpoint, network, arguments), checkpoint.state
    wide = dtype or torch.float32
    expected = net.state_dict()
    # Copied, because safetensors gives views of the mapped file, which may be replaced while the network lives.
    state = {
        key: tensor.to(device, wide if expected[key].is_floating_point() else expected[key].dtype, copy=True)
        for key, tensor in state.items()
    }
    net.load_state_dict(state, strict=True, assign=True)
    return net.eval()


def save(net: SRModel, path: str | os.PathLike[str], *, layout: str | None = None) -> None:
    """Write a network's weights to a file that :func:`load` reads, with its arguments and form in the header.

    Args:
        net: the network, in any form.
        path: ends in ``.safetensors``, or in ``.pth``, ``.pt`` or ``.ckpt`` for a PyTorch checkpoint.
        layout: the naming of a reference implementation, for other tools (a PyTorch checkpoint then is its bare state
            dict); ours unless given.

    Raises:
        ArgumentError: ``net`` is no SRModel, or the suffix or layout is none that we know.
        CheckpointError: the file could not be loaded again (parts of the network were exchanged), or not be written.
    """
    if not isinstance(net, SRModel):
        raise ArgumentError(f"net must be an SRModel, not a {type(net).__name__}: save its state_dict() instead.")
    state, header = net.state_dict(), _header(net)
    empty = build_empty(type(net), net.arguments, header.form).state_dict()
    if shapes(empty) != shapes(state):
        raise CheckpointError(
            f"This {type(net).__name__} is not the one that its arguments make, so no file of it could be loaded: "
            f"{describe_difference(state, empty)}."
        )
    if layout is None:
        write_checkpoint(path, state, header)
        return
    if net.family is None:
        raise ArgumentError(f"layout must be None for a {type(net).__name__}, which belongs to no family.")
    target = net.family.layout(layout)
    names = target.to_reference(state)
    renamed: dict[str, Tensor] = {names[key]: tensor for key, tensor in state.items()}
    if target.constants is not None:
        renamed |= target.constants(net)
    bare = not os.fspath(path).endswith(".safetensors")
    write_checkpoint(path, renamed, None if bare else header)


def _header(net: SRModel) -> Header:
    try:
        json.dumps(net.arguments)
    except TypeError:
        raise CheckpointError(
            f"The arguments of this {type(net).__name__} cannot be written down: use numbers, strings and lists."
        ) from None
    family = None if net.family is None else net.family.name
    return Header(family, type(net).__name__, net.arguments, "fused" if net.form == "fused" else "training")


def _build_for(checkpoint: Checkpoint, network: type[SRModel], arguments: Mapping[str, Any] | None) -> SRModel:
    header = checkpoint.header
    known = dict(arguments or {}) if header is None else {**header.arguments, **(arguments or {})}
    try:
        inspect.signature(network).bind(**known)
    except TypeError as error:
        raise ArgumentError(f"arguments do not fit {network.__name__}: {error}.") from None
    net = build_empty(network, known, "training" if header is None else header.form)
    expected = net.state_dict()
    if shapes(expected) != shapes(checkpoint.state):
        raise CheckpointError(
            f"{checkpoint.path} does not fit {network.__name__}: {describe_difference(checkpoint.state, expected)}."
        )
    return net
