"""What a layer may know of the picture that its input is a tile of."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Whole:
    """The picture that the tiles of a batch were cut from.

    Attributes:
        size: its height and width, with the padding.
        origins: row and column of the first pixel of each tile of the batch.
    """

    size: tuple[int, int]
    origins: Sequence[tuple[int, int]]


_whole: ContextVar[Whole | None] = ContextVar("whole", default=None)


@contextmanager
def tiles_of(whole: Whole) -> Iterator[None]:
    """Within it, what is computed are tiles: layers that resize maps do it as they would in the whole picture."""
    token = _whole.set(whole)
    try:
        yield
    finally:
        _whole.reset(token)


def current_whole() -> Whole | None:
    """The picture whose tiles are being computed; None outside of :func:`tiles_of`."""
    return _whole.get()
