"""Writing files that are whole or not there."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from srblocks.errors import InputError


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which becomes ``path`` at once when all has gone well, and never was otherwise.

    Where the system can, it has no name until it is complete, so that not even a killed process leaves a part of it.
    """
    path = path.resolve()
    complete = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    file = _open_nameless(path.parent)
    nameless = file is not None
    file = file or complete.open("x+b")
    try:
        with file:
            yield file
            file.flush()
            if nameless:
                # The folder descriptor is not used for an absolute path, but makes Python follow the link to the file.
                os.link(f"/proc/self/fd/{file.fileno()}", complete, src_dir_fd=file.fileno(), follow_symlinks=True)
        if path.exists():
            shutil.copymode(path, complete)
        complete.replace(path)
    finally:
        complete.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there; an InputError says why that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {path}: {error.strerror}.") from None


def _open_nameless(folder: Path) -> IO[bytes] | None:
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").exists():
        return None
    try:
        return os.fdopen(os.open(folder, flag | os.O_RDWR, 0o666), "w+b")
    except OSError:  # the file system has no nameless files, or the folder is not there: opening by name will tell
        return None
