"""What single networks take and refuse beside what all do."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch

import srblocks as sr
from srblocks import models
from srblocks.layers import ESA
from srblocks.models.bsrn import Conv


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: models.BSRN(4, conv="u"), "conv must be one of .* not 'u'"),  # type: ignore[arg-type]
        (lambda: models.BSRN(4, upsampler="x"), "upsampler must be one of .* not 'x'"),  # type: ignore[arg-type]
        (lambda: models.BSRN(3, upsampler="nearest"), "scale must be 4 with the upsampler 'nearest', not 3"),
        (lambda: models.BSRN(4, dim=12), "reduction must be at most dim = 12, not 16"),
        (lambda: models.BSRNS(4, dim=3), "dim must be at least 4"),
        (lambda: models.RFDN(4, num_blocks=0), "num_blocks must be"),
        (lambda: models.IMDN(4, dim=0), "dim must be a whole number"),
        (lambda: models.SimpleIMDN(4, kernel_size=2), "kernel_size must be odd, not 2"),
        (lambda: models.IMDNRTE(2, dim=10), "dim must be a multiple of 4"),
    ],
)
def test_a_bad_option_is_named(build: Callable[[], sr.SRModel], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        build()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"conv": "BSConvS", "upsampler": "pa", "p": 0.25}, {"conv": "bsconv_s", "upsampler": "pixel_attention"}),
        ({"conv": "nn.Conv2d", "upsampler": "nearestconv"}, {"conv": "plain", "upsampler": "nearest"}),
        ({"conv": "DepthWiseConv", "upsampler": "pixelshuffleblock"}, {"conv": "depthwise", "upsampler": "stepwise"}),
    ],
)
def test_bsrn_s_own_names_of_its_options_are_known(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert models.BSRN.family is not None
    assert models.BSRN.family.arguments(theirs) == ours
    with pytest.raises(sr.ArgumentError, match=r"upsampler must be one of pixelshuffledirect, .* not 'other'"):
        models.BSRN.family.arguments({"upsampler": "other"})


def test_bsrn_asks_for_what_its_attention_needs() -> None:
    for conv in get_args(Conv):
        net = models.BSRN(2, dim=8, num_blocks=1, reduction=2, conv=conv)
        (attention,) = [module for module in net.modules() if isinstance(module, ESA)]
        assert attention.minimum == net.size_rule.minimum


def test_a_picture_that_was_resized_keeps_its_size() -> None:
    x = torch.rand(1, 3, 9, 14)
    net = sr.create_model("imdn_as")
    assert net(x).shape == x.shape
    assert net.prepare(x).shape == (1, 3, 12, 16)
