import pytest
import torch

import srblocks as sr
from tests.zoo.networks import FAMILIES


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(name): a promise that a family can be excepted from, with a reason")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "family" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("promise")
        promise = None if marker is None else marker.args[0]
        params = []
        for family in FAMILIES:
            reason = family.exceptions.get(promise or "")
            # Strict: where an excepted promise holds after all, the exception has to go.
            marks = () if reason is None else (pytest.mark.xfail(reason=reason, strict=True),)
            params.append(pytest.param(family, id=family.name, marks=marks))
        metafunc.parametrize("family", params)


@pytest.fixture
def upscale_only() -> type[torch.nn.Module]:
    """A module around ``upscale``, the part of a network that is exported."""

    class UpscaleOnly(torch.nn.Module):
        def __init__(self, net: sr.SRModel) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net.upscale(x)

    return UpscaleOnly
