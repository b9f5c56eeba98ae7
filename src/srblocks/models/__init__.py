"""The zoo: one family of networks, one file."""

from srblocks.models.base import SizeRule, SRModel
from srblocks.models.bsrn import BSRN, BSRNS, bsrn, bsrn_s
from srblocks.models.dgpnet import DGPNet, dgpnet_base, dgpnet_small, dgpnet_tiny
from srblocks.models.elan import ELAN, elan, elan_light
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
from srblocks.models.rdbn import RDBN, rdbn
from srblocks.models.registry import create_model, families, list_models, register
from srblocks.models.rfdn import RFDN, rfdn_aim
from srblocks.models.rlfn import RLFN, rlfn, rlfn_ntire, rlfn_s

__all__ = [
    "BSRN",
    "BSRNS",
    "ELAN",
    "IMDN",
    "IMDNAS",
    "IMDNRTE",
    "RDBN",
    "RFDN",
    "RLFN",
    "DGPNet",
    "Family",
    "Layout",
    "OmniSR",
    "SRModel",
    "SimpleIMDN",
    "SizeRule",
    "bsrn",
    "bsrn_s",
    "create_model",
    "dgpnet_base",
    "dgpnet_small",
    "dgpnet_tiny",
    "elan",
    "elan_light",
    "families",
    "imdn",
    "imdn_as",
    "imdn_baseline",
    "imdn_rtc",
    "imdn_rte",
    "list_models",
    "omnisr",
    "rdbn",
    "register",
    "rfdn_aim",
    "rlfn",
    "rlfn_ntire",
    "rlfn_s",
]
