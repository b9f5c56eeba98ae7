"""``srblocks eval``: tables, files, sheets, and one sentence for what went wrong."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

import srblocks as sr
from tests.cli.running import Run, picture
from tests.helpers import add_noise

SIZE = (40, 36)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    picture(tmp_path / "set" / "a.png", size=SIZE)
    picture(tmp_path / "set" / "b.png", size=SIZE, mode="L")
    return tmp_path / "set"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The files net_x2.pth and net_x3.pth."""
    for scale in (2, 3):
        torch.manual_seed(scale)
        net = sr.models.RLFN(scale, dim=8, num_blocks=1)
        add_noise(net)
        sr.save(net, tmp_path / f"net_x{scale}.pth")
    return tmp_path


def test_a_table_is_printed(run: Run, dataset: Path) -> None:
    code, out, err = run("eval", "--model", "dgpnet_tiny_x4", "--dataset", dataset)
    assert (code, err) == (0, "")
    head, empty, titles, _, *rows = out.splitlines()
    assert head == f"dgpnet_tiny_x4 on {dataset}, low resolution made by MATLAB's bicubic"
    assert empty == ""
    assert [cell.strip() for cell in titles.split("|")[1:-1]] == ["×4", "PSNR", "SSIM", "bicubic PSNR", "bicubic SSIM"]
    assert [row.split()[1] for row in rows[:3]] == ["a", "b", "mean"]


@pytest.mark.parametrize("suffix", ["csv", "json", "md"])
def test_tables_are_written(suffix: str, run: Run, dataset: Path, tmp_path: Path) -> None:
    target = tmp_path / f"table.{suffix}"
    code, out, _ = run("eval", "--model", "dgpnet_tiny", "--dataset", dataset, "--metrics", "psnr,gmsd", "-o", target)
    assert code == 0
    text = target.read_text()
    if suffix == "json":
        assert set(json.loads(text)[0]["mean"]) == {"name", "psnr", "gmsd", "bicubic"}
    else:
        assert text.splitlines()[0].lower().count("gmsd") == 2
    if suffix == "md":
        assert text in out


def test_several_scales_and_networks(run: Run, dataset: Path, weights: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    options = ("eval", "--dataset", dataset, "-o", table)
    # One file for each scale, by pattern or one by one.
    assert run(*options, "--model", weights / "net_x{scale}.pth", "--scale", 3, "--scale", 2)[0] == 0
    by_pattern = json.loads(table.read_text())
    assert [evaluation["scale"] for evaluation in by_pattern] == [2, 3]
    assert run(*options, "--model", weights / "net_x2.pth", "--model", weights / "net_x3.pth")[0] == 0
    assert json.loads(table.read_text()) == by_pattern
    # Networks of one scale are averaged.
    sr.save(sr.models.DGPNet(2, dim=6, num_blocks=1), weights / "other.safetensors")
    code, out, _ = run(*options, "--model", weights / "net_x2.pth", "--model", weights / "other.safetensors")
    assert (code, out.startswith("mean of 2 networks on")) == (0, True)
    assert json.loads(table.read_text())[0]["mean"] != by_pattern[0]["mean"]


def test_given_low_resolution_pictures_are_used(run: Run, dataset: Path, weights: Path, tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / "lr" / "X2" / f"{name}x2.png", size=(SIZE[0] // 2, SIZE[1] // 2))
    options = ("eval", "--model", weights / "net_x2.pth", "--dataset", dataset)
    code, out, _ = run(*options, "--lr-dir", tmp_path / "lr" / "X{scale}")
    assert (code, f"low resolution from {tmp_path / 'lr' / 'X2'}" in out) == (0, True)
    assert out.splitlines()[2:] != run(*options)[1].splitlines()[2:]


def test_sheets_are_written(run: Run, dataset: Path, tmp_path: Path) -> None:
    code, _, _ = run(
        "eval", "--model", "dgpnet_tiny", "--dataset", dataset, "--save-images", tmp_path / "deep" / "sheets"
    )
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "deep" / "sheets").iterdir()) == ["a_x4.png", "b_x4.png"]
    with Image.open(tmp_path / "deep" / "sheets" / "a_x4.png") as sheet:
        assert sheet.width > 4 * 360


def test_a_bad_picture_is_named_and_the_exit_code_is_1(run: Run, dataset: Path, tmp_path: Path) -> None:
    (dataset / "bad.png").write_text("no picture")
    code, out, err = run("eval", "--model", "dgpnet_tiny", "--dataset", dataset, "-o", tmp_path / "t.csv")
    assert code == 1
    assert err.splitlines() == [f"Error: bad: {dataset / 'bad.png'} is no picture that can be read."]
    assert "| mean" in out
    assert (tmp_path / "t.csv").read_text().count("\n") == 4


@pytest.mark.parametrize(
    "options", [("--tile", "16"), ("--ensemble",), ("--precision", "bfloat16"), ("--device", "cpu")]
)
def test_every_option_works(options: tuple[str, ...], run: Run, dataset: Path) -> None:
    assert run("eval", "--model", "dgpnet_tiny", "--dataset", dataset, *options)[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "nothing"), "There are no published weights 'nothing'"),
        (("--model", "dgpnet_tiny_x4", "--scale", "3"), "scale must be 4"),
        (("--model", "dgpnet_tiny_x4", "--scale", "4", "--scale", "3"), "No --model is for a scale of 3"),
        (("--model", "net_x{scale}.pth"), "Give --scale"),
        (("--model", "dgpnet_tiny", "--metrics", "lpips"), "not 'lpips'"),
        (("--model", "dgpnet_tiny", "--lr-dir", "missing"), "Cannot read the folder missing"),
        (("--model", "dgpnet_tiny", "--dataset", "missing"), "Cannot read the folder missing"),
        (("--model", "dgpnet_tiny", "-o", "table.xls"), "does not end in .csv, .json, .md"),
        (("--model", "dgpnet_tiny", "-o", "missing/table.csv"), "Cannot write missing/table.csv"),
        (("--model", "dgpnet_tiny", "--tile", "x"), "is not auto, 0 or a number"),
        ((), "Missing option '--model'"),
    ],
)
def test_what_cannot_work_at_all_exits_with_2(options: tuple[str, ...], message: str, run: Run, dataset: Path) -> None:
    code, _, err = run("eval", "--dataset", dataset, *options)
    assert code == 2
    assert message in err
