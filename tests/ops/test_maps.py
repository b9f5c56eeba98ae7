"""Windows, shifts and padding: moving pixels about without losing any."""

import pytest
import torch
import torch.nn.functional as F

from srblocks.ops.attention import attention
from srblocks.ops.padding import pad_to
from srblocks.ops.shifts import cross_kernels, shift_cross
from srblocks.ops.windows import from_windows, relative_positions, to_windows


@pytest.mark.parametrize("grid", [False, True])
def test_windows_can_be_put_back(grid: bool) -> None:
    x = torch.randn(2, 3, 8, 12)
    windows = to_windows(x, 4, grid=grid)
    assert windows.shape == (2 * 2 * 3, 16, 3)
    assert torch.equal(from_windows(windows, 4, 8, 12, grid=grid), x)


def test_a_window_holds_neighbours_and_a_grid_window_distant_pixels() -> None:
    x = torch.arange(64.0).view(1, 1, 8, 8)
    assert to_windows(x, 2)[0, :, 0].tolist() == [0, 1, 8, 9]
    assert to_windows(x, 2, grid=True)[0, :, 0].tolist() == [0, 4, 32, 36]


def test_relative_positions_count_displacements_row_by_row() -> None:
    index = relative_positions(2)
    assert index.tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


@pytest.mark.parametrize("channels", [4, 5, 13])
def test_shifting_equals_the_depthwise_convolution(channels: int) -> None:
    x = torch.randn(2, channels, 6, 7)
    expected = F.conv2d(x, cross_kernels(channels), padding=1, groups=channels)
    assert torch.equal(shift_cross(x), expected)


def test_reflection_goes_as_far_as_it_can_and_then_repeats() -> None:
    row = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3)
    padded = pad_to(row, 2, 7)
    assert padded.tolist() == [[[[1, 2, 3, 2, 1, 1, 1]] * 2]]


def test_zeros_pad_with_black() -> None:
    assert pad_to(torch.ones(1, 1, 1, 2), 2, 3, "zeros").tolist() == [[[[1, 1, 0], [0, 0, 0]]]]


@pytest.mark.parametrize("tokens", [16, 64])
@pytest.mark.parametrize("with_bias", [False, True])
def test_both_ways_of_attention_agree(tokens: int, with_bias: bool, device: torch.device, dtype: torch.dtype) -> None:
    q, k, v = torch.randn(3, 5, 2, tokens, 8, device=device, dtype=dtype)
    bias = torch.randn(2, tokens, tokens, device=device, dtype=dtype) if with_bias else None
    fast, none = attention(q, k, v, bias=bias, scale=0.7)
    explicit, scores = attention(q, k, v, bias=bias, scale=0.7, want_scores=True)
    assert none is None
    assert scores is not None
    torch.testing.assert_close(fast, explicit)
    torch.testing.assert_close(scores.sum(-1), torch.ones_like(scores[..., 0]))
