"""A network on a data set, by the protocol of the papers, beside bicubic interpolation."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from srblocks.errors import ArgumentError, InputError, SRBlocksError
from srblocks.evaluation.datasets import RGB, Pair
from srblocks.evaluation.fidelity import psnr
from srblocks.evaluation.gradients import gmsd, ms_gmsd
from srblocks.evaluation.phase import fsim
from srblocks.evaluation.structure import ms_ssim, ssim
from srblocks.ops.resize import imresize

METRICS: dict[str, Callable[..., Tensor]] = {
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "gmsd": gmsd,
    "ms_gmsd": ms_gmsd,
    "fsim": fsim,
    "fsimc": partial(fsim, chroma=True),
}


@dataclass(frozen=True)
class Score:
    """What the measures say of one picture, or their means over several.

    Attributes:
        name: of the picture.
        values: by measure.
        bicubic: the same of bicubic interpolation.
    """

    name: str
    values: Mapping[str, float]
    bicubic: Mapping[str, float]


@dataclass(frozen=True)
class Views:
    """One picture in all its versions, ``(H, W, 3)``: LR, and in HR's size bicubic, the network's and HR itself."""

    lr: RGB
    bicubic: RGB
    enlarged: RGB
    hr: RGB


@dataclass(frozen=True)
class Evaluation:
    """The scores of a data set at one scale.

    Attributes:
        scale: the factor.
        scores: of each picture.
        failures: one sentence for each picture that could not be evaluated.
    """

    scale: int
    scores: tuple[Score, ...]
    failures: tuple[str, ...] = ()

    @property
    def mean(self) -> Score:
        """The means over the pictures.

        Raises:
            InputError: there are no scores.
        """
        if not self.scores:
            raise InputError("There are no scores to take the mean of: every picture failed.")
        return Score("mean", _means([s.values for s in self.scores]), _means([s.bicubic for s in self.scores]))

    @property
    def rows(self) -> tuple[Score, ...]:
        """The scores and, if there are any, their mean."""
        return (*self.scores, self.mean) if self.scores else ()


def evaluate(
    enlarge: Callable[[RGB], RGB],
    pairs: Iterable[Pair],
    *,
    scale: int,
    metrics: Sequence[str] = ("psnr", "ssim"),
    watch: Callable[[Score, Views], None] | None = None,
) -> Evaluation:
    """Enlarge the LR pictures and measure how near the results come to the HR ones, as papers do.

    Results are 8-bit; ``scale`` pixels are left out at each side; PSNR, SSIM and MS-SSIM are those of the luma. Bicubic
    interpolation is measured alongside. A picture that fails does not stop the others.

    Args:
        enlarge: array ``(H, W, 3)`` in uint8 -> ``(scale·H, scale·W, 3)`` in uint8, as :class:`srblocks.Upscaler` does.
            Papers compute pictures as a whole: ``Upscaler(net, tile=None, precision="float32")``.
        pairs: the pictures, as :func:`find_pairs` finds them.
        scale: the factor.
        metrics: names of measures: psnr, ssim, ms_ssim, gmsd, ms_gmsd, fsim, fsimc.
        watch: called after each picture.

    Raises:
        ArgumentError: there is no such measure.
    """
    for name in metrics:
        if name not in METRICS:
            raise ArgumentError(f"metrics must be some of {', '.join(METRICS)}, not {name!r}.")
    scores, failures = [], []
    for pair in pairs:
        try:
            lr, hr = pair.read(scale)
            views = Views(lr, enlarge_bicubic(lr, scale), enlarge(lr), hr)
            values, bicubic = (
                {name: float(METRICS[name](view, hr, border=scale)) for name in metrics}
                for view in (views.enlarged, views.bicubic)
            )
            score = Score(pair.name, values, bicubic)
            if watch is not None:
                watch(score, views)
        except SRBlocksError as error:
            failures.append(f"{pair.name}: {error}")
            continue
        scores.append(score)
    return Evaluation(scale, tuple(scores), tuple(failures))


def enlarge_bicubic(picture: RGB, scale: int) -> RGB:
    """MATLAB's bicubic of ``(H, W, C)``, rounded once."""
    planes = imresize(torch.from_numpy(picture).permute(2, 0, 1).double(), scale)
    return planes.clamp(0, 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def to_markdown(evaluations: Sequence[Evaluation]) -> str:
    """One table for each scale, as papers print them; aligned, so that it reads well as plain text too."""
    return "\n".join(_markdown_table(evaluation) for evaluation in evaluations)


def to_csv(evaluations: Sequence[Evaluation]) -> str:
    """One line for each picture and for the means, with all digits."""
    rows = [(evaluation.scale, row) for evaluation in evaluations for row in evaluation.rows]
    measures = list(rows[0][1].values) if rows else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["scale", "picture", *measures, *(f"bicubic_{measure}" for measure in measures)])
    table.writerows([scale, row.name, *row.values.values(), *row.bicubic.values()] for scale, row in rows)
    return text.getvalue()


def to_json(evaluations: Sequence[Evaluation]) -> str:
    """A list with an object for each scale, with all digits; JSON has no infinite numbers, so they are null."""
    objects = [
        {
            "scale": evaluation.scale,
            "pictures": [_to_object(score) for score in evaluation.scores],
            "mean": _to_object(evaluation.mean) if evaluation.scores else None,
            "failures": list(evaluation.failures),
        }
        for evaluation in evaluations
    ]
    return json.dumps(objects, indent=2) + "\n"


def title_of(measure: str) -> str:
    """A measure's name as papers write it."""
    return {"fsimc": "FSIMc"}.get(measure, measure.upper().replace("_", "-"))


def shown(measure: str, value: float) -> str:
    """A measure's value with as many digits as matter."""
    return f"{value:.3f}" if measure == "psnr" else f"{value:.4f}"


def _markdown_table(evaluation: Evaluation) -> str:
    measures = [title_of(measure) for row in evaluation.rows[:1] for measure in row.values]
    cells = [[f"×{evaluation.scale}", *measures, *(f"bicubic {measure}" for measure in measures)]]
    for row in evaluation.rows:
        values = [*row.values.items(), *row.bicubic.items()]
        cells.append([row.name, *(shown(measure, value) for measure, value in values)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    lines = ([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in cells)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {measure: math.fsum(each[measure] for each in values) / len(values) for measure in values[0]}


def _to_object(row: Score) -> dict[str, Any]:
    def finite(values: Mapping[str, float]) -> dict[str, float | None]:
        return {measure: value if math.isfinite(value) else None for measure, value in values.items()}

    return {"name": row.name, **finite(row.values), "bicubic": finite(row.bicubic)}
