"""Losses are the reference implementations' numbers, and their gradients can be trained with."""

import json
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError
from srblocks.ops.resize import imresize
from srblocks.training.losses import (
    LOSSES,
    CharbonnierLoss,
    ContentLoss,
    ContrastiveLoss,
    FFTLoss,
    GANLoss,
    ImageNetNorm,
    L1Loss,
    MSELoss,
    RandomFeatures,
    TextureLoss,
    TVLoss,
    UncertaintyDrivenLoss,
    UncertaintyEstimationLoss,
    gradient_penalty,
    gram,
    isotropic_total_variation,
    r1_penalty,
    total_variation,
    uncertainty_weight,
)
from tests.helpers import golden, relative_error

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


def reference(name: str, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    return {key: tensor.to(device, dtype) for key, tensor in golden(f"losses/{name}").tensors.items()}


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    assert relative_error(actual, expected) <= TOLERANCE[actual.dtype]


@pytest.mark.parametrize("weight", ["", "_weight1", "_weightC"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("name", "loss"), [("l1", L1Loss), ("mse", MSELoss), ("charbonnier", CharbonnierLoss)])
def test_pixel_losses(
    name: str, loss: type[L1Loss], reduction: str, weight: str, device: torch.device, dtype: torch.dtype
) -> None:
    case = reference("pixel", dtype, device)
    weights = case[weight.removeprefix("_")] if weight else None
    value = loss(reduction=reduction)(case["pred"], case["target"], weights)  # type: ignore[arg-type]
    assert_equal(value, case[f"{name}_{reduction}{weight}"])
    unreduced = loss(reduction="none")(case["pred"], case["target"])
    assert unreduced.shape == case["pred"].shape


def test_charbonnier_takes_another_eps(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("pixel", dtype, device)
    assert_equal(CharbonnierLoss(eps=1e-6)(case["pred"], case["target"]), case["charbonnier_eps1e-6_mean"])


def test_total_variation(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("pixel", dtype, device)
    assert_equal(TVLoss()(case["pred"]), case["tv_mean"])
    assert_equal(total_variation(case["pred"], reduction="sum"), case["tv_sum"])
    assert_equal(total_variation(case["pred"], weight=case["weightC"]), case["tv_mean_weighted"])


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_isotropic_total_variation(beta: float, device: torch.device, dtype: torch.dtype) -> None:
    case = reference("tv_isotropic_dip", dtype, device)
    value = isotropic_total_variation(case["input"], beta=beta, eps=0, reduction="sum")
    assert_equal(value, case[f"tv_beta{beta}"])
    assert_equal(isotropic_total_variation(case["input"], beta=beta, reduction="sum"), case[f"tv_beta{beta}"])


def test_the_isotropic_loss_is_the_mean_length_of_the_gradient() -> None:
    ramp = torch.arange(4.0).view(1, 1, 1, 4) * 3 + torch.arange(5.0).view(1, 1, 5, 1) * 4
    torch.testing.assert_close(TVLoss(isotropic=True)(ramp), torch.tensor(5.0))
    torch.testing.assert_close(TVLoss()(ramp), torch.tensor(7.0))


def test_fft_is_the_distance_of_the_spectra(device: torch.device, dtype: torch.dtype) -> None:
    a, b = torch.rand(2, 2, 3, 7, 10, device=device, dtype=dtype)
    spectra = [torch.fft.rfft2(x) for x in (a, b)]
    parts = [torch.stack((spectrum.real, spectrum.imag), -1) for spectrum in spectra]
    assert_equal(FFTLoss()(a, b), F.l1_loss(parts[0], parts[1]))


def test_uncertainty(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("uncertainty", dtype, device)
    sr, hr, s = case["sr"], case["hr"], case["s"].requires_grad_()
    assert_equal(UncertaintyEstimationLoss()(sr, hr, s), case["step1"])
    assert_equal(uncertainty_weight(s), case["step2_weight"])
    driven = UncertaintyDrivenLoss()(sr.requires_grad_(), hr, s)
    assert_equal(driven, case["step2"])
    driven.backward()
    assert s.grad is None
    assert sr.grad is not None


class SmallVGG(nn.Module):
    """The layers of VGG19 up to conv4_4, of any width, as the reference case's state dict names them."""

    def __init__(self, widths: list[int | str], state: dict[str, Tensor]) -> None:
        super().__init__()
        channels, self.names = 3, []
        block, index, self.convs = 1, 1, nn.ModuleDict()
        for width in widths:
            if isinstance(width, str):
                block, index = block + 1, 1
                self.names.append("pool")
            elif f"vgg_net.conv{block}_{index}.weight" in state:
                self.names.append(f"conv{block}_{index}")
                self.convs[self.names[-1]] = nn.Conv2d(channels, width, 3, padding=1)
                channels, index = width, index + 1
        self.convs.load_state_dict({key[8:]: t for key, t in state.items() if key.startswith("vgg_net")})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = {}
        for name in self.names:
            if name == "pool":
                x = F.max_pool2d(x, 2)
            else:
                maps[name] = self.convs[name](x)
                x = F.relu(maps[name])
        return maps


@pytest.fixture
def vgg(device: torch.device, dtype: torch.dtype) -> SmallVGG:
    case = golden("losses/vgg_gram")
    return SmallVGG(json.loads(case.header["widths"]), case.state).to(device, dtype)


VGG_WEIGHTS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0}


def test_the_features_of_vgg(vgg: SmallVGG, device: torch.device, dtype: torch.dtype) -> None:
    case = reference("vgg_gram", dtype, device)
    maps = nn.Sequential(ImageNetNorm(), vgg)(case["x"])
    for name in VGG_WEIGHTS:
        assert_equal(maps[name], case[f"feature_x/{name}"])
        assert_equal(gram(maps[name]), case[f"gram_x/{name}"])


@pytest.mark.parametrize(("criterion", "suffix"), [("l1", "l1"), ("l2", "l2"), ("frobenius", "fro")])
def test_content_and_texture(
    criterion: str, suffix: str, vgg: SmallVGG, device: torch.device, dtype: torch.dtype
) -> None:
    case = reference("vgg_gram", dtype, device)
    extractor = nn.Sequential(ImageNetNorm(), vgg)
    content = ContentLoss(extractor, VGG_WEIGHTS, criterion=criterion)  # type: ignore[arg-type]
    texture = TextureLoss(extractor, VGG_WEIGHTS, criterion=criterion)  # type: ignore[arg-type]
    assert_equal(content(case["x"], case["gt"]), case[f"content_{suffix}"])
    assert_equal(2 * texture(case["x"], case["gt"]), case[f"style_{suffix}"])


def test_content_of_pictures_as_they_are(vgg: SmallVGG, device: torch.device, dtype: torch.dtype) -> None:
    case = reference("vgg_gram", dtype, device)
    assert_equal(ContentLoss(vgg, VGG_WEIGHTS)(case["x"], case["gt"]), case["content_l1_nonorm"])
    # Pictures in [-1, 1], brought to [0, 1] by the reference.
    x, gt = ((2 * case[name] - 1 + 1) / 2 for name in ("x", "gt"))
    content = ContentLoss(nn.Sequential(ImageNetNorm(), vgg), VGG_WEIGHTS)
    assert_equal(0.5 * content(x, gt), case["content_l1_range_norm_half"])


def test_contrast(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("contrastive", dtype, device)
    extractor = RandomFeatures(8).to(device, dtype)
    for ours, theirs in ((extractor.conv1, "extractor/0"), (extractor.conv2, "extractor/2")):
        ours.load_state_dict({name: case[f"{theirs}.{name}"] for name in ("weight", "bias")})
    pictures = case["sr"], case["hr"], case["negative"]
    assert_equal(ContrastiveLoss(extractor).contrast(*pictures), case["sum"])
    assert_equal(ContrastiveLoss(extractor, {"tanh": 1}).contrast(*pictures), case["ratio_tanh"])
    assert_equal(ContrastiveLoss(extractor, {"conv": 1}).contrast(*pictures), case["ratio_conv2"])


def test_the_contrast_is_with_the_enlarged_lr_picture() -> None:
    prediction, target, lr = torch.rand(2, 3, 24, 32), torch.rand(2, 3, 24, 32), torch.rand(2, 3, 6, 8)
    loss = ContrastiveLoss()
    torch.testing.assert_close(loss(prediction, target, lr=lr), loss.contrast(prediction, target, imresize(lr, 4)))
    assert loss(target, target, lr=lr) == 0


def test_random_features_are_always_the_same_and_leave_torch_alone() -> None:
    before = torch.get_rng_state()
    a, b, c = RandomFeatures(4), RandomFeatures(4), RandomFeatures(4, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    x = torch.rand(1, 3, 9, 9)
    assert torch.equal(a(x)["conv"], b(x)["conv"])
    assert not torch.equal(a(x)["conv"], c(x)["conv"])
    assert not any(p.requires_grad for p in a.parameters())


def test_an_extractor_is_frozen_and_stays_so() -> None:
    extractor = nn.Sequential(nn.BatchNorm2d(3), RandomFeatures())
    loss = ContentLoss(extractor).train()
    assert loss.training
    assert not any(module.training for module in extractor.modules())
    assert not any(p.requires_grad for p in extractor.parameters())


def test_any_callable_is_an_extractor() -> None:
    def halves(x: Tensor) -> dict[str, Tensor]:
        return {"top": x[..., :4, :], "bottom": x[..., 4:, :]}

    a, b = torch.rand(2, 1, 3, 8, 8)
    torch.testing.assert_close(ContentLoss(halves)(a, b), 2 * L1Loss()(a, b))
    with pytest.raises(ArgumentError, match=r"maps of the extractor \(top, bottom\), not 'left'"):
        ContentLoss(halves, {"left": 1.0})(a, b)


@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "wgan", "wgan_softplus", "hinge"])
def test_gan(kind: str, device: torch.device, dtype: torch.dtype) -> None:
    case = reference("gan", dtype, device)
    loss, real, fake = GANLoss(kind), case["real_pred"], case["fake_pred"]  # type: ignore[arg-type]
    assert_equal(0.1 * loss.generator(fake), case[f"{kind}/g"])
    for ours, theirs in zip(loss.discriminator(real, fake), ("d_real", "d_fake"), strict=True):
        assert_equal(ours, case[f"{kind}/{theirs}"])


def test_soft_labels(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("gan", dtype, device)
    terms = GANLoss(real_label=0.9, fake_label=0.1).discriminator(case["real_pred"], case["fake_pred"])
    for ours, theirs in zip(terms, ("d_real", "d_fake"), strict=True):
        assert_equal(ours, case[f"vanilla_soft/{theirs}"])


@pytest.mark.parametrize("kind", ["vanilla", "lsgan"])
def test_relativistic_gan(kind: str, device: torch.device, dtype: torch.dtype) -> None:
    case = reference("gan", dtype, device)
    real, fake = case["real_pred"].requires_grad_(), case["fake_pred"].requires_grad_()
    loss = GANLoss(kind, relativistic=True)  # type: ignore[arg-type]
    generator = loss.generator(fake, real)
    assert_equal(generator, case[f"relativistic_{kind}/g"])
    assert torch.autograd.grad(generator, [real, fake], allow_unused=True)[0] is None
    on_real, on_fake = loss.discriminator(real, fake)
    assert_equal(on_real, case[f"relativistic_{kind}/d_real"])
    assert_equal(on_fake, case[f"relativistic_{kind}/d_fake"])
    assert torch.autograd.grad(on_real, [real, fake], allow_unused=True)[1] is None
    assert torch.autograd.grad(on_fake, [real, fake], allow_unused=True)[0] is None


@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "wgan", "wgan_softplus", "hinge"])
def test_half_precision_logits_are_computed_in_float32(kind: str) -> None:
    loss, real, fake = GANLoss(kind), torch.randn(4, 1).bfloat16(), torch.randn(4, 1).bfloat16()  # type: ignore[arg-type]
    for half, full in zip(
        (loss.generator(fake), *loss.discriminator(real, fake)),
        (loss.generator(fake.float()), *loss.discriminator(real.float(), fake.float())),
        strict=True,
    ):
        assert half.dtype == torch.float32
        assert torch.equal(half, full)


def discriminator(case: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    def judge(x: Tensor) -> Tensor:
        x = torch.tanh(F.conv2d(x, case["state_dict/c.weight"], case["state_dict/c.bias"], padding=1))
        return F.conv2d(x, case["state_dict/l.weight"], case["state_dict/l.bias"])

    return judge


def test_gradient_penalties(device: torch.device, dtype: torch.dtype) -> None:
    case = reference("gradient_penalty", dtype, device)
    judge, real, fake = discriminator(case), case["real"], case["fake"]
    assert_equal(r1_penalty(judge, real), case["r1"])
    assert_equal(gradient_penalty(judge, real, fake, alpha=case["alpha"], per_pixel=True), case["wgan_gp"])


def test_gradient_penalties_train_the_discriminator() -> None:
    case = reference("gradient_penalty", torch.float64, torch.device("cpu"))
    weight = case["state_dict/c.weight"].requires_grad_()
    penalty = r1_penalty(discriminator(case), case["real"]) + gradient_penalty(
        discriminator(case), case["real"], case["fake"]
    )
    (gradient,) = torch.autograd.grad(penalty, weight)
    assert gradient.isfinite().all()
    assert gradient.abs().min() > 0


def test_the_papers_gradient_penalty_is_of_whole_samples() -> None:
    # Logits 2·sum(x): the gradient is 2 everywhere, its norm 2·√(3·4·4).
    penalty = gradient_penalty(lambda x: 2 * x.sum((1, 2, 3)), torch.rand(5, 3, 4, 4), torch.rand(5, 3, 4, 4))
    torch.testing.assert_close(penalty, torch.tensor((2 * 48**0.5 - 1) ** 2))


def call(name: str, prediction: Tensor, target: Tensor) -> Tensor:
    loss = LOSSES[name]()
    extra = {"lr": imresize(target, 0.5)} if name == "contrastive" else {}
    value: Tensor = loss(prediction, target, **extra)
    return value


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_where_nothing_is_left_to_learn(name: str) -> None:
    for target in (torch.rand(2, 3, 16, 16), torch.full((2, 3, 16, 16), 0.5)):
        prediction = target.clone().requires_grad_()
        call(name, prediction, target).backward()  # type: ignore[no-untyped-call]
        assert prediction.grad is not None
        assert prediction.grad.isfinite().all()


@pytest.mark.parametrize(
    "loss", [TVLoss(isotropic=True), *(ContentLoss(RandomFeatures(), criterion=c) for c in ("l1", "l2", "frobenius"))]
)
def test_other_gradients_are_finite_at_flat_equal_pictures(loss: nn.Module) -> None:
    prediction = torch.full((2, 3, 16, 16), 0.5, requires_grad=True)
    loss(prediction, torch.full((2, 3, 16, 16), 0.5)).backward()
    assert prediction.grad is not None
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "contrastive"])
def test_half_precision_is_computed_in_float32(name: str, half: torch.dtype) -> None:
    prediction, target = (torch.rand(2, 3, 16, 16).to(half) for _ in range(2))
    prediction.requires_grad_()
    value = call(name, prediction, target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, call(name, prediction.float(), target.float()), atol=0, rtol=1e-6)
    value.backward()  # type: ignore[no-untyped-call]
    assert prediction.grad is not None
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_under_autocast(name: str) -> None:
    prediction, target = torch.rand(2, 2, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        value = call(name, prediction, target)
    assert value.dtype == torch.float32
    # An extractor may run in half precision, everything else may not.
    torch.testing.assert_close(
        value, call(name, prediction, target), atol=0, rtol=0.02 if name == "contrastive" else 1e-6
    )


def test_what_makes_no_sense_is_refused_in_one_sentence() -> None:
    x, y = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 9)
    for name in ("l1", "l2", "charbonnier", "fft"):
        with pytest.raises(InputError, match="same shape"):
            LOSSES[name]()(x, y)
    with pytest.raises(InputError, match="weight must be"):
        L1Loss()(x, x, torch.rand(2, 2, 8, 8))
    with pytest.raises(InputError, match="2×2"):
        TVLoss()(torch.rand(1, 3, 1, 8))
    with pytest.raises(ArgumentError, match="reduction must be 'mean', 'sum' or 'none', not 'average'"):
        L1Loss(reduction="average")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="eps must be above 0, not 0"):
        CharbonnierLoss(eps=0)
    with pytest.raises(ArgumentError, match="criterion must be one of l1, l2, frobenius, not 'cosine'"):
        ContentLoss(RandomFeatures(), criterion="cosine")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"kind must be one of .*, not 'ragan'"):
        GANLoss("ragan")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="vanilla or lsgan where relativistic"):
        GANLoss("hinge", relativistic=True)
    with pytest.raises(ArgumentError, match="real must be given"):
        GANLoss(relativistic=True).generator(torch.rand(2, 1))
