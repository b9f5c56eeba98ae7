"""What a training run says about itself: a table, a progress bar, and curves and pictures for TensorBoard."""

import csv
import time
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

COLUMNS = ("step", "seconds", "loss", "rate", "waiting", "psnr")


class TrainLog:
    """The log of one run, ``log.csv`` and ``tensorboard/`` in its folder; a context manager.

    What an interrupted run logged after the step that it is resumed from is dropped.

    Args:
        folder: of the run.
        first: the number of steps that are done.
        steps: the number that are to be done.
        show: a progress bar on stderr.
    """

    def __init__(self, folder: Path, *, first: int, steps: int, show: bool) -> None:
        path = folder / "log.csv"
        rows = []
        if first and path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first]
        before = float(rows[-1]["seconds"]) if rows else 0.0
        self.start = time.monotonic() - before
        self._file = path.open("w", newline="", encoding="utf-8")
        self._table = csv.DictWriter(self._file, COLUMNS)
        self._table.writeheader()
        self._table.writerows(rows)
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=first)
        self._bar = tqdm(total=steps, initial=first, unit="step", disable=not show)

    def __enter__(self) -> "TrainLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()
        self._board.close()
        self._file.close()

    def line(self, step: int, **values: float) -> None:
        """A line of the table and a point of each curve: the loss and so on after this many steps."""
        seconds = round(time.monotonic() - self.start, 1)
        self._table.writerow({"step": step, "seconds": seconds} | {name: f"{values[name]:.6g}" for name in values})
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        self._bar.update(step - self._bar.n)
        self._bar.set_postfix({name: f"{value:.4g}" for name, value in values.items()}, refresh=False)

    def picture(self, step: int, name: str, pixels: NDArray[np.uint8]) -> None:
        """A picture ``(H, W, 3)`` for TensorBoard."""
        self._board.add_image(name, pixels, step, dataformats="HWC")
