"""The package as it is installed: its public names, what importing it loads, its floors."""

import importlib.metadata
import subprocess
import sys

import pytest

import srblocks as sr
from srblocks import evaluation, layers, models

PUBLIC = {
    sr: """ArgumentError CheckpointError Family Fusible FusionError FusionReport InputError Layout ReplacementReport
        SRBlocksError SRModel SizeRule TransferReport UnknownModelError Upscaler Weights as_reference create_model
        evaluation fuse layers list_models list_weights load models push_to_hub register replace_convs save transfer
        verify_fusion""",
    layers: """AIIBlock BSConvS BSConvU CALayer CCALayer CCM ChannelAttention Conv3XC ConvBatchNorm DGConv
        DecomposedTransposedConv DenseLayer DepthwiseSeparableConv DistillationTrunk ECB ELAB ESA ESDB FMB FMM GMSA GRN
        GatedConvFFN IMDB InterpolatedBase LayerNorm2d LocalConvBlock MergedConv NearestConv OSA PixelAttention
        PixelAttentionUpsampler PixelShuffleUpsampler RDB RFDB RLFB ResidualConv ResidualDenseBlock
        ResidualDistillationBlock SAFM SMLayer SPAB ScaledConv ShiftConv SimpleSAFM SplitPointMLP StepwisePixelShuffle
        TransposedConv WindowAttention""",
    models: """BSRN BSRNS DGPNet ECBSR ELAN ETDS Family IMDN IMDNAS IMDNRTE Layout LightSAFMNPP OmniSR QuickSRNet RDBN
        RFDN RLFN SAFMN SAFMNBCIE SAFMNNTIRE SAFMNPP SPAN SRModel ShuffleMixer SimpleIMDN SizeRule bsrn bsrn_s
        create_model dgpnet_base dgpnet_small dgpnet_tiny ecbsr_m10c10 ecbsr_m16c64 ecbsr_m4c16 ecbsr_m4c16_rgb
        ecbsr_m4c32_rgb ecbsr_m4c8 ecbsr_m6c40_rgb elan elan_light etds_l etds_m etds_s etds_t families imdn imdn_as
        imdn_baseline imdn_rtc imdn_rte list_models omnisr quicksrnet_large quicksrnet_medium quicksrnet_small rdbn
        register rfdn_aim rlfn rlfn_ntire rlfn_s safmn safmn_bcie safmn_l safmn_ntire safmnpp safmnpp_light shufflemixer
        shufflemixer_tiny span span_ntire span_s span_tiny""",
    evaluation: """Evaluation NetworkFusion Pair Score evaluate find_pairs fsim gmsd imresize ms_gmsd ms_ssim psnr ssim
        to_csv to_json to_markdown""",
}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_the_public_names_are_these(module: object) -> None:
    # A change here is a change for users: it belongs in the changelog, and a removal needs a deprecation first.
    assert sorted(module.__all__) == sorted(PUBLIC[module].split())  # type: ignore[attr-defined, index]
    assert all(hasattr(module, name) for name in module.__all__)  # type: ignore[attr-defined]


def test_everything_public_is_documented() -> None:
    for module, names in PUBLIC.items():
        for name in names.split():
            assert getattr(module, name).__doc__, name


def test_importing_is_silent_and_loads_nothing_optional() -> None:
    script = """
import sys
import torch
before = set(sys.modules)
import srblocks
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    new = {name for name in run.stdout.split() if name not in sys.stdlib_module_names}
    assert new <= {"srblocks", "torch", "einops", "safetensors"}


def test_loading_weights_does_not_wait_for_the_compiler() -> None:
    # Some arithmetic on the device "meta", on which networks are built empty, imports it: 1.5 seconds.
    script = "import sys, srblocks as sr; sr.load('dgpnet_tiny_x4').fuse(); print('torch._dynamo' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_no_network_waits_for_it_where_it_is_built_empty() -> None:
    script = """
import sys, torch, srblocks as sr
for name in sr.list_models():
    with torch.device("meta"):
        sr.create_model(name, fused=True)
    assert "torch._dynamo" not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_version_is_the_installed_one() -> None:
    assert importlib.metadata.version("srblocks") == sr.__version__


def test_rdb_is_the_distillation_block_and_says_so() -> None:
    assert layers.RDB is layers.ResidualDistillationBlock
    assert "ResidualDenseBlock" in (layers.RDB.__doc__ or "")
    assert "ResidualDistillationBlock" in (layers.ResidualDenseBlock.__doc__ or "")
