"""Fills the zoo page from the families' records when the documentation is built."""

from typing import Any

import torch

import srblocks as sr
from srblocks.models import families
from srblocks.models.cost import macs_for_output


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the placeholder of a page; mkdocs calls this for every one."""
    return (
        markdown.replace("<!-- zoo -->", "\n\n".join(map(describe, families())))
        if "<!-- zoo -->" in markdown
        else markdown
    )


def describe(family: sr.Family) -> str:
    """One family as Markdown."""
    lines = [
        f"## {family.network.__name__}",
        "",
        f"{family.paper}. Licence of the reference: {family.licence}.",
        "",
        "| constructor | scale | parameters | parameters, fused | GMACs, fused, for 1280×720 |",
        "|---|---|---:|---:|---:|",
        *(row(constructor, scale) for constructor in family.constructors for scale in family.scales),
        "",
    ]
    if family.reconstruction:
        lines += ["No public description of this system exists; the network is our own design.", ""]
    layouts = ", ".join(f"`{layout.name}`" for layout in family.layouts) or "none but ours"
    lines += [f"Layouts of reference implementations: {layouts}.", ""]
    if family.hidden:
        lines += [f"Not always shown by a checkpoint: {', '.join(f'`{name}`' for name in family.hidden)}.", ""]
    halves = [dtype for dtype in ("float16", "bfloat16") if dtype not in family.exceptions]
    lines += [f"Dtypes beside float32 and float64, by the promises: {', '.join(halves) or 'none'}.", ""]
    lines += [f"- Cannot keep the promise *{promise}*: {reason}" for promise, reason in family.exceptions.items()]
    lines += ["", f"::: srblocks.models.{family.network.__name__}", "    options:", "      members: []", ""]
    return "\n".join(lines)


def row(constructor: Any, scale: int) -> str:
    """One line of the table."""
    with torch.device("meta"):
        net = constructor(scale).eval()
        fused = net.fuse()
        macs = macs_for_output(fused)
    before, after = (sum(p.numel() for p in module.parameters()) for module in (net, fused))
    return f"| `{constructor.__name__}` | ×{scale} | {before:,} | {after:,} | {macs / 1e9:.1f} |"
