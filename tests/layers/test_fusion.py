"""``fuse`` and ``as_reference``: pure, for any tree, refusing what they would change."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import srblocks as sr
from srblocks.layers import ELAB, ESDB, RFDB, BSConvU, ConvBatchNorm, DGConv, ResidualConv, ScaledConv


class Stranger(nn.Module):
    """A network that knows nothing of this library but two of its layers, one of them used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = DGConv(4, 4)
        self.fuse = nn.Conv2d(4, 4, 1)  # a submodule that is called like the method
        self.tied = nn.Linear(4, 4)
        self.also_tied = nn.Linear(4, 4)
        self.also_tied.weight = self.tied.weight
        self.parts = nn.ModuleDict({"a": self.twice, "b": nn.Sequential(nn.ReLU(), DGConv(4, 2))})

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.parts["b"](self.fuse(self.parts["a"](self.twice(x))))
        return y


def test_any_tree_is_fused_without_touching_it() -> None:
    net = Stranger().eval()
    before = copy.deepcopy(net.state_dict())
    fused = sr.fuse(net)
    assert isinstance(fused, Stranger)
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(fused(x), net(x))
    assert not any(isinstance(module, DGConv) for module in fused.modules())
    assert all(torch.equal(before[key], tensor) for key, tensor in net.state_dict().items())
    originals = {parameter.data_ptr() for parameter in net.parameters()}
    assert not originals & {parameter.data_ptr() for parameter in fused.parameters()}


def test_what_is_shared_stays_shared() -> None:
    fused = sr.fuse(Stranger())
    assert isinstance(fused, Stranger)
    assert fused.twice is fused.parts["a"]
    assert fused.tied.weight is fused.also_tied.weight


def test_the_root_itself_is_fused() -> None:
    assert type(sr.fuse(DGConv(3, 4))) is nn.Conv2d
    reference = sr.as_reference(DGConv(3, 4))
    assert isinstance(reference, DGConv)
    assert reference.explicit


def test_a_layer_without_other_forms_is_copied() -> None:
    conv = nn.Conv2d(2, 2, 1)
    assert sr.fuse(conv) is not conv


@pytest.mark.parametrize("requires_grad", [True, False])
def test_what_is_trainable_stays_so(requires_grad: bool) -> None:
    net = nn.Sequential(DGConv(2, 2), nn.Conv2d(2, 2, 1)).requires_grad_(requires_grad)
    assert all(parameter.requires_grad is requires_grad for parameter in sr.fuse(net).parameters())


def test_tensors_come_back_contiguous() -> None:
    fused = sr.fuse(nn.Sequential(DGConv(4, 4), ConvBatchNorm(4, 4)).eval())
    assert all(tensor.is_contiguous() for tensor in fused.state_dict().values())


def test_batch_norm_in_training_mode_is_refused_by_name() -> None:
    net = nn.Sequential(nn.ReLU(), ELAB(6, window_sizes=(2, 4)))
    with pytest.raises(sr.FusionError, match=r"1: attention: 0: project_in: its batch norm .* eval\(\)"):
        sr.fuse(net)
    sr.fuse(net.eval())


def test_dgconv_in_training_mode_is_fused() -> None:
    assert sr.fuse(nn.Sequential(DGConv(2, 2)).train()).training


def test_hooks_are_dropped_with_one_warning() -> None:
    net = nn.Sequential(DGConv(2, 2), nn.ReLU())
    calls: list[str] = []
    net[1].register_forward_hook(lambda *_: calls.append("hook"))
    with pytest.warns(UserWarning, match="hooks are not taken over"):
        fused = sr.fuse(net)
    fused(torch.randn(1, 2, 3, 3))
    assert calls == []
    net(torch.randn(1, 2, 3, 3))
    assert calls == ["hook"]


