"""``sr.load`` and ``sr.save``: what goes out comes back, and a bad file gets one clear sentence."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

import srblocks as sr
from tests.helpers import add_noise, golden


class Mine(sr.SRModel):
    """A stranger's network, registered nowhere."""

    def __init__(self, scale: int, *, dim: int = 4, labels: tuple[str, ...] = ("a",)) -> None:
        super().__init__(scale)
        self.body = sr.layers.DGConv(3, dim)
        self.tail = sr.layers.PixelShuffleUpsampler(dim, scale)

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.body(x).relu())
        return y


def rlfn() -> sr.SRModel:
    net = sr.models.RLFN(2, dim=6, num_blocks=1, esa_dim=3).eval()
    add_noise(net)
    return net


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("fused", [False, True])
def test_a_stranger_s_network_comes_back(suffix: str, fused: bool, tmp_path: Path) -> None:
    net = Mine(3, dim=6, labels=("x", "y")).eval()
    net = net.fuse() if fused else net
    sr.save(net, tmp_path / f"mine{suffix}")
    again = sr.load(tmp_path / f"mine{suffix}", network=Mine)
    assert isinstance(again, Mine)
    assert again.arguments == {"scale": 3, "dim": 6, "labels": ("x", "y")}
    assert again.form == net.form
    x = torch.rand(1, 3, 5, 7)
    assert torch.equal(again(x), net(x))
    assert not again.training


def test_the_header_names_the_network(tmp_path: Path) -> None:
    sr.save(sr.create_model("rlfn_s", scale=3).fuse(), tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        header = json.loads(file.metadata()["srblocks"])
    assert (header["family"], header["network"], header["form"]) == ("rlfn", "RLFN", "fused")
    assert header["arguments"]["dim"] == 48


@pytest.mark.parametrize("wrap", [lambda s: {"params": s, "iter": 3}, lambda s: {"state_dict": {"params_ema": s}}])
def test_wrapped_and_prefixed_checkpoints_are_unwrapped(wrap: Callable[[Any], Any], tmp_path: Path) -> None:
    case = golden("rlfn/rlfn_x4")
    torch.save(wrap({f"module.{key}": tensor for key, tensor in case.state.items()}), tmp_path / "x.pth")
    assert isinstance(sr.load(tmp_path / "x.pth"), sr.models.RLFN)


def test_the_average_is_preferred_to_the_last_step(tmp_path: Path) -> None:
    state = golden("rlfn/rlfn_x4").state
    average = {key: torch.zeros_like(tensor) for key, tensor in state.items()}
    torch.save({"params": state, "params_ema": average}, tmp_path / "x.pth")
    assert all(not parameter.any() for parameter in sr.load(tmp_path / "x.pth").parameters())


def test_half_precision_files_give_float32_networks(tmp_path: Path) -> None:
    sr.save(rlfn().half(), tmp_path / "x.safetensors")
    assert next(sr.load(tmp_path / "x.safetensors").parameters()).dtype == torch.float32
    assert next(sr.load(tmp_path / "x.safetensors", dtype=torch.bfloat16).parameters()).dtype == torch.bfloat16


def test_a_loaded_network_can_be_trained(tmp_path: Path) -> None:
    sr.save(sr.create_model("dgpnet_tiny", scale=2), tmp_path / "x.safetensors")
    net = sr.load(tmp_path / "x.safetensors").train()
    net(torch.rand(1, 3, 4, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_layout_writes_what_the_authors_code_reads(tmp_path: Path) -> None:
    case = golden("elan/x4_light_like")
    save_file(case.state, tmp_path / "theirs.safetensors")
    net = sr.load(tmp_path / "theirs.safetensors", arguments=case.kwargs)
    sr.save(net, tmp_path / "ours.pth", layout="xindongzhang")
    state = torch.load(tmp_path / "ours.pth", weights_only=True)
    assert state.keys() == case.state.keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in case.state.items())


def test_a_fused_network_has_no_name_in_a_training_layout(tmp_path: Path) -> None:
    net = sr.create_model("elan_light").eval().fuse()
    with pytest.raises(sr.CheckpointError, match="holds the training form"):
        sr.save(net, tmp_path / "x.pth", layout="xindongzhang")
    assert list(tmp_path.iterdir()) == []


def test_a_changed_constant_is_noticed(tmp_path: Path) -> None:
    case = golden("elan/x4_light_like")
    case.state["sub_mean.bias"][0] += 1
    save_file({**case.state, "sub_mean.bias": case.state["sub_mean.bias"] + 1}, tmp_path / "x.safetensors")
    with pytest.raises(sr.CheckpointError, match=r"sub_mean\.bias .* is not the constant"):
        sr.load(tmp_path / "x.safetensors")


def test_arguments_that_contradict_the_tensors_are_refused(tmp_path: Path) -> None:
    sr.save(rlfn(), tmp_path / "x.safetensors")
    with pytest.raises(sr.CheckpointError, match=r"arguments say dim = 52, but the tensors of .* show 6"):
        sr.load(tmp_path / "x.safetensors", arguments={"feature_channels": 52})
    with pytest.raises(sr.ArgumentError, match="no 'features'; the reference's own are in_channels"):
        sr.load(tmp_path / "x.safetensors", arguments={"features": 6})


def test_a_network_whose_parts_were_exchanged_is_not_saved(tmp_path: Path) -> None:
    net, _ = sr.replace_convs(rlfn(), sr.layers.DGConv)
    with pytest.raises(sr.CheckpointError, match="not the one that its arguments make"):
        sr.save(net, tmp_path / "x.safetensors")
    sr.save(net.fuse(), tmp_path / "x.safetensors")


def test_other_things_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(sr.ArgumentError, match="net must be an SRModel"):
        sr.save(torch.nn.ReLU(), tmp_path / "x.safetensors")  # type: ignore[arg-type]
    with pytest.raises(sr.ArgumentError, match="path must end in"):
        sr.save(rlfn(), tmp_path / "x.txt")
    with pytest.raises(sr.ArgumentError, match=r"layout must be one that rlfn has \('bytedance', 'ntire'\), not 'xy'"):
        sr.save(rlfn(), tmp_path / "x.pth", layout="xy")
    with pytest.raises(sr.CheckpointError, match="cannot be written down"):
        sr.save(Mine(2, labels=(object(),)), tmp_path / "x.safetensors")  # type: ignore[arg-type]
    with pytest.raises(sr.CheckpointError, match="Cannot write"):
        sr.save(rlfn(), tmp_path / "no folder" / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    sr.save(rlfn(), path)
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srblocks.hub.checkpoints.save_file", interrupted)
    with pytest.raises(sr.CheckpointError, match="No space left"):
        sr.save(rlfn(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["EVIL"],)


def write_text(path: Path) -> None:
    path.write_text("<html>404: Not Found</html>")


def write_truncated_safetensors(path: Path) -> None:
    sr.save(rlfn(), path.with_suffix(".safetensors"))
    path.write_bytes(path.with_suffix(".safetensors").read_bytes()[:-100])


def write_truncated_zip(path: Path) -> None:
    torch.save(rlfn().state_dict(), path)
    path.write_bytes(path.read_bytes()[:-2000])


def write_evil(path: Path) -> None:
    torch.save({"params": Evil()}, path)


def write_evil_plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Evil()))


def write_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))


