"""Convolutions with something attached that disappears when fused."""

import copy

import torch
from torch import Tensor, nn

from srblocks.errors import FusionError
from srblocks.layers.fusion import fuse, plain_conv, walk, widest_float
from srblocks.layers.merged_conv import MergedConv, affine
from srblocks.ops.kernels import Affine, add_identity, fold_batch_norm, scale_inputs


class ConvBatchNorm(nn.Module):
    """A 1×1 convolution and a batch norm; fused, one convolution.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H, W)``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y

    def fuse(self) -> nn.Conv2d:
        """The convolution that both are with the running statistics.

        Raises:
            FusionError: in training mode, where the norm uses the statistics of the batch.
        """
        conv, norm = self.conv, self.norm
        if norm.training or norm.running_mean is None or norm.running_var is None:
            raise FusionError("its batch norm uses the statistics of each batch in training mode: call eval() first.")
        wide = widest_float(conv.weight.device)
        weight: Tensor = conv.weight
        bias: Tensor = norm.bias
        # On "meta" there is nothing to compute, and arithmetic would import PyTorch's compiler: 1.5 seconds.
        if not weight.is_meta:
            weight, bias = fold_batch_norm(
                weight.to(wide),
                None if conv.bias is None else conv.bias.to(wide),
                mean=norm.running_mean.to(wide),
                variance=norm.running_var.to(wide),
                weight=norm.weight.to(wide),
                shift=bias.to(wide),
                eps=norm.eps,
            )
        dtype = conv.weight.dtype
        return plain_conv(
            weight.to(dtype),
            bias.to(dtype),
            requires_grad=conv.weight.requires_grad or norm.weight.requires_grad,
            bias_requires_grad=norm.bias.requires_grad,
            training=self.training,
        )


class Residual(nn.Module):
    """A layer whose input is added to its output: ``x + layer(x)``."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y + x


class ResidualConv(Residual):
    """A convolution whose input is added to its output; fused, one convolution with the identity in its kernel.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        layer: a convolution that keeps the shape: ``nn.Conv2d``, a layer that fuses to one, or any other, around
            which the addition stays.
    """

    def fuse(self) -> nn.Module:
        """The convolution that both are; where the layer is not one, the same with the layer fused."""
        with walk(self):
            layer = fuse(self.layer)
            if type(layer) is not nn.Conv2d or any(side % 2 == 0 for side in layer.kernel_size):
                return Residual(layer).train(self.training)
            # A copy of its own, because the layer or its weight may be in use without the skip, too.
            conv = copy.deepcopy(layer)
            conv.weight.copy_(add_identity(layer.weight.to(widest_float(layer.weight.device)), layer.groups))
        return conv


class ScaledConv(MergedConv):
    """A 1×1 convolution of channels that are each multiplied by a learned factor first; fused, one convolution.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H, W)``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)
        self.gain = nn.Parameter(torch.empty(1, in_channels, 1, 1))
        # Cut off at ten standard deviations, because normal_ on "meta" would import PyTorch's compiler.
        nn.init.trunc_normal_(self.gain, mean=1, std=0.2, a=-1, b=3)
        self.conv = nn.Conv2d(in_channels, out_channels, 1)

    def merge(self, dtype: torch.dtype) -> Affine:
        weight, bias = affine(self.conv, dtype)
        return scale_inputs(weight, self.gain.to(dtype)), bias

    def by_branches(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x * self.gain)
        return y
