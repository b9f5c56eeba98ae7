"""What ``SRModel`` promises to whoever writes or calls a network."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

import srblocks as sr


class Tiny(sr.SRModel):
    """A stranger's network, registered nowhere."""

    def __init__(self, scale: int = 2, *, dim: int = 4, mode: str = "reflect") -> None:
        super().__init__(
            scale,
            size_rule=sr.SizeRule(minimum=6, multiple_of=4, mode="zeros" if mode == "zeros" else "reflect"),
            receptive_field=7,
            reference_range=255.0,
        )
        self.body = sr.layers.DGConv(3, dim)
        self.tail = sr.layers.PixelShuffleUpsampler(dim, scale)

    def upscale(self, x: Tensor) -> Tensor:
        self.seen = x
        y: Tensor = self.tail(self.body(x).relu())
        return y


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (8, 8), (13, 4)])
@pytest.mark.parametrize("scale", [1, 3])
def test_any_size_goes_in_and_scale_times_it_comes_out(size: tuple[int, int], scale: int) -> None:
    net = Tiny(scale)
    assert net(torch.rand(2, 3, *size)).shape == (2, 3, scale * size[0], scale * size[1])
    assert all(side % 4 == 0 and side >= 8 for side in net.seen.shape[-2:])


def test_the_network_sees_the_range_of_its_reference() -> None:
    net = Tiny()
    net(torch.ones(1, 3, 8, 8))
    assert net.seen.max() == 255


def test_padding_is_at_the_bottom_and_the_right() -> None:
    net = Tiny(mode="zeros")
    net(torch.ones(1, 3, 6, 7))
    assert net.seen[0, 0].tolist() == [[255.0] * 7 + [0.0]] * 6 + [[0.0] * 8] * 2


@pytest.mark.parametrize("picture", [torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), torch.zeros(1, 3, 8, 8).byte()])
def test_other_tensors_are_refused(picture: Tensor) -> None:
    with pytest.raises(sr.InputError, match=r"Tiny takes floating-point pictures \(N, 3, H, W\) in \[0, 1\]"):
        Tiny()(picture)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(sr.InputError, match="at least one pixel"):
        Tiny()(torch.rand(1, 3, 0, 8))


def test_it_knows_what_it_was_made_with() -> None:
    net = Tiny(3, mode="zeros")
    assert net.arguments == {"scale": 3, "dim": 4, "mode": "zeros"}
    assert (net.scale, net.in_channels, net.colors, net.receptive_field) == (3, 3, "rgb", 7)
    assert net.family is None
    assert copy.deepcopy(net).arguments == net.arguments


def test_a_subclass_of_a_family_s_network_belongs_to_no_family() -> None:
    class Mine(sr.models.RDBN):
        pass

    assert sr.models.RDBN.family is not None
    assert Mine.family is None


def test_a_typo_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="dims"):
        sr.models.RLFN(2, dims=48)  # type: ignore[call-arg]


def test_a_wrong_result_of_upscale_is_noticed() -> None:
    class Unpadded(sr.SRModel):
        def __init__(self) -> None:
            super().__init__(2)
            self.conv = torch.nn.Conv2d(3, 12, 3)

        def upscale(self, x: Tensor) -> Tensor:
            return torch.nn.functional.pixel_shuffle(self.conv(x), 2)

    with pytest.raises(sr.SRBlocksError, match=r"upscale of this Unpadded must return \(1, 3, 16, 16\)"):
        Unpadded()(torch.rand(1, 3, 8, 8))


def test_forward_cannot_be_overridden() -> None:
    with pytest.raises(TypeError, match="define upscale"):

        class Wrong(sr.SRModel):
            def forward(self, x: Tensor) -> Tensor:  # type: ignore[misc]
                return x


def test_arguments_must_have_names() -> None:
    with pytest.raises(TypeError, match="must name its arguments"):

        class Wrong(sr.SRModel):
            def __init__(self, *sizes: int) -> None:
                super().__init__(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0}, "scale must be a whole number"),
        ({"in_channels": 0}, "in_channels must be"),
        ({"reference_range": 0.0}, "reference_range must be above 0"),
        ({"colors": "bgr"}, "colors must be one of rgb, y, grey"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sr.ArgumentError, match=message):
        sr.SRModel(**({"scale": 2} | arguments))


@pytest.mark.parametrize("arguments", [{"minimum": 0}, {"multiple_of": 0}, {"mode": "replicate"}])
def test_a_bad_size_rule_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(sr.ArgumentError, match=next(iter(arguments))):
        sr.SizeRule(**arguments)


def test_forms_are_told_apart() -> None:
    net = Tiny()
    assert (net.form, net.fuse().form, net.reference().form, net.fuse().reference().form) == (
        "training",
        "fused",
        "reference",
        "fused",
    )


def test_features_enter_the_upsampler() -> None:
    net = sr.create_model("rlfn_ntire", scale=3)
    x = net.prepare(torch.rand(1, 3, 5, 20))
    features = net.features(x)
    assert features.shape == (1, 46, 15, 20)
    assert torch.equal(net.get_submodule("upsampler")(features), net.upscale(x))


def test_a_network_without_features_says_so() -> None:
    with pytest.raises(sr.SRBlocksError, match="Tiny does not say what its features are"):
        Tiny().features(torch.rand(1, 3, 8, 8))
