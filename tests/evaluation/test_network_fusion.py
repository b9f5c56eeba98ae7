"""Several networks as one."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import srblocks as sr
from srblocks.errors import ArgumentError, CheckpointError, InputError
from srblocks.evaluation import NetworkFusion
from tests.helpers import FORMS, add_noise


def networks(scale: int = 2) -> list[sr.SRModel]:
    """Two small ones that pad by different rules."""
    nets = [
        sr.models.DGPNet(scale, dim=6, num_blocks=1, att="none").eval(),
        sr.models.RLFN(scale, dim=8, num_blocks=1).eval(),
    ]
    for net in nets:
        add_noise(net)
    return nets


def test_the_output_is_the_weighted_sum(dtype: torch.dtype) -> None:
    nets = [net.to(dtype) for net in networks()]
    x = torch.rand(2, 3, 9, 7, dtype=dtype)
    first, second = (net(x) for net in nets)
    torch.testing.assert_close(NetworkFusion(nets).to(dtype)(x), (first + second) / 2)
    torch.testing.assert_close(NetworkFusion(nets, [0.75, 0.5]).to(dtype)(x), 0.75 * first + 0.5 * second)


def test_it_is_fused_tiled_and_copied_like_a_network(dtype: torch.dtype) -> None:
    fusion = NetworkFusion([networks()[0], copy.deepcopy(networks()[0])], [0.25, 0.75]).to(dtype)
    fused = fusion.fuse()
    assert fused.form == "fused"
    x = torch.rand(1, 3, 40, 33, dtype=dtype)
    torch.testing.assert_close(fused(x), fusion(x), atol=FORMS[dtype], rtol=FORMS[dtype])
    up = sr.Upscaler(fused, tile=24)
    assert up.exact
    torch.testing.assert_close(up(x[0].float()), fusion(x)[0].float(), atol=1e-5, rtol=0)


def test_the_receptive_field_is_the_largest() -> None:
    first, second = networks()
    assert first.receptive_field is not None
    assert second.receptive_field is None
    assert NetworkFusion([first, first]).receptive_field == first.receptive_field
    assert NetworkFusion([first, second]).receptive_field is None
    assert NetworkFusion([first, second]).stride == second.stride


def test_learned_weights_are_those_of_the_least_squares() -> None:
    nets = networks()
    fusion = NetworkFusion(nets)

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(1)
        for size in (8, 11):
            lr = torch.rand(1, 3, size, 9, generator=generator)
            with torch.no_grad():
                yield lr, 0.7 * nets[0](lr) + 0.4 * nets[1](lr)

    fusion.fit(pairs())
    assert fusion.weights.tolist() == pytest.approx([0.7, 0.4], abs=1e-4)
    # A network that says nothing new takes part of its twin's weight.
    twins = NetworkFusion([nets[0], nets[0], nets[1]])
    twins.fit(pairs())
    assert twins.weights.tolist() == pytest.approx([0.35, 0.35, 0.4], abs=1e-4)


def test_it_learns_from_pictures_only() -> None:
    with pytest.raises(InputError, match="at least one pair"):
        NetworkFusion(networks()).fit([])


def test_networks_must_go_together() -> None:
    with pytest.raises(ArgumentError, match="×2 of 3 channels, ×3 of 3 channels"):
        NetworkFusion([networks(2)[0], networks(3)[0]])
    with pytest.raises(ArgumentError, match="not none"):
        NetworkFusion([])
    with pytest.raises(ArgumentError, match="one for each of 2 networks, not 1"):
        NetworkFusion(networks(), [1.0])


def test_it_is_not_saved_as_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written down"):
        sr.save(NetworkFusion(networks()), tmp_path / "x.safetensors")
