"""Reading and writing weights files, without running anything that is in them."""

import json
import os
import pickle
import secrets
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from srblocks.errors import ArgumentError, CheckpointError

FORMAT_VERSION = 1
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")

# Where training code puts the weights in what it saves, the preferred place first.
_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
_PREFIXES = ("module.", "_orig_mod.")


@dataclass(frozen=True)
class Header:
    """What a file of ours says about itself."""

    family: str | None
    network: str
    arguments: dict[str, Any]
    form: str

    def to_json(self) -> str:
        return json.dumps({"format_version": FORMAT_VERSION, **vars(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> "Header":
        try:
            content = json.loads(text)
            if content["format_version"] > FORMAT_VERSION:
                raise CheckpointError(f"{path} was written by a newer srblocks: update this one.")
            arguments = {
                name: tuple(value) if isinstance(value, list) else value for name, value in content["arguments"].items()
            }
            return cls(content["family"], content["network"], arguments, content["form"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CheckpointError(f"{path} has a header of srblocks that is damaged: get the file again.") from None


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
    except OSError as error:
        raise CheckpointError(f"Cannot read {path}: {error.strerror or error}.") from None
    if start[8:9] == b"{":
        state, header = _read_safetensors(path)
    elif start.startswith((b"PK", b"\x80")):
        state, header = _read_pickle(path)
    else:
        raise CheckpointError(f"{path} is neither a safetensors file nor a PyTorch checkpoint.")
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return Checkpoint(path, state, None if header is None else Header.from_json(header, path))


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
        with _whole_or_nothing(path) as temporary:
            if path.suffix == ".safetensors":
                ours = {} if header is None else {"srblocks": header.to_json()}
                save_file(state, temporary, {"format": "pt"} | ours)
            else:
                torch.save(state if header is None else {"srblocks": header.to_json(), "params": state}, temporary)
    except (OSError, RuntimeError, SafetensorError) as error:
        # PyTorch and safetensors wrap the operating system's errors in their own.
        raise CheckpointError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from None


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place when all has gone well and is gone otherwise."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    try:
        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
            header = (file.metadata() or {}).get("srblocks")
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is a damaged or incomplete safetensors file ({error}).") from None
    if not state:
        raise CheckpointError(f"{path} holds no tensors.")
    return state, header


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], str | None]:
    _refuse_zip_bomb(path)
    try:
        with warnings.catch_warnings():
            # About how the file was pickled; whether it can be read is what matters.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than tensors and was not read, because its other objects could run code: ask for a "
            "safetensors file, or for the plain state dict."
        ) from None
    except (RuntimeError, ValueError, EOFError, OSError, KeyError, AttributeError, zipfile.BadZipFile):
        raise CheckpointError(f"{path} is a damaged or incomplete PyTorch checkpoint.") from None
    header = content.get("srblocks") if isinstance(content, dict) else None
    return _unwrap(content, path), header if isinstance(header, str) else None


def _refuse_zip_bomb(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    # PyTorch stores tensors uncompressed.
    if unpacked > 2 * path.stat().st_size + 2**20:
        raise CheckpointError(
            f"{path} would unpack to {unpacked:,} bytes and was not read: it is no PyTorch checkpoint."
        )


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        for wrapper in _WRAPPERS:
            if isinstance(content.get(wrapper), Mapping):
                return _unwrap(content[wrapper], path)
        if content and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
            return dict(content)
        names = ", ".join(repr(key) for key in list(content)[:5])
        raise CheckpointError(f"{path} is no state dict: it holds {names or 'nothing'}.")
    raise CheckpointError(f"{path} is no state dict: it holds a {type(content).__name__}.")
