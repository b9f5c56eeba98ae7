"""DGConv, the convolution of DGPNet.

Peng et al., "Efficient Real-world Image Super-Resolution Via Adaptive Directional Gradient Convolution",
arXiv 2405.07023. The authors state that a company's patent application covers this work.
"""

import math
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.fusion import PaddingMode
from srblocks.layers.merged_conv import MergedConv
from srblocks.ops import differences, kernels

AlphaMode = Literal["sigmoid", "softmax", "raw", "param"]

BRANCHES = ("csg", "csa", "hg", "vg", "vc", "idg")


class DGConv(MergedConv):
    """Directional gradient convolution: six branches on differences of pixels, merged into one convolution.

    Each branch has a kernel of its own and weights another difference of the pixels under it: centre-surround gradient
    (csg) and aggregation (csa), horizontal (hg), vertical (vg) and irregular (idg) gradient, and the plain values (vc).
    One balance factor alpha per branch weights their sum; it is computed from the kernels, not from the picture, so
    that the whole layer is one convolution with the kernel Σ αᵇ Tᵇ(Wᵇ) (:mod:`srblocks.ops.kernels`). That is how the
    training form runs; :meth:`fuse` returns the ``nn.Conv2d``, :meth:`reference` the six branches one by one.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H', W')``, as ``nn.Conv2d`` has it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: any size; branches that vanish for it (vg of one row, hg of one column, the gradients of a single
            tap) are left out.
        stride: as in ``nn.Conv2d``.
        padding: None keeps the size (dilation · (kernel_size - 1) // 2, for odd kernels and stride 1).
        dilation: as in ``nn.Conv2d``.
        groups: as in ``nn.Conv2d``.
        bias: as in ``nn.Conv2d``; it is added once, whatever the alphas.
        padding_mode: as in ``nn.Conv2d``.
        branches: which of ``"csg", "csa", "hg", "vg", "vc", "idg"``.
        alpha_mode: alphas from two linear layers over the kernels through a ``"sigmoid"``, a ``"softmax"`` or as they
            come (``"raw"``), or one free parameter per branch (``"param"``).
        generator: draws the taps that idg subtracts. They are saved with the weights.

    Raises:
        ArgumentError: a value that is not allowed, or no branch is left.

    Paper: arXiv 2405.07023, whose authors state that a patent application covers it.
    """

    alpha: nn.Parameter | None

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
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        branches: Iterable[str] = BRANCHES,
        alpha_mode: AlphaMode = "sigmoid",
        generator: torch.Generator | None = None,
    ) -> None:
        if alpha_mode not in get_args(AlphaMode):
            raise ArgumentError(f"alpha_mode must be one of {', '.join(get_args(AlphaMode))}, not {alpha_mode!r}.")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        self.alpha_mode = alpha_mode
        kh, kw = self.kernel_size
        self.branches = _usable_branches(branches, kh, kw)

        for branch in self.branches:
            self.add_module(branch, _Kernel(out_channels, in_channels // groups, kh, kw))
        if "idg" in self.branches:
            shape = (out_channels, in_channels // groups)
            location = torch.randint(kh * kw, shape, generator=generator, device="cpu")
            integer = torch.uint8 if kh * kw <= 256 else torch.int32
            idg = self._kernel("idg")
            idg.register_buffer("location", location.to(idg.weight.device, integer))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        if alpha_mode == "param":
            self.alpha = nn.Parameter(torch.empty(len(self.branches)))
        else:
            self.register_parameter("alpha", None)
            self.alpha_fc = _BalanceNetwork(len(self.branches) * kh * kw, len(self.branches))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start like ``nn.Conv2d``: the merged kernel has the variance that its default initialisation gives."""
        kh, kw = self.kernel_size
        # Equal alphas of this size keep the variance; what is beyond their range goes into the kernels.
        alpha = wanted = 1 / math.sqrt(sum(_variance_gains(kh, kw)[branch] for branch in self.branches))
        if self.alpha_mode == "sigmoid":
            alpha = min(wanted, 0.9)
        elif self.alpha_mode == "softmax":
            alpha = 1 / len(self.branches)
        for branch in self.branches:
            weight = self._kernel(branch).weight
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
            weight.mul_(wanted / alpha)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_channels // self.groups * kh * kw)
            nn.init.uniform_(self.bias, -bound, bound)
        self._start_alphas_at(alpha)

    @classmethod
    def from_conv(
        cls,
        conv: nn.Conv2d,
        *,
        branches: Iterable[str] = BRANCHES,
        alpha_mode: AlphaMode = "sigmoid",
        generator: torch.Generator | None = None,
    ) -> "DGConv":
        """A DGConv that computes what ``conv`` does: its kernel in the plain branch, zeros in the others.

        All branches get gradients, so that it can be trained on from there.

        Raises:
            ArgumentError: ``conv`` is no convolution, its padding is uneven, or ``branches`` lack ``"vc"``.
        """
        if not isinstance(conv, nn.Conv2d):
            raise ArgumentError(f"conv must be an nn.Conv2d, not a {type(conv).__name__}.")
        padding = _symmetric_padding(conv)
        device, dtype = conv.weight.device, conv.weight.dtype
        with torch.device(device):
            layer = cls(
                conv.in_channels,
                conv.out_channels,
                _pair_of(conv.kernel_size),
                stride=_pair_of(conv.stride),
                padding=padding,
                dilation=_pair_of(conv.dilation),
                groups=conv.groups,
                bias=conv.bias is not None,
                padding_mode=conv.padding_mode,
                branches=branches,
                alpha_mode=alpha_mode,
                generator=generator,
            ).to(dtype)
        if "vc" not in layer.branches:
            raise ArgumentError("from_conv needs the plain branch: add 'vc' to branches.")
        with torch.no_grad():
            for branch in layer.branches:
                layer._kernel(branch).weight.zero_()
            # A power of two, where the mode has one, so that multiplying by its inverse and by it loses nothing.
            layer._start_alphas_at(0.5)
            inverse = len(layer.branches) if alpha_mode == "softmax" else 2
            layer._kernel("vc").weight.copy_(conv.weight).mul_(inverse)
            if layer.bias is not None and conv.bias is not None:
                layer.bias.copy_(conv.bias).requires_grad_(conv.bias.requires_grad)
        for name, parameter in layer.named_parameters():
            if name != "bias":
                parameter.requires_grad_(conv.weight.requires_grad)
        return layer.train(conv.training)

    def merged_kernel(self, dtype: torch.dtype | None = None) -> Tensor:
        """The one kernel ``(out, in / groups, kh, kw)`` of all branches, computed in ``dtype`` (at least float32)."""
        return self.merged(dtype)[0]

    def merge(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        effective = self._effective_kernels(dtype)
        return torch.einsum("b,boihw->oihw", self._alphas(effective), effective), self.bias

    def by_branches(self, x: Tensor) -> Tensor:
        alphas = self._alphas(self._effective_kernels(self._any_parameter.dtype))
        padded, (kh, kw) = self.pad(x), self.kernel_size
        height = (padded.shape[-2] - self.dilation[0] * (kh - 1) - 1) // self.stride[0] + 1
        patches = F.unfold(padded, self.kernel_size, self.dilation, stride=self.stride)
        patches = rearrange(patches, "n (g i k) p -> n g i k p", g=self.groups, k=kh * kw)
        responses = []
        for alpha, branch in zip(alphas, self.branches, strict=True):
            weight = rearrange(self._kernel(branch).weight, "(g o) i h w -> g o i (h w)", g=self.groups)
            if branch == "idg":
                location = rearrange(self._kernel("idg").location, "(g o) i -> g o i", g=self.groups)
                response = differences.weight_irregular_gradient(patches, weight, location)
            elif branch in ("hg", "vg"):
                response = _DIRECTIONAL[branch](patches, weight, kw)
            else:
                response = _ISOTROPIC[branch](patches, weight)
            responses.append(alpha * response)
        y = rearrange(torch.stack(responses).sum(0), "n g o (h w) -> n (g o) h w", h=height)
        return y if self.bias is None else y + self.bias.view(-1, 1, 1)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, alpha_mode={self.alpha_mode!r}"

    def _is_bias(self, name: str) -> bool:
        return name == "bias"  # and not those of the balance network

    def _kernel(self, branch: str) -> "_Kernel":
        kernel = self.get_submodule(branch)
        assert isinstance(kernel, _Kernel)
        return kernel

    def _start_alphas_at(self, alpha: float) -> None:
        """Give every branch this factor (the same share of 1 where they are a softmax), whatever the kernels."""
        if self.alpha is not None:
            nn.init.constant_(self.alpha, alpha)
        else:
            self.alpha_fc.start_at(math.log(alpha / (1 - alpha)) if self.alpha_mode == "sigmoid" else alpha)

    def _effective_kernels(self, dtype: torch.dtype) -> Tensor:
        """``(branches, out, in / groups, kh, kw)``: every branch as the plain kernel that it amounts to."""
        effective = []
        for branch in self.branches:
            weight = self._kernel(branch).weight.to(dtype)
            if branch == "idg":
                effective.append(kernels.irregular_gradient(weight, self._kernel("idg").location))
            else:
                effective.append(_OPERATORS[branch](weight))
        return torch.stack(effective)

    def _alphas(self, effective: Tensor) -> Tensor:
        """The balance factors ``(branches,)`` of these kernels."""
        if self.alpha is not None:
            return self.alpha.to(effective.dtype)
        kh, kw = self.kernel_size
        in_channels = self.in_channels // self.groups
        mean = torch.linalg.vector_norm(effective, ord=1, dim=(1, 2)) / (self.out_channels * in_channels)
        descriptor = (mean * math.sqrt(in_channels * kh * kw)).flatten()
        logits: Tensor = self.alpha_fc(descriptor)
        if self.alpha_mode == "sigmoid":
            return logits.sigmoid()
        return logits.softmax(0) if self.alpha_mode == "softmax" else logits


class _BalanceNetwork(nn.Sequential):
    """Two linear layers from the descriptors of all kernels to one number per branch, in the dtype of the input."""

    def __init__(self, descriptors: int, branches: int) -> None:
        super().__init__(nn.Linear(descriptors, 16), nn.ReLU(), nn.Linear(16, branches))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            if isinstance(layer, nn.Linear):
                x = F.linear(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))
            else:
                x = layer(x)
        return x

    def start_at(self, value: float) -> None:
        """Give ``value`` for every branch, whatever the kernels."""
        nn.init.zeros_(self.get_parameter("2.weight"))
        nn.init.constant_(self.get_parameter("2.bias"), value)


class _Kernel(nn.Module):
    """The kernel of one branch; for idg with the buffer ``location``."""

    location: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(*shape))

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, metadata: object, strict: bool, *lists: list[str]
    ) -> None:
        location = state_dict.get(f"{prefix}location")
        taps = self.weight.shape[-2] * self.weight.shape[-1]
        if location is not None and not location.is_meta and ((location < 0) | (location >= taps)).any():
            _, _, errors = lists
            errors.append(f"{prefix}location must be taps from 0 to {taps - 1}.")
        else:
            super()._load_from_state_dict(state_dict, prefix, metadata, strict, *lists)


_OPERATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "csg": kernels.centre_surround_gradient,
    "csa": kernels.centre_surround_aggregation,
    "hg": kernels.horizontal_gradient,
    "vg": kernels.vertical_gradient,
    "vc": kernels.vanilla,
}
_ISOTROPIC = {
    "csg": differences.weight_centre_surround_gradient,
    "csa": differences.weight_centre_surround_aggregation,
    "vc": differences.weight_vanilla,
}
_DIRECTIONAL = {
    "hg": differences.weight_horizontal_gradient,
    "vg": differences.weight_vertical_gradient,
}


def _variance_gains(kh: int, kw: int) -> dict[str, float]:
    """By how much each operator multiplies the summed variance of a random kernel."""
    taps = kh * kw
    return {
        "csg": 1 - 1 / taps,
        "csa": 1 + 3 / taps,
        "hg": 2 * (1 - (kw % 2) / kw),
        "vg": 2 * (1 - (kh % 2) / kh),
        "vc": 1.0,
        "idg": 2 * (taps - 1) / taps,
    }


def _usable_branches(branches: Iterable[str], kh: int, kw: int) -> tuple[str, ...]:
    wanted = set(branches)
    if unknown := wanted - set(BRANCHES):
        raise ArgumentError(f"branches may be {', '.join(BRANCHES)}, not {', '.join(sorted(unknown))}.")
    gains = _variance_gains(kh, kw)
    usable = tuple(branch for branch in BRANCHES if branch in wanted and gains[branch] > 0)
    if not usable:
        raise ArgumentError(f"branches has none that does not vanish for a {kh}×{kw} kernel: add 'vc' or 'csa'.")
    return usable


def _pair_of(value: tuple[int, ...]) -> tuple[int, int]:
    first, second = value
    return first, second


def _symmetric_padding(conv: nn.Conv2d) -> tuple[int, int]:
    if not isinstance(conv.padding, str):
        return _pair_of(conv.padding)
    if conv.padding == "valid":
        return 0, 0
    total = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
    if any(t % 2 for t in total):
        raise ArgumentError("padding='same' of an even kernel pads one side more: pad before the convolution instead.")
    return total[0] // 2, total[1] // 2
