"""Several networks as one."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError
from srblocks.models.base import SRModel


class NetworkFusion(SRModel):
    """Several networks of one scale as one, whose output is the weighted sum of theirs.

    >>> import srblocks as sr
    >>> nets = [sr.create_model(name, scale=2) for name in ("dgpnet_tiny", "rlfn_s")]
    >>> sr.Upscaler(sr.evaluation.NetworkFusion(nets)).scale
    2

    Args:
        nets: networks of the same scale and channels; they are taken as they are, not copied.
        weights: of each network; all equal, with the sum 1, unless given.

    Raises:
        ArgumentError: there are no networks, they differ in scale or channels, or there is not one weight for each.
    """

    weights: Tensor

    def __init__(self, nets: Sequence[SRModel], weights: Sequence[float] | None = None) -> None:
        if len({(net.scale, net.in_channels, net.colors) for net in nets}) != 1:
            kinds = ", ".join(f"×{net.scale} of {net.in_channels} channels" for net in nets) or "none"
            raise ArgumentError(f"nets must be networks of the same scale and channels, not {kinds}.")
        if weights is not None and len(weights) != len(nets):
            raise ArgumentError(f"weights must be one for each of {len(nets)} networks, not {len(weights)}.")
        fields = [net.receptive_field for net in nets]
        super().__init__(
            nets[0].scale,
            in_channels=nets[0].in_channels,
            colors=nets[0].colors,
            receptive_field=None if None in fields else max(field for field in fields if field is not None),
            stride=math.lcm(*(math.lcm(net.stride, net.size_rule.multiple_of) for net in nets)),
        )
        self.nets = nn.ModuleList(nets)
        self.register_buffer("weights", torch.tensor(weights or [1 / len(nets)] * len(nets)))
        # The record of the arguments keeps no second copy of the networks.
        self.arguments["nets"] = self.nets

    def upscale(self, x: Tensor) -> Tensor:
        y: Tensor = sum(weight * net(x) for weight, net in zip(self.weights, self.nets, strict=True))
        return y

    @torch.no_grad()
    def fit(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Set the weights to those with the least square error on pairs of LR and HR pictures.

        They are computed in closed form, from what the networks give for each picture as a whole. Networks that always
        give the same share their weight.

        Args:
            pairs: LR ``(N, C, H, W)`` and HR ``(N, C, s·H, s·W)`` in [0, 1], on the networks' device.

        Raises:
            InputError: there are no pairs.
        """
        size = len(self.nets)
        products, moments = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
        for lr, hr in pairs:
            outputs = torch.stack([net(lr).cpu().double().flatten() for net in self.nets])
            products += outputs @ outputs.T
            moments += outputs @ hr.cpu().double().flatten()
        if not products.any():
            raise InputError("fit needs at least one pair of pictures that are not black.")
        self.weights.copy_(torch.linalg.pinv(products, hermitian=True) @ moments)
