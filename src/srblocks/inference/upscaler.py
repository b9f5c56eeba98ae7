"""One object that enlarges pictures of any kind and size."""

import copy
import math
import os
import warnings
from collections.abc import Callable
from itertools import islice, product
from typing import Any, Literal, TypeVar, get_args, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError, SRBlocksError
from srblocks.images import Picture, read_picture
from srblocks.inference.tiling import TileGrid
from srblocks.layers.checks import check_positive
from srblocks.layers.tiles import Whole, tiles_of
from srblocks.models.base import SRModel
from srblocks.ops.color import rgb_to_ycbcr, ycbcr_to_rgb
from srblocks.ops.resize import imresize

Precision = Literal["auto", "float32", "float16", "bfloat16"]
Array = TypeVar("Array", bound=NDArray[Any])

# Tiles that fit a CPU's cache win there by a factor; a GPU wants work.
TILE = {"cpu": 128}
TILE_ELSEWHERE = 512
# For networks that see the whole picture, so that no overlap is exact: with these, tiled and whole agree to 50 dB or
# more on all photographs measured (docs/pictures.md). What they average over a tile should be like the whole picture;
# coarse maps need more overlap, their points are far apart.
LEAST_TILE = 256
OVERLAP, OVERLAP_WITH_COARSE_MAPS = 16, 48
# Below this, tiles are not made smaller when memory runs out.
SMALLEST_TILE = 64


