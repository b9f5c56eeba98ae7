"""What a network costs, as papers count it."""

import torch

from srblocks.layers.verification import count_macs
from srblocks.models.base import SRModel

# Height and width of the output that papers count for.
OUTPUT = (720, 1280)


def macs_for_output(net: SRModel, output: tuple[int, int] = OUTPUT) -> int:
    """Multiply-accumulates for one output of this height and width, without what padding adds.

    Args:
        net: on the device "meta", where nothing is computed, or any other.
        output: height and width; 1280×720 pixels unless given.
    """
    scale, multiple = net.scale or 1, net.size_rule.multiple_of
    height, width = (net.size_rule.padded(round(side / scale / multiple) * multiple) for side in output)
    device = next(net.parameters()).device
    counted = count_macs(net, torch.empty(1, net.in_channels, height, width, device=device))
    return round(counted * output[0] * output[1] / (scale**2 * height * width))
