"""Tiles: which size is fastest, what a large picture costs in time and memory, and what the command adds.

python -m benchmarks.tiles > benchmarks/results/tiles.md
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import srblocks as sr
from benchmarks.timing import interleaved, machine

MODEL = "dgpnet_tiny_x4"


def pixels(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sizes() -> None:
    net, picture = sr.load(MODEL).fuse(), pixels(1024, 1024)
    print(
        "**ns per LR pixel by largest side of the tiles, 1024×1024, fused dgpnet_tiny ×4, median of 3 interleaved**\n"
    )
    print("| tile | ns per pixel |\n|---|---:|")
    ups = {str(tile or "whole"): sr.Upscaler(net, tile=tile) for tile in (64, 96, 128, 192, 256, 512, None)}
    medians = interleaved({name: lambda up=up: up(picture) for name, up in ups.items()}, rounds=3, warmup=1)  # type: ignore[misc]
    for name, seconds in medians.items():
        print(f"| {name} | {1e9 * seconds / 1024**2:.0f} |")


def growth() -> None:
    up = sr.Upscaler(sr.load(MODEL).fuse())
    small, large = pixels(256, 256), pixels(2048, 2048)
    medians = interleaved({"256": lambda: up(small), "2048": lambda: up(large)}, rounds=5, warmup=1)
    per_pixel = medians["256"] / 256**2, medians["2048"] / 2048**2
    print(
        f"\nTime per pixel at 2048×2048 over that at 256×256: {per_pixel[1] / per_pixel[0]:.2f} "
        f"({1e9 * per_pixel[1]:.0f} and {1e9 * per_pixel[0]:.0f} ns)."
    )


def memory() -> None:
    """In a process of its own, because the peak is the process's."""
    up, picture = sr.Upscaler(sr.load(MODEL).fuse()), pixels(3000, 4000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    result = up(picture)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"4000×3000 ×4 in {seconds:.0f} s: peak of the process {peak / 1e6:.2f} GB, {before / 1e6:.2f} GB of it "
        f"before the call, and {result.nbytes / 1e9:.2f} GB are the result."
    )


def command() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "x.png", Path(folder) / "y.png"
        Image.fromarray(pixels(256, 256)).save(source)
        up, picture = sr.Upscaler(sr.load(MODEL).fuse()), pixels(256, 256)
        line = [sys.executable, "-m", "srblocks", "upscale", str(source), "-o", str(target), "--force"]
        runs = {
            "import torch": lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True),
            "network": lambda: up(picture),
            "command": lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL),
        }
        medians = interleaved(runs, rounds=5, warmup=1)
    rest = medians["command"] - medians["network"] - medians["import torch"]
    print(
        f"`srblocks upscale` of a 256×256 PNG takes {medians['command']:.2f} s: {medians['import torch']:.2f} s to "
        f"import torch, {medians['network']:.2f} s in the network, {rest:.2f} s all else (start, weights, files)."
    )


def main() -> None:
    if sys.argv[1:] == ["memory"]:
        memory()
        return
    print(f"`python -m benchmarks.tiles`, {machine()}.\n")
    sizes()
    growth()
    print()
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "benchmarks.tiles", "memory"], check=True)
    command()


if __name__ == "__main__":
    main()
