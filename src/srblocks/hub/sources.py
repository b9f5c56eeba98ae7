"""From what a user names to a file on this machine: catalog, hub, URL, path."""

import hashlib
import http.client
import ipaddress
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urldefrag, urlsplit

import torch

from srblocks.errors import ArgumentError, CheckpointError
from srblocks.files import whole_or_nothing
from srblocks.hub.catalog import BUNDLED, NO_LICENCE, Weights, find_weights, recognise, sha256
from srblocks.hub.checkpoints import SUFFIXES, read_checkpoint

HUB = "hf-hub:"

_log = logging.getLogger(__name__)
_TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class Fetched:
    """A source as it lies on this machine.

    Attributes:
        path: the weights file.
        config: the ``config.json`` of the hub repository.
        weights: the entry of the catalog, if the file is one.
    """

    path: Path
    config: Path | None = None
    weights: Weights | None = None


def fetch(source: str | os.PathLike[str], *, scale: int | None = None, local_files_only: bool = False) -> Fetched:
    """Find a source, downloading it into the cache of the hub's client or of PyTorch unless it is there.

    Args:
        source: ``hf-hub:repo@revision``, a URL, a path, or a name of the catalog.
        scale: which entry of the catalog, where the name leaves it open.
        local_files_only: go to no server.

    Raises:
        UnknownModelError: there is neither a file nor an entry of that name.
        ArgumentError: no source can look like this, or ``scale`` contradicts the name.
        CheckpointError: it cannot be had, or is not the file that the catalog means.
    """
    if isinstance(source, str) and not _is_path(source):
        fetched = _fetch_named(source, scale, local_files_only)
    else:
        fetched = Fetched(Path(source))
    if fetched.weights is None:
        fetched = replace(fetched, weights=recognise(fetched.path))
    if fetched.weights is not None and fetched.weights.licence == NO_LICENCE:
        _log.warning("The authors of %s state no licence for it: ask them before you use it.", fetched.weights.name)
    return fetched


@contextmanager
def hub_errors(what: str, *, local_files_only: bool = False) -> Iterator[None]:
    """Turn whatever the hub's client raises into one sentence.

    Args:
        what: what was asked of the hub, as in "Cannot {what}".
        local_files_only: whether it was kept from asking.
    """
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        if local_files_only or constants.HF_HUB_OFFLINE:
            reason = "it is not in the cache of the hub's client, and offline nothing is downloaded"
        else:
            reason = f"the hub cannot be reached ({_first_line(error.__cause__ or error)})"
    except errors.GatedRepoError:
        reason = "its owner wants to be asked first, on the repository's page"
    except errors.RepositoryNotFoundError:
        reason = "there is no such repository, or it is private and you are not logged in"
    except errors.RevisionNotFoundError:
        reason = "the repository has no such revision"
    except errors.EntryNotFoundError:
        reason = "the repository has no such file"
    except (CheckpointError, ArgumentError):
        raise
    except Exception as error:  # of the client, or of whichever HTTP library it uses
        reason = _first_line(error)
    else:
        return
    raise CheckpointError(f"Cannot {what}: {reason}.")


def _is_path(source: str) -> bool:
    if source.startswith(HUB) or "://" in source:
        return False
    separators = {"/", os.sep, os.altsep or "/"}
    return any(each in source for each in separators) or source.endswith(SUFFIXES) or Path(source).is_file()


def _fetch_named(source: str, scale: int | None, local_files_only: bool) -> Fetched:
    if source.startswith(HUB):
        return _fetch_from_hub(source, local_files_only)
    if "://" in source:
        return Fetched(_fetch_from_url(source, None, local_files_only))
    weights = find_weights(source, scale)
    if weights.source.startswith(HUB):
        fetched = replace(_fetch_from_hub(weights.source, local_files_only), weights=weights)
    elif "://" in weights.source:
        fetched = Fetched(_fetch_from_url(weights.source, weights, local_files_only), weights=weights)
    else:
        fetched = Fetched(BUNDLED / weights.source, weights=weights)
    try:
        difference = weights.differs(fetched.path.stat().st_size, sha256(fetched.path))
    except OSError as error:
        raise CheckpointError(f"Cannot read {fetched.path}: {error.strerror or error}.") from None
    if difference:
        raise CheckpointError(
            f"{fetched.path} is not the file of {weights.name}, for it has {difference}: delete it and load again."
        )
    return fetched


