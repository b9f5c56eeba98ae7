"""The kernel algebra: each difference operator, moved into the kernel, equals its definition on pixels."""

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from srblocks.ops import differences, kernels
from tests.helpers import golden, relative_error

KERNEL_SIDE = {
    "csg": kernels.centre_surround_gradient,
    "csa": kernels.centre_surround_aggregation,
    "hg": kernels.horizontal_gradient,
    "vg": kernels.vertical_gradient,
    "vc": kernels.vanilla,
}


def effective(op: str, weight: Tensor, location: Tensor) -> Tensor:
    return kernels.irregular_gradient(weight, location) if op == "idg" else KERNEL_SIDE[op](weight)


def by_definition(op: str, patches: Tensor, weight: Tensor, location: Tensor, columns: int) -> Tensor:
    if op == "idg":
        return differences.weight_irregular_gradient(patches, weight, location)
    if op == "hg":
        return differences.weight_horizontal_gradient(patches, weight, columns)
    if op == "vg":
        return differences.weight_vertical_gradient(patches, weight, columns)
    return {
        "csg": differences.weight_centre_surround_gradient,
        "csa": differences.weight_centre_surround_aggregation,
        "vc": differences.weight_vanilla,
    }[op](patches, weight)


@pytest.mark.parametrize("op", ["csg", "csa", "hg", "vg", "vc", "idg"])
def test_an_operator_equals_its_reference(op: str) -> None:
    case = golden(f"dgpnet/op_{op}")
    weight = case.state["weight"].double()
    location = case.state.get("location", torch.zeros(weight.shape[:2]))
    x = case.inputs(torch.float64, torch.device("cpu"))[0]
    y = F.conv2d(x, effective(op, weight, location), padding=1)
    assert relative_error(y, case.outputs[0]) < 1e-14


