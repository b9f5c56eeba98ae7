"""Fills the pages on the zoo and on fusion from the code when the documentation is built."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import srblocks as sr
from srblocks.layers import ECB, AIIBlock, Conv3XC, ConvBatchNorm, DGConv
from srblocks.layers.verification import count_macs
from srblocks.models import families
from srblocks.models.cost import macs_for_output


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the placeholders of a page; mkdocs calls this for every one."""
    for placeholder, fill in PLACEHOLDERS.items():
        if placeholder in markdown:
            markdown = markdown.replace(placeholder, fill())
    return markdown


def zoo() -> str:
    """All families."""
    return "\n\n".join(map(describe, families()))


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


def report() -> str:
    """What the proof of a fusion looks like."""
    torch.manual_seed(0)
    proof = sr.verify_fusion(disturbed(sr.create_model("etds_t")))
    return f'```python\n>>> print(sr.verify_fusion(sr.create_model("etds_t")))\n{proof}\n```'


def fusions() -> str:
    """Every re-parameterisation before and after, as a table."""
    torch.manual_seed(0)
    modules: dict[str, nn.Module] = {
        "DGConv(32, 32)": DGConv(32, 32),
        "AIIBlock(32)": AIIBlock(32),
        "ECB(32, 32)": ECB(32, 32),
        "Conv3XC(32, 32)": Conv3XC(32, 32),
        "ConvBatchNorm(32, 32)": ConvBatchNorm(32, 32),
        "ecbsr_m4c16(2)": sr.create_model("ecbsr_m4c16", scale=2),
        "etds_t(2)": sr.create_model("etds_t", scale=2),
        "span_ntire(2)": sr.create_model("span_ntire", scale=2),
    }
    lines = [
        "| at 48×48 pixels | parameters | fused | MACs by branches | merged first | fused | error f64 | error f32 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join(lines + [fusion(name, disturbed(module)) for name, module in modules.items()])


def fusion(name: str, module: nn.Module) -> str:
    """One line of the table."""
    x = torch.rand(1, module.in_channels if isinstance(module, sr.SRModel) else 32, 48, 48)
    branches = count_macs(sr.as_reference(module), x)
    check = sr.verify_fusion(module, x).whole
    numbers = (*check.parameters, branches, *check.macs)
    errors = (check.error_float64, check.error_float32)
    return f"| `{name}` | {' | '.join(f'{n:,}' for n in numbers)} | {' | '.join(f'{e:.1e}' for e in errors)} |"


@torch.no_grad()
def disturbed(module: nn.Module) -> nn.Module:
    """The module in eval mode, with noise on all it holds, so that no zero at the start makes fusion easy."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.add_(0.02 * torch.randn_like(tensor))
    return module.eval()


PLACEHOLDERS: dict[str, Callable[[], str]] = {
    "<!-- zoo -->": zoo,
    "<!-- report -->": report,
    "<!-- fusions -->": fusions,
}
