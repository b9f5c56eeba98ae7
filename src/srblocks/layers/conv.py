"""Convolutions with something attached that disappears when fused."""

from torch import Tensor, nn

from srblocks.errors import FusionError
from srblocks.layers.fusion import plain_conv, widest_float
from srblocks.ops.kernels import fold_batch_norm


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
        weight, bias = fold_batch_norm(
            conv.weight.to(wide),
            None if conv.bias is None else conv.bias.to(wide),
            mean=norm.running_mean.to(wide),
            variance=norm.running_var.to(wide),
            weight=norm.weight.to(wide),
            shift=norm.bias.to(wide),
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
