"""The published weights: every entry is what it says."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import srblocks as sr
from srblocks.hub import catalog
from srblocks.hub.catalog import BUNDLED, CATALOG
from srblocks.hub.inspection import inspect_weights

NAMES = [weights.name for weights in CATALOG]


@pytest.mark.parametrize("weights", CATALOG, ids=NAMES)
def test_entries_are_well_formed(weights: sr.Weights) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*_x[1-9](\.[a-z][a-z0-9]*)?", weights.name)
    assert weights.constructor in sr.list_models()
    assert re.fullmatch(r"[0-9a-f]{64}", weights.sha256)
    assert weights.trained_on
    assert weights.notes.endswith(".")
    # Nothing that can change: the file is here, or pinned to a commit.
    if not (BUNDLED / weights.source).is_file():
        assert re.search(r"^https://.*/[0-9a-f]{40}/|^hf-hub:.*@[0-9a-f]{40}$", weights.source)


def test_names_are_unique_and_bundled_files_are_the_listed_ones_with_their_cards() -> None:
    assert len(set(NAMES)) == len(NAMES)
    bundled = [weights.name for weights in CATALOG if "://" not in weights.source]
    expected = {f"{name}.{suffix}" for name in bundled for suffix in ("safetensors", "md")}
    assert {path.name for path in BUNDLED.iterdir()} == expected


@pytest.mark.parametrize("weights", [w for w in CATALOG if (BUNDLED / w.source).is_file()], ids=lambda w: str(w.name))
def test_bundled_weights_load_offline(weights: sr.Weights) -> None:
    net = sr.load(weights.name, local_files_only=True)
    untrained = sr.create_model(weights.constructor, scale=weights.scale)
    assert net.arguments == untrained.arguments
    assert net.scale == weights.scale
    assert not net.training
    card = (BUNDLED / f"{weights.name}.md").read_text(encoding="utf-8")
    for fact in (weights.name, weights.sha256, weights.licence, *map(str, weights.measured.values())):
        assert fact in card
    with safe_open(BUNDLED / weights.source, "pt") as file:
        assert json.loads(file.metadata()["srblocks"])["arguments"] == net.arguments


@pytest.mark.parametrize("weights", [w for w in CATALOG if "://" in w.source], ids=lambda w: str(w.name))
def test_official_files_are_the_listed_ones(weights: sr.Weights, data: Path) -> None:
    (path,) = (data / "checkpoints").glob(f"*/{weights.source.rpartition('/')[2]}")
    assert path.stat().st_size == weights.bytes
    found = inspect_weights(path)
    assert found.weights == weights
    assert found.arguments == sr.create_model(weights.constructor, scale=weights.scale).arguments


def entry(name: str) -> sr.Weights:
    return sr.Weights(name, "nothing", "0" * 64, 1, licence="MIT", trained_on="nothing", notes="")


def test_names_may_leave_out_what_is_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("rlfn_x4.first", "rlfn_x4.second", "rlfn_s_x4.old", "rlfn_s_x4", "rlfn_s_x2.new")
    monkeypatch.setattr(catalog, "CATALOG", tuple(map(entry, names)))
    for name, scale, expected in (
        ("rlfn_x4.second", None, "rlfn_x4.second"),
        ("rlfn_x4", None, "rlfn_x4.first"),
        ("rlfn", None, "rlfn_x4.first"),
        ("rlfn", 4, "rlfn_x4.first"),
        ("rlfn_s_x4", None, "rlfn_s_x4"),
        ("rlfn_s", 4, "rlfn_s_x4"),
        ("rlfn_s", 2, "rlfn_s_x2.new"),
    ):
        assert catalog.find_weights(name, scale).name == expected
    with pytest.raises(sr.ArgumentError, match=r"scale must be given for 'rlfn_s': one of 2, 4\."):
        catalog.find_weights("rlfn_s")
    with pytest.raises(sr.ArgumentError, match=r"scale must be 4 for 'rlfn_x4', not 3\."):
        catalog.find_weights("rlfn_x4", 3)
    assert [weights.name for weights in sr.list_weights("*_x2*")] == ["rlfn_s_x2.new"]
    assert sr.list_weights(licence="Apache-2.0") == []


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(
        sr.UnknownModelError, match=r"There are no published weights 'rlfn_z_x4'.* there is .*rlfn_s_x4"
    ):
        sr.load("rlfn_z_x4")
    with pytest.raises(sr.UnknownModelError, match=r"dgpnet_tiny_x4, rlfn_x4\.bytedance"):
        sr.load("?")


def test_create_model_gives_trained_networks() -> None:
    x = torch.rand(1, 3, 9, 8)
    trained = sr.create_model("dgpnet_tiny", scale=4, pretrained=True)
    fused = sr.create_model("dgpnet_tiny", pretrained=True, fused=True)
    with pytest.raises(sr.UnknownModelError, match=r"no published weights 'dgpnet_tiny_x4\.mine'"):
        sr.create_model("dgpnet_tiny", pretrained="mine")
    with torch.no_grad():
        assert torch.equal(trained(x), sr.load("dgpnet_tiny_x4")(x))
        torch.testing.assert_close(fused(x), trained(x), atol=1e-5, rtol=0)
    assert fused.form == "fused"
    assert not trained.training
    assert sr.create_model("dgpnet_tiny").training
    for name, scale, tag in (("dgpnet_tiny", 2, True), ("dgpnet_tiny", 4, "best"), ("dgpnet_huge", 4, True)):
        with pytest.raises(sr.UnknownModelError, match="dgpnet_tiny"):
            sr.create_model(name, scale=scale, pretrained=tag)


def test_the_entry_points_of_torch_hub() -> None:
    root = str(Path(__file__).parents[2])
    trained = torch.hub.load(root, "dgpnet_tiny", source="local", pretrained=True)  # type: ignore[no-untyped-call]
    assert isinstance(trained, sr.models.DGPNet)
    untrained = torch.hub.load(root, "rlfn_s", source="local", scale=2)  # type: ignore[no-untyped-call]
    assert (untrained.scale, untrained.arguments["dim"]) == (2, 48)
