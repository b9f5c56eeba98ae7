"""Evaluations give the papers' numbers, and name what they could not evaluate."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import srblocks as sr
from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import (
    Evaluation,
    Pair,
    Score,
    evaluate,
    find_pairs,
    ms_ssim,
    psnr,
    ssim,
    to_csv,
    to_json,
    to_markdown,
)
from srblocks.evaluation.benchmark import METRICS, Views, enlarge_bicubic
from srblocks.evaluation.sheets import evaluation_sheet

# Mean PSNR-Y and SSIM-Y on Set5 ×4 measured with the authors' code, and of bicubic interpolation.
SET5 = {"dgpnet_tiny_x4": (31.01, 0.8765), "rlfn/rlfn_x4.pth": (32.238, 0.8953)}
BICUBIC = (28.43, 0.8113)


@pytest.mark.parametrize("model", SET5)
@pytest.mark.parametrize("layout", ["LR_x4_uint8", None])
def test_set5_gives_the_papers_numbers(model: str, layout: str | None, data: Path) -> None:
    net = sr.load(data / "checkpoints" / model if "/" in model else model).fuse()
    folder = data / "images" / "bench" / "Set5" / "HR"
    pairs = find_pairs(folder, 4, lr_folder=layout and folder.parent / layout)
    mean = evaluate(sr.Upscaler(net, tile=None), pairs, scale=4).mean
    assert mean.values["psnr"] == pytest.approx(SET5[model][0], abs=0.005)
    assert mean.values["ssim"] == pytest.approx(SET5[model][1], abs=0.0001)
    assert (mean.bicubic["psnr"], mean.bicubic["ssim"]) == pytest.approx(BICUBIC, abs=0.001)


def smooth(path: Path, *, size: tuple[int, int] = (180, 172), seed: int = 0) -> Path:
    """Write a picture that is smooth enough to be enlarged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures."""
    for seed, name in enumerate("ab"):
        smooth(tmp_path / f"{name}.png", seed=seed)
    return tmp_path


def test_every_measure_is_that_of_8_bit_pictures_inside_the_border(folder: Path) -> None:
    up = sr.Upscaler(sr.load("dgpnet_tiny_x4"), tile=None)
    pairs = find_pairs(folder, 4)
    seen: list[tuple[Score, Views]] = []
    result = evaluate(up, pairs, scale=4, metrics=tuple(METRICS), watch=lambda *both: seen.append(both))
    assert [score.name for score in result.scores] == ["a", "b"]
    assert (result.scale, result.failures) == (4, ())
    for score, views in seen:
        assert np.array_equal(views.enlarged, up(views.lr))
        assert np.array_equal(views.bicubic, enlarge_bicubic(views.lr, 4))
        for values, picture in ((score.values, views.enlarged), (score.bicubic, views.bicubic)):
            assert values["psnr"] == float(psnr(picture, views.hr, border=4))
            assert values["ssim"] == float(ssim(picture, views.hr, border=4))
            assert values["ms_ssim"] == float(ms_ssim(picture, views.hr, border=4))
            assert tuple(values) == tuple(METRICS)
    assert result.mean.values["psnr"] == pytest.approx(np.mean([score.values["psnr"] for score, _ in seen]))


def test_bicubic_as_the_network_gives_the_baseline(folder: Path) -> None:
    result = evaluate(lambda lr: enlarge_bicubic(lr, 2), find_pairs(folder, 2), scale=2)
    assert all(score.values == score.bicubic for score in result.scores)


def test_a_bad_picture_is_named_and_does_not_stop_the_others(folder: Path) -> None:
    (folder / "aa.png").write_text("no picture")
    smooth(folder / "tiny.png", size=(16, 16))
    result = evaluate(lambda lr: enlarge_bicubic(lr, 2), find_pairs(folder, 2), scale=2, metrics=["ms_ssim"])
    assert [score.name for score in result.scores] == ["a", "b"]
    first, second = result.failures
    assert first == f"aa: {folder / 'aa.png'} is no picture that can be read."
    assert second.startswith("tiny: MS-SSIM of 5 scales needs at least 161×161 pixels")


def test_a_network_of_another_scale_fails_picture_by_picture(folder: Path) -> None:
    result = evaluate(lambda lr: lr, find_pairs(folder, 2), scale=2)
    assert all("same shape" in failure for failure in result.failures)
    assert result.rows == ()
    with pytest.raises(InputError, match="no scores"):
        result.mean  # noqa: B018


def test_measures_have_names() -> None:
    with pytest.raises(ArgumentError, match=r"some of psnr, .*not 'lpips'"):
        evaluate(lambda lr: lr, [], scale=2, metrics=["lpips"])


EVALUATIONS = [
    Evaluation(2, (Score("a", {"psnr": 30.25, "ssim": 0.9}, {"psnr": 28.0, "ssim": 0.8}),), ("b: it is broken.",)),
    Evaluation(
        4,
        (
            Score("a", {"psnr": 26.0, "ssim": 0.75}, {"psnr": 25.0, "ssim": 0.7}),
            Score("b", {"psnr": float("inf"), "ssim": 1.0}, {"psnr": 27.0, "ssim": 0.8}),
        ),
    ),
]


def test_markdown_is_a_table_for_each_scale() -> None:
    assert to_markdown(EVALUATIONS[:1]) == (
        "| ×2   |   PSNR |   SSIM | bicubic PSNR | bicubic SSIM |\n"
        "| ---- | -----: | -----: | -----------: | -----------: |\n"
        "| a    | 30.250 | 0.9000 |       28.000 |       0.8000 |\n"
        "| mean | 30.250 | 0.9000 |       28.000 |       0.8000 |\n"
    )
    assert to_markdown(EVALUATIONS) == "\n".join(to_markdown([evaluation]) for evaluation in EVALUATIONS)


def test_csv_has_a_line_for_each_picture_and_mean() -> None:
    rows = list(csv.DictReader(to_csv(EVALUATIONS).splitlines()))
    assert [(row["scale"], row["picture"]) for row in rows] == [
        ("2", "a"),
        ("2", "mean"),
        ("4", "a"),
        ("4", "b"),
        ("4", "mean"),
    ]
    assert (rows[2]["psnr"], rows[4]["ssim"], rows[4]["bicubic_psnr"]) == ("26.0", "0.875", "26.0")


def test_json_has_all_of_it() -> None:
    two, four = json.loads(to_json(EVALUATIONS), parse_constant=pytest.fail)
    assert (two["scale"], two["failures"], two["mean"]["psnr"]) == (2, ["b: it is broken."], 30.25)
    assert four["pictures"][0] == {"name": "a", "psnr": 26.0, "ssim": 0.75, "bicubic": {"psnr": 25.0, "ssim": 0.7}}
    assert four["pictures"][1]["psnr"] is None


def test_what_failed_altogether_is_rendered_too() -> None:
    nothing = [Evaluation(3, (), ("a: it is broken.",))]
    assert to_markdown(nothing).splitlines()[0] == "| ×3 |"
    assert to_csv(nothing) == "scale,picture\n"
    assert json.loads(to_json(nothing)) == [
        {"scale": 3, "pictures": [], "mean": None, "failures": ["a: it is broken."]}
    ]


def test_a_sheet_shows_where_bicubic_errs_most() -> None:
    hr = np.full((40, 60, 3), 128, dtype=np.uint8)
    bicubic = hr.copy()
    bicubic[22:28, 42:48] = 0
    lr = np.ascontiguousarray(hr[::2, ::2])
    sheet = evaluation_sheet(Score("a", {"ssim": 0.5}, {"ssim": 0.4}), Views(lr, bicubic, hr, hr))
    # The magnified cut-outs lie at the bottom, the one of bicubic is the second.
    cut_out = np.asarray(sheet)[-360:-20, 400:740]
    assert (cut_out == 0).all(2).mean() > 0.3


def test_the_files_of_a_pair_are_the_reader_s_choice(folder: Path) -> None:
    result = evaluate(lambda lr: enlarge_bicubic(lr, 2), [Pair("mine", folder / "a.png")], scale=2)
    assert result.scores[0].name == "mine"