def _fetch_from_hub(source: str, local_files_only: bool) -> Fetched:
    repo, at, revision = source.removeprefix(HUB).partition("@")
    if (at and not re.fullmatch(r"\w[\w./-]*", revision)) or ".." in revision:
        raise ArgumentError(f"source must be hf-hub:repo@revision, not {source!r}.")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    def get(name: str) -> Path:
        return Path(hf_hub_download(repo, name, revision=revision or None, local_files_only=local_files_only))

    with hub_errors(f"get model.safetensors of {source}", local_files_only=local_files_only):
        # The hub counts downloads by config.json, so it is asked for first.
        try:
            config = get("config.json")
        except EntryNotFoundError:
            config = None
        return Fetched(get("model.safetensors"), config)


def _fetch_from_url(url: str, expected: Weights | None, local_files_only: bool) -> Path:
    from huggingface_hub import constants

    url, _ = urldefrag(url)
    if not _is_private(url):
        raise ArgumentError(f"source must be an https URL, not {url!r} (http only for this machine).")
    path = _cache_path(url)
    if path.is_file():
        return path
    if local_files_only or constants.HF_HUB_OFFLINE:
        raise CheckpointError(f"Cannot get {url}: it is not in {path.parent}, and offline nothing is downloaded.")
    _log.info("Downloading %s to %s.", url, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_or_nothing(path) as file:
            _download(url, file, expected)
    except urllib.error.HTTPError as error:
        error.close()
        raise CheckpointError(f"Cannot get {url}: the server says {error.code} {_first_line(error.reason)}.") from None
    except (OSError, http.client.HTTPException) as error:
        raise CheckpointError(f"Cannot get {url}: {_first_line(getattr(error, 'reason', error))}.") from None
    if expected is None:
        try:
            # A page that says "sign in" must not stay in the cache as if it were weights.
            read_checkpoint(path)
        except CheckpointError as error:
            path.unlink(missing_ok=True)
            raise CheckpointError(str(error).replace(str(path), url)) from None
    return path


def _is_private(url: str) -> bool:
    """Encrypted, or not leaving this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        loopback = host == "localhost" or (parts.scheme == "http" and ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
    return host != "" and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


def _cache_path(url: str) -> Path:
    """In PyTorch's cache, under a name that only this URL has; nothing that a server says is in it."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(unquote(urlsplit(url).path)).name)[-80:]
    return Path(torch.hub.get_dir()) / "checkpoints" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{name}"


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _is_private(newurl):
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, file: IO[bytes], expected: Weights | None) -> None:
    """Write what a URL gives, unless it is not what the catalog means; no more is read than shows that."""
    request = urllib.request.Request(url, headers={"User-Agent": "srblocks"})
    digest, received = hashlib.sha256(), 0
    with urllib.request.build_opener(_SafeRedirects).open(request, timeout=_TIMEOUT) as response:
        announced = response.length
        while block := response.read(2**20):
            received += len(block)
            digest.update(block)
            file.write(block)
            if expected is not None and received > expected.bytes:
                break
    if announced is not None and received < announced and (expected is None or received <= expected.bytes):
        raise OSError(f"the connection was cut after {received:,} of {announced:,} bytes, try again")
    if expected is not None and (difference := expected.differs(received, digest.hexdigest())):
        raise CheckpointError(f"{url} is not the file of {expected.name}, for it has {difference}; it was not kept.")


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
