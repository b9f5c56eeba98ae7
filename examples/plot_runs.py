"""Draw the loss and the validation PSNR of training runs, each a curve.

    python examples/plot_runs.py runs/one runs/two -o curves.svg

Needs matplotlib.
"""

import argparse
import csv
from pathlib import Path

import matplotlib.pyplot as plt


def column(run: Path, name: str) -> tuple[list[int], list[float]]:
    """Steps, and what the run's log has under this name after them."""
    with (run / "log.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row[name] and int(row["step"])]
    return [int(row["step"]) for row in rows], [float(row[name]) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that srblocks train wrote")
    parser.add_argument("-o", "--output", type=Path, default=Path("curves.svg"))
    arguments = parser.parse_args()
    figure, (losses, measures) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for run in arguments.runs:
        losses.plot(*column(run, "loss"), label=run.name, linewidth=0.8)
        measures.plot(*column(run, "psnr"), label=run.name, marker="o", markersize=3)
    losses.set(title="loss", xlabel="steps", yscale="log")
    measures.set(title="validation PSNR-Y, dB", xlabel="steps")
    for panel in (losses, measures):
        panel.grid(alpha=0.3)
    measures.legend()
    figure.savefig(arguments.output, metadata={"Date": None})
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
