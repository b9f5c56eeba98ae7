"""How good a network is."""

from srblocks.evaluation.benchmark import Evaluation, Score, evaluate, to_csv, to_json, to_markdown
from srblocks.evaluation.datasets import Pair, find_pairs
from srblocks.evaluation.fidelity import psnr
from srblocks.evaluation.gradients import gmsd, ms_gmsd
from srblocks.evaluation.network_fusion import NetworkFusion
from srblocks.evaluation.phase import fsim
from srblocks.evaluation.structure import ms_ssim, ssim
from srblocks.ops.resize import imresize

__all__ = [
    "Evaluation",
    "NetworkFusion",
    "Pair",
    "Score",
    "evaluate",
    "find_pairs",
    "fsim",
    "gmsd",
    "imresize",
    "ms_gmsd",
    "ms_ssim",
    "psnr",
    "ssim",
    "to_csv",
    "to_json",
    "to_markdown",
]
