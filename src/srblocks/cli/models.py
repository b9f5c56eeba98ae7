"""``srblocks models``: what there is."""

import json
from dataclasses import asdict, dataclass

import click
import torch

import srblocks as sr
from srblocks.models import families
from srblocks.models.cost import macs_for_output


@dataclass(frozen=True)
class _Row:
    name: str
    scales: tuple[int, ...]
    parameters: int
    macs: int
    weights: tuple[str, ...]
    licences: tuple[str, ...]


@click.command("models")
@click.argument("pattern", default="*")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(pattern: str, as_json: bool) -> None:
    """List the networks whose names match PATTERN, with their published weights.

    Parameters and multiply-accumulates are those of the fused network for ×4 (its largest factor, if it has no ×4) and
    an output of 1280×720.
    """
    rows = _rows(pattern)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        raise click.UsageError(f"There is no model {pattern!r}: `srblocks models` lists all.")
    cells = [("name", "scales", "parameters", "MACs", "weights", "licence")]
    for row in rows:
        first = (row.name, " ".join(f"×{scale}" for scale in row.scales), f"{row.parameters:,}", _short(row.macs))
        published = list(zip(row.weights, row.licences, strict=True)) or [("–", "")]
        cells += [(*first, *published[0]), *(("", "", "", "", *more) for more in published[1:])]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        aligned = (
            cell.rjust(width) if column in (2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        click.echo("  ".join(aligned).rstrip())


def _rows(pattern: str) -> list[_Row]:
    scales = {constructor.__name__: family.scales for family in families() for constructor in family.constructors}
    rows = []
    for name in sr.list_models(pattern):
        with torch.device("meta"):
            net = sr.create_model(name, scale=4 if 4 in scales[name] else max(scales[name]), fused=True).eval()
        published = [weights for weights in sr.list_weights() if weights.constructor == name]
        rows.append(
            _Row(
                name,
                scales[name],
                sum(parameter.numel() for parameter in net.parameters()),
                macs_for_output(net),
                tuple(weights.name for weights in published),
                tuple(weights.licence for weights in published),
            )
        )
    return rows


def _short(macs: int) -> str:
    return f"{macs / 1e9:.1f} G"
