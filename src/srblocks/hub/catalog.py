"""Published weights: where they are, what they are, and how to know that a file is them."""

import difflib
import fnmatch
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srblocks.errors import ArgumentError, UnknownModelError

NO_LICENCE = "none stated"

# What a `source` without a scheme is relative to: the weights that travel with the package.
BUNDLED = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True)
class Weights:
    """A published weights file.

    Attributes:
        name: ``<constructor>_x<scale>[.tag]``.
        source: a file that travels with the package, or ``hf-hub:repo@<40-hex>``, or a URL.
        sha256: of the file, checked before anything in it is read.
        bytes: its size.
        licence: of the weights; ``"none stated"`` where the authors state none.
        trained_on: the pictures.
        notes: who trained it, how, and what to know.
        measured: test set and measure, PSNR-Y in dB or SSIM-Y -> mean.
        arguments: the reference constructor's own, where the file does not show them.
    """

    name: str
    source: str
    sha256: str
    bytes: int
    licence: str
    trained_on: str
    notes: str
    measured: Mapping[str, float] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def constructor(self) -> str:
        """The name that :func:`srblocks.create_model` knows."""
        return self.name.partition(".")[0].rpartition("_x")[0]

    @property
    def scale(self) -> int:
        """The factor."""
        return int(self.name.partition(".")[0].rpartition("_x")[2])

    def differs(self, size: int, digest: str) -> str | None:
        """What shows that a file of this size and sha256 is another one, in half a sentence; None if it is this one."""
        if size != self.bytes:
            return f"{size:,} bytes instead of {self.bytes:,}"
        return None if digest == self.sha256 else f"the sha256 {digest} instead of {self.sha256}"


def _measured(set5_psnr: float, set5_ssim: float, set14_psnr: float, set14_ssim: float) -> dict[str, float]:
    """With this library, on inputs made by MATLAB's bicubic from 8-bit pictures."""
    return {
        "Set5 PSNR-Y": set5_psnr,
        "Set5 SSIM-Y": set5_ssim,
        "Set14 PSNR-Y": set14_psnr,
        "Set14 SSIM-Y": set14_ssim,
    }


_SAFMN = "https://raw.githubusercontent.com/sunny2109/SAFMN/68c2182e4f8829a979886b0a1cab8f269f91b321"
_RLFN = "https://raw.githubusercontent.com/bytedance/RLFN/bccfde91bf8b2de80789ec033a029e6f2a932330/model_zoo"
_IMDN = "https://raw.githubusercontent.com/Zheng222/IMDN/8f158e6a5ac9db6e5857d9159fd4a6c4214da574/checkpoints"
_RFDN = "https://raw.githubusercontent.com/njulj/RFDN/7cf4e25b6633e81fd7e26891aeee2baca4f8f927/trained_model"
_BSRN = (
    "https://raw.githubusercontent.com/xiaom233/BSRN/2d63d5239c9fa9810b9c1aea93e98d42ece09efc/experiments/"
    "pretrained_models"
)
_ETDS = (
    "https://raw.githubusercontent.com/ECNUSR/ETDS/64ad1b8539ebdc17ee543398fd87da541fe3c071"
    "/experiments/pretrained_models"
)
_NTIRE_2024 = (
    "https://raw.githubusercontent.com/Amazingren/NTIRE2024_ESR/6404fa48dde4a4adbf241a51debdc661aef20449/model_zoo"
)

