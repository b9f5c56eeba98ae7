"""The attention block of Omni-SR: attention over space and over channels, each nearby and far away.

Wang et al., "Omni Aggregation Networks for Lightweight Image Super-Resolution", CVPR 2023, arXiv 2304.10244.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_multiple, check_positive
from srblocks.layers.constants import Constants
from srblocks.layers.fusion import HasReference
from srblocks.layers.norms import LayerNorm2d
from srblocks.ops.attention import attention
from srblocks.ops.windows import from_windows, relative_positions, to_windows


class LocalConvBlock(nn.Module):
    """Local convolution block: an inverted bottleneck of width 1 with squeeze and excitation, plus its input.

    Shape: ``(N, dim, H, W)`` -> the same.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 4:
            raise ArgumentError(
                f"dim must be at least 4, because the gate's bottleneck has a quarter of it, not {dim}."
            )
        self.project_in = nn.Conv2d(dim, dim, 1)
        self.depthwise = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.down = nn.Linear(dim, dim // 4, bias=False)
        self.up = nn.Linear(dim // 4, dim, bias=False)
        self.project_out = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.gelu(self.depthwise(F.gelu(self.project_in(x))))
        gate = torch.sigmoid(self.up(F.silu(self.down(inner.mean((-2, -1))))))
        y: Tensor = self.project_out(inner * gate[..., None, None])
        return x + y


class WindowAttention(HasReference):
    """Multi-head self-attention in windows, with a learned bias per relative position. No shift, no mask.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of ``window_size``.

    Args:
        dim: feature channels.
        window_size: side of the windows.
        num_heads: heads; they divide ``dim``.
        grid: windows of pixels that lie H / window_size and W / window_size apart, instead of neighbours.
        relative_bias: learn a bias per head and relative position.
    """

    def __init__(
        self, dim: int, *, window_size: int = 8, num_heads: int = 4, grid: bool = False, relative_bias: bool = True
    ) -> None:
        super().__init__()
        _check_sizes(dim, window_size, num_heads)
        self.window_size, self.num_heads, self.grid = window_size, num_heads, grid
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.project = nn.Linear(dim, dim, bias=False)
        self.bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads)) if relative_bias else None
        if self.bias_table is not None:
            nn.init.trunc_normal_(self.bias_table, std=0.02)
        self._constants = Constants()

    def forward(self, x: Tensor) -> Tensor:
        """The attention plus its input, both in windows."""
        check_multiple(x, self.window_size, "WindowAttention")
        tokens = to_windows(x, self.window_size, grid=self.grid)
        tokens = tokens + self.attend(self.norm(tokens))
        return from_windows(tokens, self.window_size, x.shape[-2], x.shape[-1], grid=self.grid)

    def attend(self, tokens: Tensor) -> Tensor:
        """The attention itself: ``(windows, window_size², dim)`` -> the same."""
        q, k, v = rearrange(self.qkv(tokens), "b t (three h d) -> three b h t d", three=3, h=self.num_heads)
        attended, _ = attention(q, k, v, bias=self._bias(q), explicit=self.explicit)
        y: Tensor = self.project(rearrange(attended, "b h t d -> b t (h d)"))
        return y

    def _bias(self, like: Tensor) -> Tensor | None:
        if self.bias_table is None:
            return None
        size = self.window_size
        index = self._constants.get("index", like, lambda: relative_positions(size), cast=False)
        return self.bias_table[index].permute(2, 0, 1).to(like.dtype)


