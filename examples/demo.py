"""Build a small super-resolution network from the library's layers, fuse it, and print the proof.

make demo
"""

import torch
from torch import Tensor, nn

import srblocks as sr
from srblocks.layers import ESA, RLFB, DGConv, PixelShuffleUpsampler


class SmallNet(sr.SRModel):
    """Anybody's network: a DGConv, a residual local feature block, spatial attention, and a pixel shuffle."""

    def __init__(self, scale: int = 4, *, dim: int = 32) -> None:
        super().__init__(scale, size_rule=sr.SizeRule(minimum=ESA.minimum))
        self.head = DGConv(3, dim)
        self.body = nn.Sequential(RLFB(dim), DGConv(dim, dim), nn.LeakyReLU(0.05), ESA(dim))
        self.tail = PixelShuffleUpsampler(dim, scale)

    def upscale(self, x: Tensor) -> Tensor:
        features = self.head(x)
        y: Tensor = self.tail(features + self.body(features))
        return y


def main() -> None:
    torch.manual_seed(0)
    net = SmallNet()
    fused = net.fuse()
    picture = torch.rand(1, 3, 37, 50)
    with torch.no_grad():
        before, after = net(picture), fused(picture)
    print(f"{type(net).__name__} ×{net.scale}: {tuple(picture.shape)} -> {tuple(after.shape)}")
    print(f"largest change by fusing: {(after - before).abs().max():.1e}\n")
    print(sr.verify_fusion(net))


if __name__ == "__main__":
    main()
