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

# What the sheets give for the released variants: ×2, ×3, ×4, or by scale; trainable for ELAN, fused for these.
FUSED = ("dgpnet", "ecbsr", "etds", "span")
Counts = tuple[int | None, int | None, int | None] | dict[int, int]
PARAMETERS: dict[str, Counts] = {
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
    "ecbsr_m4c8": (2_748, None, 3_624),
    "ecbsr_m4c16": (10_100, None, 11_840),
    "ecbsr_m10c10": (9_674, None, 10_766),
    "ecbsr_m16c64": (594_884, None, 601_808),
    "ecbsr_m4c16_rgb": (11_548, 13_723, 16_768),
    "ecbsr_m4c32_rgb": (41_516, 45_851, 51_920),
    "ecbsr_m6c40_rgb": (92_372, 97_787, 105_368),
    "etds_t": (13_944, 16_920, 21_360),
    "etds_s": (41_512, 46_792, 54_112),
    "etds_m": (60_008, 65_288, 72_608),
    "etds_l": (152_184, 159_768, 169_968),
    "quicksrnet_small": (22_860, 27_195, 33_264),
    "quicksrnet_medium": (50_604, 54_939, 61_008),
    "quicksrnet_large": (414_972, 423_687, 435_888),
    "span": (481_324, 488_359, 498_208),
    "span_s": (410_700, 417_195, 426_288),
    "span_ntire": (141_580, 145_375, 150_688),
    "span_tiny": (122_368, 125_893, 130_828),
    "shufflemixer": (393_939, 414_739, 410_579),
    "shufflemixer_tiny": (108_435, 113_715, 112_659),
    "safmn": (227_820, 232_695, 239_520),
    "safmn_l": (5_559_308, 5_576_603, 5_600_816),
    "safmn_ntire": {4: 237_000},
    "safmnpp": {4: 211_572},
    "safmnpp_light": {4: 66_176},
    "safmn_bcie": {1: 18_414_083},
}
TRAINING_PARAMETERS: dict[str, Counts] = {
    "dgpnet_tiny": (None, None, 464_699),
    "dgpnet_small": (None, None, 1_463_851),
    "dgpnet_base": (None, None, 4_691_235),
    "ecbsr_m4c8": (10_804, None, 16_624),
    "ecbsr_m4c16": (39_956, None, 47_120),
    "ecbsr_m10c10": (36_380, None, 42_536),
    "ecbsr_m16c64": (2_190_932, None, 2_206_160),
    "etds_t": (12_110, 14_300, 17_366),
    "etds_s": (38_352, 42_702, 48_792),
    "etds_m": (55_340, 59_690, 65_780),
    "etds_l": (143_850, 150_360, 159_474),
    "span_s": (1_824_900, 1_831_395, 1_840_488),
}


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def by_scale(counts: Counts) -> dict[int, int]:
    if isinstance(counts, dict):
        return counts
    return {scale: number for scale, number in zip((2, 3, 4), counts, strict=True) if number is not None}


@pytest.mark.parametrize("name", sr.list_models())
def test_parameter_counts_equal_the_sheets(name: str) -> None:
    for fused, counts in ((name.startswith(FUSED), PARAMETERS[name]), (False, TRAINING_PARAMETERS.get(name, {}))):
        for scale, expected in by_scale(counts).items():
            with torch.device("meta"):
                net = sr.create_model(name, scale=scale, fused=fused)
            assert count(net) == expected


@pytest.mark.parametrize("name", sr.list_models())
def test_docstrings_state_the_true_count(name: str) -> None:
    constructor = getattr(sr.models, name)
    scale = inspect.signature(constructor).parameters["scale"].default
    assert f"{by_scale(PARAMETERS[name])[scale]:,}" in (constructor.__doc__ or "")


@pytest.mark.parametrize("name", sr.list_models())
def test_the_readme_states_the_true_count(name: str) -> None:
    row = next(line for line in README.read_text().splitlines() if line.startswith("|") and f"`{name}`" in line)
    counts = by_scale(PARAMETERS[name])
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
