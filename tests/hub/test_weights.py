"""``sr.load`` and ``sr.save``: what goes out comes back, and a bad file gets one clear sentence."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
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

    monkeypatch.setattr("safetensors.torch.save", interrupted)
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
    with pytest.raises(sr.CheckpointError, match=r"The arguments for Mine do not fit its constructor: .*esa_dim"):
        sr.load(tmp_path / "x.safetensors", network=Mine)
    sr.save(Mine(2), tmp_path / "mine.pth")
    with pytest.raises(
        sr.CheckpointError, match=r"does not fit Mine: of another shape are body.bias \(4 instead of 5\)"
    ):
        sr.load(tmp_path / "mine.pth", network=Mine, arguments={"dim": 5})


class LeakyRLFN(sr.models.RLFN):
    """A subclass with tensors of the same shapes and another function."""

    def upscale(self, x: Tensor) -> Tensor:
        return super().upscale(x) * 0.5


def test_a_subclass_is_not_mistaken_for_its_family(tmp_path: Path) -> None:
    net = LeakyRLFN(2, dim=6, num_blocks=1, esa_dim=3).eval()
    sr.save(net, tmp_path / "x.safetensors")
    with pytest.raises(sr.CheckpointError, match="is of LeakyRLFN, which belongs to no family"):
        sr.load(tmp_path / "x.safetensors")
    x = torch.rand(1, 3, 15, 15)
    assert torch.equal(sr.load(tmp_path / "x.safetensors", network=LeakyRLFN)(x), net(x))


class Careless(sr.SRModel):
    """A network that does what strangers do: computes while it is built, ties, keeps tensors of its own."""

    def __init__(self, widths: list[int], **options: float) -> None:
        super().__init__(2)
        self.rates = [float(rate) for rate in torch.linspace(0, 0.1, 3)]
        self.module = torch.nn.Conv2d(3, widths[0], 1)
        self.twin = torch.nn.Conv2d(3, widths[0], 1)
        self.twin.weight = self.module.weight
        self.tail = sr.layers.PixelShuffleUpsampler(widths[0], 2)
        self.std = torch.tensor(options.get("std", 1.0))
        self.register_buffer("mean", torch.tensor(0.5), persistent=False)
        widths.append(99)

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.module(x) + self.twin(x) * self.std)
        return y + self.get_buffer("mean")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_careless_stranger_s_network_comes_back(suffix: str, tmp_path: Path) -> None:
    net = Careless([4, 5], std=2.0).eval()
    assert net.arguments == {"widths": [4, 5], "std": 2.0}
    sr.save(net, tmp_path / f"x{suffix}")
    again = sr.load(tmp_path / f"x{suffix}", network=Careless)
    assert isinstance(again, Careless)
    assert again.twin.weight is again.module.weight
    x = torch.rand(1, 3, 4, 5)
    assert torch.equal(again(x), net(x))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (lambda s: {k: t.to(torch.int8) for k, t in s.items()}, "is torch.int8 with values that no torch.float32"),
        (lambda s: {k: t.to(torch.complex64) for k, t in s.items()}, "no plain tensor of real numbers"),
        (lambda s: {k: t.to_sparse() for k, t in s.items()}, "no plain tensor of real numbers"),
        (lambda s: s | {"head.weight": torch.zeros(6, 0, 3, 3)}, "of no known network"),
        (lambda s: {"srblocks": "{}", "params": s}, "header of srblocks that is damaged"),
        (lambda s: {}, "holds no tensors"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch's, about sparse tensors
def test_tensors_that_are_no_weights_are_refused(
    state: Callable[[dict[str, Tensor]], object], message: str, tmp_path: Path
) -> None:
    torch.save(state(rlfn().state_dict()), tmp_path / "x.pth")
    with pytest.raises(sr.CheckpointError, match=message):
        sr.load(tmp_path / "x.pth")


def test_a_tap_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    net = sr.models.DGPNet(2, dim=4, num_blocks=1)
    state = net.state_dict()
    for value, message in ((9, "must be taps from 0 to 8"), (300, "is torch.int64 with values that no torch.uint8")):
        state["head.idg.location"] = torch.full((4, 3), value)
        torch.save(state, tmp_path / "x.pth")
        with pytest.raises(sr.CheckpointError, match=message):
            sr.load(tmp_path / "x.pth")


def test_arguments_that_make_the_same_shapes_are_believed(tmp_path: Path) -> None:
    torch.save(sr.models.RDBN(2, dim=20, num_blocks=1).state_dict(), tmp_path / "x.pth")
    assert sr.load(tmp_path / "x.pth", arguments={"dim": 20, "reduction": 16}).arguments["reduction"] == 16
    sr.save(sr.models.RDBN(2, dim=20, num_blocks=1), tmp_path / "x.safetensors")
    assert sr.load(tmp_path / "x.safetensors").arguments["reduction"] == 16


@pytest.mark.parametrize("arguments", [{"window_sizes": 4}, {"m_elan": "2", "n_share": 1}, {"n_share": -1}])
def test_arguments_of_a_wrong_kind_are_refused(arguments: dict[str, object], tmp_path: Path) -> None:
    torch.save(golden("elan/x4_light_like").state, tmp_path / "x.pth")
    with pytest.raises(sr.SRBlocksError, match="arguments"):
        sr.load(tmp_path / "x.pth", arguments=arguments)


def test_damaged_bytes_never_get_past_the_reader(tmp_path: Path) -> None:
    random = Random(0)
    for suffix in (".safetensors", ".pth"):
        sr.save(rlfn(), tmp_path / f"good{suffix}")
        good = (tmp_path / f"good{suffix}").read_bytes()
        for _ in range(60):
            bad = bytearray(good)
            for _ in range(random.choice((1, 8, 200))):
                # Most damage in the structure at both ends, where the parsers look.
                place = random.choice((random.randrange(300), -random.randrange(1, 300), random.randrange(len(bad))))
                bad[place] = random.randrange(256)
            (tmp_path / "bad").write_bytes(bad)
            with suppress(sr.SRBlocksError):
                sr.load(tmp_path / "bad")


def test_a_saved_file_is_readable_by_others_and_always_the_same(tmp_path: Path) -> None:
    net = rlfn()
    (tmp_path / "real.pth").write_bytes(b"old")
    (tmp_path / "link.pth").symlink_to(tmp_path / "real.pth")
    sr.save(net, tmp_path / "link.pth")
    sr.save(net, tmp_path / "again.pth")
    assert (tmp_path / "link.pth").is_symlink()
    assert (tmp_path / "real.pth").read_bytes() == (tmp_path / "again.pth").read_bytes()
    sr.save(net, tmp_path / "x.safetensors")
    (tmp_path / "plain").touch()
    assert (tmp_path / "x.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_reference_file_loads_for_a_class_too(tmp_path: Path) -> None:
    torch.save(golden("rlfn/rlfn_x4").state, tmp_path / "x.pth")
    assert isinstance(sr.load(tmp_path / "x.pth", network=sr.models.RLFN), sr.models.RLFN)
    with pytest.raises(sr.CheckpointError, match="of no known network"):
        sr.load(tmp_path / "x.pth", network=sr.models.RDBN)


def test_two_names_for_one_tensor_are_foreign(tmp_path: Path) -> None:
    state = golden("rlfn/rlfn_x4").state
    twice = state | {key.replace("block_1.", "block_01."): tensor * 0 for key, tensor in state.items()}
    torch.save(twice, tmp_path / "x.pth")
    with pytest.raises(sr.CheckpointError, match="left over are 'block_01"):
        sr.load(tmp_path / "x.pth")
    with pytest.raises(sr.ArgumentError, match="one-to-one"):
        sr.Layout("mine", rename={"a": "up", "b": "up"})


def test_tensors_of_another_shape_are_told_as_the_file_has_them(tmp_path: Path) -> None:
    state = golden("bsrn_s/bsrn_s_x4").state
    del state["B2.c5.bias"]
    torch.save(state | {"B1.c1_d.weight": torch.zeros(7, 16)}, tmp_path / "x.pth")
    message = r"bsrn_s as xiaom233 saves it: missing are 'B2.c5.bias', .*B1.c1_d.weight \(7×16 instead of 8×16\)\."
    with pytest.raises(sr.CheckpointError, match=message):
        sr.load(tmp_path / "x.pth")


def test_arguments_of_which_only_one_value_is_known_are_checked(tmp_path: Path) -> None:
    torch.save(golden("bsrn_s/bsrn_s_x4").state, tmp_path / "x.pth")
    sr.load(tmp_path / "x.pth", arguments={"conv": "BSConvU", "p": 0.5})
    with pytest.raises(sr.ArgumentError, match="conv must be 'BSConvU', not 'BSConvS'"):
        sr.load(tmp_path / "x.pth", arguments={"conv": "BSConvS"})
    with pytest.raises(sr.ArgumentError, match=r"arguments has no 'convs'; .* p, conv, upsampler\."):
        sr.load(tmp_path / "x.pth", arguments={"convs": "BSConvU"})


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    header = json.dumps({"format_version": 99, "family": None, "network": "X", "arguments": {}, "form": "training"})
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", {"srblocks": header})
    with pytest.raises(sr.CheckpointError, match="newer srblocks"):
        sr.load(tmp_path / "x.safetensors")
    save_file(load_file(tmp_path / "x.safetensors"), tmp_path / "x.safetensors", {"srblocks": "{}"})
    with pytest.raises(sr.CheckpointError, match="damaged"):
        sr.load(tmp_path / "x.safetensors")
