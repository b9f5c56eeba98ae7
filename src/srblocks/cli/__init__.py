"""The command ``srblocks``. One file per sub-command; arguments in, library calls, text out."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from srblocks.cli import download, eval, info, models, train, upscale  # noqa: A004
from srblocks.errors import SRBlocksError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="srblocks")
def commands() -> None:
    """Enlarge pictures with super-resolution networks, and look after their weights."""


commands.add_command(upscale.command, "upscale")
commands.add_command(eval.command, "eval")
commands.add_command(train.command, "train")
commands.add_command(models.command, "models")
commands.add_command(info.command, "info")
commands.add_command(download.command, "download")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; exits with 0, with 1 if a file failed, with 2 if nothing could be done."""
    # So that what is half done is cleaned up.
    signal.signal(signal.SIGTERM, _leave)
    try:
        commands.main(arguments, prog_name="srblocks")
    except SRBlocksError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    sys.exit(0)


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
