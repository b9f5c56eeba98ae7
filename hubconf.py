"""For ``torch.hub.load("<owner>/srblocks", "dgpnet_tiny", scale=4, pretrained=True)``."""

import collections.abc
import pathlib
import sys

dependencies = ["torch", "einops", "safetensors", "huggingface_hub"]

# PyTorch puts only this folder on the path.
sys.path.insert(0, str(pathlib.Path(__file__).parent / "src"))

import srblocks  # noqa: E402


def _entry(name: str) -> collections.abc.Callable[..., srblocks.SRModel]:
    def entry(*, scale: int | None = None, pretrained: bool | str = False) -> srblocks.SRModel:
        return srblocks.create_model(name, scale=scale, pretrained=pretrained)

    entry.__name__ = name
    entry.__doc__ = f"{name}, untrained or with published weights: see srblocks.create_model."
    return entry


# Everything here that can be called is an entry point.
globals().update({name: _entry(name) for name in srblocks.list_models()})
