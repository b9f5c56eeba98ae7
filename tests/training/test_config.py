"""The configuration: a file and values that overrule it, and one sentence for what is wrong."""

from pathlib import Path
from typing import Any

import pytest

import srblocks as sr
from srblocks.training import TrainConfig, load_config


def test_values_overrule_the_file_and_the_file_overrules_defaults(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("scale = 2\nlearning_rate = 1\nloss = {l1 = 1, fft = 0.05}\nmilestones = [0.5, 1]\n")
    config = load_config(file, scale=3)
    assert (config.scale, config.learning_rate, config.batch_size) == (3, 1.0, 16)
    assert config.loss == {"l1": 1.0, "fft": 0.05}
    assert config.milestones == (0.5, 1.0)
    assert config.folder == Path("runs/dgpnet_tiny_x3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = 1", "key 'learning_rat', which is none; the nearest is 'learning_rate'"),
        ("scale = 2.0", "scale must be a whole number, not 2.0"),
        ("scale = true", "scale must be a whole number, not True"),
        ("ensemble = 1", "ensemble must be true or false, not 1"),
        ('schedule = "linear"', "schedule must be one of constant, cosine, multistep, not 'linear'"),
        ("loss = 3", "loss must be a text or a table, not 3"),
        ("iterations = 0", "iterations must be a whole number of at least 1"),
        ("iterations = 1\nepochs = 1", "iterations and epochs cannot both be given"),
        ("patch_size = 50", "patch_size must be a multiple of the scale, 4, not 50"),
        ("ema = 1.0", "ema must be at least 0 and below 1"),
        ("clip = -1", "clip must be at least 0, not -1"),
        ('lr_dir = "x"\ndegradation = "bsrgan"', "degradation and lr_dir cannot both be given"),
        ("sharpen = true", "sharpen needs a degradation other than bicubic"),
        ("[[stages]]\nscal = 2", "stage 1 has the key 'scal', which is none; the nearest is 'scale'"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(sr.ArgumentError) as caught:
        load_config(file).runs()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_toml_or_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("scale = = 2")
    for name in ("broken.toml", "missing.toml"):
        with pytest.raises(sr.InputError, match=name):
            load_config(tmp_path / name)


def test_stages_are_runs_that_start_from_the_last_one_s_weights() -> None:
    stages: tuple[dict[str, Any], ...] = ({"scale": 2, "iterations": 5}, {"scale": 4, "patch_size": 96})
    first, second = TrainConfig(output="out", init="start", stages=stages).runs()
    assert (first.scale, first.iterations, first.init, first.folder) == (2, 5, "start", Path("out/stage1"))
    assert (second.scale, second.patch_size, second.folder) == (4, 96, Path("out/stage2"))
    assert second.init == str(Path("out/stage1/best.safetensors"))