class Upscaler:
    """Enlarges arrays, tensors, PIL pictures and files, in tiles, and gives the same kind back (PIL for a path).

    >>> import numpy as np, srblocks as sr
    >>> up = sr.Upscaler(sr.create_model("dgpnet_tiny", scale=2))
    >>> up(np.zeros((5, 7, 3), dtype=np.uint8)).shape
    (10, 14, 3)

    ==========================================  =======================================
    in                                          out
    ==========================================  =======================================
    array (H, W) or (H, W, C), uint8, uint16    array of the same dtype
    array of floats in [0, 1]                   array of floats, not clipped
    tensor (C, H, W) or (N, C, H, W)            tensor of the same dtype and device
    PIL picture, or a path                      PIL picture
    ==========================================  =======================================

    Grey pictures stay grey. Of 2 or 4 channels the last is alpha, which is enlarged beside the others. A network of one
    channel gets the luma of a colour picture, and bicubic interpolation does the colours.

    A tiled result is that of the whole picture where the network's receptive field is finite and the overlap covers it;
    the default overlap does. Networks that see the whole picture give slightly other values in tiles.

    Args:
        net: an SRModel, or any module with ``scale``; it is copied, and stays as it is. Fuse it first.
        scale: the factor, for a module that is no SRModel.
        tile: side of the tiles in LR pixels; None for the whole picture; a constant of the device unless given.
        overlap: LR pixels that neighbouring tiles share. Unless given, what makes tiles exact; for networks that see
            the whole picture 16, or 48 where they have coarse maps (ESA).
        batch: tiles that are computed together.
        precision: ``"auto"`` is float32 on a CPU and float16 elsewhere, bfloat16 for families that cannot do float16.
        device: the CPU unless given.
        ensemble: average over the eight flips and turns of each tile; eight times the work.

    Raises:
        ArgumentError: a value that is not allowed.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        scale: int | None = None,
        tile: int | Literal["auto"] | None = "auto",
        overlap: int | None = None,
        batch: int = 1,
        precision: Precision = "auto",
        device: torch.device | str = "cpu",
        ensemble: bool = False,
    ) -> None:
        own = net.scale if isinstance(net, SRModel) else scale
        if own is None and isinstance(net, SRModel):
            raise ArgumentError(f"net must have one whole factor, which this {type(net).__name__} has not: call it.")
        if own is None:
            raise ArgumentError(f"scale must be given for a {type(net).__name__}, which does not tell it.")
        if scale not in (None, own):
            raise ArgumentError(f"scale must be {own} for this network, not {scale}.")
        check_positive(scale=own, batch=batch)
        if tile is not None and tile != "auto":
            check_positive(tile=tile)
        if overlap is not None and overlap < 0:
            raise ArgumentError(f"overlap must be at least 0, not {overlap}.")
        if precision not in get_args(Precision):
            raise ArgumentError(f"precision must be one of {', '.join(get_args(Precision))}, not {precision!r}.")
        self.scale, self.batch, self.ensemble = own, batch, ensemble
        self.device = torch.device(device)
        self.dtype = _dtype(precision, self.device, net)
        self.net = copy.deepcopy(net).eval().to(self.device, torch.float32)
        field = net.receptive_field if isinstance(net, SRModel) else None
        coarse = isinstance(net, SRModel) and net.stride > 1
        if overlap is None:
            overlap = field - 1 if field else OVERLAP_WITH_COARSE_MAPS if coarse else OVERLAP
        self.overlap = overlap
        self.exact = field is not None and self.overlap >= field - 1
        usual = TILE.get(self.device.type, TILE_ELSEWHERE)
        self.tile = max(usual, 2 * self.overlap, 0 if field else LEAST_TILE) if tile == "auto" else tile
        self._fast = _channels_last(copy.deepcopy(self.net).to(self.dtype))

    @overload
    def __call__(self, picture: Tensor, *, progress: Callable[[int, int], None] | None = ...) -> Tensor: ...
    @overload
    def __call__(self, picture: Array, *, progress: Callable[[int, int], None] | None = ...) -> Array: ...
    @overload
    def __call__(
        self, picture: Image.Image | str | os.PathLike[str], *, progress: Callable[[int, int], None] | None = ...
    ) -> Image.Image: ...
    def __call__(
        self,
        picture: Tensor | NDArray[Any] | Image.Image | str | os.PathLike[str],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor | NDArray[Any] | Image.Image:
        """Enlarge one picture; ``progress(done, total)`` is called after every batch of tiles.

        Raises:
            InputError: a picture or array that cannot be enlarged, or a file that cannot be read.
            SRBlocksError: memory ran out, and smaller tiles would change the result.
        """
        if isinstance(picture, str | os.PathLike):
            return self.enlarge(read_picture(picture), progress=progress).to_pil()
        if isinstance(picture, Image.Image):
            return self.enlarge(Picture.from_pil(picture), progress=progress).to_pil()
        if isinstance(picture, np.ndarray):
            if picture.ndim not in (2, 3):
                raise InputError(f"Arrays must be (H, W) or (H, W, C), not {picture.shape}.")
            pixels = picture[..., None] if picture.ndim == 2 else picture
            enlarged = self._enlarge_array(np.ascontiguousarray(pixels.transpose(2, 0, 1)), progress)
            result = enlarged.transpose(1, 2, 0)
            return result[..., 0] if picture.ndim == 2 else np.ascontiguousarray(result)
        if isinstance(picture, Tensor):
            if picture.ndim not in (3, 4):
                raise InputError(f"Tensors must be (C, H, W) or (N, C, H, W), not {tuple(picture.shape)}.")
            pictures = picture.unsqueeze(0) if picture.ndim == 3 else picture
            arrays = [self._enlarge_array(_to_numpy(single), progress) for single in pictures]
            stacked = torch.stack([torch.from_numpy(array) for array in arrays]).to(picture.device, picture.dtype)
            return stacked[0] if picture.ndim == 3 else stacked
        raise InputError(f"An Upscaler takes arrays, tensors, PIL pictures and paths, not a {type(picture).__name__}.")

    def enlarge(self, picture: Picture, *, progress: Callable[[int, int], None] | None = None) -> Picture:
        """Enlarge a picture that was read with what belongs to it."""
        return picture.with_pixels(self(picture.pixels, progress=progress))

    def _enlarge_array(self, planes: NDArray[Any], progress: Callable[[int, int], None] | None = None) -> NDArray[Any]:
        """``(C, H, W)`` -> ``(C, scale·H, scale·W)`` of the same dtype."""
        channels, height, width = planes.shape
        if channels not in (1, 2, 3, 4) or height < 1 or width < 1:
            raise InputError(
                f"Pictures must have 1 to 4 channels and at least one pixel, not {height}×{width}×{channels}."
            )
        if planes.dtype not in (np.uint8, np.uint16) and not np.issubdtype(planes.dtype, np.floating):
            raise InputError(f"Pictures must be uint8, uint16 or floating point, not {planes.dtype}.")
        if channels in (2, 4):
            colors = self._enlarge_array(planes[:-1], progress)
            return np.concatenate((colors, self._enlarge_array(planes[-1:], progress)))
        wanted = self.net.in_channels if isinstance(self.net, SRModel) else 3
        x = torch.from_numpy(planes.astype(np.float32) / _peak(planes.dtype))[None]
        if channels == wanted or (channels, wanted) == (1, 3):
            return self._in_tiles(x.expand(-1, wanted, -1, -1), channels, planes.dtype, progress)
        if (channels, wanted) == (3, 1):
            ycbcr = rgb_to_ycbcr(x)
            luma = torch.from_numpy(self._in_tiles(ycbcr[:, :1], 1, np.dtype(np.float32), progress))[None]
            rgb = ycbcr_to_rgb(torch.cat((luma, imresize(ycbcr[:, 1:], self.scale)), dim=1))
            return _from_float(rgb[0].numpy(), planes.dtype)
        raise InputError(f"This network takes pictures of {wanted} channels, not {channels}.")

    def _in_tiles(
        self, x: Tensor, channels: int, dtype: np.dtype[Any], progress: Callable[[int, int], None] | None
    ) -> NDArray[Any]:
        """Enlarge ``(1, C, H, W)`` in [0, 1] into an array ``(channels, scale·H, scale·W)``, tile by tile."""
        result = np.empty((channels, self.scale * x.shape[2], self.scale * x.shape[3]), dtype=dtype)
        tile, batch = self.tile, self.batch
        while not self._fill(result, x, tile, batch, progress):
            if batch > 1:
                batch //= 2
            elif self.exact and (tile or max(x.shape[2:])) >= 2 * SMALLEST_TILE:
                tile = (tile or max(x.shape[2:])) // 2
            else:
                what = "the whole picture" if tile is None else f"a tile of {tile}×{tile} pixels"
                raise SRBlocksError(f"The memory of {self.device} does not hold {what}: choose a smaller --tile.")
        return result

    def _fill(
        self, result: NDArray[Any], x: Tensor, tile: int | None, batch: int, progress: Callable[[int, int], None] | None
    ) -> bool:
        """Compute all tiles into ``result``; False if the device's memory did not suffice."""
        padded = self.net.prepare(x) if isinstance(self.net, SRModel) else x
        step = math.lcm(self.net.size_rule.multiple_of, self.net.stride) if isinstance(self.net, SRModel) else 1
        grid = TileGrid(padded.shape[2], padded.shape[3], tile, self.overlap, step)
        tiles, done, s = iter(grid), 0, self.scale
        while group := list(islice(tiles, batch)):
            inputs = torch.cat([padded[..., row.start : row.stop, column.start : column.stop] for row, column in group])
            whole = Whole((padded.shape[2], padded.shape[3]), [(row.start, column.start) for row, column in group])
            try:
                outputs = self._compute(inputs, whole).float().cpu()
            except torch.OutOfMemoryError:
                return False
            for (row, column), output in zip(group, outputs, strict=True):
                target = result[:, s * row.first : s * row.last, s * column.first : s * column.last]
                # What lies beyond the picture is padding, and is cut off here.
                top, left = s * (row.first - row.start), s * (column.first - column.start)
                used = output[:, top : top + target.shape[1], left : left + target.shape[2]]
                if result.shape[0] < used.shape[0]:  # a grey picture in three channels
                    used = used.mean(0, keepdim=True)
                target[...] = _from_float(used.numpy(), result.dtype)
            done += len(group)
            if progress is not None:
                progress(done, len(grid))
        return True

    @torch.inference_mode()
    def _compute(self, tiles: Tensor, whole: Whole) -> Tensor:
        """``(n, C, h, w)`` in the range of the reference -> ``(n, C, scale·h, scale·w)`` in [0, 1], finite."""
        tiles = tiles.to(self.device)
        y = self._forward(self._fast, tiles.to(self.dtype, memory_format=torch.channels_last), whole)
        if self.dtype != torch.float32 and not torch.isfinite(y).all():
            warnings.warn(f"A tile was not finite in {self.dtype} and was computed again in float32.", stacklevel=2)
            y = self._forward(self.net, tiles, whole)
        return y

    def _forward(self, net: nn.Module, x: Tensor, whole: Whole) -> Tensor:
        if not self.ensemble:
            with tiles_of(whole):
                return _upscale(net, x)
        results = []
        for flips, turned in product(((), (-1,), (-2,), (-1, -2)), (False, True)):
            y = _upscale(net, (x.transpose(-1, -2) if turned else x).flip(flips)).flip(flips)
            results.append(y.transpose(-1, -2) if turned else y)
        return torch.stack(results).mean(0)


def _upscale(net: nn.Module, x: Tensor) -> Tensor:
    if isinstance(net, SRModel):
        return net.upscale(x) / net.reference_range
    y: Tensor = net(x)
    return y


def _dtype(precision: Precision, device: torch.device, net: nn.Module) -> torch.dtype:
    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.type == "cpu":
        return torch.float32
    family = net.family if isinstance(net, SRModel) else None
    if family is None:
        return torch.float32  # nothing is known of a stranger's network
    return next(
        (getattr(torch, name) for name in ("float16", "bfloat16") if name not in family.exceptions), torch.float32
    )


def _channels_last(net: nn.Module) -> nn.Module:
    # Convolutions of small width are up to twice as fast so, on a CPU too.
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _peak(dtype: np.dtype[Any]) -> int:
    return int(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1


def _from_float(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    converted: NDArray[Any] = values
    if np.issubdtype(dtype, np.integer):
        converted = np.rint(values.clip(0, 1) * _peak(dtype))
    return converted.astype(dtype)


def _to_numpy(picture: Tensor) -> NDArray[Any]:
    picture = picture.detach().cpu()
    return picture.float().numpy() if picture.is_floating_point() else picture.numpy()
