"""What the tests of commands share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

# Runs the command: exit code, standard output, standard error.
Run = Callable[..., tuple[int, str, str]]


def picture(path: Path, *, size: tuple[int, int] = (6, 5), mode: str = "RGB") -> Path:
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path
