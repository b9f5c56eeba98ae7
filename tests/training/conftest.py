from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srblocks.ops.resize import imresize


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five smooth random pictures, each of another size."""
    import torch

    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(5):
        noise = torch.from_numpy(random.random((1, 3, 12 + 2 * number, 16)))
        pixels = (imresize(noise, 4).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
