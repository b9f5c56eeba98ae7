"""``srblocks models``, ``srblocks info`` and ``srblocks download``."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import srblocks as sr
from srblocks.cli import download, info, models
from tests.helpers import golden


def test_models_are_a_table_with_their_weights() -> None:
    run = CliRunner().invoke(models.command, [])
    assert run.exit_code == 0, run.output
    header, *lines = run.output.splitlines()
    assert header.split() == ["name", "scales", "parameters", "MACs", "weights", "licence"]
    assert [line.split()[0] for line in lines] == sr.list_models()
    assert lines[0].split() == [
        "dgpnet_tiny",
        "×2",
        "×3",
        "×4",
        "96,260",
        "5.5",
        "G",
        "dgpnet_tiny_x4",
        "Apache-2.0",
    ]


def test_models_can_be_chosen_and_printed_for_programs() -> None:
    run = CliRunner().invoke(models.command, ["rlfn_?", "--json"])
    (row,) = json.loads(run.output)
    assert (row["name"], row["scales"], row["parameters"]) == ("rlfn_s", [2, 3, 4], 470_208)
    # Nearly every weight is used once for each of 320×180 pixels; those of the attention's coarse map are not.
    assert 0.9 < row["macs"] / (470_208 * 320 * 180) < 1
    assert row["weights"] == ["rlfn_s_x4.bytedance"]
    run = CliRunner().invoke(models.command, ["nothing"])
    assert (run.exit_code, "There is no model 'nothing'" in run.output) == (2, True)


def test_info_says_what_was_seen_and_what_was_assumed(tmp_path: Path) -> None:
    torch.save(golden("elan/x4_light_like").state, tmp_path / "x.pth")
    run = CliRunner().invoke(info.command, [str(tmp_path / "x.pth")])
    assert run.exit_code == 0, run.output
    lines = [line.split() for line in run.output.splitlines()]
    assert ["family", "elan"] in lines
    assert ["naming", "xindongzhang"] in lines
    assert ["sha256", hashlib.sha256((tmp_path / "x.pth").read_bytes()).hexdigest()] in lines
    assert {line[-1] for line in lines[lines.index(["form", "training"]) + 2 :]} == {"seen", "default"}


def test_info_knows_published_files_and_prints_for_programs() -> None:
    run = CliRunner().invoke(info.command, ["dgpnet_tiny", "--json"])
    found = json.loads(run.output)
    assert (found["published_as"], found["licence"], found["naming"]) == (
        "dgpnet_tiny_x4",
        "Apache-2.0",
        "srblocks",
    )
    assert found["arguments"]["dim"] == {"value": 24, "origin": "seen"}
    assert found["arguments"]["att"] == {"value": "ca", "origin": "header"}


class Mine(sr.SRModel):
    """A stranger's network."""

    def __init__(self, scale: int, *, labels: tuple[str, ...] = ("a",)) -> None:
        super().__init__(scale)
        self.tail = sr.layers.PixelShuffleUpsampler(3, scale)


def test_info_describes_a_stranger_s_network_from_its_header(tmp_path: Path) -> None:
    sr.save(Mine(2), tmp_path / "x.safetensors")
    run = CliRunner().invoke(info.command, [str(tmp_path / "x.safetensors")])
    lines = [line.split() for line in run.output.splitlines()]
    assert ["network", "Mine"] in lines
    assert ["arguments", "labels", "['a']", "header"] in lines
    assert ["scale", "2", "header"] in lines
    assert not [line for line in lines if line[0] == "family"]


def test_download_prints_where_the_files_are() -> None:
    run = CliRunner().invoke(download.command, ["dgpnet_tiny", "dgpnet_tiny_x4"])
    first, second = run.output.splitlines()
    assert first == second
    assert Path(first).is_file()


@pytest.mark.parametrize("command", [info.command, download.command])
def test_errors_are_ours(command: object) -> None:
    run = CliRunner().invoke(command, ["nothing_x4"])  # type: ignore[arg-type]
    assert isinstance(run.exception, sr.UnknownModelError)
