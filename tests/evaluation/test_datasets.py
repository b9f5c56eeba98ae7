"""Folders of pictures, in the layouts in which the field publishes them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import find_pairs, imresize


def write(path: Path, height: int, width: int, *, mode: str = "RGB", seed: int = 0) -> NDArray[np.uint8]:
    """Write a picture of noise and give its pixels, in three channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    image.save(path)
    return np.array(image.convert("RGB"))


def test_low_resolution_is_made_of_a_plain_folder(tmp_path: Path) -> None:
    hr = write(tmp_path / "b.png", 17, 14)
    write(tmp_path / "a.webp", 12, 12)
    (tmp_path / "notes.txt").write_text("no picture")
    pairs = find_pairs(tmp_path, 4)
    assert [(pair.name, pair.lr) for pair in pairs] == [("a", None), ("b", None)]
    small, cropped = pairs[1].read(4)
    assert np.array_equal(cropped, hr[:16, :12])
    expected = imresize(torch.from_numpy(hr[:16, :12]).permute(2, 0, 1), 1 / 4)
    assert np.array_equal(small, expected.permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("hr", "lr"),
    [
        ("HR/x.png", "LR_bicubic/X2/xx2.png"),
        ("HR/x.png", "LR_bicubic/X2/x.png"),
        ("HR/x.jpg", "LR_x2/x.png"),
        ("HR/x.png", "LR_x2_uint8/x_x2.bmp"),
        ("GTmod12/x.png", "LRbicx2/x.png"),
        ("x_HR.png", "x_LR2.png"),
        ("x_HR.png", "x_LR.png"),
        ("HR/x_HR.png", "LR_bicubic/X2/x.png"),
    ],
)
def test_low_resolution_is_found_in_known_layouts(hr: str, lr: str, tmp_path: Path) -> None:
    write(tmp_path / hr, 13, 11)
    small = write(tmp_path / lr, 6, 5, seed=1)
    (pair,) = find_pairs(tmp_path, 2)
    assert (pair.name, pair.lr) == ("x", tmp_path / lr)
    assert np.array_equal(pair.read(2)[0], small)


def test_a_given_folder_comes_first(tmp_path: Path) -> None:
    write(tmp_path / "set" / "HR" / "x.png", 12, 12)
    write(tmp_path / "set" / "LR_x2" / "x.png", 6, 6)
    write(tmp_path / "mine" / "x.png", 6, 6)
    (pair,) = find_pairs(tmp_path / "set", 2, lr_folder=tmp_path / "mine")
    assert pair.lr == tmp_path / "mine" / "x.png"
    # At another scale there is none, so it is made.
    assert find_pairs(tmp_path / "set", 3)[0].lr is None


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P"])
def test_every_picture_has_three_channels(mode: str, tmp_path: Path) -> None:
    expected = write(tmp_path / "x.png", 4, 4, mode=mode)
    assert np.array_equal(find_pairs(tmp_path, 2)[0].read(2)[1], expected)


@pytest.mark.parametrize(
    ("hr", "lr", "message"),
    [
        ((12, 12), (6, 5), "must have 6×6 pixels"),
        ((12, 12), None, "Cannot read .*: No such file"),
        ((1, 12), (1, 6), "too few"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(
    hr: tuple[int, int], lr: tuple[int, int] | None, message: str, tmp_path: Path
) -> None:
    write(tmp_path / "hr" / "x.png", *hr)
    write(tmp_path / "lr" / "other.png", 6, 6)
    if lr is not None:
        write(tmp_path / "lr" / "x.png", *lr)
    (pair,) = find_pairs(tmp_path / "hr", 2, lr_folder=tmp_path / "lr")
    with pytest.raises(InputError, match=message):
        pair.read(2)


def test_deep_grey_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), dtype=np.uint16)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="16 bits"):
        find_pairs(tmp_path, 2)[0].read(2)


def test_folders_must_be_there_and_hold_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures in"):
        find_pairs(tmp_path, 2)
    with pytest.raises(InputError, match=r"Cannot read the folder .*: No such file"):
        find_pairs(tmp_path / "missing", 2)
    with pytest.raises(ArgumentError, match="scale"):
        find_pairs(tmp_path, 0)
