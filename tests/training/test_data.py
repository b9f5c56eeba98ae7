"""Pictures for training: which belong together, and patches that depend on the seed alone."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import srblocks as sr
from srblocks.training.data import Patches, find_all_pairs


def patches(folder: Path, **arguments: float) -> Patches:
    cache = arguments.pop("cache_bytes", 1e9)
    return Patches(
        find_all_pairs(str(folder), scale=4),
        scale=4,
        patch_size=32,
        seed=int(arguments.get("seed", 0)),
        cache_bytes=cache,
    )


def same(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> bool:
    return torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def test_a_patch_depends_on_its_number_and_the_seed_alone(pictures: Path) -> None:
    ours, again, decoding, other = (
        patches(pictures),
        patches(pictures),
        patches(pictures, cache_bytes=0),
        patches(pictures, seed=1),
    )
    assert ours.cached
    assert not decoding.cached
    for number in (7, 0, 7, 12345):
        lr, hr = ours[number]
        assert (lr.shape, hr.shape, lr.dtype) == ((3, 8, 8), (3, 32, 32), torch.uint8)
        assert same((lr, hr), again[number])
        assert same((lr, hr), decoding[number])
        assert not same((lr, hr), other[number])


def test_lr_and_hr_of_a_patch_show_the_same_place(pictures: Path) -> None:
    for number in range(20):
        lr, hr = patches(pictures)[number]
        shrunk = sr.evaluation.imresize(hr[None] / 255, 1 / 4)[0]
        # The borders of a patch are made from what lies outside of it.
        assert (shrunk - lr / 255)[:, 2:-2, 2:-2].abs().max() < 1.01 / 255


def test_all_turns_and_flips_and_all_places_are_drawn(tmp_path: Path) -> None:
    ramp = np.zeros((40, 40, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.mgrid[:40, :40] * 6
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    views = Patches(find_all_pairs(str(tmp_path), scale=4), scale=4, patch_size=32)
    corners = (views[number][1][:2, 0, [0, -1]] for number in range(600))
    drawn = {tuple(corner.flatten().tolist()) for corner in corners}
    assert len(drawn) == 8 * 3 * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_share_a_batch_and_workers_change_nothing(pictures: Path, workers: int) -> None:
    ours = patches(pictures)
    whole = list(ours.batches(4, first=3, steps=6, workers=workers))
    assert len(whole) == 3
    halves = [list(ours.batches(4, first=3, steps=6, rank=rank, world=2)) for rank in (0, 1)]
    for step, (lr, hr) in enumerate(whole):
        assert torch.equal(lr, torch.cat([half[step][0] for half in halves]))
        assert torch.equal(hr, torch.stack([ours[4 * (3 + step) + index][1] for index in range(4)]))
    with pytest.raises(sr.ArgumentError, match="batch_size must be a multiple of the 3 processes, not 4"):
        ours.batches(4, first=0, steps=1, world=3)


@pytest.mark.parametrize("cache_bytes", [0, 1e9])
def test_damaged_and_small_pictures_are_named_and_left_out(
    pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, cache_bytes: float
) -> None:
    folder = shutil.copytree(pictures, tmp_path / "pictures")
    whole = (folder / "4.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no picture")
    Image.new("RGB", (31, 80)).save(folder / "small.png")
    with caplog.at_level(logging.WARNING, "srblocks"):
        found = patches(folder, cache_bytes=cache_bytes)
        for number in range(60):
            found[number]
    for name in ("cut.png", "text.jpg", "small.png"):
        assert name in caplog.text


def test_a_folder_in_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(sr.InputError, match="no picture to train on, of 1 files"):
        patches(tmp_path)


def test_pairs_are_found_in_folders_below_too(pictures: Path, tmp_path: Path) -> None:
    for name in ("a", "b/c"):
        shutil.copytree(pictures, tmp_path / "HR" / name)
        shutil.copytree(pictures, tmp_path / "LR" / name)
    assert len(find_all_pairs(str(tmp_path / "HR"), scale=1)) == 10
    for pair in find_all_pairs(str(tmp_path / "HR"), str(tmp_path / "LR"), scale=1):
        assert pair.lr is not None
        assert pair.lr.relative_to(tmp_path / "LR") == pair.hr.relative_to(tmp_path / "HR")


def test_folders_that_are_not_there_or_empty_are_named(tmp_path: Path) -> None:
    with pytest.raises(sr.InputError, match="There is no folder"):
        find_all_pairs(str(tmp_path / "missing"), scale=4)
    with pytest.raises(sr.InputError, match="There are no pictures in"):
        find_all_pairs(str(tmp_path), scale=4)
