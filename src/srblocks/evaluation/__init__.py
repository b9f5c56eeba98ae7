"""How good a network is."""

from srblocks.evaluation.fidelity import psnr
from srblocks.evaluation.gradients import gmsd, ms_gmsd
from srblocks.evaluation.phase import fsim
from srblocks.evaluation.structure import ms_ssim, ssim
from srblocks.ops.resize import imresize

__all__ = ["fsim", "gmsd", "imresize", "ms_gmsd", "ms_ssim", "psnr", "ssim"]
