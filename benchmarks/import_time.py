"""What ``import srblocks`` adds to ``import torch``, in fresh interpreters.

python -m benchmarks.import_time > benchmarks/results/import_time.md
"""

import subprocess
import sys

from benchmarks.timing import interleaved, machine, table


def load(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


def main() -> None:
    print(f"`python -m benchmarks.import_time`, {machine()}.\n")
    runs = {"import torch": lambda: load("torch"), "import srblocks": lambda: load("srblocks")}
    print(table("A fresh interpreter, median of 15 interleaved", interleaved(runs, rounds=15), "import torch"))


if __name__ == "__main__":
    main()
