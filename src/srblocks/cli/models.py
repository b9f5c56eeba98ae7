"""``srblocks models``: what there is."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from srblocks.models import SRModel

# Height and width of the picture that the cost is counted for, as papers do.
OUTPUT = (720, 1280)


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
    import torch

    from srblocks import create_model, list_models, list_weights
    from srblocks.models import families

    scales = {constructor.__name__: family.scales for family in families() for constructor in family.constructors}
    rows = []
    for name in list_models(pattern):
        with torch.device("meta"):
            net = create_model(name, scale=4 if 4 in scales[name] else max(scales[name]), fused=True).eval()
        published = [weights for weights in list_weights() if weights.constructor == name]
        rows.append(
            _Row(
                name,
                scales[name],
                sum(parameter.numel() for parameter in net.parameters()),
                _macs(net),
                tuple(weights.name for weights in published),
                tuple(weights.licence for weights in published),
            )
        )
    return rows


def _macs(net: "SRModel") -> int:
    """Multiply-accumulates for one output of the size above, counted without computing anything."""
    import torch

    from srblocks.layers.verification import count_macs

    scale = net.scale or 1
    x = torch.empty(1, net.in_channels, *(-(-side // scale) for side in OUTPUT), device="meta")
    return count_macs(net, x)


def _short(macs: int) -> str:
    return f"{macs / 1e9:.1f} G"
