"""``replace_convs`` swaps convolutions in anybody's network without changing what it computes."""

import pytest
import torch
from torch import Tensor, nn

import srblocks as sr
from srblocks.layers import DGConv


class Conv(nn.Conv2d):
    pass


class Stranger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding="same", padding_mode="reflect")
        self.body = nn.Sequential(nn.Conv2d(8, 8, 5, padding=2, groups=2), nn.ReLU(), nn.Conv2d(8, 8, 1))
        self.own = Conv(8, 8, 3, padding=1)
        self.even = nn.Conv2d(8, 8, 2, padding="same")
        self.tail = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)
        self.again = self.head

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.even(self.own(self.body(self.again(x)))))
        return y


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_function_sharing_and_trainability_stay() -> None:
    net = Stranger()
    net.head.requires_grad_(False)
    copy, report = sr.replace_convs(net, DGConv)
    x = torch.rand(2, 3, 12, 14)
    torch.testing.assert_close(copy(x), net(x), atol=1e-5, rtol=0)
    assert report.replaced == ("head", "body.0")
    assert copy.again is copy.head
    assert not any(parameter.requires_grad for parameter in copy.head.parameters())
    assert isinstance(net.head, nn.Conv2d)


def test_what_is_left_alone_says_why() -> None:
    _, report = sr.replace_convs(Stranger(), DGConv, where=lambda name, conv: name != "head")
    assert report.skipped["head"] == "was not chosen"
    assert report.skipped["body.2"] == "has a single tap (1×1)"
    assert "not exactly nn.Conv2d" in report.skipped["own"]
    assert "even kernel" in report.skipped["even"]
    assert "ConvTranspose2d" in report.skipped["tail"]
    assert str(report).startswith("replaced 1 convolutions, left 5 alone")


def test_a_network_can_be_tuned_and_fused_back() -> None:
    net = sr.create_model("rlfn_s", scale=2)
    copy, _ = sr.replace_convs(net, DGConv)
    optimiser = torch.optim.SGD(copy.parameters(), lr=1e-6)
    x = torch.rand(1, 3, 16, 16)
    copy(x).square().sum().backward()
    optimiser.step()
    fused = copy.fuse()
    assert fused.state_dict().keys() == net.state_dict().keys()
    torch.testing.assert_close(fused(x), copy(x), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(fused(x), net(x), atol=1e-5)


def test_convolutions_that_are_more_than_they_seem_are_left_alone() -> None:
    normed, hooked, tied, other = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(4))
    torch.nn.utils.parametrizations.weight_norm(normed)
    hooked.register_forward_hook(lambda *_: None)
    other.weight = tied.weight
    net = nn.Sequential(normed, hooked, tied, other)
    _, report = sr.replace_convs(net, DGConv)
    assert report.replaced == ()
    assert list(report.skipped.values()) == [
        "is parametrised",
        "has hooks",
        "shares its weights with another module",
        "shares its weights with another module",
    ]


def test_a_wrapped_network_is_refused() -> None:
    with pytest.raises(sr.FusionError, match="pass the inner"):
        sr.replace_convs(nn.DataParallel(Stranger()), DGConv)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_replacing_loses_no_bit(dtype: torch.dtype) -> None:
    conv = nn.Conv2d(4, 4, 3).to(dtype)
    layer = DGConv.from_conv(conv)
    assert torch.equal(layer.fuse().weight, conv.weight)


def test_a_layer_that_cannot_start_from_a_convolution_is_refused() -> None:
    with pytest.raises(sr.ArgumentError, match="from_conv"):
        sr.replace_convs(Stranger(), nn.Linear)  # type: ignore[arg-type]
