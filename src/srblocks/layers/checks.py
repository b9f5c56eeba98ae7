"""What layers and networks say of arguments and inputs that they cannot take."""

from torch import Tensor

from srblocks.errors import ArgumentError, InputError


def check_positive(**sizes: int) -> None:
    """Raise an ArgumentError that names the first argument that is no whole number of at least 1."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ArgumentError(f"{name} must be a whole number of at least 1, not {size!r}.")


def check_odd(**sizes: int) -> None:
    """Raise an ArgumentError that names the first argument that is no odd whole number of at least 1."""
    check_positive(**sizes)
    for name, size in sizes.items():
        if size % 2 == 0:
            raise ArgumentError(f"{name} must be odd, not {size}.")


def check_multiple(x: Tensor, multiple: int, owner: str) -> None:
    """Raise an InputError unless height and width of ``(N, dim, H, W)`` are multiples of ``multiple``."""
    height, width = x.shape[-2:]
    if height % multiple or width % multiple:
        raise InputError(
            f"{owner} needs a height and a width that are multiples of {multiple}, not {height}×{width}: pad the map, "
            "or use a network of the zoo, which pads by itself."
        )


def check_minimum(x: Tensor, minimum: int, owner: str) -> None:
    """Raise an InputError unless ``(N, dim, H, W)`` has at least ``minimum`` rows and columns."""
    height, width = x.shape[-2:]
    if height < minimum or width < minimum:
        raise InputError(
            f"{owner} needs at least {minimum}×{minimum} pixels, not {height}×{width}: pad the map, or use a network "
            "of the zoo, which pads by itself."
        )
