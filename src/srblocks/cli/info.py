"""``srblocks info``: what a weights file is."""

import json

import click

from srblocks.hub.inspection import inspect_weights


@click.command("info")
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(source: str, as_json: bool) -> None:
    """Say what SOURCE holds: a file, a name of published weights, hf-hub:repo@revision or a URL.

    Arguments of the network were seen in the tensors, written in the file's header, listed in the catalog, or are the
    default, which a file that shows nothing else is assumed to have.
    """
    found = inspect_weights(source)
    weights = found.weights
    facts: dict[str, object] = {
        "file": str(found.path),
        "bytes": found.bytes,
        "sha256": found.sha256,
        "published as": None if weights is None else weights.name,
        "licence": None if weights is None else weights.licence,
        "family": found.family,
        "network": found.network,
        "naming": found.layout or "srblocks",
        "form": found.form,
        "tensors": found.tensors,
    }
    if as_json:
        arguments = {name: {"value": value, "origin": found.origins[name]} for name, value in found.arguments.items()}
        named = {name.replace(" ", "_"): value for name, value in facts.items()}
        click.echo(json.dumps(named | {"arguments": arguments}, indent=2))
        return
    for name, value in facts.items():
        if value is not None:
            click.echo(f"{name:14}{value:,}" if isinstance(value, int) else f"{name:14}{value}")
    width = max(map(len, found.arguments), default=0)
    values = max((len(repr(value)) for value in found.arguments.values()), default=0)
    for number, (name, value) in enumerate(found.arguments.items()):
        title = "" if number else "arguments"
        click.echo(f"{title:14}{name:{width}}  {value!r:{values}}  {found.origins[name]}")
