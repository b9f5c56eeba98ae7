"""Which attention is faster where: the measurement behind ``ops.attention``'s choice.

python -m benchmarks.attention > benchmarks/results/attention.md
"""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.timing import interleaved, machine
from srblocks.ops.attention import MIN_TOKENS_FOR_SDPA_ON_CPU, attention

# name -> (windows, heads, tokens, head width), with a bias or not, all for a map of 128×128 or so
SHAPES: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "ELAN-light, window 4": ((1024, 1, 16, 20), False),
    "ELAN-light, window 8": ((256, 1, 64, 20), False),
    "ELAN-light, window 16": ((64, 1, 256, 20), False),
    "Omni-SR, window 8": ((256, 4, 64, 16), True),
    "Omni-SR, channels": ((256, 4, 16, 64), False),
}


def candidates(
    shape: tuple[int, ...], with_bias: bool, dtype: torch.dtype, train: bool
) -> dict[str, Callable[[], object]]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    q, k, v = (torch.randn(shape, device=device, dtype=dtype).requires_grad_(train) for _ in range(3))
    bias = torch.randn(1, shape[1], shape[2], shape[2], device=device, dtype=dtype) if with_bias else None

    def finish(y: Tensor) -> None:
        if train:
            torch.autograd.backward(y.float().sum())

    return {
        "explicit": lambda: finish(attention(q, k, v, bias=bias, explicit=True)[0]),
        "sdpa": lambda: finish(torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)),
    }


def main() -> None:
    print(f"`python -m benchmarks.attention`, {machine()}. Time of SDPA over time of the explicit product.\n")
    print("| | tokens | float32 | float32, training | bfloat16 | bfloat16, training |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (shape, with_bias) in SHAPES.items():
        ratios = []
        for dtype in (torch.float32, torch.bfloat16):
            for train in (False, True):
                medians = interleaved(candidates(shape, with_bias, dtype, train), rounds=15)
                ratios.append(f"{medians['sdpa'] / medians['explicit']:.2f}")
        print(f"| {name} | {shape[2]} | {' | '.join(ratios)} |")
    print(f"\nOn a CPU, SDPA is taken in float32 and float64 from {MIN_TOKENS_FOR_SDPA_ON_CPU} tokens on.")


if __name__ == "__main__":
    main()
