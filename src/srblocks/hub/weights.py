"""``sr.load``, ``sr.save`` and ``sr.create_model``."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.hub.catalog import Weights, find_weights
from srblocks.hub.checkpoints import Checkpoint, Header, read_checkpoint, read_config, write_checkpoint
from srblocks.hub.detection import bind_arguments, build_empty, describe_difference, identify, shapes
from srblocks.hub.sources import fetch
from srblocks.models import registry
from srblocks.models.base import SRModel


def load(
    source: str | os.PathLike[str],
    *,
    arguments: Mapping[str, Any] | None = None,
    scale: int | None = None,
    network: type[SRModel] | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    local_files_only: bool = False,
) -> SRModel:
    """A trained network from a weights file, in eval mode.

    Family and arguments are found from the names and shapes of the tensors, in our naming or in that of the paper's own
    code. What they do not show comes from ``arguments``, else from the file's header, else from the catalog if it lists
    this file, else it is the released default.

    >>> import srblocks as sr
    >>> sr.load("dgpnet_tiny", scale=4).arguments["dim"]
    24

    Args:
        source: path of a safetensors file or a PyTorch checkpoint (of which only tensors are read), a name of
            :func:`list_weights`, ``hf-hub:repo@revision`` or an https URL.
        arguments: the reference constructor's own arguments; with a ``network`` that belongs to no family, those of its
            constructor.
        scale: the factor that it must have, and which of the published weights, where their name leaves it open.
        network: the class, for a network that is not registered, or where a file could be of several.
        device: where to put it; the CPU unless given.
        dtype: of its parameters; float32 unless given.
        local_files_only: go to no server.

    Raises:
        UnknownModelError: there is neither a file nor are there published weights of that name.
        CheckpointError: the file cannot be had or read, is of no known network, or does not fit ``network``.
        ArgumentError: ``arguments`` has one that is not known, or ``scale`` is another one.
    """
    checkpoint, weights = open_source(source, scale=scale, local_files_only=local_files_only)
    if network is not None and network.family is None:
        net, state = _build_for(checkpoint, network, arguments), checkpoint.state
    else:
        family = None if network is None else network.family
        catalogued = None if weights is None else weights.arguments
        match = identify(checkpoint, arguments, catalogued=catalogued, family=family)
        net, state = build_empty(match.family.network, match.arguments, match.form), match.state
    if scale not in (None, net.scale) and net.scale is not None:
        raise ArgumentError(f"scale must be {net.scale}, which {checkpoint.path} was trained for, not {scale!r}.")
    expected = net.state_dict()
    state = {key: _conform(key, tensor, expected[key], device, dtype, checkpoint.path) for key, tensor in state.items()}
    on_meta = any(tensor.is_meta for tensor in expected.values())
    if not on_meta:
        net.to(device, dtype or torch.float32)
    try:
        net.load_state_dict(state, strict=True, assign=on_meta)
    except RuntimeError as error:
        raise CheckpointError(f"{checkpoint.path} cannot be loaded: {str(error).splitlines()[-1].strip()}") from None
    return net.eval()


def create_model(
    name: str, *, scale: int | None = None, pretrained: bool | str = False, fused: bool = False
) -> SRModel:
    """A network by the name of its constructor: untrained, or with published weights.

    >>> import srblocks as sr
    >>> sr.create_model("rlfn_s", scale=2).scale
    2
    >>> sr.create_model("dgpnet_tiny", pretrained=True, fused=True).form
    'fused'

    Args:
        name: one of :func:`list_models`.
        scale: the factor; the constructor's default unless given.
        pretrained: load the published weights for this scale, the ones with this tag if it is a string; the network
            then is in eval mode.
        fused: the deployed form; untrained, for weights that were saved fused.

    Raises:
        UnknownModelError: no constructor has that name, or there are no weights for it.
        CheckpointError: the weights cannot be had.
    """
    net = registry.create_model(name, scale=scale, fused=fused)
    if not pretrained:
        return net
    tag = f".{pretrained}" if isinstance(pretrained, str) else ""
    trained = load(find_weights(f"{name}_x{net.scale}{tag}").name)
    return trained.fuse() if fused else trained


def open_source(
    source: str | os.PathLike[str], *, scale: int | None = None, local_files_only: bool = False
) -> tuple[Checkpoint, Weights | None]:
    """What a source holds, and its entry of the catalog if it has one.

    Raises:
        UnknownModelError, CheckpointError, ArgumentError: as for :func:`load`.
    """
    fetched = fetch(source, scale=scale, local_files_only=local_files_only)
    checkpoint = read_checkpoint(fetched.path)
    if checkpoint.header is None and fetched.config is not None:
        checkpoint = replace(checkpoint, header=read_config(fetched.config))
    return checkpoint, fetched.weights


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
    state, header = net.state_dict(), header_of(net)
    if any(not isinstance(tensor, Tensor) or tensor.is_meta for tensor in state.values()):
        raise CheckpointError(
            f"This {type(net).__name__} has no plain tensors to save: some are on 'meta', or no tensors."
        )
    empty = build_empty(type(net), net.arguments, header.form).state_dict()
    if shapes(empty) != shapes(state):
        raise CheckpointError(
            f"This {type(net).__name__} is not the one that its arguments make, so no file of it could be loaded: "
            f"{describe_difference(shapes(state), shapes(empty))}."
        )
    if layout is None:
        write_checkpoint(path, state, header)
        return
    if net.family is None:
        raise ArgumentError(f"layout must be None for a {type(net).__name__}, which belongs to no family.")
    target = net.family.layout(layout)
    # In a PyTorch checkpoint there is no room for a header beside the keys that the authors' code expects.
    write_checkpoint(path, target.state_dict(net), header if Path(path).suffix == ".safetensors" else None)


def header_of(net: SRModel) -> Header:
    """What a file of this network says about it.

    Raises:
        CheckpointError: its arguments are more than plain values.
    """
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in net.arguments.items()}
    try:
        survives = json.loads(json.dumps(plain)) == plain
    except (TypeError, ValueError):
        survives = False
    if not survives:
        raise CheckpointError(
            f"The arguments of this {type(net).__name__} cannot be written down: use plain numbers, strings and lists."
        )
    family = None if net.family is None else net.family.name
    return Header(family, type(net).__name__, plain, "fused" if net.form == "fused" else "training")


def _build_for(checkpoint: Checkpoint, network: type[SRModel], arguments: Mapping[str, Any] | None) -> SRModel:
    header = checkpoint.header
    known = dict(arguments or {}) if header is None else {**header.arguments, **(arguments or {})}
    net = build_empty(network, bind_arguments(network, known), "training" if header is None else header.form)
    present, expected = shapes(checkpoint.state), shapes(net.state_dict())
    if present != expected:
        raise CheckpointError(
            f"{checkpoint.path} does not fit {network.__name__}: {describe_difference(present, expected)}."
        )
    return net


def _conform(
    key: str, tensor: Tensor, expected: Tensor, device: torch.device | str | None, dtype: torch.dtype | None, path: Path
) -> Tensor:
    """A tensor of a file as the network has it, a copy, or an error if it would not be the same numbers."""
    wanted = (dtype or torch.float32) if expected.is_floating_point() else expected.dtype
    # Copied, because safetensors gives views of the mapped file, which may be replaced while the network lives.
    converted = tensor.to(device, wanted, copy=True)
    if tensor.is_floating_point() != expected.is_floating_point() or (
        not tensor.is_floating_point() and not torch.equal(converted.cpu().long(), tensor.long())
    ):
        raise CheckpointError(f"{key} in {path} is {tensor.dtype} with values that no {expected.dtype} can be.")
    return converted
