"""A few photographs to try the training with: those that come with scikit-image.

    python examples/photographs.py FOLDER

Seven go into FOLDER/train and the astronaut into FOLDER/val.
"""

import sys
from pathlib import Path

from PIL import Image
from skimage import data

SETS = {"train": ("brick", "chelsea", "coffee", "grass", "gravel", "retina", "rocket"), "val": ("astronaut",)}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/photographs.py FOLDER")
    for part, names in SETS.items():
        folder = Path(sys.argv[1], part)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.fromarray(getattr(data, name)()).save(folder / f"{name}.png")
        print(f"{len(names)} photographs in {folder}")


if __name__ == "__main__":
    main()
