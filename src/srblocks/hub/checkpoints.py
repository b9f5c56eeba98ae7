"""Reading and writing weights files, without running anything that is in them."""

import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.files import whole_or_nothing

Form = Literal["training", "fused"]

FORMAT_VERSION = 1
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")

# Where training code puts the weights in what it saves, the preferred place first, and what it puts before their names.
_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
_PREFIXES = ("module.", "_orig_mod.")


@dataclass(frozen=True)
class Header:
    """What a file of ours says about itself."""

    family: str | None
    network: str
    arguments: dict[str, Any]
    form: Form

    def to_json(self) -> str:
        return json.dumps({"format_version": FORMAT_VERSION, **vars(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> "Header":
        try:
            content = json.loads(text)
            version, form = content["format_version"], content["form"]
            header = cls(content["family"], str(content["network"]), dict(content["arguments"]), form)
            sound = isinstance(version, int) and form in ("training", "fused")
        except (ValueError, KeyError, TypeError, RecursionError):
            sound = False
        if not sound:
            raise CheckpointError(f"{path} has a header of srblocks that is damaged: get the file again.")
        if version > FORMAT_VERSION:
            raise CheckpointError(f"{path} was written by a newer srblocks: update this one.")
        return header


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file by name, unwrapped, and its header if it is one of ours."""

    path: Path
    state: dict[str, Tensor]
    header: Header | None


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a safetensors file or a PyTorch checkpoint, whatever its name; tensors only, on the CPU.

    Raises:
        CheckpointError: there is no such file, it is neither, it is damaged, or it holds something to be executed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if start[8:9] == b"{":
        state, text = _read_safetensors(path)
    elif start.startswith((b"PK", b"\x80")):
        state, text = _read_pickle(path)
    else:
        raise CheckpointError(f"{path} is neither a safetensors file nor a PyTorch checkpoint.")
    for key, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized or tensor.is_complex():
            raise CheckpointError(f"{path} holds {key!r}, which is no plain tensor of real numbers.")
    if text is not None:
        return Checkpoint(path, state, Header.from_json(text, path))
    if not state:
        raise CheckpointError(f"{path} holds no tensors.")
    return Checkpoint(path, _strip_prefixes(state), None)


def read_config(path: Path) -> Header | None:
    """What the ``config.json`` of a hub repository says of the weights beside it; None if it is not one of ours.

    Raises:
        CheckpointError: it is one of ours and damaged, or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except OSError as error:
        raise CheckpointError(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path} is no JSON: get the file again.") from None
    ours = isinstance(content, dict) and content.get("library_name") == "srblocks"
    return Header.from_json(text, path) if ours else None


def write_checkpoint(path: str | os.PathLike[str], state: Mapping[str, Tensor], header: Header | None) -> None:
    """Write a file that is whole or not there, in the format that its suffix names.

    Raises:
        ArgumentError: the suffix is none of ours.
        CheckpointError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ArgumentError(f"path must end in {', '.join(SUFFIXES)}, not in {path.suffix or path.name!r}.")
    # No views: a slice of a large tensor must not take the whole of it along.
    state = {key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in state.items()}
    try:
        with whole_or_nothing(path) as file:
            if path.suffix == ".safetensors":
                ours = {} if header is None else {"srblocks": header.to_json()}
                file.write(safetensors.torch.save(state, {"format": "pt"} | ours))
            else:
                torch.save(state if header is None else {"srblocks": header.to_json(), "params": state}, file)
    except (OSError, RuntimeError) as error:
        # PyTorch wraps the operating system's errors in its own.
        raise CheckpointError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from None


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    try:
        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
            return state, (file.metadata() or {}).get("srblocks")
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is a damaged or incomplete safetensors file ({error}).") from None


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], str | None]:
    try:
        _refuse_archives_of_other_things(path)
        with warnings.catch_warnings():
            # About how the file was pickled; whether it can be read is what matters.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than tensors and was not read, because its other objects could run code: ask for a "
            "safetensors file, or for the plain state dict."
        ) from None
    except Exception:  # whatever a damaged file makes of the parsers
        raise CheckpointError(f"{path} is a damaged or incomplete PyTorch checkpoint.") from None
    header = content.get("srblocks") if isinstance(content, dict) else None
    return _unwrap(content, path), header if isinstance(header, str) else None


def _refuse_archives_of_other_things(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    # PyTorch stores tensors uncompressed.
    if unpacked > 2 * path.stat().st_size + 2**20:
        raise CheckpointError(
            f"{path} would unpack to {unpacked:,} bytes and was not read: it is no PyTorch checkpoint."
        )
    if any(entry.filename.endswith("constants.pkl") for entry in entries):
        raise CheckpointError(f"{path} is a TorchScript archive, which holds code: ask for the plain state dict.")


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    for _ in range(len(_WRAPPERS)):
        inner = [content[name] for name in _WRAPPERS if isinstance(content, Mapping) and name in content]
        content = next((value for value in inner if isinstance(value, Mapping)), content)
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} is no state dict: it holds a {type(content).__name__}.")
    if not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
        names = ", ".join(repr(key) for key in list(content)[:5])
        raise CheckpointError(f"{path} is no state dict: it holds {names}.")
    return dict(content)


def _strip_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what wrappers put before every name, and the counter that PyTorch's averaging adds."""
    state = {key: tensor for key, tensor in state.items() if key != "n_averaged"}
    while prefix := next((p for p in _PREFIXES if state and all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state