CATALOG = (
    Weights(
        "dgpnet_tiny_x4",
        source="dgpnet_tiny_x4.safetensors",
        sha256="2247e0925b88704e15c46358d2b6e4a84e3f2d1fb240547486451e716f98d0df",
        bytes=1_896_957,
        licence="Apache-2.0",
        trained_on="photographs of CLIC 2025 (Unsplash licence), CID22 (CC BY-SA 4.0) and gb82 (CC0)",
        notes="By examples/recipes/dgpnet_tiny_x4.toml, 78 minutes on one CPU thread.",
        measured=_measured(31.01, 0.8765, 27.90, 0.7646),
    ),
    Weights(
        "rlfn_x4.bytedance",
        source=f"{_RLFN}/rlfn_x4.pth",
        sha256="8c7edb57dfc89048bafba29d591d4c27d4099964b4a9e22df23d6dc257a637c0",
        bytes=2_212_893,
        licence="Apache-2.0",
        trained_on="DIV2K",
        notes="The authors' own.",
        measured=_measured(32.24, 0.8953, 28.62, 0.7814),
    ),
    Weights(
        "rlfn_s_x4.bytedance",
        source=f"{_RLFN}/rlfn_s_x4.pth",
        sha256="f769c5a88433786b2db0c2b24da6ca6c92a24c62344b9354a390f8a74388e89d",
        bytes=1_919_005,
        licence="Apache-2.0",
        trained_on="DIV2K",
        notes="The authors' own.",
        measured=_measured(32.24, 0.8954, 28.62, 0.7817),
    ),
    Weights(
        "rlfn_ntire_x4.bytedance",
        source=f"{_RLFN}/rlfn_ntire_x4.pth",
        sha256="3c9be7b9d7a4bece9b68c83a56a1ffb38010f76413d5f215be6b4be842e18fb2",
        bytes=1_294_011,
        licence="Apache-2.0",
        trained_on="DIV2K and Flickr2K",
        notes="The authors' entry to NTIRE 2022.",
        measured=_measured(32.10, 0.8939, 28.60, 0.7815),
    ),
    Weights(
        "imdn_x4.zheng222",
        source=f"{_IMDN}/IMDN_x4.pth",
        sha256="e660c38221147217a136debeb99eb304d62d9c0f73ac421ed66281b619719714",
        bytes=2_879_112,
        licence=NO_LICENCE,
        trained_on="DIV2K",
        notes="The authors' own.",
        measured=_measured(32.21, 0.8948, 28.58, 0.7811),
    ),
    Weights(
        "imdn_rtc_x2.zheng222",
        source=f"{_IMDN}/model_RTC.pth",
        sha256="5696ca25971477a93f2a3f3b235039e30afefff1bb560efdc48c0f880635a2ab",
        bytes=90_541,
        licence=NO_LICENCE,
        trained_on="not stated",
        notes="The authors' own.",
        measured={"Set5 PSNR-Y": 37.31, "Set5 SSIM-Y": 0.9583},
    ),
    Weights(
        "rfdn_aim_x4.njulj",
        source=f"{_RFDN}/RFDN_AIM.pth",
        sha256="11af8ec8ebd68689e90ef1e29044f9804c72d3bd9f7573820b7b26035782760c",
        bytes=1_754_927,
        licence="MIT",
        trained_on="DIV2K",
        notes="The authors' entry to AIM 2020, smaller than the RFDN of the paper's tables.",
        measured=_measured(32.16, 0.8946, 28.65, 0.7825),
    ),
    Weights(
        "bsrn_x4.xiaom233",
        source=f"{_BSRN}/net_g_BSRN_x4.pth",
        sha256="47518e0f549f5696da0c84ca2d65bf50d789c7ac20e621909f5fd6c8c8d70bcb",
        bytes=1_524_813,
        licence="MIT",
        trained_on="DIV2K and Flickr2K",
        notes="The authors' own.",
        measured=_measured(32.35, 0.8965, 28.74, 0.7847),
    ),
    Weights(
        "bsrn_s_x4.xiaom233",
        source=f"{_BSRN}/net_g_BSRN-S.pth",
        sha256="f035e512bcecd2999af21999fdaeb6ed39a4492ac11d214b8164d27e6e958fec",
        bytes=699_603,
        licence="MIT",
        trained_on="DIV2K and Flickr2K",
        notes="The authors' entry to NTIRE 2022.",
        measured=_measured(32.16, 0.8949, 28.63, 0.7820),
    ),
    Weights(
        "ecbsr_m6c40_rgb_x4.ecnu",
        source=f"{_ETDS}/ECBSR/ECBSR_M6C40_x4.pth",
        sha256="bdd8990bc5cb3e6ff0d1027d570171a76b5879cf8b26dc6d1fdbacebdb5e330a",
        bytes=428_192,
        licence="Apache-2.0",
        trained_on="DIV2K",
        notes="Of the authors of ETDS, in the fused form.",
        measured=_measured(31.42, 0.8825, 28.21, 0.7714),
    ),
    Weights(
        "etds_t_x2.ecnu",
        source=f"{_ETDS}/ETDS/ETDS_M5C16_x2.pth",
        sha256="80ebfeb873f40f2e31f5cbbc5168f9ddd645f9144bd205be205c96240d799d86",
        bytes=60_341,
        licence="Apache-2.0",
        trained_on="DIV2K",
        notes="The authors' own, in the fused form.",
        measured=_measured(37.18, 0.9574, 32.78, 0.9102),
    ),
    Weights(
        "etds_l_x4.ecnu",
        source=f"{_ETDS}/ETDS/ETDS_M7C48_x4.pth",
        sha256="733502b10a6c5ddacc90ac25a970a913ec010776422cb56275dd8c08061f4036",
        bytes=685_673,
        licence="Apache-2.0",
        trained_on="DIV2K",
        notes="The authors' own, in the fused form.",
        measured=_measured(31.71, 0.8883, 28.33, 0.7748),
    ),
    Weights(
        "span_ntire_x4.ntire",
        source=f"{_NTIRE_2024}/team38_span_ch28_slim.pth",
        sha256="6c80f05048313289c6526e5fc9726688d7bb3dfdd6ae3c8b1e7dd09f601e5971",
        bytes=618_658,
        licence="MIT",
        trained_on="not stated; the challenge gave DIV2K and LSDIR",
        notes="The authors' entry to NTIRE 2024, in the fused form.",
        measured=_measured(31.74, 0.8897, 28.40, 0.7768),
    ),
    Weights(
        "safmn_ntire_x4.sunny2109",
        source=f"{_SAFMN}/NTIRE2023_ESR/model_zoo/team15_SAFMN.pth",
        sha256="93fe3d7175ef1446cfcb3a884ddf8bbb4391f31190e9d1bf6c6c1cb768f8b565",
        bytes=971_051,
        licence="Apache-2.0",
        trained_on="not stated with the file; DIV2K and Flickr2K for the paper's networks",
        notes="The authors' entry to NTIRE 2023. Its folder holds an MIT licence too.",
        measured=_measured(32.16, 0.8943, 28.63, 0.7815),
    ),
)


