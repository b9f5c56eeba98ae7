"""``Upscaler``: any kind in, the same kind out, tiles exact where they can be, trouble met with one sentence."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import srblocks as sr
from srblocks.inference import Upscaler
from srblocks.ops.color import rgb_to_y
from tests.helpers import add_noise


def finite(scale: int = 2) -> sr.SRModel:
    """A network with a finite receptive field."""
    net = sr.models.DGPNet(scale, dim=6, num_blocks=1, att="none").eval()
    add_noise(net)
    return net.fuse()


class Plain(nn.Module):
    """Somebody's module that is no SRModel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pixel_shuffle(self.conv(x), 2)


class Nearest(sr.SRModel):
    """Repeats pixels, so that every result is known."""

    def __init__(self, scale: int = 2, *, in_channels: int = 3) -> None:
        super().__init__(scale, in_channels=in_channels, receptive_field=1)
        self.base = sr.layers.InterpolatedBase(scale, mode="nearest")

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = self.base(x)
        return y


def repeated(pixels: NDArray[Any], scale: int = 2) -> NDArray[Any]:
    return pixels.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize("size", [(1, 1), (40, 23), (64, 64), (97, 130)])
@pytest.mark.parametrize("tile", [16, 33, 64, None])
@pytest.mark.parametrize("batch", [1, 4])
def test_tiles_give_the_whole_picture_s_result(
    size: tuple[int, int], tile: int | None, batch: int, device: torch.device
) -> None:
    net = finite()
    x = torch.rand(3, *size)
    up = Upscaler(net, tile=tile, batch=batch, device=device, precision="float32")
    assert up.exact
    with torch.no_grad():
        torch.testing.assert_close(up(x), net(x[None])[0], atol=1e-5, rtol=0)


def test_tiles_with_too_little_overlap_do_not() -> None:
    net = finite()
    x = torch.rand(3, 60, 60)
    up = Upscaler(net, tile=24, overlap=2)
    assert not up.exact
    with torch.no_grad():
        assert (up(x) - net(x[None])[0]).abs().max() > 1e-5


def test_size_rules_are_kept_by_every_tile() -> None:
    class Strict(Nearest):
        def __init__(self) -> None:
            super().__init__()
            self.size_rule = sr.SizeRule(minimum=16, multiple_of=8)

        def upscale(self, x: Tensor) -> Tensor:
            assert x.shape[-1] % 8 == x.shape[-2] % 8 == 0
            assert min(x.shape[-2:]) >= 16
            return super().upscale(x)

    pixels = np.random.default_rng(0).integers(0, 256, (37, 61, 3), dtype=np.uint8)
    assert np.array_equal(Upscaler(Strict(), tile=24, overlap=4)(pixels), repeated(pixels))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4), (1, 1, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_arrays_come_back_as_they_were(shape: tuple[int, ...], dtype: type) -> None:
    random = np.random.default_rng(0)
    values = (
        random.random(shape) if np.issubdtype(dtype, np.floating) else random.integers(0, np.iinfo(dtype).max, shape)
    )
    pixels: NDArray[Any] = values.astype(dtype)
    result = Upscaler(Nearest(), tile=4)(pixels)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, repeated(pixels), atol=1e-6 if pixels.dtype.kind == "f" else 0)


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7), (1, 4, 4)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
def test_tensors_come_back_as_they_were(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = (torch.rand(shape) * (255 if dtype == torch.uint8 else 1)).to(dtype)
    y = Upscaler(Nearest())(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y, x.repeat_interleave(2, -1).repeat_interleave(2, -2))


def test_a_path_gives_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (10, 20, 30)).save(tmp_path / "x.png")
    result = Upscaler(Nearest())(tmp_path / "x.png")
    assert (result.size, result.mode, result.getpixel((7, 5))) == ((8, 6), "RGB", (10, 20, 30))


def test_a_luma_network_enlarges_colour_by_its_luma() -> None:
    pixels = np.full((6, 8, 3), (200, 40, 90), dtype=np.uint8)
    up = Upscaler(Nearest(in_channels=1))
    assert np.abs(up(pixels).astype(int) - (200, 40, 90)).max() <= 1
    x = torch.rand(3, 8, 8)
    torch.testing.assert_close(
        rgb_to_y(up(x)), rgb_to_y(x).repeat_interleave(2, -1).repeat_interleave(2, -2), atol=1e-5, rtol=0
    )


