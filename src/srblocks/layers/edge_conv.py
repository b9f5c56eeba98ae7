"""ECB, the edge-oriented convolution of ECBSR."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srblocks.errors import ArgumentError
from srblocks.layers.constants import Constants
from srblocks.layers.merged_conv import ConvChain, MergedConv, affine
from srblocks.ops import kernels
from srblocks.ops.kernels import Affine

Edge = Literal["sobel_x", "sobel_y", "laplacian"]

_FILTERS = {
    "sobel_x": ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0)),
    "sobel_y": ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0)),
    "laplacian": ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0)),
}


class ECB(MergedConv):
    """Edge-oriented convolution of ECBSR: a 3×3 with four helpers in training, one 3×3 when merged.

    The helpers are a 1×1 to more channels with a 3×3 behind it, and three 1×1 with a Sobel or Laplacian filter behind
    them. The activation that the paper puts after the sum is a layer of its own here.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H, W)``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        expansion: of ``out_channels`` between the 1×1 and the 3×3.
        identity: add the input, which must have ``out_channels`` then.

    Raises:
        ArgumentError: ``identity`` with another number of channels out than in, or no channel between 1×1 and 3×3.

    Paper: Zhang et al., "Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices", ACM
    Multimedia 2021.
    """

    def __init__(self, in_channels: int, out_channels: int, *, expansion: float = 2.0, identity: bool = False) -> None:
        super().__init__(in_channels, out_channels)
        if identity and in_channels != out_channels:
            raise ArgumentError(f"identity must be False where {in_channels} channels go in and {out_channels} out.")
        mid_channels = int(out_channels * expansion)
        if mid_channels < 1:
            raise ArgumentError(f"expansion must leave a channel of {out_channels}, not {expansion}.")
        self.identity = identity
        self.plain = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.wide = ConvChain((in_channels, mid_channels, out_channels), (1, 3))
        self.sobel_x, self.sobel_y, self.laplacian = (
            EdgeConv(in_channels, out_channels, edge=edge) for edge in get_args(Edge)
        )

    def merge(self, dtype: torch.dtype) -> Affine:
        helpers = (self.wide, self.sobel_x, self.sobel_y, self.laplacian)
        kernel, bias = kernels.add(affine(self.plain, dtype), *(helper.merge(dtype) for helper in helpers))
        return kernels.add_identity(kernel) if self.identity else kernel, bias

    def by_branches(self, x: Tensor) -> Tensor:
        y: Tensor = self.plain(x) + self.wide(x) + self.sobel_x(x) + self.sobel_y(x) + self.laplacian(x)
        return y + x if self.identity else y


class EdgeConv(MergedConv):
    """A helper of :class:`ECB`: a 1×1 convolution, then one fixed edge filter per channel, scaled by a learned factor.

    The filters sum to zero, so that the bias of the 1×1 cancels: it is here because the reference saves it.

    Shape: ``(N, in_channels, H, W)`` -> ``(N, out_channels, H, W)``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        edge: the filter, ``"sobel_x"``, ``"sobel_y"`` or ``"laplacian"``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, edge: Edge) -> None:
        super().__init__(in_channels, out_channels)
        self.edge = edge
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1)
        self.scale = nn.Parameter(torch.empty(out_channels, 1, 1, 1))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self._constants = Constants()
        for parameter in (self.scale, self.bias):
            # Cut off at ten standard deviations, because normal_ on "meta" would import PyTorch's compiler.
            nn.init.trunc_normal_(parameter, std=1e-3, a=-1e-2, b=1e-2)

    def merge(self, dtype: torch.dtype) -> Affine:
        scale, edge = self.scale.to(dtype), self._filter(dtype)
        kernel, shift = kernels.compose_depthwise(affine(self.pointwise, dtype), (edge, edge.new_zeros(1)))
        return scale * kernel, scale.flatten() * shift + self.bias.to(dtype)

    def by_branches(self, x: Tensor) -> Tensor:
        filters = self.scale * self._filter(x.dtype)
        return F.conv2d(self.pointwise(self.pad(x)), filters, self.bias, groups=self.out_channels)

    def _filter(self, dtype: torch.dtype) -> Tensor:
        like = self.scale.detach().to(dtype)
        return self._constants.get(self.edge, like, lambda: edge_filter(self.edge).view(1, 1, 3, 3))


def edge_filter(edge: Edge) -> Tensor:
    """The 3×3 filter, as it lies over the picture."""
    return torch.tensor(_FILTERS[edge])
