"""Networks by name, families by record."""

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import srblocks as sr
from srblocks.layers.fusion import has_form
from srblocks.models import registry

README = Path(__file__).parents[2] / "README.md"

# What the sheets give for the released variants: ×2, ×3, ×4, or by scale; fused for DGPNet, trainable for ELAN.
PARAMETERS: dict[str, tuple[int | None, int | None, int | None] | dict[int, int]] = {
    "dgpnet_tiny": (88_448, 91_703, 96_260),
    "dgpnet_small": (305_056, 309_391, 315_460),
    "dgpnet_base": (1_019_376, 1_025_871, 1_034_964),
    "rdbn": (782_692, 791_347, 803_464),
    "rlfn": (526_856, 533_891, 543_740),
    "rlfn_s": (454_620, 461_115, 470_208),
    "rlfn_ntire": (302_278, None, 317_218),
    "elan_light": (582_012, 590_127, 601_488),
    "elan": (8_254_092, 8_278_407, 8_312_448),
    "omnisr": (784_604, 793_259, 805_376),
    "imdn": (694_404, 703_059, 715_176),
    "imdn_baseline": {4: 893_936},
    "imdn_rtc": {2: 20_190},
    "imdn_as": {1: 752_104},
    "imdn_rte": {2: 89_748},
    "rfdn_aim": {4: 433_448},
    "bsrn": (331_628, 340_283, 352_400),
    "bsrn_s": {4: 156_288},
}
TRAINING_PARAMETERS = {"dgpnet_tiny": 464_699, "dgpnet_small": 1_463_851, "dgpnet_base": 4_691_235}


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def by_scale(name: str) -> dict[int, int]:
    counts = PARAMETERS[name]
    if isinstance(counts, dict):
        return counts
    return {scale: number for scale, number in zip((2, 3, 4), counts, strict=True) if number is not None}


@pytest.mark.parametrize("name", sr.list_models())
def test_parameter_counts_equal_the_sheets(name: str) -> None:
    for scale, expected in by_scale(name).items():
        with torch.device("meta"):
            net = sr.create_model(name, scale=scale, fused=name.startswith("dgpnet"))
        assert count(net) == expected
    if name in TRAINING_PARAMETERS:
        with torch.device("meta"):
            assert count(sr.create_model(name, scale=4)) == TRAINING_PARAMETERS[name]


@pytest.mark.parametrize("name", sr.list_models())
def test_docstrings_state_the_true_count(name: str) -> None:
    constructor = getattr(sr.models, name)
    scale = inspect.signature(constructor).parameters["scale"].default
    assert f"{by_scale(name)[scale]:,}" in (constructor.__doc__ or "")


@pytest.mark.parametrize("name", sr.list_models())
def test_the_readme_states_the_true_count(name: str) -> None:
    row = next(line for line in README.read_text().splitlines() if line.startswith("|") and f"`{name}`" in line)
    assert f"{by_scale(name)[max(by_scale(name))]:,}" in row


def test_models_are_listed_by_pattern() -> None:
    assert sr.list_models("rlfn*") == ["rlfn", "rlfn_s", "rlfn_ntire"]
    assert sr.list_models("nothing") == []


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(sr.UnknownModelError, match="There is no model 'rlfn_x'; there is rlfn"):
        sr.create_model("rlfn_x")


def test_the_fused_form_can_be_built_empty() -> None:
    for name in sr.list_models():
        with torch.device("meta"):
            net = sr.create_model(name, scale=2, fused=True)
        assert net.form == "fused"
        assert net.training
        assert not any(has_form(module, "fuse") for module in list(net.modules())[1:])


@pytest.fixture
def registered() -> Iterator[sr.Family]:
    class Mine(sr.models.RDBN):
        pass

    def mine(scale: int = 2) -> Mine:
        """Mine."""
        return Mine(scale, dim=16, num_blocks=1)

    record = sr.models.RDBN.family
    assert record is not None
    family = dataclasses.replace(record, name="mine", network=Mine, constructors=(mine,), layouts=())
    sr.register(family)
    yield family
    registry._families.remove(family)


def test_anybody_can_register_a_family(registered: sr.Family) -> None:
    net = sr.create_model("mine", scale=3)
    assert net.family is registered
    assert "mine" in sr.list_models()
    with pytest.raises(sr.ArgumentError, match="there is a family 'mine' already"):
        sr.register(registered)
    with pytest.raises(sr.ArgumentError, match="'mine' is taken"):
        sr.register(dataclasses.replace(registered, name="other"))
