"""The families, by name and in order."""

import difflib
import fnmatch
from collections.abc import Callable

from srblocks.errors import ArgumentError, UnknownModelError
from srblocks.models.base import SRModel
from srblocks.models.bsrn import FAMILY as BSRN
from srblocks.models.bsrn import FAMILY_S as BSRN_S
from srblocks.models.dgpnet import FAMILY as DGPNET
from srblocks.models.ecbsr import FAMILY as ECBSR
from srblocks.models.elan import FAMILY as ELAN
from srblocks.models.etds import FAMILY as ETDS
from srblocks.models.family import Family
from srblocks.models.imdn import FAMILY as IMDN
from srblocks.models.imdn import FAMILY_AS as IMDN_AS
from srblocks.models.imdn import FAMILY_RTE as IMDN_RTE
from srblocks.models.imdn import FAMILY_SIMPLE as IMDN_SIMPLE
from srblocks.models.omnisr import FAMILY as OMNISR
from srblocks.models.quicksrnet import FAMILY as QUICKSRNET
from srblocks.models.rdbn import FAMILY as RDBN
from srblocks.models.rfdn import FAMILY as RFDN
from srblocks.models.rlfn import FAMILY as RLFN
from srblocks.models.safmn import FAMILIES as SAFMN
from srblocks.models.safmnpp import FAMILIES as SAFMNPP
from srblocks.models.shufflemixer import FAMILY as SHUFFLEMIXER
from srblocks.models.span import FAMILY as SPAN

FAMILIES = (
    DGPNET,
    RDBN,
    IMDN,
    IMDN_SIMPLE,
    IMDN_AS,
    IMDN_RTE,
    RFDN,
    BSRN,
    BSRN_S,
    RLFN,
    ECBSR,
    ETDS,
    QUICKSRNET,
    SPAN,
    SHUFFLEMIXER,
    *SAFMN,
    *SAFMNPP,
    ELAN,
    OMNISR,
)

_families: list[Family] = []


def families() -> tuple[Family, ...]:
    """All families, those that others registered last."""
    return tuple(_families)


def register(family: Family) -> None:
    """Add a family of your own to :func:`create_model`, :func:`list_models` and :func:`srblocks.load`.

    Raises:
        ArgumentError: its name or one of its constructors is taken.
    """
    if family.name in (known.name for known in _families):
        raise ArgumentError(f"name must be new, but there is a family {family.name!r} already.")
    if taken := _constructors().keys() & {constructor.__name__ for constructor in family.constructors}:
        raise ArgumentError(f"constructors must have new names, but {min(taken)!r} is taken.")
    _families.append(family)
    # So that a network knows its record; a stranger's subclass starts from None again.
    family.network.family = family


def list_models(pattern: str = "*") -> list[str]:
    """The names that :func:`create_model` knows, by family; ``pattern`` may hold ``*`` and ``?``."""
    return [name for name in _constructors() if fnmatch.fnmatch(name, pattern)]


def create_model(name: str, *, scale: int | None = None, fused: bool = False) -> SRModel:
    """An untrained network by the name of its constructor.

    >>> import srblocks as sr
    >>> sr.create_model("rlfn_s", scale=2).scale
    2

    Args:
        name: one of :func:`list_models`.
        scale: the factor; the constructor's default unless given.
        fused: build the deployed form, for weights that were saved fused.

    Raises:
        UnknownModelError: no constructor has that name.
    """
    constructors = _constructors()
    if name not in constructors:
        near = difflib.get_close_matches(name, constructors, n=3) or list(constructors)
        raise UnknownModelError(f"There is no model {name!r}; there is {', '.join(near)} (see list_models()).")
    net = constructors[name]() if scale is None else constructors[name](scale)
    # In eval mode, because batch norms are not fused in training mode; a new network is in training mode, as ever.
    return net.eval().fuse().train() if fused else net


def _constructors() -> dict[str, Callable[..., SRModel]]:
    return {constructor.__name__: constructor for family in _families for constructor in family.constructors}


for _family in FAMILIES:
    register(_family)
