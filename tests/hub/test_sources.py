"""Where weights come from, with the real client of the hub against a server on loopback."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

import srblocks as sr
from srblocks.hub import catalog
from tests.hub.server import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PyTorch's cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def net() -> sr.SRModel:
    return sr.models.RDBN(2, dim=20, num_blocks=1, reduction=16).eval()


@pytest.fixture(scope="module")
def weights(net: sr.SRModel, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "x.safetensors"
    sr.save(net, path)
    return path.read_bytes()


def entry(source: str, content: bytes, **changes: object) -> sr.Weights:
    digest = hashlib.sha256(content).hexdigest()
    listed = sr.Weights("rdbn_x2.test", source, digest, len(content), "MIT", trained_on="nothing", notes="")
    return replace(listed, **changes)  # type: ignore[arg-type]


# --- the hub: the client reads its environment once, so every test has processes of its own ---

LOAD = """
import sys, srblocks as sr
from srblocks.errors import SRBlocksError
for source in sys.argv[1:]:
    try:
        net = sr.load(source)
        print("loaded", net.arguments["reduction"], float(sum(p.detach().double().sum() for p in net.parameters())))
    except SRBlocksError as error:
        print(type(error).__name__, error)
"""


class Home:
    """Processes with an endpoint and a cache of their own."""

    def __init__(self, server: Server, folder: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        self.folder = folder
        self.environment = inherited | {
            "HF_ENDPOINT": server.url,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "TORCH_HOME": str(folder / "torch"),
            "OMP_NUM_THREADS": "1",
        }

    def start(self, script: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.Popen(
            command,
            env=self.environment | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *arguments: str, **environment: str) -> list[str]:
        return finish(self.start(script, *arguments, **environment))

    def files(self) -> list[str]:
        """What is in the caches, but for the locks and notes of the hub's client."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return sorted(
            path.name for path in paths if not {".locks", ".no_exist", "refs", "CACHEDIR.TAG"} & set(path.parts)
        )


