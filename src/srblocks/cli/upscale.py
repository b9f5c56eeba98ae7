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
from srblocks.cli.options import open_upscaler, upscaler_options
from srblocks.errors import InputError
from srblocks.files import make_folder
from srblocks.images import SUFFIXES, can_hold, format_of
from srblocks.inference import Upscaler, read_picture, write_picture


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
@upscaler_options(tile="auto", precision="auto")
@click.option("--suffix", default=None, help="What is added to names in a folder; _x4 for a scale of 4.")
@click.option(
    "--format", "file_format", type=click.Choice([s[1:] for s in SUFFIXES]), help="The picture's own unless given."
)
@click.option(
    "--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG and WebP (lossless at 100)."
)
@click.option("--max-pixels", type=click.IntRange(1), default=10**9, show_default=True, help="Of an enlarged picture.")
@click.option("--force", is_flag=True, help="Do again what is done.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per picture on standard output.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def command(
    inputs: tuple[Path, ...],
    output: Path,
    model: str,
    suffix: str | None,
    file_format: str | None,
    quality: int,
    max_pixels: int,
    force: bool,
    as_json: bool,
    dry_run: bool,
    **running: Any,
) -> None:
    """Enlarge INPUTS, pictures and folders of them, into OUTPUT.

    A folder keeps its structure. What is done is skipped, and an input is never overwritten. One bad file does not stop
    the others: it is listed at the end, and the exit code is 1.
    """
    upscaler = open_upscaler(sr.load(model).fuse(), **running)
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
    make_folder(target.parent)
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
