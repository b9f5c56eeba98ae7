"""The weights that the papers' authors published give the authors' outputs and the papers' numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

import srblocks as sr
from srblocks.evaluation import psnr
from tests.helpers import relative_error

# File -> mean PSNR-Y on Set5 measured with the authors' code.
OFFICIAL = {
    "rlfn/rlfn_x4.pth": 32.238,
    "rlfn/rlfn_s_x4.pth": 32.239,
    "rlfn/rlfn_ntire_x4.pth": 32.097,
    "safmn/team15_SAFMN.pth": 32.165,
}
# Beside these lies no output of the authors' code.
ONLY_MEASURED = {"safmn/team15_SAFMN.pth"}


@pytest.mark.parametrize("file", sorted(OFFICIAL.keys() - ONLY_MEASURED))
def test_outputs_equal_the_authors(file: str, data: Path, dtype: torch.dtype) -> None:
    path = data / "checkpoints" / file
    net = sr.load(path, dtype=dtype)
    with safe_open(f"{path}.expect.safetensors", "pt") as expected:
        keys = set(expected.keys())
        header = expected.metadata()
        x = expected.get_tensor(next(key for key in keys if key.startswith("input")))
        y = expected.get_tensor(next(key for key in keys if key.startswith("output")))
    r = net.reference_range
    with torch.no_grad():
        error = relative_error(net(x.to(dtype) / r) * r, y)
    assert error < 2e-5, header


@pytest.mark.parametrize("file", OFFICIAL)
def test_set5_reaches_the_published_number(file: str, data: Path) -> None:
    net = sr.load(data / "checkpoints" / file).fuse()
    folder = data / "images" / "bench" / "Set5"
    values = []
    for path in sorted((folder / "HR").iterdir()):
        hr = picture(path)
        lr = picture(next((folder / "LR_x4_uint8").glob(f"{path.stem}*")))
        hr = hr[..., : 4 * lr.shape[-2], : 4 * lr.shape[-1]]
        with torch.no_grad():
            values.append(float(psnr(net(lr), hr, border=4)))
    assert len(values) == 5
    assert np.mean(values) == pytest.approx(OFFICIAL[file], abs=0.01)


def picture(path: Path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None] / 255