def list_weights(pattern: str = "*", licence: str | None = None) -> list[Weights]:
    """The published weights, in the order of the catalog.

    >>> import srblocks as sr
    >>> sr.list_weights("rlfn_s*")[0].name
    'rlfn_s_x4.bytedance'

    Args:
        pattern: of their names; may hold ``*`` and ``?``.
        licence: only those under this one.
    """
    return [
        weights for weights in CATALOG if fnmatch.fnmatch(weights.name, pattern) and licence in (None, weights.licence)
    ]


def find_weights(name: str, scale: int | None = None) -> Weights:
    """The entry of a name, whose tag and, where ``scale`` is given or only one exists, scale may be left out.

    Raises:
        UnknownModelError: no entry has that name.
        ArgumentError: ``scale`` contradicts the name, or must be given.
    """
    entries = [weights for weights in CATALOG if name in _names(weights)]
    if not entries:
        names = {each: None for weights in CATALOG for each in _names(weights)}
        near = difflib.get_close_matches(name, names, n=3) or [weights.name for weights in CATALOG]
        raise UnknownModelError(
            f"There are no published weights {name!r}, nor a file of that name; there is {', '.join(near)} (see "
            "list_weights())."
        )
    scales = sorted({weights.scale for weights in entries})
    if scale is None and len(scales) > 1:
        raise ArgumentError(f"scale must be given for {name!r}: one of {', '.join(map(str, scales))}.")
    entries = [weights for weights in entries if scale in (None, weights.scale)]
    if not entries:
        raise ArgumentError(f"scale must be {' or '.join(map(str, scales))} for {name!r}, not {scale!r}.")
    # Untagged weights are the recommended ones.
    return min(entries, key=lambda weights: "." in weights.name)


def recognise(path: Path) -> Weights | None:
    """The entry whose file this is, wherever it lies."""
    try:
        size = path.stat().st_size
        candidates = [weights for weights in CATALOG if weights.bytes == size]
        # Only a file of the right size is worth reading twice.
        found = sha256(path) if candidates else None
    except (OSError, ValueError):
        return None
    return next((weights for weights in candidates if weights.sha256 == found), None)


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _names(weights: Weights) -> tuple[str, str, str]:
    return weights.name, weights.name.partition(".")[0], weights.constructor
