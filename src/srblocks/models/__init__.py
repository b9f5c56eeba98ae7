"""The zoo: one family of networks, one file."""

from srblocks.models.base import SizeRule, SRModel
from srblocks.models.bsrn import BSRN, BSRNS, bsrn, bsrn_s
from srblocks.models.dgpnet import DGPNet, dgpnet_base, dgpnet_small, dgpnet_tiny
from srblocks.models.ecbsr import (
    ECBSR,
    ecbsr_m4c8,
    ecbsr_m4c16,
    ecbsr_m4c16_rgb,
    ecbsr_m4c32_rgb,
    ecbsr_m6c40_rgb,
    ecbsr_m10c10,
    ecbsr_m16c64,
)
from srblocks.models.elan import ELAN, elan, elan_light
from srblocks.models.etds import ETDS, etds_l, etds_m, etds_s, etds_t
from srblocks.models.family import Family, Layout
from srblocks.models.imdn import (
    IMDN,
    IMDNAS,
    IMDNRTE,
    SimpleIMDN,
    imdn,
    imdn_as,
    imdn_baseline,
    imdn_rtc,
    imdn_rte,
)
from srblocks.models.omnisr import OmniSR, omnisr
from srblocks.models.quicksrnet import QuickSRNet, quicksrnet_large, quicksrnet_medium, quicksrnet_small
from srblocks.models.rdbn import RDBN, rdbn
from srblocks.models.registry import create_model, families, list_models, register
from srblocks.models.rfdn import RFDN, rfdn_aim
from srblocks.models.rlfn import RLFN, rlfn, rlfn_ntire, rlfn_s
from srblocks.models.safmn import SAFMN, SAFMNBCIE, SAFMNNTIRE, safmn, safmn_bcie, safmn_l, safmn_ntire
from srblocks.models.safmnpp import SAFMNPP, LightSAFMNPP, safmnpp, safmnpp_light
from srblocks.models.shufflemixer import ShuffleMixer, shufflemixer, shufflemixer_tiny
from srblocks.models.span import SPAN, span, span_ntire, span_s, span_tiny

__all__ = [
    "BSRN",
    "BSRNS",
    "ECBSR",
    "ELAN",
    "ETDS",
    "IMDN",
    "IMDNAS",
    "IMDNRTE",
    "RDBN",
    "RFDN",
    "RLFN",
    "SAFMN",
    "SAFMNBCIE",
    "SAFMNNTIRE",
    "SAFMNPP",
    "SPAN",
    "DGPNet",
    "Family",
    "Layout",
    "LightSAFMNPP",
    "OmniSR",
    "QuickSRNet",
    "SRModel",
    "ShuffleMixer",
    "SimpleIMDN",
    "SizeRule",
    "bsrn",
    "bsrn_s",
    "create_model",
    "dgpnet_base",
    "dgpnet_small",
    "dgpnet_tiny",
    "ecbsr_m4c8",
    "ecbsr_m4c16",
    "ecbsr_m4c16_rgb",
    "ecbsr_m4c32_rgb",
    "ecbsr_m6c40_rgb",
    "ecbsr_m10c10",
    "ecbsr_m16c64",
    "elan",
    "elan_light",
    "etds_l",
    "etds_m",
    "etds_s",
    "etds_t",
    "families",
    "imdn",
    "imdn_as",
    "imdn_baseline",
    "imdn_rtc",
    "imdn_rte",
    "list_models",
    "omnisr",
    "quicksrnet_large",
    "quicksrnet_medium",
    "quicksrnet_small",
    "rdbn",
    "register",
    "rfdn_aim",
    "rlfn",
    "rlfn_ntire",
    "rlfn_s",
    "safmn",
    "safmn_bcie",
    "safmn_l",
    "safmn_ntire",
    "safmnpp",
    "safmnpp_light",
    "shufflemixer",
    "shufflemixer_tiny",
    "span",
    "span_ntire",
    "span_s",
    "span_tiny",
]