def finish(process: "subprocess.Popen[str]") -> list[str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.splitlines()


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Home:
    return Home(server, tmp_path)


def loaded(net: sr.SRModel) -> str:
    return f"loaded {net.arguments['reduction']} {float(sum(p.detach().double().sum() for p in net.parameters()))}"


def test_a_repository_is_downloaded_once(server: Server, home: Home, net: sr.SRModel, weights: bytes) -> None:
    revision = server.commit("me/net", {"model.safetensors": weights, "config.json": b"{}"})
    source = f"hf-hub:me/net@{revision}"
    assert home.run(LOAD, source) == [loaded(net)]
    assert server.requests == [
        f"{method} /me/net/resolve/{revision}/{name}"
        for name in ("config.json", "model.safetensors")
        for method in ("HEAD", "GET")
    ]
    server.requests.clear()
    assert home.run(LOAD, source) == [loaded(net)]
    assert server.requests == []
    lines = home.run(LOAD, source, "hf-hub:me/other@main", f"{server.url}/x.pth", HF_HUB_OFFLINE="1")
    assert lines[0] == loaded(net)
    assert (
        "Cannot get model.safetensors of hf-hub:me/other@main: it is not in the cache of the hub's client" in lines[1]
    )
    assert f"Cannot get {server.url}/x.pth: it is not in {home.folder}" in lines[2]
    assert server.requests == []


def test_a_branch_follows_the_repository(server: Server, home: Home, net: sr.SRModel, weights: bytes) -> None:
    server.commit("me/net", {"model.safetensors": weights})
    assert home.run(LOAD, "hf-hub:me/net@main", "hf-hub:me/net") == [loaded(net)] * 2
    server.commit("me/net", {"model.safetensors": b"something else"})
    assert "neither a safetensors file nor" in home.run(LOAD, "hf-hub:me/net")[0]


def test_what_a_hub_does_not_have_is_said(server: Server, home: Home, weights: bytes) -> None:
    revision = server.commit("me/empty", {"config.json": b"{}"})
    sources = (
        "hf-hub:me/none@main",
        f"hf-hub:me/empty@{'0' * 40}",
        f"hf-hub:me/empty@{revision}",
        "hf-hub:a/b/c@main",
        "hf-hub:../..@main",
        "hf-hub:me/net@../../up",
        "hf-hub:me/net@",
    )
    for line, message in zip(
        home.run(LOAD, *sources),
        (
            "of hf-hub:me/none@main: there is no such repository",
            "the repository has no such revision",
            "the repository has no such file",
            "CheckpointError Cannot get model.safetensors of hf-hub:a/b/c@main: Repo id must",
            "CheckpointError Cannot get model.safetensors of hf-hub:../..@main: Repo id must",
            "ArgumentError source must be hf-hub:repo@revision, not 'hf-hub:me/net@../../up'.",
            "ArgumentError source must be hf-hub:repo@revision",
        ),
        strict=True,
    ):
        assert message in line
    assert home.files() == [hashlib.sha1(b"{}").hexdigest(), "config.json"]


def test_the_config_stands_in_for_a_header(server: Server, home: Home, net: sr.SRModel) -> None:
    said = {"library_name": "srblocks", "format_version": 1, "family": "rdbn", "network": "RDBN", "form": "training"}
    bare = safetensors.torch.save(net.state_dict())
    sources = [
        f"hf-hub:me/{name}@" + server.commit(f"me/{name}", {"model.safetensors": bare, "config.json": config})
        for name, config in (
            ("ours", json.dumps(said | {"arguments": net.arguments}).encode()),
            ("theirs", b'{"model_type": "bert"}'),
            ("damaged", b'{"library_name": "srblocks"}'),
            ("text", b"<html>"),
        )
    ]
    ours, theirs, damaged, text = home.run(LOAD, *sources)
    assert ours == loaded(net)
    assert theirs != loaded(net)
    assert "header of srblocks that is damaged" in damaged
    assert "config.json is no JSON" in text


def test_a_cut_connection_leaves_nothing_and_the_next_time_works(
    server: Server, home: Home, net: sr.SRModel, weights: bytes
) -> None:
    revision = server.commit("me/net", {"model.safetensors": weights})
    path = f"/me/net/resolve/{revision}/model.safetensors"
    server.cut[path] = 1
    server.broken.add(path)
    assert "Cannot get model.safetensors of" in home.run(LOAD, f"hf-hub:me/net@{revision}")[0]
    assert "model.safetensors" not in home.files()
    server.broken.clear()
    assert home.run(LOAD, f"hf-hub:me/net@{revision}") == [loaded(net)]


def test_two_processes_at_once(server: Server, home: Home, net: sr.SRModel, weights: bytes) -> None:
    revision = server.commit("me/net", {"model.safetensors": weights})
    server.pages["/x.safetensors"] = (200, {}, weights)
    server.together["/x.safetensors"] = threading.Barrier(2)
    sources = (f"{server.url}/x.safetensors", f"hf-hub:me/net@{revision}")
    pair = [home.start(LOAD, *sources) for _ in range(2)]
    assert [finish(process) for process in pair] == [[loaded(net)] * 2] * 2
    assert not [name for name in home.files() if name.endswith((".part", ".incomplete"))]


PINNED = """
import sys, json, srblocks as sr
from srblocks.hub import catalog
catalog.CATALOG = (sr.Weights(**json.loads(sys.argv[1])),)
try:
    print(type(sr.load("rdbn", scale=2)).__name__)
except sr.SRBlocksError as error:
    print(error)
"""


def test_the_catalog_s_sha256_holds_for_the_hub(server: Server, home: Home, weights: bytes) -> None:
    revision = server.commit("me/net", {"model.safetensors": weights})
    right = entry(f"hf-hub:me/net@{revision}", weights)
    wrong = replace(right, sha256="0" * 64)
    assert home.run(PINNED, json.dumps(vars(right))) == ["RDBN"]
    (line,) = home.run(PINNED, json.dumps(vars(wrong)))
    assert line.endswith(f"has the sha256 {right.sha256} instead of {'0' * 64}: delete it and load again.")


PUSH = """
import sys, torch, srblocks as sr
class Mine(sr.SRModel):
    def __init__(self, scale: int, *, dim: int = 4) -> None:
        super().__init__(scale)
        self.tail = sr.layers.PixelShuffleUpsampler(3, scale)
    def upscale(self, x):
        return self.tail(x)
net = sr.load(sys.argv[1]).fuse()
print(source := sr.push_to_hub(net, "net", licence="apache-2.0", token="hf_x"))
again = sr.load(source)
x = torch.rand(1, 3, 9, 9)
print(again.form, torch.equal(again(x), net(x)))
print(sr.push_to_hub(net, "me/net", token="hf_x", commit_message="Again", licence="mit"))
sr.push_to_hub(net, "me/net", token="hf_x", card="Mine.")
source = sr.push_to_hub(Mine(2), "group/mine", private=True, token="hf_x")
print(type(sr.load(source, network=Mine)).__name__)
for bad, repo in ((torch.nn.ReLU(), "x"), (net, "a/b/c")):
    try:
        sr.push_to_hub(bad, repo, token="hf_x")
    except sr.SRBlocksError as error:
        print(type(error).__name__, error)
"""


def test_what_is_pushed_comes_back(server: Server, home: Home, net: sr.SRModel, tmp_path: Path) -> None:
    sr.save(net, tmp_path / "x.safetensors")
    source, same, again, mine, *errors = home.run(PUSH, "x.safetensors")
    first = server.commits["me/net", source.partition("@")[2]]
    assert source.startswith("hf-hub:me/net@")
    assert len(source) == len("hf-hub:me/net@") + 40
    assert same == "fused True"
    config = json.loads(first["config.json"])
    assert (config["library_name"], config["srblocks_version"]) == ("srblocks", sr.__version__)
    assert (config["family"], config["network"], config["form"], config["scale"]) == ("rdbn", "RDBN", "fused", 2)
    assert config["arguments"] == net.arguments
    card = first["README.md"].decode()
    for line in (
        "library_name: srblocks",
        "pipeline_tag: image-to-image",
        'license: "apache-2.0"',
        'tags: ["super-resolution", "rdbn", "x2"]',
        'net = sr.load("hf-hub:me/net@REVISION")  # the commit to pin',
    ):
        assert line in card.splitlines()
    # A card that is there may have been written by hand.
    assert server.commits["me/net", again.partition("@")[2]]["README.md"] == first["README.md"]
    assert server.commits["me/net", "main"]["README.md"] == b"Mine."
    assert mine == "Mine"
    assert b", network=Mine)" in server.commits["group/mine", "main"]["README.md"]
    assert "ArgumentError net must be an SRModel" in errors[0]
    assert "CheckpointError Cannot push to a/b/c: Repo id must" in errors[1]


# --- URLs ---


def test_a_url_is_fetched_once(server: Server, cache: Path, weights: bytes) -> None:
    server.pages["/some%20where/net.safetensors?v=1"] = (200, {}, weights)
    for _ in range(2):
        sr.load(f"{server.url}/some%20where/net.safetensors?v=1#part")
    assert server.requests == ["GET /some%20where/net.safetensors?v=1"]
    (path,) = cache.iterdir()
    assert path.name.endswith("-net.safetensors")


def test_urls_with_the_same_last_part_are_two_files(server: Server, cache: Path, weights: bytes) -> None:
    server.pages["/a/model.pth"] = server.pages["/b/model.pth"] = (200, {}, weights)
    sr.load(f"{server.url}/a/model.pth")
    sr.load(f"{server.url}/b/model.pth")
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("path", ["/..", "/a/%2e%2e%2f%2e%2e%2fup.pth", "/..%5c..%5cup.pth", "/", "/%00.pth"])
def test_no_name_leads_out_of_the_cache(path: str, server: Server, cache: Path, tmp_path: Path, weights: bytes) -> None:
    server.pages[path] = (200, {"Content-Disposition": 'attachment; filename="../../../up.pth"'}, weights)
    sr.load(server.url + path)
    (file,) = (each for each in tmp_path.rglob("*") if each.is_file())
    assert file.parent == cache


def test_what_a_server_does_wrong_is_said_and_leaves_nothing(server: Server, cache: Path, weights: bytes) -> None:
    server.pages["/cut"] = (200, {}, weights)
    server.cut["/cut"] = 1
    server.pages["/page"] = (200, {}, b"<html>Please sign in</html>")
    server.pages["/length"] = (200, {"Content-Length": "many"}, weights)
    server.pages["/away"] = (302, {"Location": "http://example.com/x.pth"}, b"")
    server.pages["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    server.pages["/loop"] = (302, {"Location": "/loop"}, b"")
    for path, message in (
        ("/cut", rf"the connection was cut after {len(weights) // 2:,} of {len(weights):,} bytes, try again"),
        ("/page", "/page is neither a safetensors file nor a PyTorch checkpoint"),
        ("/away", "redirects to http://example.com/x.pth, which is not encrypted"),
        ("/file", "file:///etc/passwd"),
        ("/loop", "the server says 302"),
        ("/none", "the server says 404"),
    ):
        with pytest.raises(sr.CheckpointError, match=message) as error:
            sr.load(server.url + path)
        assert server.url + path in str(error.value)
        assert "\n" not in str(error.value)
        assert list(cache.iterdir()) == []
    sr.load(server.url + "/cut")
    sr.load(server.url + "/length")


def test_a_server_that_is_not_there(cache: Path) -> None:
    with serve() as gone:
        pass
    with pytest.raises(sr.CheckpointError, match="Connection refused"):
        sr.load(f"{gone.url}/x.pth")


def test_nothing_of_a_downloaded_file_is_executed(server: Server, cache: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    server.pages["/evil.pth"] = (200, {}, pickle.dumps(Evil()))
    with pytest.raises(sr.CheckpointError, match=r"/evil\.pth holds more than tensors"):
        sr.load(f"{server.url}/evil.pth")
    assert not (tmp_path / "executed").exists()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://example.com/x.pth", "ftp://a/x.pth", "file:///x.pth", "https://", "http://[/x"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(sr.ArgumentError, match="source must be an https URL"):
        sr.load(url)


def test_offline_a_url_comes_from_the_cache_or_not_at_all(server: Server, cache: Path, weights: bytes) -> None:
    server.pages["/x"] = (200, {}, weights)
    with pytest.raises(sr.CheckpointError, match=r"offline nothing is downloaded\."):
        sr.load(f"{server.url}/x", local_files_only=True)
    assert server.requests == []
    sr.load(f"{server.url}/x")
    sr.load(f"{server.url}/x", local_files_only=True)


def test_the_catalog_s_sha256_holds_for_urls(
    server: Server, cache: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages["/x.pth"] = (200, {}, weights)
    right = entry(f"{server.url}/x.pth", weights)
    for wrong, message in (
        (replace(right, sha256="0" * 64), "/x.pth is not the file of rdbn_x2.test, for it has the sha256"),
        (replace(right, bytes=len(weights) - 1), f"{len(weights):,} bytes instead of {len(weights) - 1:,}"),
        (replace(right, bytes=len(weights) + 1), f"{len(weights):,} bytes instead of"),
    ):
        monkeypatch.setattr(catalog, "CATALOG", (wrong,))
        with pytest.raises(sr.CheckpointError, match=message):
            sr.load("rdbn_x2.test")
        assert list(cache.iterdir()) == []
    monkeypatch.setattr(catalog, "CATALOG", (right,))
    assert isinstance(sr.load("rdbn_x2.test"), sr.models.RDBN)
    # What lies in the cache is checked as well.
    (path,) = cache.iterdir()
    path.write_bytes(weights[:-1] + b"x")
    with pytest.raises(sr.CheckpointError, match="delete it and load again"):
        sr.load("rdbn_x2.test")
    path.unlink()
    sr.load("rdbn_x2.test")


def test_more_than_announced_is_not_read(
    server: Server, cache: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages["/x.pth"] = (200, {}, weights + bytes(50_000_000))
    monkeypatch.setattr(catalog, "CATALOG", (entry(f"{server.url}/x.pth", weights),))
    with pytest.raises(sr.CheckpointError, match="bytes instead of") as error:
        sr.load("rdbn_x2.test")
    assert f"{len(weights) + 50_000_000:,}" not in str(error.value)


# --- which is which ---


def test_a_file_is_a_path_and_a_scale_must_be_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sr.save(sr.models.RLFN(3, dim=6, num_blocks=1, esa_dim=3), "x.safetensors")
    Path("plain").write_bytes(Path("x.safetensors").read_bytes())
    assert sr.load("plain", scale=3).scale == sr.load(Path("plain")).scale == 3
    with pytest.raises(sr.ArgumentError, match=r"scale must be 3, which plain was trained for, not 2\."):
        sr.load("plain", scale=2)
    with pytest.raises(sr.CheckpointError, match=r"Cannot read nothing\.pth: No such file"):
        sr.load("nothing.pth")
    with pytest.raises(sr.CheckpointError, match="Cannot read dgpnet_tiny"):
        sr.load(Path("dgpnet_tiny"))


def test_the_catalog_says_what_neither_tensors_nor_header_show(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = sr.models.DGPNet(2, dim=4, num_blocks=1, alpha_mode="raw")
    torch.save(net.state_dict(), tmp_path / "x.pth")
    content = (tmp_path / "x.pth").read_bytes()
    listed = entry("x", content, arguments={"alpha_mode": "raw"})
    assert sr.load(tmp_path / "x.pth").arguments["alpha_mode"] == "sigmoid"
    monkeypatch.setattr(catalog, "CATALOG", (listed,))
    assert sr.load(tmp_path / "x.pth").arguments["alpha_mode"] == "raw"
    given = sr.load(tmp_path / "x.pth", arguments={"alpha_mode": "sigmoid"})
    assert given.arguments["alpha_mode"] == "sigmoid"
    sr.save(given, tmp_path / "x.safetensors")
    headed = (tmp_path / "x.safetensors").read_bytes()
    monkeypatch.setattr(catalog, "CATALOG", (entry("x", headed, arguments={"alpha_mode": "raw"}),))
    assert sr.load(tmp_path / "x.safetensors").arguments["alpha_mode"] == "sigmoid"


def test_a_missing_licence_is_noticed(
    tmp_path: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.safetensors").write_bytes(weights)
    monkeypatch.setattr(catalog, "CATALOG", (entry("x", weights, licence="none stated"),))
    sr.load(tmp_path / "x.safetensors")
    (record,) = caplog.records
    assert (record.name.split(".")[0], record.levelname) == ("srblocks", "WARNING")
    assert "rdbn_x2.test state no licence" in record.getMessage()
