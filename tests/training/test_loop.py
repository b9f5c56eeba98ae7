"""The training loop: what it writes, that it can be interrupted and shared, and what each strategy does."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import srblocks as sr
from srblocks.evaluation import evaluate, find_pairs
from srblocks.layers import DGConv
from srblocks.training import TrainConfig
from srblocks.training.loop import build, rate_at, train

# A network so small that a step takes no time.
SMALL: dict[str, Any] = {
    "arguments": {"dim": 4, "num_blocks": 1},
    "scale": 2,
    "batch_size": 2,
    "patch_size": 16,
    "warmup": 0,
    "device": "cpu",
    "log_every": 5,
}


@pytest.fixture
def config(pictures: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        train_dir=str(pictures),
        val_dir=str(pictures),
        output=str(tmp_path / "run"),
        iterations=10,
        validate_every=5,
        **SMALL,
    )


def weights(path: Path) -> dict[str, Tensor]:
    return sr.load(path).state_dict()


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_weights_that_load_and_fuse_and_a_log(config: TrainConfig) -> None:
    best = train(replace(config, iterations=40, learning_rate=0.01))
    assert {path.name for path in config.folder.iterdir()} == {
        "best.safetensors", "last.safetensors", "state.pt", "log.csv", "config.json", "tensorboard",
    }  # fmt: skip
    net = sr.load(best)
    assert (type(net), net.scale, net.form) == (sr.models.DGPNet, 2, "training")
    assert net.arguments["dim"] == 4
    rows = table(config.folder)
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    measured = [float(row["psnr"]) for row in rows if row["psnr"]]
    assert len(losses) == 8
    assert losses[-1] < losses[0]
    assert len(measured) == 9
    assert measured[-1] > measured[0] + 3
    found = evaluate(sr.Upscaler(net), find_pairs(config.train_dir, 2), scale=2, metrics=["psnr"])
    assert found.mean.values["psnr"] == pytest.approx(max(measured), abs=1e-3)


COMMAND = """
import sys, time, torch
torch.set_num_threads(1)
from srblocks.training.config import load_config
from srblocks.training import loop, log
if "slowly" in sys.argv:
    line = log.TrainLog.line
    log.TrainLog.line = lambda *args, **values: (line(*args, **values), time.sleep(0.5))[0]
