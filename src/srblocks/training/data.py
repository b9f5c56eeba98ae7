"""Random patches of pictures, for training; which ones depends on the seed alone."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation.datasets import Pair, find_pairs
from srblocks.images import SUFFIXES

logger = logging.getLogger("srblocks")


def find_all_pairs(folder: str, lr_folder: str | None = None, *, scale: int) -> list[Pair]:
    """The pictures of a folder and of those below it, each a data set as ``evaluation.find_pairs`` knows them.

    Raises:
        InputError: a folder cannot be read, or there are no pictures.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.")
    pictures = [path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES]
    pairs = []
    for holder in sorted({path.parent for path in pictures}):
        lr_holder = None if lr_folder is None else Path(lr_folder, holder.relative_to(root))
        pairs += find_pairs(holder, scale, lr_folder=lr_holder)
    if not pairs:
        raise InputError(f"There are no pictures in {root} ({', '.join(SUFFIXES)}).")
    return pairs


class Patches(Dataset[tuple[Tensor, Tensor]]):
    """Random patches, flipped and turned: patch number i is a function of i and the seed, and of nothing else.

    So a run can be continued at any patch, and any number of processes draws the same ones. A picture is drawn the more
    often the larger it is. Pictures that cannot be read, and those smaller than a patch, are left out, and named in the
    log.

    Args:
        pairs: the files.
        scale: factor.
        patch_size: side of the HR patches, a multiple of the scale.
        seed: of the draws.
        cache_bytes: pictures are kept decoded if they need no more than this.

    Raises:
        InputError: no picture is left.
        ArgumentError: ``patch_size`` is no multiple of the scale.
    """

    def __init__(
        self, pairs: Sequence[Pair], *, scale: int, patch_size: int, seed: int = 0, cache_bytes: float = 4e9
    ) -> None:
        if patch_size % scale:
            raise ArgumentError(f"patch_size must be a multiple of the scale, {scale}, not {patch_size}.")
        self.scale, self.patch, self.seed = scale, patch_size // scale, seed
        self.pairs: list[Pair] = []
        areas = []
        for pair in pairs:
            height, width = _size(pair.hr)
            if min(height, width) >= patch_size:
                self.pairs.append(pair)
                areas.append(height * width)
            elif height:
                logger.warning("left out: %s has %d×%d pixels, less than a patch", pair.hr, width, height)
        self.cached: dict[int, tuple[Tensor, Tensor]] = {}
        if 3 * sum(areas) * (1 + 1 / scale**2) <= cache_bytes:
            for index, pair in enumerate(self.pairs):
                if (pictures := _read(pair, scale)) is None:
                    areas[index] = 0
                else:
                    self.cached[index] = pictures
        if not sum(areas):
            raise InputError(f"There is no picture to train on, of {len(pairs)} files.")
        self.bounds = np.cumsum(areas) / sum(areas)

    def __len__(self) -> int:
        """How many pictures there are: as many patches make an epoch."""
        return int(np.count_nonzero(np.diff(self.bounds, prepend=0)))

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """LR ``(3, p, p)`` and HR ``(3, scale·p, scale·p)``, uint8, for any number."""
        random = np.random.default_rng((self.seed, number))
        lr, hr = self._draw(random)
        p, s = self.patch, self.scale
        y, x = (int(random.integers(side - p + 1)) for side in lr.shape[1:])
        lr, hr = lr[:, y : y + p, x : x + p], hr[:, s * y : s * (y + p), s * x : s * (x + p)]
        flips = [dim for dim in (1, 2) if random.random() < 0.5]
        turn = (0, 2, 1) if random.random() < 0.5 else (0, 1, 2)
        return lr.flip(flips).permute(turn), hr.flip(flips).permute(turn)

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        for _ in range(100):
            index = int(np.searchsorted(self.bounds, random.random(), side="right"))
            pictures = self.cached[index] if self.cached else _read(self.pairs[index], self.scale)
            if pictures is not None:
                return pictures
        raise InputError("Of a hundred pictures drawn, none could be read.")

    def batches(
        self, size: int, *, first: int, steps: int, rank: int = 0, world: int = 1, workers: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """This process' part of the batches of the steps ``first`` to ``steps - 1``.

        Args:
            size: patches per step, over all processes; a multiple of ``world``.
            first: the first step.
            steps: the step to stop before.
            rank: the number of this process.
            world: how many there are.
            workers: processes that decode; unless given, none for pictures that are kept decoded, else two.

        Raises:
            ArgumentError: ``size`` is no multiple of ``world``.
        """
        if size % world:
            raise ArgumentError(f"batch_size must be a multiple of the {world} processes, not {size}.")
        share = size // world
        starts = range(first * size + rank * share, steps * size, size)
        numbers = [list(range(start, start + share)) for start in starts]
        workers = (0 if self.cached else 2) if workers is None else workers
        return iter(DataLoader(self, batch_sampler=numbers, num_workers=workers))


def _size(path: Path) -> tuple[int, int]:
    """Height and width by the header; 0 where it cannot be read."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError):
        logger.warning("left out: %s is no picture that can be read", path)
        return 0, 0


def _read(pair: Pair, scale: int) -> tuple[Tensor, Tensor] | None:
    """LR and HR, uint8 ``(3, H, W)``; None where they cannot be read."""
    try:
        lr, hr = (torch.from_numpy(pixels).permute(2, 0, 1).contiguous() for pixels in pair.read(scale))
    except InputError as error:
        logger.warning("left out: %s", error)
        return None
    return lr, hr