def test_a_stranger_s_module_needs_its_scale() -> None:
    assert Upscaler(Plain(), scale=2)(np.zeros((5, 6, 3), dtype=np.uint8)).shape == (10, 12, 3)
    with pytest.raises(sr.ArgumentError, match="scale must be given for a Plain"):
        Upscaler(Plain())
    with pytest.raises(sr.ArgumentError, match="scale must be 2 for this network, not 3"):
        Upscaler(Nearest(), scale=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tile": 0}, "tile must be"),
        ({"overlap": -1}, "overlap must be"),
        ({"batch": 0}, "batch must be"),
        ({"precision": "half"}, "precision must be one of"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        Upscaler(Nearest(), **arguments)


@pytest.mark.parametrize(
    "picture",
    [np.zeros(5), np.zeros((4, 4, 5)), np.zeros((4, 4), dtype=np.int32), np.zeros((0, 4, 3)), torch.rand(4, 4), [1, 2]],
)
def test_what_is_no_picture_is_refused(picture: Any) -> None:
    with pytest.raises(sr.InputError):
        Upscaler(Nearest())(picture)


def test_the_network_stays_as_it_is() -> None:
    net = finite().train()
    Upscaler(net, precision="bfloat16")
    assert net.training
    assert next(net.parameters()).dtype == torch.float32
    assert all(parameter.is_contiguous() for parameter in net.parameters())


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda up: pickle.loads(pickle.dumps(up))], ids=["copy", "pickle"])
def test_it_can_be_copied_and_pickled(copier: Callable[[Upscaler], Upscaler]) -> None:
    up = Upscaler(finite(), tile=16)
    x = np.random.default_rng(0).random((20, 20, 3))
    assert np.array_equal(copier(up)(x), up(x))


def test_progress_counts_tiles() -> None:
    seen: list[tuple[int, int]] = []
    Upscaler(Nearest(), tile=4, batch=3)(np.zeros((8, 9, 3)), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 6), (6, 6)]


def test_the_ensemble_averages_eight_views() -> None:
    net = finite()
    x = torch.rand(3, 12, 9)
    views = []
    with torch.no_grad():
        for turns in range(4):
            for flip in (False, True):
                view = torch.rot90(x.flip(-1) if flip else x, turns, (-2, -1))
                y = torch.rot90(net(view[None])[0], -turns, (-2, -1))
                views.append(y.flip(-1) if flip else y)
    torch.testing.assert_close(Upscaler(net, ensemble=True)(x), torch.stack(views).mean(0), atol=1e-5, rtol=0)


class Overflowing(Nearest):
    """Is not finite in half precision where a picture is bright."""

    def upscale(self, x: Tensor) -> Tensor:
        y = super().upscale(x)
        return torch.where(y > 0.9, y * 1e5 / 1e5 if x.dtype == torch.float32 else y * torch.inf, y)


def test_a_tile_that_overflows_is_computed_again() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[6:, 6:] = 255
    with pytest.warns(UserWarning, match="was not finite in torch.float16"):
        result = Upscaler(Overflowing(), tile=4, precision="float16")(pixels)
    assert np.array_equal(result, repeated(pixels))


class Hungry(Nearest):
    """Runs out of memory above a number of pixels."""

    allowed = 10**9

    def upscale(self, x: Tensor) -> Tensor:
        if x.shape[0] * x.shape[2] * x.shape[3] > self.allowed:
            raise torch.OutOfMemoryError
        return super().upscale(x)


@pytest.mark.parametrize("allowed", [128 * 128, 70 * 70])
def test_with_less_memory_fewer_and_then_smaller_tiles_are_computed(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hungry, "allowed", allowed)
    pixels = np.random.default_rng(0).integers(0, 256, (150, 260, 3), dtype=np.uint8)
    assert np.array_equal(Upscaler(Hungry(), tile=128, batch=8)(pixels), repeated(pixels))


def test_where_smaller_tiles_would_change_the_result_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hungry, "allowed", 64)
    net = Hungry()
    net.receptive_field = None
    with pytest.raises(sr.SRBlocksError, match="a tile of 256×256 pixels: choose a smaller --tile"):
        Upscaler(net)(np.zeros((300, 300, 3), dtype=np.uint8))


@pytest.mark.parametrize("weights", ["dgpnet_tiny_x4", "rlfn/rlfn_s_x4.pth"])
def test_networks_that_see_the_whole_picture_are_within_50_db_in_tiles(weights: str, data: Path) -> None:
    net = sr.load(data / "checkpoints" / weights if "/" in weights else weights).fuse()
    up, whole = Upscaler(net), Upscaler(net, tile=None)
    assert not up.exact
    # The two that differ most.
    for name in ("8.webp", "13.webp"):
        with Image.open(data / "images" / "val" / "kodak" / name) as image:
            x = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[:, :401, :500]
        assert sr.evaluation.psnr(up(x), whole(x)) > 50