@pytest.mark.parametrize("op", ["csg", "csa", "hg", "vg", "vc", "idg"])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 1), (2, 2), (3, 3), (4, 3), (5, 7)])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 2, 2)])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_kernel_and_pixel_side_agree(
    op: str, size: tuple[int, int], stride: int, dilation: int, groups: int, mode: str
) -> None:
    kh, kw = size
    x = torch.randn(2, 4, 15, 17, dtype=torch.float64)
    weight = torch.randn(6, 4 // groups, kh, kw, dtype=torch.float64)
    location = torch.randint(kh * kw, (6, 4 // groups))
    # The padding is part of the picture before any difference is taken.
    padded = F.pad(x, (2, 2, 1, 1), "constant" if mode == "zeros" else mode)
    merged = F.conv2d(padded, effective(op, weight, location), stride=stride, dilation=dilation, groups=groups)
    patches = rearrange(
        F.unfold(padded, size, dilation, stride=stride), "n (g i k) p -> n g i k p", g=groups, k=kh * kw
    )
    split = rearrange(weight, "(g o) i h w -> g o i (h w)", g=groups)
    defined = by_definition(op, patches, split, rearrange(location, "(g o) i -> g o i", g=groups), kw)
    assert relative_error(defined.reshape(merged.shape), merged + 1e-300) < 1e-12 or merged.abs().max() < 1e-12


@pytest.mark.parametrize(("op", "gain"), [("csg", 0), ("csa", 2), ("hg", 0), ("vg", 0), ("vc", 1), ("idg", 0)])
def test_the_answer_to_a_constant_is_known(op: str, gain: int) -> None:
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64)
    total = effective(op, weight, torch.randint(9, (3, 2))).sum((-2, -1))
    torch.testing.assert_close(total, gain * weight.sum((-2, -1)), atol=1e-12, rtol=0)


def test_a_batch_norm_folds_into_its_convolution() -> None:
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False).double(), torch.nn.BatchNorm2d(5).double().eval()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
        tensor.normal_()
    norm.running_var.uniform_(0.5, 2)
    kernel, bias = kernels.fold_batch_norm(
        conv.weight,
        None,
        mean=norm.running_mean,
        variance=norm.running_var,
        weight=norm.weight,
        shift=norm.bias,
        eps=norm.eps,
    )
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(F.conv2d(x, kernel, bias), norm(conv(x)))


def conv(out_channels: int, in_channels: int, *size: int) -> tuple[Tensor, Tensor]:
    return (
        torch.randn(out_channels, in_channels, *size, dtype=torch.float64),
        torch.randn(out_channels, dtype=torch.float64),
    )


@pytest.mark.parametrize(("first", "second"), [((1, 1), (3, 3)), ((3, 3), (1, 1)), ((1, 1), (1, 1)), ((1, 1), (2, 5))])
def test_two_convolutions_in_a_row_are_one(first: tuple[int, int], second: tuple[int, int]) -> None:
    inner, outer = conv(4, 3, *first), conv(5, 4, *second)
    # Padded before the first, so that its bias is on the frame that the second one reads.
    x = F.pad(torch.randn(2, 3, 6, 7, dtype=torch.float64), (2, 2, 2, 2))
    torch.testing.assert_close(F.conv2d(x, *kernels.compose(inner, outer)), F.conv2d(F.conv2d(x, *inner), *outer))


def test_three_in_a_row_are_one_whichever_are_composed_first() -> None:
    a, b, c = conv(4, 3, 1, 1), conv(6, 4, 3, 3), conv(5, 6, 1, 1)
    for left, right in zip(
        kernels.compose(kernels.compose(a, b), c), kernels.compose(a, kernels.compose(b, c)), strict=True
    ):
        torch.testing.assert_close(left, right)


def test_two_wide_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be pointwise, not \(3, 3\) and \(3, 1\)"):
        kernels.compose(conv(4, 3, 3, 3), conv(5, 4, 3, 1))


def test_a_depthwise_convolution_takes_a_pointwise_one_in() -> None:
    pointwise, depthwise = conv(4, 3, 1, 1), conv(4, 1, 3, 5)
    x = F.pad(torch.randn(2, 3, 6, 7, dtype=torch.float64), (2, 2, 1, 1))
    expected = F.conv2d(F.conv2d(x, *pointwise), *depthwise, groups=4)
    torch.testing.assert_close(F.conv2d(x, *kernels.compose_depthwise(pointwise, depthwise)), expected)


def test_sums_of_convolutions_are_one() -> None:
    convs = [conv(4, 3, 3, 3) for _ in range(3)]
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    expected = torch.stack([F.conv2d(x, *each) for each in convs]).sum(0)
    torch.testing.assert_close(F.conv2d(x, *kernels.add(*convs)), expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (5, 3)])
def test_a_pointwise_kernel_at_the_centre_is_the_same_convolution(size: tuple[int, int]) -> None:
    weight, bias = conv(4, 3, 1, 1)
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    padding = (size[0] // 2, size[1] // 2)
    torch.testing.assert_close(
        F.conv2d(x, kernels.centred(weight, *size), bias, padding=padding), F.conv2d(x, weight, bias)
    )


@pytest.mark.parametrize(("size", "groups"), [((3, 3), 1), ((1, 1), 1), ((5, 3), 2), ((3, 7), 6)])
def test_an_identity_adds_the_input(size: tuple[int, int], groups: int) -> None:
    kernel = torch.randn(6, 6 // groups, *size, dtype=torch.float64)
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    padding = (size[0] // 2, size[1] // 2)
    y = F.conv2d(x, kernel, padding=padding, groups=groups) + x
    torch.testing.assert_close(F.conv2d(x, kernels.add_identity(kernel, groups), padding=padding, groups=groups), y)


def test_factors_of_the_input_are_factors_of_the_kernel() -> None:
    kernel, gain = torch.randn(7, 5, 3, 2, dtype=torch.float64), torch.randn(1, 5, 1, 1, dtype=torch.float64)
    x = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(F.conv2d(x, kernels.scale_inputs(kernel, gain)), F.conv2d(x * gain, kernel))
