"""``srblocks eval``: how good networks are, by the protocol of the papers."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

import srblocks as sr
from srblocks.cli.options import open_upscaler, upscaler_options
from srblocks.errors import ArgumentError, InputError
from srblocks.evaluation import Evaluation, NetworkFusion, Pair, Score, evaluate, find_pairs
from srblocks.evaluation.benchmark import METRICS, Views, to_csv, to_json, to_markdown
from srblocks.evaluation.sheets import evaluation_sheet
from srblocks.files import make_folder, whole_or_nothing
from srblocks.images import Picture, write_picture

FORMATS = {".csv": to_csv, ".json": to_json, ".md": to_markdown}


@click.command("eval")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="A name (srblocks models) or a weights file; {scale} stands for each --scale. The mean is taken of several.",
)
@click.option("--dataset", required=True, type=click.Path(path_type=Path), help="A folder of pictures.")
@click.option(
    "--scale", "scales", multiple=True, type=click.IntRange(1), help="One or several; the model's unless given."
)
@click.option("--lr-dir", help="The folder of low-resolution pictures; {scale} stands for the scale.")
@click.option("--metrics", default="psnr,ssim", show_default=True, help=f"Some of {','.join(METRICS)}.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .csv, .json or .md file for the tables.")
@click.option("--save-images", type=click.Path(path_type=Path), help="A folder for sheets to compare by eye.")
@upscaler_options(tile="0", precision="float32")
def command(
    models: tuple[str, ...],
    dataset: Path,
    scales: tuple[int, ...],
    lr_dir: str | None,
    metrics: str,
    output: Path | None,
    save_images: Path | None,
    **running: Any,
) -> None:
    """Measure how near enlarged pictures come to the originals, as papers do, beside bicubic interpolation.

    The data set holds the high-resolution pictures, or a folder HR of them. Low-resolution pictures are taken from
    --lr-dir, from LR_bicubic/X4 or LR_x4 beside HR, or from NAME_LR4 beside NAME_HR; where there are none, they are
    made by MATLAB's bicubic. One bad picture does not stop the others: it is listed at the end, and the exit code is 1.
    """
    if output is not None and output.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"{output} does not end in {', '.join(FORMATS)}.", param_hint="--output")
    networks = _load(models, scales)
    pairs = {scale: _find(dataset, scale, lr_dir) for scale in networks}
    if save_images is not None:
        make_folder(save_images)
    evaluations = []
    for scale, named in sorted(networks.items()):
        name = f"mean of {len(named)} networks" if len(named) > 1 else Path(*named).name
        nets = list(named.values())
        upscaler = open_upscaler((nets[0] if len(nets) == 1 else NetworkFusion(nets)).fuse(), **running)

        def save(score: Score, views: Views, name: str = name, scale: int = scale) -> None:
            if save_images is not None:
                sheet = Picture.from_pil(evaluation_sheet(score, views, name=name))
                write_picture(sheet, save_images / f"{score.name}_x{scale}.png")

        progress = tqdm(pairs[scale], unit="picture", leave=False, disable=not sys.stderr.isatty())
        evaluations.append(evaluate(upscaler, progress, scale=scale, metrics=metrics.split(","), watch=save))
        source = pairs[scale][0].lr
        origin = "made by MATLAB's bicubic" if source is None else f"from {source.parent}"
        click.echo(f"{name} on {dataset}, low resolution {origin}\n\n{to_markdown(evaluations[-1:])}")
    if output is not None:
        _write(evaluations, output)
    failures = [failure for evaluation in evaluations for failure in evaluation.failures]
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    if failures:
        sys.exit(1)


def _load(models: Sequence[str], scales: Sequence[int]) -> dict[int, dict[str, sr.SRModel]]:
    """The networks of each scale by name; a model counts for each of the wanted scales that it is for."""
    networks: dict[int, dict[str, sr.SRModel]] = {}
    wanted: Sequence[int | None] = scales or (None,)
    for model in models:
        if "{scale}" in model and not scales:
            raise click.UsageError(f"Give --scale, which {{scale}} in {model} stands for.")
        refusals = []
        for scale in wanted:
            source = model.replace("{scale}", str(scale))
            try:
                net = sr.load(source, scale=scale)
            except ArgumentError as error:
                refusals.append(error)
                continue
            if net.scale is None:
                raise ArgumentError(f"{source} is for no certain scale, and cannot be evaluated here.")
            networks.setdefault(net.scale, {})[source] = net
        if len(refusals) == len(wanted):
            raise refusals[0]
    if missing := sorted(set(scales) - networks.keys()):
        raise click.UsageError(f"No --model is for a scale of {missing[0]}.")
    return networks


def _find(dataset: Path, scale: int, lr_dir: str | None) -> list[Pair]:
    return find_pairs(dataset, scale, lr_folder=None if lr_dir is None else lr_dir.replace("{scale}", str(scale)))


def _write(evaluations: Sequence[Evaluation], path: Path) -> None:
    try:
        with whole_or_nothing(path) as file:
            file.write(FORMATS[path.suffix.lower()](evaluations).encode())
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.") from None
