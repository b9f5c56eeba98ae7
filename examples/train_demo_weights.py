"""Train the demo weights of DGPNet-tiny ×4 on a CPU: a fixed number of minutes on a folder of photographs.

    python examples/train_demo_weights.py FOLDER --minutes 20 -o dgpnet_tiny_x4.demo.safetensors

One file, no options worth tuning: it shows the shortest honest way from a folder of pictures to weights.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import srblocks as sr
from srblocks.ops.resize import imresize

SCALE, PATCH, BATCH, RATE = 4, 32, 16, 2e-3


def read_pairs(folder: Path) -> list[tuple[Tensor, Tensor]]:
    """Every picture as (LR, HR), uint8 (3, H, W); LR by MATLAB's bicubic."""
    pairs = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".webp", ".jpg", ".jpeg")):
        with Image.open(path) as image:
            hr = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
        hr = hr[:, : hr.shape[1] // SCALE * SCALE, : hr.shape[2] // SCALE * SCALE]
        lr = (imresize(hr / 255, 1 / SCALE).clamp(0, 1) * 255).round().byte()
        pairs.append((lr, hr.contiguous()))
    return pairs


def batch(
    pairs: list[tuple[Tensor, Tensor]], weights: np.ndarray, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Random crops in [0, 1], flipped and transposed at random; large pictures are drawn more often."""
    lrs, hrs = [], []
    for index in random.choice(len(pairs), BATCH, p=weights):
        lr, hr = pairs[index]
        y, x = (int(random.integers(size - PATCH + 1)) for size in lr.shape[1:])
        crop = lr[:, y : y + PATCH, x : x + PATCH]
        target = hr[:, SCALE * y : SCALE * (y + PATCH), SCALE * x : SCALE * (x + PATCH)]
        dims = [dim for dim in (1, 2) if random.random() < 0.5]
        turn = (0, 2, 1) if random.random() < 0.5 else (0, 1, 2)
        lrs.append(crop.flip(dims).permute(turn))
        hrs.append(target.flip(dims).permute(turn))
    return torch.stack(lrs) / 255, torch.stack(hrs) / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("-o", "--output", type=Path, default=Path("dgpnet_tiny_x4.demo.safetensors"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    pairs = read_pairs(arguments.folder)
    sizes = np.array([lr.shape[1] * lr.shape[2] for lr, _ in pairs], dtype=float)
    print(f"{len(pairs)} pictures, {sizes.sum() * SCALE**2 / 1e6:.0f} megapixels", flush=True)

    net = sr.create_model("dgpnet_tiny", scale=SCALE)
    decay = torch.optim.swa_utils.get_ema_multi_avg_fn(0.999)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=decay)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    start, step, losses = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - start) / (60 * arguments.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * done)) + 1e-6
        lr, hr = batch(pairs, sizes / sizes.sum(), random)
        loss = F.l1_loss(net(lr.to(memory_format=torch.channels_last)), hr)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(net)
        step, losses = step + 1, losses + float(loss.detach())
        if step % 200 == 0:
            print(f"{step} steps, {60 * arguments.minutes * done:.0f} s, L1 {losses / 200:.5f}", flush=True)
            losses = 0.0
    trained = average.module
    assert isinstance(trained, sr.SRModel)
    sr.save(trained.eval(), arguments.output)
    print(f"{step} steps; wrote {arguments.output}")


if __name__ == "__main__":
    main()
