"""Training: a loop, and the losses and degradations that it offers. The loop needs the extra ``train``."""

from typing import TYPE_CHECKING, Any

from srblocks.training.config import TrainConfig, load_config

if TYPE_CHECKING:
    from srblocks.training.loop import train

__all__ = ["TrainConfig", "load_config", "train"]


def __getattr__(name: str) -> Any:
    # Losses and degradations are of use without the extra.
    if name == "train":
        try:
            from srblocks.training.loop import train
        except ModuleNotFoundError as error:
            raise ImportError(f"Training needs {error.name}: pip install 'srblocks[train]'.") from None
        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
