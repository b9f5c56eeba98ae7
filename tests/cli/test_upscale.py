"""``srblocks upscale``: whatever is in the folder, it just works, and says what did not."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.running import Run, picture


def test_a_picture_is_enlarged_with_the_bundled_weights(run: Run, tmp_path: Path) -> None:
    source = picture(tmp_path / "x.png")
    code, out, _ = run("upscale", source, "-o", tmp_path / "y.png")
    assert code == 0
    assert out == f"done: {source} -> {tmp_path / 'y.png'}\n"
    with Image.open(tmp_path / "y.png") as image:
        assert (image.size, image.mode) == ((24, 20), "RGB")


def test_a_folder_keeps_its_structure_and_one_bad_file_stops_nothing(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "deep" / "b.JPG")
    picture(tmp_path / "in" / "deep" / "grey.webp", mode="L")
    picture(tmp_path / "in" / "alpha.png", mode="RGBA")
    (tmp_path / "in" / "bad.png").write_text("no picture")
    (tmp_path / "in" / "notes.txt").write_text("no picture, and not called one")
    code, _, err = run("upscale", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1
    assert err.splitlines() == [f"Error: {tmp_path / 'in' / 'bad.png'} is no picture that can be read."]
    results = sorted(
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert results == ["a_x4.png", "alpha_x4.png", "deep/b_x4.jpg", "deep/grey_x4.webp"]
    with Image.open(tmp_path / "out" / "alpha_x4.png") as image:
        assert image.mode == "RGBA"


def test_what_is_done_is_skipped_unless_forced(run: Run, tmp_path: Path) -> None:
    source, target = picture(tmp_path / "x.png"), tmp_path / "y.png"
    run("upscale", source, "-o", target)
    target.write_bytes(b"mine")
    assert run("upscale", source, "-o", target)[1].startswith("skipped")
    assert target.read_bytes() == b"mine"
    assert run("upscale", source, "-o", target, "--force")[1].startswith("done")
    assert target.read_bytes() != b"mine"


def test_results_in_the_same_folder_are_not_enlarged_again(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "x.png")
    run("upscale", tmp_path, "-o", tmp_path / "out")
    assert run("upscale", tmp_path, "-o", tmp_path / "out")[1].count("\n") == 1


def test_an_input_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    source = picture(tmp_path / "x.png")
    before = source.read_bytes()
    for output in (source, tmp_path):
        code, _, err = run("upscale", source, "-o", output, "--suffix", "", "--force")
        assert code == 1
        assert "is an input or the result of another" in err
    assert source.read_bytes() == before


def test_two_pictures_never_share_a_result(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "in" / "x.png")
    picture(tmp_path / "in" / "x.jpg")
    code, out, err = run("upscale", tmp_path / "in", "-o", tmp_path / "out", "--format", "png")
    assert (code, out.count("done"), err.count("result of another")) == (1, 1, 1)


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path) -> None:
    source = picture(tmp_path / "in" / "x.png")
    code, out, _ = run("upscale", source, "-o", tmp_path / "out", "--dry-run")
    assert (code, out) == (0, f"would be done: {source} -> {tmp_path / 'out' / 'x_x4.png'}\n")
    assert not (tmp_path / "out").exists()


def test_json_has_one_object_per_picture(run: Run, tmp_path: Path) -> None:
    good, bad = picture(tmp_path / "x.png"), tmp_path / "bad.png"
    bad.write_text("no")
    code, out, _ = run("upscale", good, bad, "-o", tmp_path / "out", "--json")
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 1
    assert (first["status"], first["width"], first["height"]) == ("done", 24, 20)
    assert (second["status"], "no picture" in second["error"]) == ("failed", True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "nothing"), "There are no published weights 'nothing'"),
        (("--model", "missing.pth"), "Cannot read missing.pth"),
        (("--tile", "x"), "is not auto, 0 or a number"),
        (("--device", "abacus"), "'abacus' cannot be used"),
        (("--quality", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_work_at_all_exits_with_2(options: tuple[str, ...], message: str, run: Run, tmp_path: Path) -> None:
    code, _, err = run("upscale", picture(tmp_path / "x.png"), "-o", tmp_path / "y.png", *options)
    assert code == 2
    assert message in err
    assert not (tmp_path / "y.png").exists()


def test_several_pictures_need_a_folder(run: Run, tmp_path: Path) -> None:
    code, _, err = run("upscale", picture(tmp_path / "a.png"), picture(tmp_path / "b.png"), "-o", tmp_path / "y.png")
    assert code == 2
    assert "name a folder" in err


def test_the_pixel_limit_is_that_of_the_result(run: Run, tmp_path: Path) -> None:
    source = picture(tmp_path / "x.png", size=(10, 10))
    code, _, err = run("upscale", source, "-o", tmp_path / "y.png", "--max-pixels", 1500)
    assert code == 1
    assert "10×10 pixels" in err


@pytest.mark.parametrize("options", [("--tile", "0"), ("--tile", "16"), ("--ensemble",), ("--precision", "bfloat16")])
def test_every_option_works(options: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    assert run("upscale", picture(tmp_path / "x.png"), "-o", tmp_path / "y.jpg", *options)[0] == 0


@pytest.mark.parametrize("command", ["upscale", "info"])
def test_a_bad_weights_file_exits_with_2_and_runs_nothing(command: str, run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(
        b"\x80\x02cos\nmkdir\nX"
        + len(str(tmp_path / "made")).to_bytes(4, "little")
        + f"{tmp_path}/made".encode()
        + b"\x85R."
    )
    options = (
        ("info", bad)
        if command == "info"
        else ("upscale", picture(tmp_path / "x.png"), "-o", tmp_path / "y.png", "--model", bad)
    )
    code, _, err = run(*options)
    assert code == 2
    assert "could run code" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "made").exists()