class ChannelAttention(HasReference):
    """Self-attention between channels, separately for every window, or for every cell of the windows' grid.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of ``window_size``.

    Args:
        dim: feature channels.
        window_size: side of the windows.
        num_heads: heads; they divide ``dim``.
        grid: compare the channels at one position of all windows, instead of at all positions of one window.
    """

    def __init__(self, dim: int, *, window_size: int = 8, num_heads: int = 4, grid: bool = False) -> None:
        super().__init__()
        _check_sizes(dim, window_size, num_heads)
        self.window_size, self.num_heads = window_size, num_heads
        self.sets = "(n a b) g d (y x)" if grid else "(n y x) g d (a b)"
        self.temperature = nn.Parameter(torch.ones(num_heads, 1, 1))
        self.qkv = nn.Conv2d(dim, 3 * dim, 1, bias=False)
        self.depthwise = nn.Conv2d(3 * dim, 3 * dim, 3, padding=1, groups=3 * dim, bias=False)
        self.project = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        check_multiple(x, self.window_size, "ChannelAttention")
        size = self.window_size
        pixels = "n (g d) (y a) (x b)"
        q, k, v = (
            rearrange(part, f"{pixels} -> {self.sets}", g=self.num_heads, a=size, b=size)
            for part in self.depthwise(self.qkv(x)).chunk(3, dim=1)
        )
        q, k = F.normalize(q, dim=-1) * self.temperature, F.normalize(k, dim=-1)
        attended, _ = attention(q, k, v, scale=1.0, explicit=self.explicit)
        y: Tensor = self.project(
            rearrange(
                attended, f"{self.sets} -> {pixels}", a=size, b=size, y=x.shape[-2] // size, x=x.shape[-1] // size
            )
        )
        return y


class GatedConvFFN(nn.Module):
    """Feed-forward network of convolutions in which one half of the channels gates the other. No biases.

    Shape: ``(N, dim, H, W)`` -> the same.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project_in = nn.Conv2d(dim, 2 * dim, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * dim, 2 * dim, 3, padding=1, groups=2 * dim, bias=False)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.depthwise(self.project_in(x)).chunk(2, dim=1)
        y: Tensor = self.project_out(F.gelu(gate) * value)
        return y


class PreNorm(nn.Module):
    """``x + layer(norm(x))`` with a layer norm over the channels. Shape: ``(N, dim, H, W)`` -> the same."""

    def __init__(self, dim: int, layer: nn.Module) -> None:
        super().__init__()
        self.norm = LayerNorm2d(dim)
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(self.norm(x))
        return x + y


class OSA(nn.Module):
    """Omni self-attention block: local convolutions, then space and channels in windows, then both on the grid.

    Shape: ``(N, dim, H, W)`` -> the same, H and W multiples of ``window_size``.

    Args:
        dim: feature channels, a multiple of ``num_heads``.
        window_size: side of the windows.
        num_heads: heads of every attention.
        relative_bias: learn a bias per relative position in the two attentions over space.

    Raises:
        ArgumentError: ``num_heads`` does not divide ``dim``.
        InputError: (when called) H or W is not a multiple of ``window_size``.

    Paper: Wang et al., arXiv 2304.10244.
    """

    def __init__(self, dim: int, *, window_size: int = 8, num_heads: int = 4, relative_bias: bool = True) -> None:
        super().__init__()
        self.window_size = window_size

        def space(grid: bool) -> WindowAttention:
            return WindowAttention(
                dim, window_size=window_size, num_heads=num_heads, grid=grid, relative_bias=relative_bias
            )

        def channels(grid: bool) -> PreNorm:
            return PreNorm(dim, ChannelAttention(dim, window_size=window_size, num_heads=num_heads, grid=grid))

        self.local = LocalConvBlock(dim)
        self.window_space = space(grid=False)
        self.ffn1 = PreNorm(dim, GatedConvFFN(dim))
        self.window_channels = channels(grid=False)
        self.ffn2 = PreNorm(dim, GatedConvFFN(dim))
        self.grid_space = space(grid=True)
        self.ffn3 = PreNorm(dim, GatedConvFFN(dim))
        self.grid_channels = channels(grid=True)
        self.ffn4 = PreNorm(dim, GatedConvFFN(dim))

    def forward(self, x: Tensor) -> Tensor:
        check_multiple(x, self.window_size, "OSA")
        x = self.ffn1(self.window_space(self.local(x)))
        x = self.ffn2(self.window_channels(x))
        x = self.ffn3(self.grid_space(x))
        x = self.ffn4(self.grid_channels(x))
        return x


def _check_sizes(dim: int, window_size: int, num_heads: int) -> None:
    check_positive(dim=dim, window_size=window_size, num_heads=num_heads)
    if dim % num_heads:
        raise ArgumentError(f"num_heads must divide dim = {dim}, but it is {num_heads}.")
