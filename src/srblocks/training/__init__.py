"""Training: data, degradations, losses and a loop. Needs the extra ``train``."""

from srblocks.training.config import TrainConfig, load_config

__all__ = ["TrainConfig", "load_config"]
