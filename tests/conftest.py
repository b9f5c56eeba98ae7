import os
from pathlib import Path

import pytest
import torch

from tests.helpers import devices


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default=None, help="test on this device only; all that are present unless given")


def pytest_configure(config: pytest.Config) -> None:
    # One thread per process: the tests run in parallel already.
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        names = devices(metafunc.config.getoption("--device"))
        metafunc.parametrize("device", [torch.device(name) for name in names], ids=str)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    chosen: torch.dtype = request.param
    device = request.node.callspec.params.get("device")
    if chosen == torch.float64 and device is not None and device.type == "mps":
        pytest.skip("the device has no float64")
    return chosen


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with official checkpoints and benchmark pictures."""
    folder = os.environ.get("SRBLOCKS_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SRBLOCKS_DATA names no folder with official checkpoints and benchmark pictures")
    return Path(folder)
