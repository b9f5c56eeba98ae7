"""``srblocks train``: the options are the configuration's fields, and trouble is one sentence."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import srblocks as sr
from srblocks.training import TrainConfig
from tests.cli.running import Run

# Tables and lists, which only a file can hold.
IN_FILES = {"arguments", "milestones", "stages"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "noise.png")
    return folder


def test_every_field_is_an_option_with_its_explanation(run: Run) -> None:
    text = " ".join(run("train", "--help")[1].split())
    for field in fields(TrainConfig):
        assert (f"--{field.name.replace('_', '-')} " in text) == (field.name not in IN_FILES), field.name


def test_options_overrule_the_file_and_the_weights_are_named(run: Run, pictures: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "scale = 4\niterations = 500\npatch_size = 16\nbatch_size = 1\narguments = {dim = 4, num_blocks = 1}\n"
    )
    output = tmp_path / "out"
    options = [
        "--config",
        recipe,
        "--train-dir",
        pictures,
        "--val-dir",
        pictures,
        "--output",
        output,
        "--device",
        "cpu",
    ]
    code, out, err = run("train", *options, "--iterations", 2, "--scale", 2)
    assert (code, out.strip()) == (0, str(output / "best.safetensors"))
    assert "step 2: PSNR-Y" in err
    assert sr.load(output / "best.safetensors").scale == 2
    code, out, err = run("train", *options, "--iterations", 2, "--scale", 2)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "holds a run already" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "train_dir must be given"),
        (["--train-dir", "missing"], "There is no folder missing"),
        (["--train-dir", ".", "--model", "dgpnet_tin"], "There is no model 'dgpnet_tin'; there is dgpnet_tiny"),
        (["--train-dir", ".", "--config", "missing.toml"], "Cannot read missing.toml"),
        (["--train-dir", ".", "--patch-size", "30"], "patch_size must be a multiple of the scale, 4, not 30"),
        (["--train-dir", ".", "--init", "missing.safetensors"], "missing.safetensors"),
    ],
)
def test_trouble_is_one_sentence_and_leaves_nothing(
    run: Run, options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("train", *options, "--output", "out")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['accelerate'] = None\nfrom srblocks.cli import main; main(['train'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (2, "Error: Training needs accelerate: pip install 'srblocks[train]'.\n")
