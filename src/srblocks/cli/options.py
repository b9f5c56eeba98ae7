"""Options that several commands have."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from torch import nn

from srblocks.inference import Upscaler

F = TypeVar("F", bound=Callable[..., Any])


def upscaler_options(*, tile: str, precision: str) -> Callable[[F], F]:
    """How a network is run: ``tile``, ``precision``, ``device`` and ``ensemble``, for :func:`open_upscaler`."""
    options = (
        click.option(
            "--tile", default=tile, show_default=True, help="Side of the tiles in pixels; 0 for the whole picture."
        ),
        click.option(
            "--precision",
            type=click.Choice(["auto", "float32", "float16", "bfloat16"]),
            default=precision,
            show_default=True,
            help="auto is float32 on a CPU, half elsewhere where the network can.",
        ),
        click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps, or the best that is there."),
        click.option("--ensemble", is_flag=True, help="Average over eight flips and turns: slower, a little better."),
    )

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def open_upscaler(net: nn.Module, *, tile: str, precision: Any, device: str, ensemble: bool) -> Upscaler:
    """The upscaler that the options ask for."""
    return Upscaler(net, tile=_tile(tile), precision=precision, device=_device(device), ensemble=ensemble)


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
