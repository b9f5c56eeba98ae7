"""Picture files: nothing is lost silently, and nothing is half written."""

import io
import logging
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import srblocks as sr
from srblocks.inference import Picture, read_picture, write_picture


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def png_of_16_bit_rgb() -> bytes:
    """A 2×1 picture that Pillow would cut to 8 bits without a word."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" + bytes(range(12)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("P", 3), ("1", 1), ("CMYK", 3), ("YCbCr", 3), ("I;16", 1)],
)
def test_every_mode_is_read(mode: str, channels: int, tmp_path: Path) -> None:
    image = Image.fromarray(noise(5, 7, dtype=np.uint16)) if mode == "I;16" else Image.new("RGB", (7, 5)).convert(mode)
    suffix = "tif" if mode in ("CMYK", "YCbCr") else "png"
    image.save(tmp_path / f"x.{suffix}")
    picture = read_picture(tmp_path / f"x.{suffix}")
    assert picture.pixels.shape == (5, 7, channels)
    assert picture.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)


def test_a_palette_with_transparency_keeps_it(tmp_path: Path) -> None:
    image = Image.new("P", (3, 2))
    image.info["transparency"] = 0
    image.save(tmp_path / "x.png", transparency=0)
    assert read_picture(tmp_path / "x.png").pixels[..., 3].max() == 0


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 5, 1), np.uint16), ((4, 5, 1), np.uint8), ((4, 5, 2), np.uint8), ((4, 5, 4), np.uint8)]
)
def test_pixels_survive_a_png(shape: tuple[int, ...], dtype: type, tmp_path: Path) -> None:
    pixels = noise(*shape, dtype=dtype)
    write_picture(Picture(pixels), tmp_path / "x.png")
    assert np.array_equal(read_picture(tmp_path / "x.png").pixels, pixels)


def test_profile_and_exif_travel_and_the_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(noise(4, 6, 3))
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = 6, "maker"  # turned by 90 degrees
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tmp_path / "x.png", exif=exif, icc_profile=profile)
    picture = read_picture(tmp_path / "x.png")
    assert picture.pixels.shape == (6, 4, 3)
    for suffix in ("png", "jpg", "webp", "tif"):
        write_picture(picture, tmp_path / f"y.{suffix}")
        with Image.open(tmp_path / f"y.{suffix}") as again:
            assert again.info["icc_profile"] == profile
            assert again.getexif().get(0x0112, 1) == 1
            assert again.getexif()[0x010F] == "maker"


def test_deep_colour_is_refused_and_not_cut(tmp_path: Path) -> None:
    (tmp_path / "deep.png").write_bytes(png_of_16_bit_rgb())
    with pytest.raises(sr.InputError, match=r"deep\.png: pictures of more than 8 bits per colour"):
        read_picture(tmp_path / "deep.png")
    Image.new("F", (2, 2)).save(tmp_path / "float.tif")
    with pytest.raises(sr.InputError, match="more than 8 bits"):
        read_picture(tmp_path / "float.tif")


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with caplog.at_level(logging.WARNING, logger="srblocks"):
        picture = read_picture(tmp_path / "x.gif")
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert "is animated; its first frame is taken" in caplog.text


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp", "gif"])
def test_a_truncated_file_gets_one_sentence(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(noise(40, 60, 3)).save(path)
    whole = path.read_bytes()
    for kept in (1, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:kept])
        with pytest.raises(sr.InputError, match=path.name) as error:
            read_picture(path)
        assert "\n" not in str(error.value)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("hello")
    with pytest.raises(sr.InputError, match=r"x\.png is no picture"):
        read_picture(tmp_path / "x.png")
    with pytest.raises(sr.InputError, match=r"Cannot read .*no\.png: No such file"):
        read_picture(tmp_path / "no.png")
    with pytest.raises(sr.InputError, match="Is a directory"):
        read_picture(tmp_path)


def test_the_limit_is_read_from_the_header(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("1", (40_000, 40_000)).save(stream, "PNG")  # 1.6 gigapixels in a few kilobytes
    (tmp_path / "bomb.png").write_bytes(stream.getvalue())
    with pytest.raises(sr.InputError, match=r"40000×40000 pixels, more than the 1,000,000 allowed \(--max-pixels\)"):
        read_picture(tmp_path / "bomb.png", max_pixels=10**6)


def test_formats_that_cannot_hold_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sr.InputError, match=r"JPEG cannot hold 8-bit RGB with alpha: write x\.png"):
        write_picture(Picture(noise(2, 2, 4)), tmp_path / "x.jpg")
    with pytest.raises(sr.InputError, match="WEBP cannot hold 16-bit grey"):
        write_picture(Picture(noise(2, 2, 1, dtype=np.uint16)), tmp_path / "x.webp")
    with pytest.raises(sr.ArgumentError, match="must end in"):
        write_picture(Picture(noise(2, 2, 3)), tmp_path / "x.txt")
    with pytest.raises(sr.InputError, match="Cannot write"):
        write_picture(Picture(noise(2, 2, 3)), tmp_path / "no folder" / "x.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="the system has no nameless files")
def test_killed_while_writing_it_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from srblocks.files import whole_or_nothing
with whole_or_nothing(Path({str(tmp_path / "x.png")!r})) as file:
    file.write(bytes(1000)); file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []
