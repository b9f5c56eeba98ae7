"""Tensors that are computed from sizes, not learned: kept where they were needed, saved nowhere."""

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor


class Constants:
    """A small cache of tensors by key, device and dtype, for one layer.

    It is empty again in copies and pickles, and left alone while compiling or exporting, where the constant belongs in
    the graph.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Tensor] = {}

    def get(self, key: Hashable, like: Tensor, build: Callable[[], Tensor], *, cast: bool = True) -> Tensor:
        """What ``build`` gives, on the device of ``like``, and in its dtype unless ``cast`` is False."""
        dtype = like.dtype if cast else None
        if torch.compiler.is_compiling():
            return build().to(like.device, dtype)
        place = (key, like.device, dtype)
        if place in self._kept:
            return self._kept[place]
        # Outside inference mode, because a tensor that was made in it cannot take part in training later.
        with torch.inference_mode(False), torch.device("cpu"):
            constant = build().to(like.device, dtype)
        # Not what stands in for a tensor while a graph is made of the network.
        if type(constant) is Tensor and not torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            self._kept[place] = constant
        return constant

    def __deepcopy__(self, memo: dict[int, Any]) -> "Constants":
        return Constants()

    def __reduce__(self) -> tuple[type["Constants"], tuple[()]]:
        return Constants, ()
