"""Does DGConv train better than plain convolutions? The same network, data, seeds and steps, and the same start.

    python -m benchmarks.dgconv_training --train-dir PHOTOGRAPHS --val-dir OTHERS --test-dir Set5

DGPNet-tiny ×4 is trained in its training form, where every convolution is a DGConv, and in its fused form, where every
one is plain. Both are one network once fused, and start as the same function: the plain one is the fused other one.
What an interrupted benchmark has finished is not done again.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import matplotlib.pyplot as plt

import srblocks as sr
from benchmarks.timing import machine
from srblocks.evaluation import evaluate, find_pairs
from srblocks.training import TrainConfig
from srblocks.training.loop import STATE, train

FORMS = {"DGConv": "training", "plain": "fused"}
SEEDS = (0, 1, 2)
RESULTS = Path(__file__).parent / "results" / "dgconv_training.md"
CURVES = Path(__file__).parents[1] / "docs" / "dgconv_training.svg"


@dataclass(frozen=True)
class Run:
    """What one training gave: validation PSNR by step, and test PSNR at the end, in dB."""

    curve: dict[int, float]
    test: float


def run(form: str, rate: float, seed: int, arguments: argparse.Namespace) -> Run:
    config = TrainConfig(
        train_dir=arguments.train_dir,
        val_dir=arguments.val_dir,
        output=str(arguments.output / f"{form}_{rate:g}_{seed}"),
        form="training" if form == "DGConv" else "fused",
        iterations=arguments.steps,
        patch_size=96,
        learning_rate=rate,
        seed=seed,
        validate_every=250,
    )
    train(config, resume=(config.folder / STATE).exists(), show=True)
    with (config.folder / "log.csv").open(newline="", encoding="utf-8") as file:
        curve = {int(row["step"]): float(row["psnr"]) for row in csv.DictReader(file) if row["psnr"]}
    upscaler = sr.Upscaler(sr.load(config.folder / "last.safetensors").fuse(), tile=None)
    found = evaluate(upscaler, find_pairs(arguments.test_dir, 4), scale=4, metrics=["psnr"])
    return Run(curve, found.mean.values["psnr"])


def spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-dir", required=True)
    parser.add_argument("--val-dir", required=True)
    parser.add_argument("--test-dir", required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rates", type=float, nargs="+", default=[2e-3, 5e-4])
    parser.add_argument("--output", type=Path, default=Path("runs/dgconv"))
    arguments = parser.parse_args()
    runs = {
        (form, rate, seed): run(form, rate, seed, arguments)
        for rate, seed, form in product(arguments.rates, SEEDS, FORMS)
    }
    lines = [
        f"`python -m benchmarks.dgconv_training`, {machine()}. DGPNet-tiny ×4, {arguments.steps} steps of 16 patches",
        f"of 96×96, seeds {', '.join(map(str, SEEDS))}: mean and standard deviation in dB.",
        "",
    ]
    lines += ["| learning rate | convolutions | validation PSNR-Y | test PSNR-Y |", "|---|---|---:|---:|"]
    for rate, form in product(arguments.rates, FORMS):
        done = [runs[form, rate, seed] for seed in SEEDS]
        validation = spread([each.curve[arguments.steps] for each in done])
        lines.append(f"| {rate:g} | {form} | {validation} | {spread([each.test for each in done])} |")
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    draw(runs, arguments.rates)


def draw(runs: dict[tuple[str, float, int], Run], rates: Sequence[float]) -> None:
    """The mean curves of validation PSNR, one panel per learning rate, each run thinly behind them."""
    figure, axes = plt.subplots(
        1, len(rates), figsize=(1 + 4 * len(rates), 3.5), sharey=True, layout="constrained", squeeze=False
    )
    panels = list(axes[0])
    for panel, rate in zip(panels, rates, strict=True):
        for form, colour in zip(FORMS, ("tab:orange", "tab:blue"), strict=True):
            curves = [runs[form, rate, seed].curve for seed in SEEDS]
            steps = [step for step in curves[0] if step]
            for curve in curves:
                panel.plot(steps, [curve[step] for step in steps], color=colour, alpha=0.3, linewidth=0.8)
            panel.plot(steps, [mean(curve[step] for curve in curves) for step in steps], color=colour, label=form)
        panel.set(title=f"learning rate {rate:g}", xlabel="steps")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("validation PSNR-Y, dB")
    panels[0].legend()
    figure.savefig(CURVES, metadata={"Date": None})


if __name__ == "__main__":
    main()
