"""SPAN: what its reference saves beside the branches."""

from pathlib import Path

import pytest
import torch

import srblocks as sr
from srblocks.hub.detection import build_empty
from srblocks.models import SPAN
from srblocks.models.family import Layout
from tests.helpers import golden


def layout() -> Layout:
    assert SPAN.family is not None
    return SPAN.family.layout("hongyuanyu")


@pytest.mark.parametrize(
    ("dim", "counts"), [(48, (2_221_140, 2_227_635, 2_236_728)), (52, (2_605_080, 2_612_115, 2_621_964))]
)
def test_all_that_the_reference_stores_is_accounted_for(dim: int, counts: tuple[int, ...]) -> None:
    for scale, expected in zip((2, 3, 4), counts, strict=True):
        net = build_empty(SPAN, {"scale": scale, "dim": dim}, "training")
        constants = layout().constants
        assert constants is not None
        stored = sum(p.numel() for p in net.parameters()) + sum(tensor.numel() for tensor in constants(net).values())
        assert stored == expected


def test_files_for_the_reference_hold_the_merged_kernels(tmp_path: Path) -> None:
    case = golden("span/span_x4")
    torch.save(case.state, tmp_path / "theirs.pth")
    net = sr.load(tmp_path / "theirs.pth", arguments=case.kwargs)
    sr.save(net, tmp_path / "ours.pth", layout="hongyuanyu")
    ours = torch.load(tmp_path / "ours.pth", weights_only=True)
    assert ours.keys() == case.state.keys()
    for key, tensor in case.state.items():
        torch.testing.assert_close(ours[key], tensor, atol=1e-6, rtol=1e-5)


def test_merged_kernels_that_are_out_of_date_do_not_count(tmp_path: Path) -> None:
    case = golden("span/span_x2_range1_oddsize")
    stale = {key: torch.zeros_like(tensor) if "eval_conv" in key else tensor for key, tensor in case.state.items()}
    torch.save(stale, tmp_path / "stale.pth")
    net = sr.load(tmp_path / "stale.pth", arguments=case.kwargs)
    x = case.inputs(torch.float32, torch.device("cpu"))[0]
    torch.testing.assert_close(net(x).double(), case.outputs[0], atol=1e-5, rtol=1e-5)
    torch.save({key: tensor for key, tensor in stale.items() if key != "conv_1.eval_conv.bias"}, tmp_path / "cut.pth")
    with pytest.raises(sr.CheckpointError):
        sr.load(tmp_path / "cut.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_in_ch": 1, "num_out_ch": 1}, "num_in_ch = 3"),
        ({"bias": False}, "bias = True"),
        ({"rgb_mean": (0.5, 0.5)}, "mean must have three numbers"),
    ],
)
def test_what_the_reference_cannot_do_is_refused(arguments: dict[str, object], message: str) -> None:
    assert SPAN.family is not None
    with pytest.raises(sr.ArgumentError, match=message):
        SPAN(2, **SPAN.family.arguments(arguments))
