"""Networks by name, families by record."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import srblocks as sr
from srblocks.layers.fusion import has_form
from srblocks.models import registry

README = Path(__file__).parents[2] / "README.md"

# What the sheets give for the released variants: ×2, ×3, ×4; fused for DGPNet, trainable for ELAN.
PARAMETERS = {
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
    "shufflemixer": (393_939, 414_739, 410_579),
    "shufflemixer_tiny": (108_435, 113_715, 112_659),
    "safmn": (227_820, 232_695, 239_520),
    "safmn_l": (5_559_308, 5_576_603, 5_600_816),
    "safmn_ntire": (None, None, 237_000),
    "safmnpp": (None, None, 211_572),
    "safmnpp_light": (None, None, 66_176),
}
# Of the networks that keep a picture's size.
RESTORATION_PARAMETERS = {"safmn_bcie": 18_414_083}
TRAINING_PARAMETERS = {"dgpnet_tiny": 464_699, "dgpnet_small": 1_463_851, "dgpnet_base": 4_691_235}


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def parameters(name: str) -> dict[int, int | None]:
    """What a network has by scale."""
    if name in RESTORATION_PARAMETERS:
        return {1: RESTORATION_PARAMETERS[name]}
    return dict(zip((2, 3, 4), PARAMETERS[name], strict=True))


@pytest.mark.parametrize("name", sr.list_models())
def test_parameter_counts_equal_the_sheets(name: str) -> None:
    for scale, expected in parameters(name).items():
        if expected is not None:
            with torch.device("meta"):
                net = sr.create_model(name, scale=scale, fused=name.startswith("dgpnet"))
            assert count(net) == expected
    if name in TRAINING_PARAMETERS:
        with torch.device("meta"):
            assert count(sr.create_model(name, scale=4)) == TRAINING_PARAMETERS[name]


@pytest.mark.parametrize("name", sr.list_models())
def test_docstrings_state_the_true_count(name: str) -> None:
    constructor = getattr(sr.models, name)
    counts = parameters(name)
    assert f"{counts[2 if name == 'rdbn' else max(counts)]:,}" in (constructor.__doc__ or "")


@pytest.mark.parametrize("name", sr.list_models())
def test_the_readme_states_the_true_count(name: str) -> None:
    row = next(line for line in README.read_text().splitlines() if line.startswith("|") and f"`{name}`" in line)
    counts = parameters(name)
    assert f"{counts[max(counts)]:,}" in row


def test_models_are_listed_by_pattern() -> None:
    assert sr.list_models("rlfn*") == ["rlfn", "rlfn_s", "rlfn_ntire"]
    assert sr.list_models("nothing") == []


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(sr.UnknownModelError, match="There is no model 'rlfn_x'; there is rlfn"):
        sr.create_model("rlfn_x")


def test_the_fused_form_can_be_built_empty() -> None:
    for name in sr.list_models():
        with torch.device("meta"):
            net = sr.create_model(name, fused=True)
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
