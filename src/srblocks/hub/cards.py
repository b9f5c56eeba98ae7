"""Networks as repositories of the hub: weights, what they are, and a card."""

import json
import tempfile
from pathlib import Path

from srblocks.hub.sources import HUB, hub_errors
from srblocks.hub.weights import header_of, save
from srblocks.models.base import SRModel
from srblocks.version import __version__


def push_to_hub(
    net: SRModel,
    repo: str,
    *,
    private: bool = False,
    token: str | None = None,
    commit_message: str = "Upload weights",
    licence: str | None = None,
    card: str | None = None,
) -> str:
    """Upload a network's weights to a repository of the hub, which is made if there is none.

    It gets ``model.safetensors``, ``config.json`` and a ``README.md``; a card that is there already stays unless a new
    one is given.

    Args:
        net: the network, in any form.
        repo: ``owner/name``, or ``name`` for one of your own.
        private: make a new repository one that only you can see.
        token: for the hub; the one that you logged in with unless given.
        commit_message: of the commit.
        licence: of the weights, as the hub abbreviates it (``"apache-2.0"``), for the card.
        card: the text of the card, front matter included; written for you unless given.

    Returns:
        The source ``hf-hub:repo@revision`` that :func:`srblocks.load` takes.

    Raises:
        ArgumentError: ``net`` is no SRModel.
        CheckpointError: the hub refuses, cannot be reached, or no file of the network could be loaded again.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as name, hub_errors(f"push to {repo}"):
        folder = Path(name)
        save(net, folder / "model.safetensors")
        (folder / "config.json").write_text(_config(net), encoding="utf-8")
        repo = api.create_repo(repo, private=private, exist_ok=True).repo_id
        if card is not None or not api.file_exists(repo, "README.md"):
            (folder / "README.md").write_text(card or _card(net, repo, licence), encoding="utf-8")
        commit = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=commit_message)
    return f"{HUB}{repo}@{commit.oid}"


def _config(net: SRModel) -> str:
    ours = {"library_name": "srblocks", "srblocks_version": __version__, "scale": net.scale}
    return json.dumps(ours | json.loads(header_of(net).to_json()), indent=2, sort_keys=True) + "\n"


def _card(net: SRModel, repo: str, licence: str | None) -> str:
    network = type(net).__name__
    family = network if net.family is None else net.family.name
    factor = [] if net.scale is None else [f"x{net.scale}"]
    front = [
        "library_name: srblocks",
        "pipeline_tag: image-to-image",
        *([] if licence is None else [f"license: {json.dumps(licence)}"]),
        f"tags: {json.dumps(['super-resolution', family, *factor])}",
    ]
    needs = f", network={network}" if net.family is None else ""
    arguments = "\n".join(f"| `{name}` | `{value!r}` |" for name, value in net.arguments.items())
    parameters = sum(parameter.numel() for parameter in net.parameters())
    paper = "" if net.family is None else f"\nArchitecture: {net.family.paper}.\n"
    title = repo.rpartition("/")[2]
    return f"""---
{chr(10).join(front)}
---

# {title}

{network} for image super-resolution{"" if net.scale is None else f" by a factor of {net.scale}"}: {parameters:,}
parameters, in {net.form} form.
{paper}
```python
import srblocks as sr

net = sr.load("{HUB}{repo}@REVISION"{needs})  # the commit to pin
up = net(pictures)                            # (N, {net.in_channels}, H, W) in [0, 1]
```

| argument | value |
|---|---|
{arguments}
"""
