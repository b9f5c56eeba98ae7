"""``sr.transfer``: what fits is copied, what does not is said, and nothing else is touched."""

from pathlib import Path

import pytest
import torch
from torch import nn

import srblocks as sr


def test_a_network_of_another_scale_starts_from_trained_weights(tmp_path: Path) -> None:
    source, target = sr.create_model("rlfn_s", scale=2), sr.create_model("rlfn_s", scale=4)
    fresh = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    trained = source.state_dict()
    sr.save(source, tmp_path / "source.safetensors")
    report = sr.transfer(tmp_path / "source.safetensors", target)
    for name, tensor in target.state_dict().items():
        assert torch.equal(tensor, trained[name] if name in report.copied else fresh[name]), name
    assert report.kept == report.unused == ("upsampler.conv.weight", "upsampler.conv.bias")
    assert str(report).splitlines()[0] == f"copied {len(trained) - 2} tensors, kept 2, left 2 of the source"
    assert "kept  upsampler.conv.bias" in str(report)


def test_a_fused_target_gets_the_fused_source() -> None:
    source = sr.models.DGPNet(2, dim=4, num_blocks=1).eval()
    target = sr.models.DGPNet(2, dim=4, num_blocks=1).eval().fuse()
    assert not sr.transfer(source, target).kept
    x = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(target(x), source(x))
    assert source.form == "training"


def test_what_has_nothing_in_common_is_refused() -> None:
    with pytest.raises(sr.CheckpointError, match="Nothing of this Linear fits a Conv2d"):
        sr.transfer(nn.Linear(2, 3, bias=False), nn.Conv2d(3, 3, 3))
