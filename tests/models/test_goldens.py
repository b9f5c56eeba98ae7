"""Every whole network computes what its authors' code computes, read from nothing but their state dict."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import srblocks as sr
from tests.helpers import golden, golden_names, relative_error

NETWORKS = golden_names(whole_networks=True)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_equals_its_reference(name: str, tmp_path: Path, device: torch.device, dtype: torch.dtype) -> None:
    case = golden(name)
    save_file(case.state, tmp_path / "reference.safetensors")
    net = sr.load(tmp_path / "reference.safetensors", arguments=case.kwargs, device=device, dtype=dtype)
    x, r = case.inputs(dtype, device)[0], net.reference_range
    for form in (net, net.fuse(), net.reference(), net.reference().fuse()):
        assert relative_error(form(x / r) * r, case.outputs[0]) <= case.tolerance(dtype)


def test_every_family_has_reference_networks() -> None:
    assert {name.split("/")[0] for name in NETWORKS} == {family.name for family in sr.models.families()}
