"""The zoo: one family of networks, one file."""

from srblocks.models.base import SizeRule, SRModel
from srblocks.models.dgpnet import DGPNet, dgpnet_base, dgpnet_small, dgpnet_tiny
from srblocks.models.elan import ELAN, elan, elan_light
from srblocks.models.family import Family, Layout
from srblocks.models.omnisr import OmniSR, omnisr
from srblocks.models.rdbn import RDBN, rdbn
from srblocks.models.registry import create_model, families, list_models, register
from srblocks.models.rlfn import RLFN, rlfn, rlfn_ntire, rlfn_s
from srblocks.models.safmn import SAFMN, SAFMNBCIE, SAFMNNTIRE, safmn, safmn_bcie, safmn_l, safmn_ntire
from srblocks.models.safmnpp import SAFMNPP, LightSAFMNPP, safmnpp, safmnpp_light
from srblocks.models.shufflemixer import ShuffleMixer, shufflemixer, shufflemixer_tiny

__all__ = [
    "ELAN",
    "RDBN",
    "RLFN",
    "SAFMN",
    "SAFMNBCIE",
    "SAFMNNTIRE",
    "SAFMNPP",
    "DGPNet",
    "Family",
    "Layout",
    "LightSAFMNPP",
    "OmniSR",
    "SRModel",
    "ShuffleMixer",
    "SizeRule",
    "create_model",
    "dgpnet_base",
    "dgpnet_small",
    "dgpnet_tiny",
    "elan",
    "elan_light",
    "families",
    "list_models",
    "omnisr",
    "rdbn",
    "register",
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
]
