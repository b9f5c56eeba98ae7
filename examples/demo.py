"""Enlarge a photograph four times with DGPNet, and show what that is worth.

    make demo

The photograph is scikit-image's astronaut (NASA, public domain). It is made four times smaller, as papers do, and
enlarged again, so that the result can be held against the original. Nothing was trained on it.
"""

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch import Tensor

import srblocks as sr
from srblocks.evaluation import imresize, psnr
from srblocks.evaluation.sheets import comparison_sheet

WEIGHTS = "dgpnet_tiny_x4"
FOLDER = Path("demo")
CROPS = ((170, 60, 290, 150), (20, 0, 140, 90))


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.tensor(pixels).permute(2, 0, 1) / 255


def to_image(x: Tensor) -> Image.Image:
    return Image.fromarray((x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())


def main() -> None:
    net = sr.load(WEIGHTS)
    fused = net.fuse()
    report = sr.verify_fusion(net)
    before, after = report.whole.parameters
    print(f"weights   {WEIGHTS}: {type(net).__name__}, {before:,} parameters, {after:,} when fused")
    print(
        f"fusion    relative error {report.max_error_float64:.0e} in float64, {report.max_error_float32:.0e} in float32"
    )

    original = to_tensor(data.astronaut())  # type: ignore[no-untyped-call]
    small = to_tensor(np.asarray(to_image(imresize(original, 1 / 4))))
    up = sr.Upscaler(fused)
    start = time.perf_counter()
    ours = up(small)
    seconds = time.perf_counter() - start
    bicubic = imresize(small, 4)
    (height, width), (h, w) = ours.shape[1:], small.shape[1:]
    print(f"picture   {w}×{h} -> {width}×{height} in {1000 * seconds:.0f} ms on {torch.get_num_threads()} CPU threads")
    values = {name: float(psnr(x, original, border=4)) for name, x in (("bicubic", bicubic), ("DGPNet", ours))}
    print(
        f"PSNR-Y    {values['DGPNet']:.2f} dB, bicubic {values['bicubic']:.2f} dB "
        f"(+{values['DGPNet'] - values['bicubic']:.2f})"
    )

    FOLDER.mkdir(exist_ok=True)
    to_image(ours).save(FOLDER / "astronaut_x4.png")
    panels = [
        (f"low resolution, {w} x {h}", to_image(small)),
        (f"bicubic, {values['bicubic']:.2f} dB", to_image(bicubic)),
        (f"DGPNet-tiny, {values['DGPNet']:.2f} dB", to_image(ours)),
        ("original", to_image(original)),
    ]
    comparison_sheet(panels, CROPS).save(FOLDER / "comparison.png")
    print(f"written   {FOLDER / 'astronaut_x4.png'}, {FOLDER / 'comparison.png'}")


if __name__ == "__main__":
    main()
