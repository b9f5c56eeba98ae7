"""``srblocks download``: fill the cache."""

import click

from srblocks.hub.sources import fetch


@click.command("download")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def command(names: tuple[str, ...]) -> None:
    """Fetch weights, so that later they load without a network connection, and print where each lies.

    NAME is one of `srblocks models`, hf-hub:repo@revision or a URL.
    """
    for name in names:
        click.echo(fetch(name).path)
