"""Folders of pictures to evaluate on, in the layouts in which the field publishes them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from srblocks.errors import InputError
from srblocks.images import SUFFIXES, read_picture
from srblocks.layers.checks import check_positive
from srblocks.ops.resize import imresize

RGB = NDArray[np.uint8]

HR_FOLDERS = ("HR", "GTmod12")
LR_FOLDERS = ("LR_bicubic/X{scale}", "LRbicx{scale}", "LR_x{scale}_uint8", "LR_x{scale}")
# What may follow the name of the HR picture, without its "_HR", in that of the LR picture.
LR_ENDINGS = ("", "x{scale}", "_x{scale}", "_LR", "_LR{scale}")


@dataclass(frozen=True)
class Pair:
    """A picture to reach, and the smaller one to start from.

    Attributes:
        name: of the picture, without suffix.
        hr: its file.
        lr: the file of the smaller one; None if that is made by MATLAB's bicubic.
    """

    name: str
    hr: Path
    lr: Path | None = None

    def read(self, scale: int) -> tuple[RGB, RGB]:
        """LR ``(H, W, 3)`` and HR ``(scale·H, scale·W, 3)``, whose last rows and columns are cut off to that size.

        Grey pictures have three equal channels, and alpha is left out, as where papers' code reads them.

        Raises:
            InputError: a picture cannot be read or has more than 8 bits, or their sizes do not fit.
        """
        hr = _read_rgb(self.hr)
        height, width = (side // scale for side in hr.shape[:2])
        if not height or not width:
            raise InputError(f"{self.hr} has {hr.shape[1]}×{hr.shape[0]} pixels, too few for a scale of {scale}.")
        hr = hr[: scale * height, : scale * width]
        if self.lr is None:
            small = imresize(torch.from_numpy(hr).permute(2, 0, 1), 1 / scale)
            return small.permute(1, 2, 0).contiguous().numpy(), hr
        lr = _read_rgb(self.lr)
        if lr.shape != (height, width, 3):
            raise InputError(
                f"{self.lr} must have {width}×{height} pixels to be {self.hr} at 1/{scale} of its size, not "
                f"{lr.shape[1]}×{lr.shape[0]}."
            )
        return lr, hr


def find_pairs(
    folder: str | os.PathLike[str], scale: int, *, lr_folder: str | os.PathLike[str] | None = None
) -> list[Pair]:
    """The pictures of a data set, by name.

    ====================  ===================================================================
    HR                    LR, for a scale of 4
    ====================  ===================================================================
    ``baby.png``          made by MATLAB's bicubic
    ``HR/baby.png``       ``LR_bicubic/X4/babyx4.png`` or ``LR_x4/baby.png``, or made as above
    ``GTmod12/baby.png``  ``LRbicx4/baby.png``, or made as above
    ``Canon_HR.png``      ``Canon_LR4.png``
    ====================  ===================================================================

    Args:
        folder: holds the HR pictures, or a folder ``HR`` or ``GTmod12`` of them.
        scale: the factor.
        lr_folder: holds the LR pictures, which have the names of the HR ones, perhaps with ``x4``, ``_x4``, ``_LR4`` or
            ``_LR`` after them.

    Raises:
        InputError: a folder cannot be read, or has no pictures.
        ArgumentError: ``scale`` is no whole number of at least 1.
    """
    check_positive(scale=scale)
    folder = Path(folder)
    hr_folder = next((folder / name for name in HR_FOLDERS if (folder / name).is_dir()), folder)
    hr = _pictures(hr_folder)
    marked = [path for path in hr if path.stem.endswith("_HR")]
    if lr_folder is None and hr_folder != folder:
        named = (folder / name.format(scale=scale) for name in LR_FOLDERS)
        lr_folder = next((path for path in named if path.is_dir()), None)
    if lr_folder is None and marked:
        lr_folder = hr_folder
    if lr_folder is None:
        return [Pair(path.stem, path) for path in hr]
    lr = {path.stem: path for path in _pictures(Path(lr_folder))}
    pairs = []
    for path in marked or hr:
        name = path.stem.removesuffix("_HR")
        candidates = [name + ending.format(scale=scale) for ending in LR_ENDINGS]
        # One that is not there is found missing when it is read, so that it does not stop the others.
        missing = Path(lr_folder, f"{candidates[-1]}{path.suffix}" if marked else path.name)
        pairs.append(Pair(name, path, next((lr[stem] for stem in candidates if stem in lr), missing)))
    return pairs


def _pictures(folder: Path) -> list[Path]:
    try:
        pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise InputError(f"Cannot read the folder {folder}: {error.strerror}.") from None
    if not pictures:
        raise InputError(f"There are no pictures in {folder}.")
    return pictures


def _read_rgb(path: Path) -> RGB:
    pixels = read_picture(path).pixels
    if pixels.dtype != np.uint8:
        raise InputError(f"{path} has 16 bits, but measures compare pictures of 8.")
    colours = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., [0, 0, 0]]
    return np.array(colours, order="C")
