"""The block of DGPNet.

Peng et al., "Efficient Real-world Image Super-Resolution Via Adaptive Directional Gradient Convolution",
arXiv 2405.07023. The authors state that a company's patent application covers this work.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.channel_attention import CALayer, CCALayer
from srblocks.layers.dgconv import BRANCHES, AlphaMode, DGConv
from srblocks.layers.fusion import fuse, plain_conv, walk
from srblocks.layers.spatial_attention import ESA

Attention = Literal["ca", "cca", "esa", "none"]

STATISTICAL = ("csa", "vc")
STRUCTURAL = ("csg", "hg", "vg", "idg")


class AIIBlock(nn.Module):
    """Adaptive information interaction block of DGPNet: a statistical and a structural path that exchange features.

    S = {csa, vc} and T = {csg, hg, vg, idg} read the input; two full DGConvs follow each, the outer two stay on their
    side and the inner two cross over; each side is gated by an attention, and both are added to the input. The fused
    form is two convolutions, one of them in two groups.

    Shape: ``(N, dim, H, W)`` -> the same.

    Args:
        dim: feature channels, even.
        att: ``"ca"`` (squeeze and excitation), ``"cca"`` (contrast-aware), ``"esa"`` or ``"none"``.
        alpha_mode: as in :class:`DGConv`.
        generator: as in :class:`DGConv`.

    Raises:
        ArgumentError: ``dim`` is odd or ``att`` is none of the four.

    Paper: arXiv 2405.07023. Split, activation and attention are choices of this library where the paper's figure leaves
    them open.
    """

    def __init__(
        self,
        dim: int,
        *,
        att: Attention = "ca",
        alpha_mode: AlphaMode = "sigmoid",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if dim < 2 or dim % 2:
            raise ArgumentError(f"dim must be even, because each path gets half of it, not {dim}.")

        def conv(out_channels: int, branches: Iterable[str] = BRANCHES) -> DGConv:
            return DGConv(dim, out_channels, branches=branches, alpha_mode=alpha_mode, generator=generator)

        self.stat = conv(dim, STATISTICAL)
        self.struct = conv(dim, STRUCTURAL)
        self.s1, self.s2, self.t1, self.t2 = (conv(dim // 2) for _ in range(4))
        self.att_s, self.att_t = _attention(att, dim), _attention(att, dim)

    def forward(self, x: Tensor) -> Tensor:
        statistical = F.leaky_relu(self.stat(x), 0.05)
        structural = F.leaky_relu(self.struct(x), 0.05)
        a = torch.cat((self.s1(statistical), self.t1(structural)), dim=1)
        b = torch.cat((self.t2(structural), self.s2(statistical)), dim=1)
        y: Tensor = x + self.att_s(a) + self.att_t(b)
        return y

    def fuse(self) -> "FusedAIIBlock":
        """The same block as two convolutions, all six DGConvs merged into them."""
        with walk(self):
            first = _stack((self.stat, self.struct))
            second = _stack((self.s1, self.s2, self.t1, self.t2), groups=2)
            block = FusedAIIBlock(first, second, fuse(self.att_s), fuse(self.att_t))
        return block.train(self.training)


class FusedAIIBlock(nn.Module):
    """What :meth:`AIIBlock.fuse` returns. Shape: ``(N, dim, H, W)`` -> the same."""

    def __init__(self, conv1: nn.Conv2d, conv2: nn.Conv2d, att_s: nn.Module, att_t: nn.Module) -> None:
        super().__init__()
        self.conv1, self.conv2, self.att_s, self.att_t = conv1, conv2, att_s, att_t

    def forward(self, x: Tensor) -> Tensor:
        s1, s2, t1, t2 = self.conv2(F.leaky_relu(self.conv1(x), 0.05)).chunk(4, dim=1)
        y: Tensor = x + self.att_s(torch.cat((s1, t1), dim=1)) + self.att_t(torch.cat((t2, s2), dim=1))
        return y


def _attention(att: str, dim: int) -> nn.Module:
    squeeze_dim = max(4, dim // 8)
    if att == "ca":
        return CALayer(dim, squeeze_dim=squeeze_dim)
    if att == "cca":
        return CCALayer(dim, squeeze_dim=squeeze_dim)
    if att == "esa":
        return ESA(dim, esa_dim=squeeze_dim)
    if att == "none":
        return nn.Identity()
    raise ArgumentError(f"att must be one of {', '.join(get_args(Attention))}, not {att!r}.")


def _stack(layers: Iterable[DGConv], *, groups: int = 1) -> nn.Conv2d:
    """One 3×3 convolution with the outputs of all layers."""
    convs = [layer.fuse() for layer in layers]
    biases = [conv.bias for conv in convs if conv.bias is not None]
    return plain_conv(
        _concatenate([conv.weight for conv in convs]),
        _concatenate(biases),
        padding=(1, 1),
        groups=groups,
        requires_grad=any(conv.weight.requires_grad for conv in convs),
        bias_requires_grad=any(bias.requires_grad for bias in biases),
    )


def _concatenate(tensors: Sequence[Tensor]) -> Tensor:
    # Not torch.cat(), which on "meta", where networks are built empty, would import PyTorch's compiler: 1.5 seconds.
    whole = tensors[0].new_empty(sum(map(len, tensors)), *tensors[0].shape[1:])
    for part, tensor in zip(torch.split(whole, [len(tensor) for tensor in tensors]), tensors, strict=True):
        part.copy_(tensor)
    return whole
