"""What many tests share: reference cases, tolerances, noise."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """A reference case: what went into the authors' code and what came out. Tensors by name without their prefix."""

    path: Path
    header: dict[str, str]
    tensors: dict[str, Tensor]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = json.loads(self.header["kwargs"])
        return kwargs

    @property
    def state(self) -> dict[str, Tensor]:
        return {key.removeprefix("state_dict/"): t for key, t in self.tensors.items() if key.startswith("state_dict/")}

    def inputs(self, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        keys = sorted(key for key in self.tensors if key.startswith("input/"))
        return [self.tensors[key].to(device, dtype) for key in keys]

    @property
    def outputs(self) -> list[Tensor]:
        return [self.tensors[key] for key in sorted(self.tensors) if key.startswith("output/")]

    def tolerance(self, dtype: torch.dtype) -> float:
        """Allowed error relative to the largest output."""
        return 1e-9 if dtype == torch.float64 else max(1e-5, 4 * float(self.header["float32_relative_drift"]))


def golden(name: str) -> Case:
    """The case ``family/case``."""
    path = GOLDEN / f"{name}.safetensors"
    with safe_open(path, "pt") as file:
        return Case(path, file.metadata(), {key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118


def golden_names(*, whole_networks: bool) -> list[str]:
    """All cases in the folder that hold whole networks (a scale is given), or all others."""
    names = []
    for path in sorted(GOLDEN.glob("*/*.safetensors")):
        with safe_open(path, "pt") as file:
            if (file.metadata().get("scale", "null") != "null") == whole_networks:
                names.append(f"{path.parent.name}/{path.stem}")
    return names


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """The largest difference over the largest expected value."""
    difference = (actual.detach().cpu().double() - expected.detach().cpu().double()).abs().max()
    return float(difference / expected.detach().double().abs().max().cpu())


# How far the three forms of one arithmetic may be apart, relative to the largest value.
FORMS = {torch.float64: 1e-10, torch.float32: 1e-5}


def add_noise(module: nn.Module, *, std: float = 0.05, seed: int = 0) -> None:
    """Noise on everything that is learned or tracked, so that no zero or symmetric start hides a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                noise = std * torch.randn(tensor.shape, generator=generator).to(tensor.device, tensor.dtype)
                tensor.add_(noise.abs() if name.endswith("running_var") else noise)


def rename(state: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    """The state with the longest matching prefix of each key replaced."""

    def new_name(key: str) -> str:
        prefix = max((p for p in names if key == p or key.startswith(p + ".")), key=len, default=None)
        return key if prefix is None else names[prefix] + key[len(prefix) :]

    return {new_name(key): tensor for key, tensor in state.items()}


def devices(wanted: str | None) -> Iterable[str]:
    """The devices to test on: the wanted one, or all that are here."""
    if wanted is not None:
        return [wanted]
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found
