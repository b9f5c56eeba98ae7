"""What every super-resolution network here is: a map from pictures to larger pictures, for any size."""

import copy
import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, final, get_args

from torch import Tensor, nn

from srblocks.errors import ArgumentError, InputError, SRBlocksError
from srblocks.layers.checks import check_positive
from srblocks.layers.fusion import copy_with
from srblocks.ops.padding import PadMode, pad_to

if TYPE_CHECKING:
    from srblocks.models.family import Family

Form = Literal["training", "reference", "fused"]
Colors = Literal["rgb", "y", "grey"]
N = TypeVar("N", bound="SRModel")


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that first notes what it was called with; the outermost class of an object wins."""
    signature = inspect.signature(init)
    kinds = {parameter.kind: name for name, parameter in signature.parameters.items()}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        raise TypeError("The constructor of an SRModel must name its arguments: it cannot take *args.")
    others = kinds.get(inspect.Parameter.VAR_KEYWORD, "")

    @functools.wraps(init)
    def wrapper(self: "SRModel", *args: Any, **kwargs: Any) -> None:
        if "arguments" not in vars(self):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            _, *named = bound.arguments.items()
            arguments = dict(named)
            arguments |= arguments.pop(others, {})
            # Copied, because a list of the caller's may change.
            vars(self)["arguments"] = copy.deepcopy(arguments)
        init(self, *args, **kwargs)

    return wrapper


@dataclass(frozen=True)
class SizeRule:
    """Which sizes a network computes; others are padded at the bottom and the right.

    Attributes:
        minimum: smallest height and width.
        multiple_of: what height and width must be multiples of.
        mode: how the padding is filled, ``"reflect"`` or ``"zeros"``.
    """

    minimum: int = 1
    multiple_of: int = 1
    mode: PadMode = "reflect"

    def __post_init__(self) -> None:
        check_positive(minimum=self.minimum, multiple_of=self.multiple_of)
        if self.mode not in get_args(PadMode):
            raise ArgumentError(f"mode must be one of {', '.join(get_args(PadMode))}, not {self.mode!r}.")

    def padded(self, size: int) -> int:
        """The height or width that ``size`` is padded to."""
        return -(-max(size, self.minimum) // self.multiple_of) * self.multiple_of


class SRModel(nn.Module):
    """A super-resolution network: ``(N, in_channels, H, W)`` in [0, 1] -> ``(N, in_channels, s·H, s·W)``, any size.

    A network of your own is a subclass that calls ``super().__init__`` and writes :meth:`upscale`:

    >>> import torch, srblocks as sr
    >>> class Tiny(sr.SRModel):
    ...     def __init__(self, scale: int = 2, *, dim: int = 16) -> None:
    ...         super().__init__(scale, receptive_field=5)
    ...         self.body = sr.layers.DGConv(3, dim)
    ...         self.tail = sr.layers.PixelShuffleUpsampler(dim, scale)
    ...     def upscale(self, x: torch.Tensor) -> torch.Tensor:
    ...         return self.tail(self.body(x).relu())
    >>> Tiny(3)(torch.rand(1, 3, 5, 7)).shape
    torch.Size([1, 3, 15, 21])

    Attributes:
        scale: the factor; None where it is given per call, or no whole number (sizes are rounded down then).
        in_channels: channels of the picture, in and out.
        colors: what they are: ``"rgb"``, ``"y"`` (luma) or ``"grey"``.
        size_rule: the sizes that :meth:`upscale` takes.
        receptive_field: side, in LR pixels, of the square that one LR pixel's outputs depend on; None if they depend on
            the whole picture or its size. Tiles that overlap by as much give the result of the whole picture.
        stride: LR pixels between the points of the coarsest map in the network; tiles that start on its multiples see
            the same points as the whole picture does.
        reference_range: 1.0 or 255.0: the range that :meth:`upscale` works in, the one of the paper's code.
        arguments: what the constructor was called with, defaults included.
        form: ``"training"``, ``"reference"`` or ``"fused"``.
        family: the record of the network's family; None for a class that belongs to none.
    """

    family: "Family | None" = None
    form: Form = "training"
    arguments: dict[str, Any]

    @_recording
    def __init__(
        self,
        scale: int | None,
        *,
        in_channels: int = 3,
        colors: Colors | None = None,
        size_rule: SizeRule = SizeRule(),
        receptive_field: int | None = None,
        stride: int = 1,
        reference_range: float = 1.0,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, stride=stride, **({} if scale is None else {"scale": scale}))
        if receptive_field is not None:
            check_positive(receptive_field=receptive_field)
        if colors not in (None, *get_args(Colors)):
            raise ArgumentError(f"colors must be one of {', '.join(get_args(Colors))}, not {colors!r}.")
        if not 0 < reference_range < math.inf:
            raise ArgumentError(f"reference_range must be above 0, not {reference_range}.")
        self.scale = scale
        self.in_channels = in_channels
        self.colors: Colors = colors or ("rgb" if in_channels == 3 else "grey")
        self.size_rule = size_rule
        self.receptive_field = receptive_field
        self.stride = stride
        self.reference_range = float(reference_range)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.family = None
        if "forward" in vars(cls):
            raise TypeError(
                f"{cls.__name__} must not define forward, which checks and pads: define upscale(x) instead."
            )
        if "__init__" in vars(cls):
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]

    @final  # type: ignore[misc] # an attribute in nn.Module
    def forward(self, x: Tensor) -> Tensor:
        """Enlarge pictures ``(N, in_channels, H, W)`` in [0, 1] of any size.

        Raises:
            InputError: not a floating-point tensor of this shape.
        """
        padded = self.prepare(x)
        y = self.upscale(padded)
        # The factor as a fraction.
        above, below = (y.shape[-1], padded.shape[-1]) if self.scale is None else (self.scale, 1)
        expected = (x.shape[0], self.in_channels, *(above * side // below for side in padded.shape[2:]))
        if y.shape != expected:
            raise SRBlocksError(
                f"upscale of this {type(self).__name__} must return {expected} for {tuple(padded.shape)}, not "
                f"{tuple(y.shape)}."
            )
        y = y[..., : above * x.shape[-2] // below, : above * x.shape[-1] // below]
        return y if self.reference_range == 1.0 else y / self.reference_range

    @final
    def prepare(self, x: Tensor) -> Tensor:
        """What :meth:`upscale` and :meth:`features` take: in the reference's range, padded by the size rule."""
        if not isinstance(x, Tensor):
            raise InputError(f"{type(self).__name__} takes tensors, not a {type(x).__name__}.")
        if x.ndim != 4 or x.shape[1] != self.in_channels or not x.is_floating_point():
            raise InputError(
                f"{type(self).__name__} takes floating-point pictures (N, {self.in_channels}, H, W) in [0, 1], not "
                f"{x.dtype} of shape {tuple(x.shape)}."
            )
        if x.shape[2] < 1 or x.shape[3] < 1:
            raise InputError(f"{type(self).__name__} takes pictures of at least one pixel, not {tuple(x.shape)}.")
        if self.reference_range != 1.0:
            x = x * self.reference_range
        return pad_to(x, self.size_rule.padded(x.shape[2]), self.size_rule.padded(x.shape[3]), self.size_rule.mode)

    def upscale(self, x: Tensor) -> Tensor:
        """The network itself, on sizes of the size rule and in the reference's range."""
        raise SRBlocksError(f"{type(self).__name__} must define upscale(x).")

    def features(self, x: Tensor) -> Tensor:
        """What enters the upsampler, ``(N, dim, H, W)``, on the input that :meth:`prepare` gives."""
        raise SRBlocksError(f"{type(self).__name__} does not say what its features are: define features(x).")

    def fuse(self: N) -> N:
        """The copy to deploy: everything that can be a plain layer is one."""
        return self._in_form("fused")

    def reference(self: N) -> N:
        """A copy that computes every layer as its paper writes it; slow."""
        return self._in_form("reference")

    def _in_form(self: N, form: Literal["fused", "reference"]) -> N:
        twin = copy_with(self, "fuse" if form == "fused" else "reference")
        if self.form != "fused":
            twin.form = form
        return twin
