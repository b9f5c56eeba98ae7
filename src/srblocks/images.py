"""Picture files in and out, with what belongs to them: alpha, colour profile, EXIF data, 16 bits of grey."""

import logging
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from srblocks.errors import ArgumentError, InputError
from srblocks.files import whole_or_nothing

logger = logging.getLogger("srblocks")

# Formats by suffix, and what they can hold besides 8-bit RGB.
SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_WITH_ALPHA = {"PNG", "WEBP", "TIFF"}
_WITH_16_BITS = {"PNG", "TIFF"}
_WITH_GREY = {"PNG", "JPEG", "TIFF", "BMP"}


@dataclass(frozen=True)
class Picture:
    """Pixels ``(H, W, C)``, uint8 or uint16, of 1 to 4 channels (grey, grey + alpha, RGB, RGB + alpha), upright.

    Attributes:
        pixels: the array.
        icc_profile: the colour profile, as it came.
        exif: the EXIF data, without the orientation, which is in the pixels.
    """

    pixels: NDArray[Any]
    icc_profile: bytes | None = None
    exif: bytes | None = None

    @classmethod
    def from_pil(cls, image: Image.Image) -> "Picture":
        """Decode a PIL picture: turned upright, palettes resolved, CMYK converted to RGB.

        Raises:
            InputError: more than 8 bits of colour, or damaged data.
        """
        _refuse_deep_colour(image)
        try:
            upright = ImageOps.exif_transpose(image)
            profile = upright.info.get("icc_profile")
            mode = _target_mode(upright)
            if mode != upright.mode and upright.mode in ("CMYK", "LAB", "HSV", "YCbCr"):
                profile = None  # it describes the other colour space
            pixels = np.asarray(upright if mode == upright.mode else upright.convert(mode))
            exif = upright.getexif().tobytes() if upright.getexif() else None
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise InputError(f"The picture is truncated or damaged ({error}).") from None
        if pixels.dtype != np.uint8:
            pixels = pixels.astype(np.uint16)
        return cls(pixels[..., None] if pixels.ndim == 2 else pixels, profile, exif)

    def to_pil(self) -> Image.Image:
        """As a PIL picture; profile and EXIF data are in its ``info``."""
        grey = self.pixels.shape[2] == 1
        image = Image.fromarray(self.pixels[..., 0] if grey else self.pixels)
        if self.icc_profile is not None:
            image.info["icc_profile"] = self.icc_profile
        if self.exif is not None:
            image.info["exif"] = self.exif
        return image

    def with_pixels(self, pixels: NDArray[Any]) -> "Picture":
        """The same with other pixels."""
        return replace(self, pixels=pixels)


def read_picture(path: str | os.PathLike[str], *, max_pixels: int | None = None) -> Picture:
    """Read a picture file; of an animated one the first frame.

    Args:
        path: the file.
        max_pixels: refuse larger pictures, by their header, before anything is decoded.

    Raises:
        InputError: there is no such file, it is no picture, damaged, too large, or has more than 8 bits of colour.
    """
    path = Path(path)
    try:
        with _without_pillow_s_limit(), Image.open(path) as image:
            if max_pixels is not None and image.width * image.height > max_pixels:
                raise InputError(
                    f"{path} has {image.width}×{image.height} pixels, more than the {max_pixels:,} allowed "
                    "(--max-pixels)."
                )
            if getattr(image, "is_animated", False):
                logger.warning("%s is animated; its first frame is taken", path)
            return Picture.from_pil(image)
    except UnidentifiedImageError:
        raise InputError(f"{path} is no picture that can be read.") from None
    except InputError as error:
        text = str(error)
        raise (error if str(path) in text else InputError(f"{path}: {text}")) from None
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise InputError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None


def write_picture(picture: Picture, path: str | os.PathLike[str], *, quality: int = 95) -> None:
    """Write a picture in the format that its suffix names; the file is whole or not there.

    Args:
        picture: what to write.
        path: ends in one of .png, .jpg, .jpeg, .webp, .tif, .tiff and .bmp.
        quality: of JPEG and WebP, 1 to 100; WebP is lossless at 100.

    Raises:
        ArgumentError: another suffix.
        InputError: the format cannot hold the picture, or the file cannot be written.
    """
    path = Path(path)
    name = format_of(path)
    if not can_hold(name, picture):
        raise InputError(f"{name} cannot hold {describe(picture)}: write {path.stem}.png.")
    image = picture.to_pil()
    if name == "WEBP" and image.mode == "L":
        image = image.convert("RGB")
    options: dict[str, Any] = {"icc_profile": picture.icc_profile}
    if picture.exif is not None and name in ("PNG", "JPEG", "WEBP", "TIFF"):
        options["exif"] = picture.exif
    if name in ("JPEG", "WEBP"):
        options |= {"quality": quality}
    if name == "WEBP" and quality == 100:
        options |= {"lossless": True}
    try:
        with whole_or_nothing(path) as file:
            image.save(file, format=name, **{key: value for key, value in options.items() if value is not None})
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from None


def format_of(path: Path) -> str:
    """The format that a suffix names; an ArgumentError for another suffix."""
    name = SUFFIXES.get(path.suffix.lower())
    if name is None:
        raise ArgumentError(f"A picture's name must end in {', '.join(SUFFIXES)}, not in {path.suffix or path.name!r}.")
    return name


def can_hold(name: str, picture: Picture) -> bool:
    """Whether a format keeps all that the pixels say."""
    return (picture.pixels.dtype == np.uint8 or name in _WITH_16_BITS) and (
        picture.pixels.shape[2] in (1, 3) or name in _WITH_ALPHA
    )


def describe(picture: Picture) -> str:
    """What kind of picture it is, in words."""
    depth = "16-bit" if picture.pixels.dtype == np.uint16 else "8-bit"
    return f"{depth} {('grey', 'grey with alpha', 'RGB', 'RGB with alpha')[picture.pixels.shape[2] - 1]}"


def _target_mode(image: Image.Image) -> str:
    """The mode that holds what the picture says, of those that networks are given."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        return image.mode
    if image.mode.startswith("I;16"):
        return "I;16"
    if image.mode == "1":
        return "L"
    if image.mode in ("P", "PA"):
        return "RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB"
    return "RGBA" if image.mode == "RGBa" else "RGB"


def _refuse_deep_colour(image: Image.Image) -> None:
    """Raise an InputError for a picture of which Pillow would silently keep 8 bits only."""
    deep = image.mode in ("F", "I")
    if image.format == "PNG":
        # The decoder's raw mode is all that tells of the file's depth.
        deep |= any("16" in str(tile[3]) for tile in getattr(image, "tile", ())) and not image.mode.startswith("I;16")
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        deep |= max(bits) > 8 and not image.mode.startswith("I;16")
    if deep:
        raise InputError(
            "pictures of more than 8 bits per colour are not read, except 16-bit grey: convert it to 8 bits."
        )


@contextmanager
def _without_pillow_s_limit() -> Iterator[None]:
    # Sizes are checked here against the caller's own limit, before anything is decoded.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
