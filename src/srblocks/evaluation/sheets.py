"""Sheets on which one sees results side by side."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from srblocks.evaluation.benchmark import Score, Views, shown, title_of

_GAP, _TITLE, _WHITE, _INK, _MARK = 12, 30, (255, 255, 255), (30, 30, 30), (230, 40, 40)


def comparison_sheet(
    panels: Sequence[tuple[str, Image.Image]], crops: Sequence[tuple[int, int, int, int]], *, width: int = 360
) -> Image.Image:
    """Pictures of one scene in a row, each under its title, and below it the same cut-outs of each, magnified.

    Args:
        panels: title and RGB picture; the pictures are shown at the size of the last one, smaller ones by repeating
            their pixels.
        crops: boxes (left, top, right, bottom) in pixels of the last picture.
        width: of a panel.
    """
    full = panels[-1][1].size
    height = max(1, round(width * full[1] / full[0]))
    heights = [round(width * (bottom - top) / (right - left)) for left, top, right, bottom in crops]
    total = _TITLE + height + sum(_GAP + crop for crop in heights)
    sheet = Image.new("RGB", (len(panels) * (width + _GAP) + _GAP, total + 2 * _GAP), _WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for index, (title, picture) in enumerate(panels):
        x, y = _GAP + index * (width + _GAP), _GAP
        draw.text((x, y), title, fill=_INK, font=font)
        y += _TITLE
        shown = picture.resize(full, Image.Resampling.NEAREST)
        sheet.paste(shown.resize((width, height), Image.Resampling.LANCZOS), (x, y))
        for left, top, right, bottom in crops:
            factor = width / full[0]
            draw.rectangle(
                (x + left * factor, y + top * factor, x + right * factor, y + bottom * factor), outline=_MARK, width=2
            )
        y += height + _GAP
        for box, crop in zip(crops, heights, strict=True):
            sheet.paste(shown.crop(box).resize((width, crop), Image.Resampling.NEAREST), (x, y))
            y += crop + _GAP
    return sheet


def evaluation_sheet(score: Score, views: Views, *, name: str = "network") -> Image.Image:
    """LR, bicubic, the network's result and HR of one evaluated picture, and the cut-out that is hardest for bicubic.

    Args:
        score: its measures, of which the first is shown.
        views: its versions.
        name: of the network.
    """
    measure = next(iter(score.values))
    panels = [
        (f"low resolution, {views.lr.shape[1]} x {views.lr.shape[0]}", views.lr),
        (f"bicubic, {title_of(measure)} {shown(measure, score.bicubic[measure])}", views.bicubic),
        (f"{name}, {title_of(measure)} {shown(measure, score.values[measure])}", views.enlarged),
        ("original", views.hr),
    ]
    return comparison_sheet([(text, Image.fromarray(pixels)) for text, pixels in panels], [_hardest_box(views)])


def _hardest_box(views: Views) -> tuple[int, int, int, int]:
    """The square of a quarter of the shorter side in which bicubic interpolation errs most."""
    bicubic, hr = (torch.from_numpy(pixels).float() for pixels in (views.bicubic, views.hr))
    error = (bicubic - hr).square().sum(2)
    side = max(1, min(error.shape) // 4)
    step = max(1, side // 4)
    errors = F.avg_pool2d(error[None], side, step)[0]
    row, column = divmod(int(errors.argmax()), errors.shape[1])
    return step * column, step * row, step * column + side, step * row + side
