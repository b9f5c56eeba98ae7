"""``srblocks train``: from a folder of pictures to weights."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from srblocks.errors import ArgumentError
from srblocks.training.config import TrainConfig, load_config


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """An option for every field of the configuration that a command line can hold."""
    hints = get_type_hints(TrainConfig)
    for field in reversed(fields(TrainConfig)):
        hint, name = hints[field.name], field.name.replace("_", "-")
        if get_origin(hint) in (dict, tuple):
            continue  # tables and lists have their place in a file
        shown = f" [default: {field.default}]" if field.default not in (None, "", False) else ""
        kind: Any = click.Choice(get_args(hint)) if get_origin(hint) is Literal else (get_args(hint) or (hint,))[0]
        flag = {"is_flag": True, "flag_value": True} if kind is bool else {"type": kind}
        add = click.option(f"--{name}", field.name, default=None, help=field.metadata["help"] + shown, **flag)
        function = add(function)
    return function


@click.command("train")
@click.option("--config", "path", type=click.Path(path_type=Path), help="A TOML file; options overrule it.")
@click.option("--resume", is_flag=True, help="Go on with the run in the output folder.")
@_options
def command(path: Path | None, resume: bool, **values: Any) -> None:
    """Train a network on a folder of pictures, and print where the weights are.

    Several processes, on one machine or more, share each batch: accelerate launch -m srblocks train ...
    """
    config = load_config(path, **{name: value for name, value in values.items() if value is not None})
    try:
        from srblocks.training import train
    except ImportError as error:
        raise ArgumentError(str(error)) from None
    on_terminal = sys.stderr.isatty()
    with _log_on_stderr(logging.WARNING if on_terminal else logging.INFO):
        click.echo(train(config, resume=resume, show=on_terminal))


@contextmanager
def _log_on_stderr(level: int) -> Iterator[None]:
    logger, handler = logging.getLogger("srblocks"), logging.StreamHandler()
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