def compiled_in_place() -> nn.Module:
    layer = DGConv(2, 2)
    layer.compile()
    return layer


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own, on importing its compiler
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Sequential(parametrizations.weight_norm(nn.Conv2d(2, 2, 1))), "0 is parametrised"),
        (lambda: nn.DataParallel(DGConv(2, 2)), "pass the inner"),
        (lambda: torch.compile(DGConv(2, 2)), "pass the inner"),
        (compiled_in_place, "pass the inner"),
    ],
    ids=["parametrised", "data-parallel", "compiled", "compiled in place"],
)
def test_what_wraps_a_module_is_refused(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(sr.FusionError, match=message):
        sr.fuse(build())


class InPlace(nn.Module):
    def fuse(self) -> nn.Module:
        return self


def test_a_stranger_s_fuse_that_works_in_place_is_refused() -> None:
    with pytest.raises(sr.FusionError, match="must return a new module"):
        sr.fuse(nn.Sequential(InPlace()))


def test_verify_fusion_prints_the_proof() -> None:
    block = nn.Sequential(DGConv(6, 12), nn.LeakyReLU(0.05), sr.layers.ESA(12, esa_dim=4), DGConv(12, 3))
    report = sr.verify_fusion(block)
    assert [check.name for check in report.layers] == ["0", "3"]
    assert report.layers[0].parameters == (6 * 9 * 6 * 12 + 12 + 982, 9 * 6 * 12 + 12)
    assert report.layers[0].macs[1] == 9 * 6 * 12 * 48 * 48
    assert report.max_error_float64 < 1e-10
    assert report.max_error_float32 < 1e-5
    text = str(report)
    assert "DGConv" in text
    assert "whole" in text.splitlines()[-2]


def test_every_layer_gets_its_own_weights() -> None:
    class Temporary(nn.Module):
        """Fuses through a module that lives only meanwhile, so that ids are used again."""

        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def fuse(self) -> nn.Module:
            layer = DGConv(1, 1)
            nn.init.constant_(layer.get_parameter("bias"), self.value)
            return sr.fuse(layer)

    fused = sr.fuse(nn.Sequential(*(Temporary(float(value)) for value in range(20))))
    assert [conv.get_parameter("bias").item() for conv in fused.children()] == list(range(20))


def test_each_parameter_keeps_whether_it_is_trained() -> None:
    layer = DGConv(2, 2).requires_grad_(False)
    layer.get_parameter("bias").requires_grad_(True)
    fused = layer.fuse()
    assert not fused.weight.requires_grad
    assert fused.bias is not None
    assert fused.bias.requires_grad
    layer.get_parameter("vc.weight").requires_grad_(True)
    assert layer.fuse().weight.requires_grad


def test_tensors_come_back_owned() -> None:
    net = nn.Sequential(DGConv(4, 4), nn.Conv2d(4, 4, 3)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.register_buffer("corner", torch.zeros(1000, 1000)[:2, :2])
    for tensor in sr.fuse(net).state_dict().values():
        assert tensor.is_contiguous()
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


def test_what_was_fused_in_inference_mode_can_be_trained() -> None:
    with torch.inference_mode():
        fused = sr.fuse(nn.Sequential(DGConv(2, 2)))
    fused(torch.rand(1, 2, 4, 4)).sum().backward()


def test_a_replaced_forward_is_refused() -> None:
    layer = DGConv(2, 2)
    layer.forward = lambda x: x  # type: ignore[method-assign]
    with pytest.raises(sr.FusionError, match="compiled or wrapped"):
        sr.fuse(nn.Sequential(layer))


def test_a_method_fuse_with_arguments_is_something_else() -> None:
    class Mixer(nn.Module):
        def fuse(self, a: Tensor, b: Tensor) -> Tensor:
            return a + b

    assert isinstance(sr.fuse(nn.Sequential(Mixer()))[0], Mixer)  # type: ignore[index]


def test_verify_fusion_never_passes_what_is_not_finite() -> None:
    class Broken(DGConv):
        def fuse(self) -> nn.Conv2d:
            conv = super().fuse()
            nn.init.constant_(conv.weight, float("nan"))
            return conv

    report = sr.verify_fusion(nn.Sequential(DGConv(2, 2), Broken(2, 2)))
    assert report.max_error_float64 == report.max_error_float32 == float("inf")


def test_verify_fusion_takes_any_call_and_names_what_is_not_reached() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gmsa = sr.layers.GMSA(6, window_sizes=(2, 4))
            self.unused = DGConv(3, 3)
            self.conv = DGConv(3, 6)

        def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
            y: tuple[Tensor, list[Tensor]] = self.gmsa(self.conv(x), want_scores=True)
            return y

    report = sr.verify_fusion(Net(), torch.rand(1, 3, 8, 8))
    assert [check.name for check in report.layers] == ["gmsa.project_in", "conv"]
    assert report.unreached == ("unused",)
    assert "not reached by this input, so not checked: unused" in str(report)
    assert report.max_error_float64 < 1e-10


def test_verify_fusion_finds_a_wrong_fusion() -> None:
    class Wrong(DGConv):
        def fuse(self) -> nn.Conv2d:
            conv = super().fuse()
            conv.weight.data *= 1.01
            return conv

    assert sr.verify_fusion(nn.Sequential(Wrong(2, 2))).max_error_float64 > 1e-3


def test_verify_fusion_asks_for_an_input_that_it_cannot_guess() -> None:
    with pytest.raises(sr.ArgumentError, match="pass an input"):
        sr.verify_fusion(nn.Sequential(nn.ReLU()))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 6, 3, padding=1),
        nn.Conv2d(6, 6, (5, 1), padding="same", bias=False, padding_mode="circular"),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3),
        DGConv(6, 6, padding_mode="reflect"),
    ],
    ids=["3x3", "5x1 circular", "grouped", "DGConv"],
)
def test_a_skip_goes_into_the_kernel(layer: nn.Module) -> None:
    residual = ResidualConv(layer).double().requires_grad_(False)
    fused = sr.fuse(residual)
    assert type(fused) is nn.Conv2d
    assert not any(parameter.requires_grad for parameter in fused.parameters())
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(fused(x), x + layer(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [BSConvU(6, 6), nn.Sequential(DGConv(6, 6)), nn.Conv2d(6, 6, 2, padding=1, dilation=2)],
    ids=["BSConvU", "sequence", "no tap in the middle"],
)
def test_a_skip_around_anything_else_stays(layer: nn.Module) -> None:
    residual = ResidualConv(layer)
    fused = sr.fuse(residual)
    assert [type(module).__name__ for module in (fused, *fused.children())] == ["Residual", type(layer).__name__]
    assert not any(isinstance(module, DGConv) for module in fused.modules())
    x = torch.randn(2, 6, 9, 8)
    torch.testing.assert_close(fused(x), residual(x), rtol=1e-5, atol=1e-5)


def test_a_skip_leaves_alone_who_else_uses_its_convolution() -> None:
    conv, tied = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
    tied.weight = conv.weight
    net = nn.Sequential(conv, ResidualConv(conv), tied, ResidualConv(conv))
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(sr.fuse(net)(x), net(x))


def test_blocks_lose_their_skips_where_their_convolutions_are_plain() -> None:
    plain, separable = sr.fuse(RFDB(8)), sr.fuse(ESDB(16))
    assert {type(layer).__name__ for layer in plain.get_submodule("refine").children()} == {"Conv2d"}
    assert {type(layer).__name__ for layer in separable.get_submodule("refine").children()} == {"Residual"}


@pytest.mark.parametrize("frozen", ["gain", "conv.weight", "conv.bias"])
def test_factors_go_into_the_kernel(frozen: str) -> None:
    layer = ScaledConv(5, 7).double()
    layer.get_parameter(frozen).requires_grad_(False)
    fused = layer.fuse()
    x = torch.randn(2, 5, 4, 3, dtype=torch.float64)
    for form in (layer, fused):
        torch.testing.assert_close(form(x), layer.reference()(x), rtol=1e-12, atol=1e-12)
    assert fused.weight.requires_grad
    assert fused.bias is not None
    assert fused.bias.requires_grad is (frozen != "conv.bias")
