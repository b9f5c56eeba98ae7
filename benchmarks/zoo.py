"""Networks as they are trained, fused, and as the library spandrel has them: time and memory of one forward pass.

python -m benchmarks.zoo > benchmarks/results/zoo.md

Other networks by name: ``python -m benchmarks.zoo safmn rlfn``. spandrel comes with nothing else here (``pip install
--no-deps spandrel``); its networks get our random weights, saved in the layout of the papers' authors.
"""

import importlib.metadata
import sys
import tempfile
import types
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import srblocks as sr
from benchmarks.timing import interleaved, machine

NETWORKS = ("span", "ecbsr_m6c40_rgb", "etds_l", "safmn", "imdn")
FORMS = ("trained", "fused", "spandrel")
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
# ×4 makes 1280×720 of it.
HEIGHT, WIDTH = 180, 320
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def build(name: str, form: str) -> nn.Module | str:
    """A network in one of the forms, with the same random weights in all; or why there is none."""
    if name not in sr.list_models():
        return "not in the zoo"
    torch.manual_seed(0)
    net = sr.create_model(name).eval().to(DEVICE)
    if form == "spandrel":
        return in_spandrel(net)
    return net.fuse() if form == "fused" else net


def in_spandrel(net: sr.SRModel) -> nn.Module | str:
    """The same network with the same weights in spandrel; or why there is none."""
    if find_spec("spandrel") is None:
        return "not installed"
    if "torchvision" not in sys.modules and find_spec("torchvision") is None:
        # Two architectures that are not measured here want functions of it.
        parts = [types.ModuleType(f"torchvision{part}") for part in ("", ".transforms", ".transforms.functional")]
        vars(parts[-1]).update(InterpolationMode=None, rotate=None, normalize=None)
        sys.modules.update({part.__name__: part for part in parts})
    spandrel: Any = importlib.import_module("spandrel")
    assert net.family is not None
    for layout in (layout for layout in net.family.layouts if layout.form == "training"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.pth"
            sr.save(net, path, layout=layout.name)
            try:
                peer: nn.Module = spandrel.ModelLoader(DEVICE).load_from_file(path).model.eval()
            except spandrel.UnsupportedModelError:
                continue
        x = picture(45, 50)
        same = torch.allclose(peer(x), net(x), atol=1e-4 * float(net(x).abs().max()))
        return peer if same else "gives another result"
    return "not in it"


def picture(height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).to(DEVICE)


def times(name: str, layout: str) -> list[str]:
    """A network's cells in the table of times: milliseconds of every form, and ratios."""
    forms = {form: build(name, form) for form in FORMS}
    x = picture().to(memory_format=LAYOUTS[layout])
    nets = {
        form: net.to(memory_format=LAYOUTS[layout])  # type: ignore[call-overload]
        for form, net in forms.items()
        if isinstance(net, nn.Module)
    }
    medians = interleaved({form: partial(net, x) for form, net in nets.items()}, rounds=9, warmup=1)

    def ratio(form: str) -> str:
        return f"{medians['fused'] / medians[form]:.2f}" if form in medians else "–"

    cells = [f"{1e3 * medians[form]:.0f}" if form in medians else str(forms[form]) for form in FORMS]
    return [*cells, ratio("trained"), ratio("spandrel")]


def peak(name: str, form: str) -> str:
    """Megabytes that PyTorch holds at once for one forward pass, its result among them, the weights not."""
    net, x = build(name, form), picture()
    if isinstance(net, str):
        return net
    # Allocations on other devices are traced too.
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as traced:
        net(x)
    results: Any = traced.profiler
    changes = [event.nbytes() for event in results.kineto_results.events() if event.name() == "[memory]"]
    return f"{max(accumulate(changes)) / 1e6:.0f}"


@torch.inference_mode()
def main() -> None:
    names = sys.argv[1:] or NETWORKS
    peer = f"spandrel {importlib.metadata.version('spandrel')}" if find_spec("spandrel") else "without spandrel"
    print(f"`python -m benchmarks.zoo`, {machine()}, {peer}. {WIDTH}×{HEIGHT} pixels, ×4, float32.")
    for layout in LAYOUTS:
        print(f"\n**ms, {layout}, median of 9 interleaved**\n")
        print("| | trained | fused | spandrel | fused / trained | fused / spandrel |\n|---|---:|---:|---:|---:|---:|")
        for name in names:
            print(f"| {name} | {' | '.join(times(name, layout))} |", flush=True)
    print("\n**MB that PyTorch holds at the peak, beside the weights, contiguous**\n")
    print("| | trained | fused | spandrel |\n|---|---:|---:|---:|")
    for name in names:
        print(f"| {name} | {' | '.join(peak(name, form) for form in FORMS)} |", flush=True)


if __name__ == "__main__":
    main()
