"""How good a network is."""

from srblocks.evaluation.metrics import psnr, ssim

__all__ = ["psnr", "ssim"]
