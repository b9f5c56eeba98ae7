"""Every named block computes what its authors' code computes, in all its forms."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import srblocks as sr
from srblocks import layers
from srblocks.layers.edge_conv import EdgeConv
from srblocks.layers.merged_conv import ConvChain
from srblocks.models.imdn import LargeIMDB
from srblocks.models.omnisr import OSAGroup
from srblocks.ops.windows import from_windows, to_windows
from tests.helpers import Case, golden, golden_names, relative_error, rename

ESA_NAMES = {"conv1": "squeeze", "conv_f": "shortcut", "conv2": "stride", "conv3": "convs.0", "conv4": "expand"}
RFDN_ESA_NAMES = ESA_NAMES | {"conv_max": "convs.0", "conv3": "convs.1", "conv3_": "convs.2"}
CA_NAMES = {"conv_du.0": "down", "conv_du.2": "up"}
IMDB_NAMES = {"c1": "conv1", "c2": "conv2", "c3": "conv3", "c4": "conv4", "c5": "project"}
RFDB_NAMES = {
    **{f"c{i + 1}_d": f"distil.{i}" for i in range(3)},
    **{f"c{i + 1}_r": f"refine.{i}.layer" for i in range(3)},
    "c4": "last",
    "c5": "project",
}
BLUEPRINT_NAMES = {"pw": "pointwise", "pw1": "squeeze", "pw2": "expand", "dw": "depthwise"}
GMSA_NAMES = {"project_inp.0": "project_in.conv", "project_inp.1": "project_in.norm"}
SPACE_NAMES = {"to_qkv": "qkv", "to_out.0": "project", "rel_pos_bias.weight": "bias_table"}
CHANNEL_NAMES = {"qkv_dwconv": "depthwise", "project_out": "project"}
MLP_NAMES = {"fc.0": "project_in", "fc.2": "project_out"}
SAFM_NAMES = {"mfr": "levels", "aggr": "project"}
CCM_NAMES = {"ccm.0": "conv", "ccm.2": "project"}


def under(prefix: str, target: str, names: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}.{theirs}": f"{target}.{ours}" for theirs, ours in names.items()}


def blueprint(names: dict[str, str]) -> dict[str, str]:
    """These names, also where each of them is a blueprint separable convolution."""
    parts = [under(theirs, ours, BLUEPRINT_NAMES) for theirs, ours in names.items()]
    return names | {theirs: ours for part in parts for theirs, ours in part.items()}


def osa_names(prefix: str = "", target: str = "") -> dict[str, str]:
    names = {
        "layer.0.fn.0": "local.project_in",
        "layer.0.fn.2": "local.depthwise",
        "layer.0.fn.4.gate.1": "local.down",
        "layer.0.fn.4.gate.3": "local.up",
        "layer.0.fn.5": "local.project_out",
    }
    for index, part in ((2, "window_space"), (8, "grid_space")):
        names |= under(f"layer.{index}.fn", part, SPACE_NAMES) | {f"layer.{index}.norm": f"{part}.norm"}
    for index, part in ((5, "window_channels"), (11, "grid_channels")):
        names |= under(f"layer.{index}.fn", f"{part}.layer", CHANNEL_NAMES | {"qkv": "qkv"})
        names |= {f"layer.{index}.norm": f"{part}.norm", f"layer.{index}.fn.temperature": f"{part}.layer.temperature"}
    for index, part in ((4, "ffn1"), (6, "ffn2"), (10, "ffn3"), (12, "ffn4")):
        names |= {f"layer.{index}.norm": f"{part}.norm", f"layer.{index}.fn.dwconv": f"{part}.layer.depthwise"}
        names |= {f"layer.{index}.fn.{name}": f"{part}.layer.{name}" for name in ("project_in", "project_out")}
    return {prefix + theirs: target + ours for theirs, ours in names.items()}


def elab_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for j in range(2):
        names |= {f"modules_lfe.lfe_{j}.conv{k}.shift_conv.conv1x1": f"local.{j}.{2 * k}.conv" for k in range(2)}
        names |= under(f"modules_gmsa.gmsa_{j}", f"attention.{j}", GMSA_NAMES | {"project_out": "project_out"})
    return names


EDGE_NAMES = {"k0": "pointwise.weight", "b0": "pointwise.bias"}
WIDE_NAMES = {"k0": "convs.0.weight", "b0": "convs.0.bias", "k1": "convs.1.weight", "b1": "convs.1.bias"}
ECB_NAMES = (
    {"conv3x3": "plain"}
    | under("conv1x1_3x3", "wide", WIDE_NAMES)
    | under("conv1x1_sbx", "sobel_x", EDGE_NAMES | {"scale": "scale", "bias": "bias"})
    | under("conv1x1_sby", "sobel_y", EDGE_NAMES | {"scale": "scale", "bias": "bias"})
    | under("conv1x1_lpl", "laplacian", EDGE_NAMES | {"scale": "scale", "bias": "bias"})
)
CONV3XC_NAMES = {"sk": "skip", "conv": "wide.convs"}


def numbered(prefix: str, names: dict[str, str]) -> dict[str, str]:
    """The names of a part of an ``nn.Sequential``."""
    return {theirs: f"{prefix}.{ours}" for theirs, ours in names.items()}


def ecb(case: Case) -> nn.Module:
    """ECB with its activation, as the reference has it."""
    return nn.Sequential(layers.ECB(6, 6, identity=True), nn.PReLU(6))


def sm_layer_names(prefix: str = "", target: str = "") -> dict[str, str]:
    names = {"spatial": "depthwise", "norm1.body": "norm1", "norm2.body": "norm2"}
    names |= under("mlp1", "mlp1", MLP_NAMES) | under("mlp2", "mlp2", MLP_NAMES)
    return {prefix + theirs: target + ours for theirs, ours in names.items()}


# Reference case -> our block of its arguments, and our name for each of its parts where it differs.
BLOCKS: dict[str, tuple[Callable[[Case], nn.Module], dict[str, str]]] = {
    "dgpnet/AIIBlock": (lambda case: layers.AIIBlock(**case.kwargs), {}),
    "dgpnet/sum6": (lambda case: layers.DGConv(4, 5, alpha_mode="param"), {}),
    "rdbn/RDB": (lambda case: layers.RDB(**case.kwargs), {"fuse_conv": "project"}),
    "rlfn/ESA": (lambda case: layers.ESA(12, esa_dim=6), ESA_NAMES),
    "rlfn/RLFB": (
        lambda case: layers.RLFB(10, mid_dim=14, out_dim=12, esa_dim=5),
        {"c1_r": "conv1", "c2_r": "conv2", "c3_r": "conv3", "c5": "project"} | under("esa", "attention", ESA_NAMES),
    ),
    "rfdn/ESA": (lambda case: layers.ESA(14, esa_dim=14 // 4, num_convs=3), RFDN_ESA_NAMES),
    "rfdn/RFDB": (lambda case: layers.RFDB(12), RFDB_NAMES | under("esa", "attention", RFDN_ESA_NAMES)),
    "omnisr/esa": (lambda case: layers.ESA(8, esa_dim=4), ESA_NAMES),
    "rcan/CALayer": (lambda case: layers.CALayer(24, reduction=4), CA_NAMES),
    "imdn/CCALayer": (lambda case: layers.CCALayer(32, reduction=16), CA_NAMES),
    "imdn/IMDModule": (lambda case: layers.IMDB(32), IMDB_NAMES | under("cca", "attention", CA_NAMES)),
    "imdn/IMDModule_speed": (lambda case: layers.IMDB(12, reduction=None), IMDB_NAMES),
    "imdn/IMDModule_Large": (
        lambda case: LargeIMDB(16),
        {f"c{i + 1}": f"convs.{i}" for i in range(6)} | {"c7": "project"},
    ),
    "bsrn/BSConvU": (lambda case: layers.BSConvU(5, 9), BLUEPRINT_NAMES),
    "bsrn/BSConvS": (lambda case: layers.BSConvS(12, 9), BLUEPRINT_NAMES),
    "bsrn/DepthWiseConv": (lambda case: layers.DepthwiseSeparableConv(6, 9), BLUEPRINT_NAMES),
    "bsrn/CCALayer": (lambda case: layers.CCALayer(32, reduction=16), CA_NAMES),
    "bsrn/ESA": (
        lambda case: layers.ESA(18, esa_dim=18 // 4, num_convs=3, conv=layers.BSConvU, activation=nn.GELU),
        blueprint(RFDN_ESA_NAMES),
    ),
    "bsrn/ESDB": (
        lambda case: layers.ESDB(16),
        blueprint(RFDB_NAMES | under("esa", "attention", RFDN_ESA_NAMES)) | under("cca", "contrast", CA_NAMES),
    ),
    "rdn/DenseLayer": (lambda case: layers.DenseLayer(7, 5), {}),
    "rdn/RDB": (lambda case: layers.ResidualDenseBlock(10, growth=10, num_layers=3), {"lff": "project"}),
    "elan/shiftconv_fast": (lambda case: layers.ShiftConv(13, 8), {"shift_conv.conv1x1": "conv"}),
    "elan/elab_shifted": (lambda case: layers.ELAB(12, shifted=True, num_shared=1), elab_names()),
    "ecbsr/ECB": (ecb, numbered("0", ECB_NAMES) | {"act": "1"}),
    "ecbsr/ECB_train_mode": (ecb, numbered("0", ECB_NAMES) | {"act": "1"}),
    "ecbsr/SeqConv3x3_conv3x3": (lambda case: ConvChain((3, 10, 5), (1, 3)), WIDE_NAMES),
    "ecbsr/SeqConv3x3_sobelx": (lambda case: EdgeConv(3, 5, edge="sobel_x"), EDGE_NAMES),
    "ecbsr/SeqConv3x3_sobely": (lambda case: EdgeConv(3, 5, edge="sobel_y"), EDGE_NAMES),
    "ecbsr/SeqConv3x3_laplacian": (lambda case: EdgeConv(3, 5, edge="laplacian"), EDGE_NAMES),
    "span/Conv3XC": (lambda case: layers.Conv3XC(5, 7), CONV3XC_NAMES),
    "span/Conv3XC_train_mode": (lambda case: layers.Conv3XC(5, 7), CONV3XC_NAMES),
    "span/Conv3XC_relu": (
        lambda case: nn.Sequential(layers.Conv3XC(4, 6, expansion=3), nn.LeakyReLU(0.05)),
        numbered("0", CONV3XC_NAMES),
    ),
    "omnisr/gated_ffn": (lambda case: layers.GatedConvFFN(12), {"dwconv": "depthwise"}),
    "omnisr/lcb_mbconv": (
        lambda case: layers.LocalConvBlock(8),
        {
            "fn.0": "project_in",
            "fn.2": "depthwise",
            "fn.4.gate.1": "down",
            "fn.4.gate.3": "up",
            "fn.5": "project_out",
        },
    ),
    "omnisr/channel_attention": (lambda case: layers.ChannelAttention(16), CHANNEL_NAMES),
    "omnisr/channel_attention_grid": (lambda case: layers.ChannelAttention(16, grid=True), CHANNEL_NAMES),
    "omnisr/osa_block": (lambda case: layers.OSA(16), osa_names()),
    "omnisr/osag": (
        lambda case: OSAGroup(16, num_blocks=1, window_size=8, num_heads=4, bias=True, relative_bias=True),
        osa_names("residual_layer.0.", "body.0.")
        | {"residual_layer.1": "body.1"}
        | under("esa", "attention", ESA_NAMES),
    ),
    "shufflemixer/BiasFree_LayerNorm": (
        lambda case: layers.LayerNorm2d(12, eps=1e-5, bias=False),
        {"body.weight": "weight"},
    ),
    "shufflemixer/SplitPointMlp": (lambda case: layers.SplitPointMLP(24), MLP_NAMES),
    "shufflemixer/SMLayer": (lambda case: layers.SMLayer(16, kernel_size=3), sm_layer_names()),
    "shufflemixer/FMBlock": (
        lambda case: layers.FMB(16, kernel_size=7),
        sm_layer_names("net.0.", "layers.0.")
        | sm_layer_names("net.1.", "layers.1.")
        | {"conv.0": "conv", "conv.2": "project"},
    ),
    "safmn/LayerNorm": (lambda case: layers.LayerNorm2d(12), {}),
    "safmn/GRN": (lambda case: layers.GRN(12), {"gamma": "weight", "beta": "bias"}),
    "safmn/SAFM": (lambda case: layers.SAFM(16), SAFM_NAMES),
    "safmn/SimpleSAFM": (
        lambda case: layers.SimpleSAFM(18, reduction=3),
        {"proj": "project_in", "dwconv": "depthwise", "out": "project_out"},
    ),
    "safmn/CCM": (lambda case: layers.CCM(12), CCM_NAMES),
    "safmn/AttBlock": (
        lambda case: layers.FMM(16),
        under("safm", "modulation", SAFM_NAMES) | under("ccm", "mixer", CCM_NAMES),
    ),
}
# These have more than one input, output or form of weights, and tests of their own below or elsewhere.
APART = {
    "elan/gmsa_calc",
    "elan/gmsa_shared_shifted",
    "elan/shiftconv_lowmem",
    "omnisr/window_attention",
    "quicksrnet/AnchorOp",
    "span/SPAB",
    *(f"dgpnet/op_{op}" for op in ("csg", "csa", "hg", "vg", "vc", "idg")),
}
# What the references save beside what is learned.
CONSTANTS = ("shift_conv.weight", "mask", "eval_conv.weight", "eval_conv.bias")


def load_block(block: nn.Module, case: Case, names: dict[str, str], dtype: torch.dtype) -> nn.Module:
    state = {key: tensor for key, tensor in case.state.items() if not key.endswith(CONSTANTS)}
    block.load_state_dict(rename(state, names))
    return block.to(dtype).eval()


def forms(block: nn.Module) -> list[nn.Module]:
    return [block, sr.fuse(block), sr.as_reference(block), sr.fuse(sr.as_reference(block))]


def test_no_reference_case_is_forgotten() -> None:
    not_blocks = ("degradations/", "losses/", "metrics/")
    cases = {name for name in golden_names(whole_networks=False) if not name.startswith(not_blocks)}
    assert cases == BLOCKS.keys() | APART


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_equals_its_reference(name: str, device: torch.device, dtype: torch.dtype) -> None:
    case, (build, names) = golden(name), BLOCKS[name]
    block = load_block(build(case), case, names, dtype).to(device)
    x = case.inputs(dtype, device)[0]
    for form in forms(block):
        assert relative_error(form(x), case.outputs[0]) <= case.tolerance(dtype)


def test_attention_in_windows_equals_its_reference(device: torch.device, dtype: torch.dtype) -> None:
    case = golden("omnisr/window_attention")
    block = layers.WindowAttention(16)
    state = rename(case.state, SPACE_NAMES) | {"norm.weight": torch.ones(16), "norm.bias": torch.zeros(16)}
    block.load_state_dict(state)
    for form in forms(block.to(device, dtype)):
        assert isinstance(form, layers.WindowAttention)
        y = form.attend(case.inputs(dtype, device)[0].reshape(6, 64, 16))
        assert relative_error(y.reshape(case.outputs[0].shape), case.outputs[0]) <= case.tolerance(dtype)


def test_gmsa_computes_its_scores_as_the_reference(device: torch.device, dtype: torch.dtype) -> None:
    case = golden("elan/gmsa_calc")
    block = load_block(layers.GMSA(12), case, GMSA_NAMES, dtype).to(device)
    for form in forms(block):
        y, scores = form(case.inputs(dtype, device)[0], want_scores=True)
        for actual, expected in zip([y, *scores], case.outputs, strict=True):
            assert relative_error(actual, expected) <= case.tolerance(dtype)


def test_gmsa_reuses_scores_as_the_reference(device: torch.device, dtype: torch.dtype) -> None:
    case = golden("elan/gmsa_shared_shifted")
    block = load_block(layers.GMSA(12, shifted=True, reuses_scores=True), case, GMSA_NAMES, dtype).to(device)
    x, *scores = case.inputs(dtype, device)
    for form in forms(block):
        y, _ = form(x, scores)
        assert relative_error(y, case.outputs[0]) <= case.tolerance(dtype)


def test_shift_conv_equals_the_masked_convolution(device: torch.device, dtype: torch.dtype) -> None:
    case = golden("elan/shiftconv_lowmem")
    kept = case.state["shift_conv.w"] * case.state["shift_conv.m"]
    block = layers.ShiftConv(13, 8)
    block.load_state_dict({"conv.weight": kept.sum((2, 3), keepdim=True), "conv.bias": case.state["shift_conv.b"]})
    for form in forms(block.to(device, dtype)):
        assert relative_error(form(case.inputs(dtype, device)[0]), case.outputs[0]) <= case.tolerance(dtype)


def test_spab_gives_its_stages_as_the_reference(device: torch.device, dtype: torch.dtype) -> None:
    case = golden("span/SPAB")
    names = {f"c{i}_r.{theirs}": f"conv{i}.{ours}" for i in (1, 2, 3) for theirs, ours in CONV3XC_NAMES.items()}
    block = load_block(layers.SPAB(8), case, names, dtype).to(device)
    x = case.inputs(dtype, device)[0]
    for form in forms(block):
        assert isinstance(form, layers.SPAB)
        for actual, expected in zip((form(x), *form.stages(x)[1:]), case.outputs, strict=True):
            assert relative_error(actual, expected) <= case.tolerance(dtype)


def test_windows_hold_the_whole_attention(device: torch.device) -> None:
    block = layers.WindowAttention(8, window_size=4, num_heads=2).to(device)
    x = torch.randn(1, 8, 8, 12, device=device)
    tokens: Tensor = to_windows(x, 4)
    expected = from_windows(tokens + block.attend(block.norm(tokens)), 4, 8, 12)
    torch.testing.assert_close(block(x), expected)
