"""How good a network is."""

from srblocks.evaluation.metrics import psnr, ssim
from srblocks.ops.resize import imresize

__all__ = ["imresize", "psnr", "ssim"]
