"""A small network of every family, for the promises."""

from random import Random

import torch

import srblocks as sr
from srblocks.models import families
from tests.helpers import add_noise

FAMILIES = families()


def draw(family: sr.Family, seed: int = 0) -> sr.SRModel:
    """A random small network in eval mode, with noise on all that is learned."""
    torch.manual_seed(seed)
    net = family.network(**family.draw(Random(seed)))
    add_noise(net, seed=seed)
    # One step in training mode, so that what is tracked fits what is learned, as in a trained network.
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        net(picture(net, 24, 24, batch=2))
    return net.eval()


def smallest(family: sr.Family) -> sr.SRModel:
    """The smallest of many random networks, where every network costs seconds."""
    return min((draw(family, seed) for seed in range(8)), key=lambda net: sum(p.numel() for p in net.parameters()))


def picture(net: sr.SRModel, height: int, width: int, *, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, net.in_channels, height, width, generator=torch.Generator().manual_seed(0))
