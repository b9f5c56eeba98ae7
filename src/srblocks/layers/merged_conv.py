"""Layers that are trained as several branches and computed as one convolution."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from itertools import pairwise
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.checks import check_positive
from srblocks.layers.fusion import HasReference, PaddingMode, plain_conv, widest_float
from srblocks.ops import kernels
from srblocks.ops.kernels import Affine


class MergedConv(HasReference):
    """The base of re-parameterisable layers: branches, linear in the picture, that add up to one convolution.

    A subclass owns the branches' parameters and writes :meth:`merge`, the algebra, and :meth:`by_branches`, the
    formula. The training form merges the kernels first (in float32 at least, whatever autocast says) and runs one
    convolution; :meth:`reference` runs branch by branch; :meth:`fuse` returns the ``nn.Conv2d``.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H', W')``, as ``nn.Conv2d`` has it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: of the one convolution.
        stride: as in ``nn.Conv2d``.
        padding: None keeps the size (dilation · (kernel_size - 1) // 2, for odd kernels and stride 1).
        dilation: as in ``nn.Conv2d``.
        groups: as in ``nn.Conv2d``.
        padding_mode: as in ``nn.Conv2d``.

    Raises:
        ArgumentError: a value that is not allowed.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | None = None,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = _pair(kernel_size), _pair(stride), _pair(dilation)
        kh, kw = self.kernel_size
        check_positive(
            in_channels=in_channels, out_channels=out_channels, kernel_height=kh, kernel_width=kw, groups=groups
        )
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"groups must divide in_channels and out_channels, but {groups} does not divide {in_channels} and "
                f"{out_channels}."
            )
        if isinstance(padding, str):
            raise ArgumentError(f"padding must be None, a number or a pair of numbers, not {padding!r}.")
        if padding_mode not in get_args(PaddingMode):
            raise ArgumentError(
                f"padding_mode must be one of {', '.join(get_args(PaddingMode))}, not {padding_mode!r}."
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.padding = (
            (self.dilation[0] * (kh - 1) // 2, self.dilation[1] * (kw - 1) // 2) if padding is None else _pair(padding)
        )
        self.groups, self.padding_mode = groups, padding_mode

    def merge(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Kernel ``(out, in / groups, kh, kw)`` and bias ``(out,)`` of all branches, computed in ``dtype``."""
        raise NotImplementedError

    def by_branches(self, x: Tensor) -> Tensor:
        """The formula as it is written, on a batch."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit:
            # One picture may come without its batch, as nn.Conv2d takes it.
            return self.by_branches(x) if x.ndim == 4 else self.by_branches(x.unsqueeze(0)).squeeze(0)
        weight, bias = self.merged()
        padding, dtype = self.padding, self._any_parameter.dtype
        if self.padding_mode != "zeros":
            x, padding = self.pad(x), (0, 0)
        bias = None if bias is None else bias.to(dtype)
        return F.conv2d(x, weight.to(dtype), bias, self.stride, padding, self.dilation, self.groups)

    def merged(self, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor | None]:
        """What :meth:`merge` gives, without autocast, in float32 or the wider dtype of the parameters unless given."""
        like = self._any_parameter
        with _without_autocast(like.device):
            return self.merge(dtype or torch.promote_types(like.dtype, torch.float32))

    def pad(self, x: Tensor) -> Tensor:
        """The picture with what the padding adds: branches see it before anything else."""
        (ph, pw), mode = self.padding, self.padding_mode
        return F.pad(x, (pw, pw, ph, ph), "constant" if mode == "zeros" else mode)

    def fuse(self) -> nn.Conv2d:
        """The plain convolution that this layer is."""
        return self.as_conv(*self.exactly_merged())

    def exactly_merged(self) -> tuple[Tensor, Tensor | None]:
        """What :meth:`merge` gives in the widest dtype of the device."""
        like = self._any_parameter
        if like.device.type != "meta":
            return self.merged(widest_float(like.device))
        # There is nothing to compute, and arithmetic on "meta" would import PyTorch's compiler: 1.5 seconds.
        weight = like.new_empty(self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        has_bias = any(self._is_bias(name) for name, _ in self.named_parameters())
        return weight, weight.new_empty(self.out_channels) if has_bias else None

    def as_conv(self, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
        """A plain convolution with this kernel and bias, all else as it is here."""
        dtype = self._any_parameter.dtype
        trainable = {self._is_bias(name) for name, parameter in self.named_parameters() if parameter.requires_grad}
        return plain_conv(
            weight.to(dtype),
            None if bias is None else bias.to(dtype),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
            requires_grad=False in trainable,
            bias_requires_grad=True in trainable,
            training=self.training,
        )

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text

    def _is_bias(self, name: str) -> bool:
        """Whether a parameter is part of the bias only."""
        return name.rpartition(".")[2] == "bias"

    @property
    def _any_parameter(self) -> Tensor:
        """One of the parameters, to ask it for dtype and device."""
        return next(self.parameters())


class ConvChain(MergedConv):
    """Convolutions in a row with nothing between them, all pointwise but one: together one convolution.

    Shape: ``(N, widths[0], H, W)`` -> ``(N, widths[-1], H', W')``.

    Args:
        widths: channels of the input, between the convolutions and of the output.
        kernel_sizes: one per convolution.
        stride: of the one that is not pointwise.
    """

    def __init__(self, widths: Sequence[int], kernel_sizes: Sequence[int], *, stride: int = 1) -> None:
        super().__init__(widths[0], widths[-1], max(kernel_sizes), stride=stride)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, size, stride=1 if size == 1 else stride)
            for (before, after), size in zip(pairwise(widths), kernel_sizes, strict=True)
        )

    def merge(self, dtype: torch.dtype) -> Affine:
        return reduce(kernels.compose, (affine(conv, dtype) for conv in self.convs))

    def by_branches(self, x: Tensor) -> Tensor:
        x = self.pad(x)
        for conv in self.convs:
            x = conv(x)
        return x


def affine(conv: nn.Module, dtype: torch.dtype) -> Affine:
    """Kernel and bias of a convolution in ``dtype``."""
    return conv.get_parameter("weight").to(dtype), conv.get_parameter("bias").to(dtype)


def _without_autocast(device: torch.device) -> AbstractContextManager[object]:
    # The device "meta", on which networks are built empty, knows no autocast.
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