loop.train(load_config(sys.argv[1], output=sys.argv[2]), resume="resume" in sys.argv)
"""


def test_a_run_that_was_killed_goes_on_to_the_same_bits(config: TrainConfig, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"train_dir = {config.train_dir!r}\niterations = 40\nvalidate_every = 10\nlog_every = 5\nscale = 2\n"
        'batch_size = 2\npatch_size = 16\ndevice = "cpu"\narguments = {dim = 4, num_blocks = 1}\n'
    )
    python = [sys.executable, "-c", COMMAND, str(recipe)]
    subprocess.run([*python, str(tmp_path / "through")], check=True)
    process = subprocess.Popen([*python, str(tmp_path / "killed"), "slowly"])
    deadline = time.monotonic() + 120
    while not (tmp_path / "killed" / "log.csv").exists() or len(table(tmp_path / "killed")) < 5:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = torch.load(tmp_path / "killed" / "state.pt", weights_only=True)["step"]
    assert 20 <= done < 40
    subprocess.run([*python, str(tmp_path / "killed"), "resume"], check=True)
    for name in ("last.safetensors", "best.safetensors"):
        assert equal(weights(tmp_path / "killed" / name), weights(tmp_path / "through" / name))
    columns = [
        [(row["step"], row["loss"], row["rate"]) for row in table(tmp_path / name)] for name in ("killed", "through")
    ]
    assert columns[0] == columns[1]


def test_two_processes_train_the_same_network_as_one(config: TrainConfig, tmp_path: Path) -> None:
    options = [
        *("--train-dir", config.train_dir, "--model", "dgpnet_tiny", "--scale", "2", "--iterations", "6"),
        *("--batch-size", "4", "--patch-size", "16", "--device", "cpu", "--warmup", "0"),
    ]
    launch = ["accelerate.commands.launch", "--cpu", "--num_processes=2", "--num_machines=1", "--mixed_precision=no"]
    for name, start in (("one", []), ("two", [*launch, "--dynamo_backend=no", "-m"])):
        command = [sys.executable, "-m", *start, "srblocks", "train", *options, "--output", str(tmp_path / name)]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    one, two = (weights(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    untrained = build(replace(config, arguments={})).state_dict()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-5, rtol=1e-4)
    assert not equal(one, untrained)


def test_a_run_is_never_overwritten_and_none_is_resumed_that_is_not_there(config: TrainConfig) -> None:
    with pytest.raises(sr.ArgumentError, match="holds no run to resume"):
        train(config, resume=True)
    train(config)
    before = (config.folder / "last.safetensors").read_bytes()
    with pytest.raises(sr.ArgumentError, match="holds a run already"):
        train(replace(config, seed=1))
    assert (config.folder / "last.safetensors").read_bytes() == before
    # More iterations than the run had.
    train(replace(config, iterations=15), resume=True)
    assert table(config.folder)[-1]["step"] == "15"


@pytest.mark.parametrize("damage", ["cut", "another"])
def test_a_damaged_state_or_that_of_another_network_is_named(config: TrainConfig, damage: str) -> None:
    train(config)
    state = config.folder / "state.pt"
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:5000])
    else:
        config = replace(config, arguments={"dim": 6, "num_blocks": 1})
    with pytest.raises(sr.CheckpointError, match=r"state.pt is damaged, or the state of another network"):
        train(replace(config, iterations=20), resume=True)


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_state(config: TrainConfig) -> None:
    train(config)
    good = (config.folder / "last.safetensors").read_bytes()
    with pytest.raises(sr.SRBlocksError, match="no longer finite at step 15"):
        train(replace(config, iterations=20, learning_rate=1e30, clip=0.0), resume=True)
    assert (config.folder / "last.safetensors").read_bytes() == good


def test_the_average_lags_behind_and_without_decay_is_the_network_itself(config: TrainConfig) -> None:
    finals = {}
    for ema in (0.0, 0.9):
        run = replace(config, ema=ema, output=f"{config.output}{ema}", learning_rate=0.01)
        train(run)
        state = torch.load(run.folder / "state.pt", weights_only=True)
        finals[ema] = state["net"]
        averaged = weights(run.folder / "last.safetensors")
        assert equal(averaged, state["net"]) == (ema == 0.0)
    assert equal(finals[0.0], finals[0.9])


def test_the_rate_follows_its_schedule() -> None:
    config = TrainConfig(learning_rate=1.0, min_learning_rate=0.1, warmup=4)
    cosine = [rate_at(config, step, 100) for step in range(100)]
    assert cosine[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.01)
    assert cosine[50] == pytest.approx(0.55)
    assert cosine[99] == pytest.approx(0.1, abs=1e-3)
    steps = replace(config, schedule="multistep", milestones=(0.5, 0.75), gamma=0.1, warmup=0)
    assert [rate_at(steps, step, 100) for step in (0, 49, 50, 74, 75)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert rate_at(replace(config, schedule="constant"), 99, 100) == 1


def test_a_network_starts_from_the_weights_of_another_scale(config: TrainConfig) -> None:
    source = train(config)
    net = build(replace(config, scale=4, init=str(source)))
    trained, fresh = weights(source), build(replace(config, scale=4)).state_dict()
    for name, tensor in net.state_dict().items():
        fits = trained[name].shape == tensor.shape
        assert torch.equal(tensor, trained[name] if fits else fresh[name]), name
        assert fits or name.startswith("up.")


def test_a_curriculum_goes_through_scales_and_patch_sizes_and_can_be_resumed(config: TrainConfig) -> None:
    stages: tuple[dict[str, Any], ...] = ({"scale": 2}, {"scale": 4, "patch_size": 32, "iterations": 5})
    both = replace(config, stages=stages)
    best = train(both)
    assert best == config.folder / "stage2" / "best.safetensors"
    assert sr.load(best).scale == 4
    second = weights(best)
    shutil.rmtree(config.folder / "stage2")
    assert equal(weights(train(both, resume=True)), second)


def test_the_fused_form_starts_as_the_same_function_and_is_plain_convolutions(config: TrainConfig) -> None:
    merged, plain = build(config), build(replace(config, form="fused"))
    assert not any(isinstance(module, DGConv) for module in plain.modules())
    x = torch.rand(1, 3, 9, 9)
    torch.testing.assert_close(plain(x), merged(x))
    assert sr.load(train(replace(config, form="fused"))).form == "fused"


def test_exchanged_convolutions_are_trained_and_saved_as_the_network_s_own(config: TrainConfig) -> None:
    config = replace(config, model="rlfn_s", arguments={"dim": 6, "num_blocks": 1, "esa_dim": 4}, dgconv=True)
    net = build(config)
    assert any(isinstance(module, DGConv) for module in net.modules())
    before = sr.fuse(net)
    assert isinstance(before, sr.SRModel)
    trained = sr.load(train(config))
    assert not any(isinstance(module, DGConv) for module in trained.modules())
    assert trained.state_dict().keys() == before.state_dict().keys()
    assert not equal(trained.state_dict(), before.state_dict())


class Luma(sr.SRModel):
    """A stranger's network, which is registered nowhere and takes luma only."""

    def __init__(self) -> None:
        super().__init__(2, in_channels=1)
        self.conv = torch.nn.Conv2d(1, 4, 3, padding=1)

    def upscale(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pixel_shuffle(self.conv(x), 2)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_anyone_s_network_can_be_trained(config: TrainConfig, precision: Any) -> None:
    net = Luma()
    best = train(replace(config, precision=precision), network=net)
    assert isinstance(sr.load(best, network=Luma), Luma)
    assert "forward" not in vars(net)
    assert float(table(config.folder)[-1]["psnr"]) > 0


def test_pictures_are_never_waited_for_long(config: TrainConfig) -> None:
    train(replace(config, iterations=20))
    assert all(0 <= float(row["waiting"]) < 1 for row in table(config.folder) if row["waiting"])


def test_losses_and_self_ensemble_are_chosen_by_name(config: TrainConfig) -> None:
    train(replace(config, loss={"l1": 1.0, "fft": 0.05, "contrastive": 0.1}, ensemble=True))
    with pytest.raises(sr.ArgumentError, match=r"loss must be of .*l1.*, not 'l3'"):
        train(replace(config, output=f"{config.output}2", loss="l3"))


def test_validation_pictures_are_degraded_as_those_that_are_trained_on(config: TrainConfig) -> None:
    run = replace(config, degradation="real_esrgan", val_dir=None)
    with pytest.raises(sr.ArgumentError, match=r"degradation must be one of bicubic, .*, not 'jpg'"):
        train(replace(run, degradation="jpg"))
    train(replace(run, val_dir=config.val_dir, sharpen=True))
    lr = find_pairs(config.folder / "validation", 1)
    assert len(lr) == 5
    clean = [pair.read(2)[0] for pair in find_pairs(config.train_dir, 2)]
    for pair, small in zip(lr, clean, strict=True):
        degraded = pair.read(1)[0]
        assert degraded.shape == small.shape
        assert (degraded != small).mean() > 0.5
