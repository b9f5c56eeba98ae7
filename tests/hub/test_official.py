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

# File -> mean PSNR-Y on Set5, at its scale, measured with the authors' code.
OFFICIAL = {
    "bsrn/net_g_BSRN_x4.pth": 32.349,
    "bsrn/net_g_BSRN-S.pth": 32.157,
    "imdn/IMDN_x4.pth": 32.210,
    "imdn/model_RTC.pth": 37.311,
    "rfdn/RFDN_AIM.pth": 32.159,
    "rlfn/rlfn_x4.pth": 32.238,
    "rlfn/rlfn_s_x4.pth": 32.239,
    "rlfn/rlfn_ntire_x4.pth": 32.097,
    "ecbsr/ECBSR_M6C40_x4.pth": 31.422,
    "etds/ETDS_M5C16_x2.pth": 37.184,
    "etds/ETDS_M7C48_x4.pth": 31.706,
    "span/team38_span_ch28_slim.pth": 31.739,
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
    scale = net.scale
    assert scale is not None
    folder = data / "images" / "bench" / "Set5"
    values = []
    for path in sorted((folder / "HR").iterdir()):
        hr = picture(path)
        lr = picture(next((folder / f"LR_x{scale}_uint8").glob(f"{path.stem}*")))
        hr = hr[..., : scale * lr.shape[-2], : scale * lr.shape[-1]]
        with torch.no_grad():
            values.append(float(psnr(net(lr), hr, border=scale)))
    assert len(values) == 5
    assert np.mean(values) == pytest.approx(OFFICIAL[file], abs=0.01)


def picture(path: Path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None] / 255
