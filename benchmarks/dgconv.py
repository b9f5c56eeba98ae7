"""What DGConv costs in training: forward and backward against ``nn.Conv2d``, the six branches one by one beside it.

python -m benchmarks.dgconv > benchmarks/results/dgconv.md
"""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.timing import interleaved, machine, table
from srblocks.layers import DGConv


def step(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        layer.zero_grad(set_to_none=True)
        layer(x).sum().backward()

    return run


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    x = torch.rand(8, 64, 48, 48, device=device).requires_grad_()
    conv, layer = nn.Conv2d(64, 64, 3, padding=1).to(device), DGConv(64, 64).to(device)
    print(f"`python -m benchmarks.dgconv`, {machine()}.\n")
    both = interleaved({"nn.Conv2d": step(conv, x), "DGConv": step(layer, x)}, rounds=50)
    print(table("Forward and backward, 64 channels, 8×48×48, float32, median of 50 interleaved", both, "nn.Conv2d"))
    slow = {"nn.Conv2d": step(conv, x), "DGConv, six branches (reference form)": step(layer.reference(), x)}
    print(table("The reference form, median of 3 interleaved", interleaved(slow, rounds=3, warmup=1), "nn.Conv2d"))
    with torch.no_grad():
        fused = layer.fuse()
        inference = interleaved({"nn.Conv2d": lambda: conv(x), "DGConv": lambda: layer(x), "fused": lambda: fused(x)})
    print(table("Forward only, median of 50 interleaved", inference, "nn.Conv2d"))
    print(f"`type(DGConv(64, 64).fuse())` is `{type(fused).__name__}`.")


if __name__ == "__main__":
    main()
