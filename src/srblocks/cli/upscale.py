"""``srblocks upscale``: files and folders of pictures, enlarged."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

import srblocks as sr
from srblocks.errors import InputError
from srblocks.inference import Upscaler, read_picture, write_picture
from srblocks.inference.images import SUFFIXES, can_hold, format_of


@dataclass(frozen=True)
class Job:
    """A picture and where its enlargement goes; ``given_name`` if the caller chose the name or format of that."""

    source: Path
    target: Path
    given_name: bool


@click.command("upscale")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A file, or a folder.")
@click.option(
    "--model", default="dgpnet_tiny_x4", show_default=True, help="A name (srblocks models) or a weights file."
)
@click.option("--tile", default="auto", show_default=True, help="Side of the tiles in pixels; 0 for the whole picture.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "float16", "bfloat16"]),
    default="auto",
    show_default=True,
    help="float32 on a CPU, half elsewhere where the network can.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps, or the best that is there.")
@click.option("--suffix", default=None, help="What is added to names in a folder; _x4 for a scale of 4.")
@click.option(
    "--format", "file_format", type=click.Choice([s[1:] for s in SUFFIXES]), help="The picture's own unless given."
)
@click.option(
    "--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG and WebP (lossless at 100)."
)
@click.option("--ensemble", is_flag=True, help="Average over eight flips and turns: slower, a little better.")
@click.option("--max-pixels", type=click.IntRange(1), default=10**9, show_default=True, help="Of an enlarged picture.")
@click.option("--force", is_flag=True, help="Do again what is done.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per picture on standard output.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def command(
    inputs: tuple[Path, ...],
    output: Path,
    model: str,
    tile: str,
    precision: Any,
    device: str,
    suffix: str | None,
    file_format: str | None,
    quality: int,
    ensemble: bool,
    max_pixels: int,
    force: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Enlarge INPUTS, pictures and folders of them, into OUTPUT.

    A folder keeps its structure. What is done is skipped, and an input is never overwritten. One bad file does not stop
    the others: it is listed at the end, and the exit code is 1.
    """
    net = sr.load(model).fuse()
    upscaler = Upscaler(net, tile=_tile(tile), precision=precision, device=_device(device), ensemble=ensemble)
    jobs = list(_jobs(inputs, output, f"_x{upscaler.scale}" if suffix is None else suffix, file_format))
    failures = []
    show = sys.stderr.isatty() and not as_json
    taken: set[Path] = {job.source.resolve() for job in jobs}
    for job in tqdm(jobs, unit="picture", disable=not show):
        record: dict[str, Any] = {"input": str(job.source), "output": str(job.target)}
        start = time.monotonic()
        try:
            if job.target.resolve() in taken:
                raise InputError(f"{job.target} is an input or the result of another: choose another name or --suffix.")
            taken.add(job.target.resolve())
            if job.target.exists() and not force:
                record["status"] = "skipped"
            elif dry_run:
                record["status"] = "would be done"
            else:
                record |= _enlarge(job, upscaler, quality, max_pixels // upscaler.scale**2, show)
        except sr.SRBlocksError as error:
            record |= {"status": "failed", "error": str(error)}
            failures.append(str(error))
        record["seconds"] = round(time.monotonic() - start, 3)
        if as_json:
            click.echo(json.dumps(record))
        elif record["status"] != "failed":
            tqdm.write(f"{record['status']}: {record['input']} -> {record['output']}", file=sys.stdout)
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    if failures:
        sys.exit(1)


def _enlarge(job: Job, upscaler: Upscaler, quality: int, max_pixels: int, show: bool) -> dict[str, Any]:
    picture = read_picture(job.source, max_pixels=max_pixels)
    target = job.target
    if not can_hold(format_of(target), picture) and not job.given_name:
        target = target.with_suffix(".png")
    with tqdm(unit="tile", leave=False, disable=not show) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        enlarged = upscaler.enlarge(picture, progress=progress)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {target.parent}: {error.strerror}.") from None
    write_picture(enlarged, target, quality=quality)
    height, width = enlarged.pixels.shape[:2]
    return {"status": "done", "output": str(target), "width": width, "height": height}


def _jobs(inputs: Sequence[Path], output: Path, suffix: str, file_format: str | None) -> Iterator[Job]:
    """One job per picture; a folder is searched for pictures, a file is taken as it comes."""
    single = len(inputs) == 1 and not inputs[0].is_dir()
    if single and output.suffix.lower() in SUFFIXES and not output.is_dir():
        yield Job(inputs[0], output, given_name=True)
        return
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        raise InputError(f"{output} is a file's name, but there are several pictures: name a folder.")

    def job(source: Path, folder: Path) -> Job:
        ending = f".{file_format}" if file_format else source.suffix.lower()
        ending = ending if ending in SUFFIXES else ".png"
        return Job(source, folder / f"{source.stem}{suffix}{ending}", given_name=file_format is not None)

    for path in inputs:
        if not path.is_dir():
            yield job(path, output)
            continue
        for source in sorted(path.rglob("*")):
            # Not the results of an earlier run, where they lie in the folder itself.
            inside = output.resolve() in source.resolve().parents and output.resolve() != path.resolve()
            if source.is_file() and source.suffix.lower() in {*SUFFIXES, ".gif"} and not inside:
                yield job(source, output / source.parent.relative_to(path))


def _tile(text: str) -> Any:
    if text == "auto":
        return "auto"
    if not text.isdigit():
        raise click.BadParameter(f"{text!r} is not auto, 0 or a number of pixels.", param_hint="--tile")
    return int(text) or None


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise click.BadParameter(
            f"{name!r} cannot be used: {str(error).splitlines()[0]}", param_hint="--device"
        ) from None
    return name
