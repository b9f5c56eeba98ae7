"""Where the tiles of a picture lie, and which part of each goes into the result.

All tiles of a picture have the same size. Their origins are multiples of what the network wants, and their size leaves
the same remainder as the picture's, so that the last ones lie flush with the border. Neighbours overlap, and each pixel
of the result comes from the tile in which it lies deeper: a tile's outermost pixels, which lack their surroundings, are
not used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in LR pixels: from ``start`` to ``stop``, of which ``first`` to ``last`` are used."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a picture of ``height`` × ``width`` pixels.

    Attributes:
        height: rows of the picture.
        width: columns of the picture.
        tile: largest side of the tiles, rounded up to what fits; None is the whole picture.
        overlap: pixels that neighbours share, at least.
        multiple_of: what origins are multiples of.
    """

    height: int
    width: int
    tile: int | None
    overlap: int
    multiple_of: int = 1

    def __iter__(self) -> Iterator[tuple[Span, Span]]:
        rows, columns = self._spans(self.height), self._spans(self.width)
        return ((row, column) for row in rows for column in columns)

    def __len__(self) -> int:
        return len(self._spans(self.height)) * len(self._spans(self.width))

    def _spans(self, length: int) -> list[Span]:
        size = length if self.tile is None else self._fitting(self.tile, length)
        # At least one multiple of progress, whatever overlap was asked for.
        step = max((size - self.overlap) // self.multiple_of * self.multiple_of, self.multiple_of)
        count = 1 + -(-(length - size) // step)
        # As many tiles, no larger than they have to be.
        size = min(size, self._fitting(-(-(length + (count - 1) * self.overlap) // count), length))
        step = max((size - self.overlap) // self.multiple_of * self.multiple_of, self.multiple_of)
        starts = [*range(0, length - size, step), length - size]
        middles = [(before + size + after) // 2 for before, after in pairwise(starts)]
        return [
            Span(start, start + size, first, last)
            for start, first, last in zip(starts, [0, *middles], [*middles, length], strict=True)
        ]

    def _fitting(self, size: int, length: int) -> int:
        """The smallest side from ``size`` on with which tiles on the grid end where the picture does."""
        # Not below a multiple, which is the least that tiles advance by.
        return length - max(length - max(size, self.multiple_of), 0) // self.multiple_of * self.multiple_of