def write_whole_module(path: Path) -> None:
    torch.save(torch.nn.Conv2d(2, 2, 1), path)


def write_a_list(path: Path) -> None:
    torch.save([1, 2], path)


def write_numbers(path: Path) -> None:
    torch.save({"epoch": 3, "psnr": 31.0}, path)


def write_another_network(path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(3, 3), "classifier.bias": torch.zeros(5)}, path)


def write_missing_and_extra(path: Path) -> None:
    state = rlfn().state_dict()
    del state["smooth.bias"]
    torch.save(state | {"extra.weight": torch.zeros(1)}, path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_text, "neither a safetensors file nor a PyTorch checkpoint"),
        (write_truncated_safetensors, "damaged or incomplete safetensors"),
        (write_truncated_zip, "damaged or incomplete PyTorch checkpoint"),
        (write_evil, "could run code"),
        (write_evil_plain_pickle, "could run code"),
        (write_bomb, "would unpack to 50,000,000 bytes"),
        (write_whole_module, "could run code"),
        (write_a_list, "no state dict: it holds a list"),
        (write_numbers, "no state dict: it holds 'epoch', 'psnr'"),
        (write_another_network, "of no known network: it holds 'classifier.bias', 'features.0.weight'"),
        (write_missing_and_extra, "Nearest comes rlfn: missing are 'smooth.bias', left over are 'extra.weight'"),
    ],
)
def test_a_bad_file_gets_one_sentence_and_runs_nothing(
    write: Callable[[Path], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIL", str(tmp_path / "executed"))
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(sr.CheckpointError, match=message) as error:
        sr.load(path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "executed").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(sr.CheckpointError, match=r"Cannot read .*nothing\.pth: No such file"):
        sr.load(tmp_path / "nothing.pth")
    with pytest.raises(sr.CheckpointError, match="Is a directory"):
        sr.load(tmp_path)


def test_a_file_of_another_network_does_not_fit_a_stranger(tmp_path: Path) -> None:
    sr.save(rlfn(), tmp_path / "x.safetensors")
    with pytest.raises(sr.ArgumentError, match="arguments do not fit Mine"):
        sr.load(tmp_path / "x.safetensors", network=Mine)
    sr.save(Mine(2), tmp_path / "mine.pth")
    with pytest.raises(sr.CheckpointError, match="does not fit Mine: the shapes differ"):
        sr.load(tmp_path / "mine.pth", network=Mine, arguments={"dim": 5})


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    header = json.dumps({"format_version": 99, "family": None, "network": "X", "arguments": {}, "form": "training"})
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", {"srblocks": header})
    with pytest.raises(sr.CheckpointError, match="newer srblocks"):
        sr.load(tmp_path / "x.safetensors")
    save_file(load_file(tmp_path / "x.safetensors"), tmp_path / "x.safetensors", {"srblocks": "{}"})
    with pytest.raises(sr.CheckpointError, match="damaged"):
        sr.load(tmp_path / "x.safetensors")
