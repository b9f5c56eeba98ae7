"""What a training run is told: one dataclass, a TOML file, and values that overrule the file."""

import difflib
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from srblocks.errors import ArgumentError, InputError
from srblocks.layers.checks import check_positive

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _option(default: Any, text: str) -> Any:
    """A field with the explanation that the command line shows."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"help": text})
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run. Every field is a key of the TOML file and, ``_`` written as ``-``, an option of the command.

    Raises:
        ArgumentError: a value that is not allowed, or two that contradict each other.
    """

    train_dir: str = _option("", "Folder of HR pictures, or of pairs X_HR.png and X_LR4.png.")
    lr_dir: str | None = _option(None, "Folder of the LR pictures of the same names; made from the HR unless given.")
    val_dir: str | None = _option(None, "Folder to validate on, as train-dir; the weights of the best PSNR are kept.")
    val_lr_dir: str | None = _option(None, "Its LR pictures.")
    degradation: str = _option("bicubic", "How LR pictures are made: bicubic, bsrgan, bsrgan_plus or real_esrgan.")
    sharpen: bool = _option(False, "Sharpen HR pictures before they are degraded, as Real-ESRGAN's authors do.")
    cache_gb: float = _option(4.0, "Memory for decoded pictures; if they need more, they are decoded at every draw.")
    workers: int | None = _option(None, "Processes that decode pictures; as many as needed unless given.")

    model: str = _option("dgpnet_tiny", "Name of the network (srblocks models).")
    scale: int = _option(4, "Factor.")
    arguments: dict[str, Any] = _option({}, "Arguments of the network's class instead of its named size (a table).")
    form: Literal["training", "fused"] = _option("training", "Which form to train; fused: plain convolutions.")
    init: str | None = _option(None, "Weights to start from, a name or a file: what fits is taken (sr.transfer).")
    dgconv: bool = _option(False, "Exchange the network's convolutions for DGConv before training.")

    iterations: int | None = _option(None, "Steps to train for; 100,000 if neither this nor epochs is given.")
    epochs: int | None = _option(None, "The same, in passes that draw as many patches as there are pictures.")
    batch_size: int = _option(16, "Patches per step, over all processes.")
    patch_size: int = _option(192, "Side of the HR patches in pixels, a multiple of the scale.")
    loss: str | dict[str, float] = _option("l1", "A loss, or in a file a table of losses and their weights.")
    optimizer: Literal["adam", "adamw"] = _option("adam", "The optimiser.")
    learning_rate: float = _option(5e-4, "Its step size at the start.")
    weight_decay: float = _option(0.0, "Its weight decay.")
    schedule: Literal["constant", "cosine", "multistep"] = _option("cosine", "How the rate falls.")
    min_learning_rate: float = _option(1e-7, "Where the cosine ends.")
    milestones: tuple[float, ...] = _option((0.5, 0.8, 0.9, 0.95), "Where multistep falls, in parts of the run.")
    gamma: float = _option(0.5, "What multistep multiplies the rate by.")
    warmup: int = _option(100, "Steps in which the rate rises from 0.")
    clip: float = _option(1.0, "Largest norm of the gradient; 0 for any.")
    ema: float = _option(0.999, "Decay of the running average of the weights, which is what is saved; 0 for none.")
    precision: Literal["float32", "float16", "bfloat16"] = _option("float32", "Of the mixed-precision training.")
    compile: bool = _option(False, "Compile the network with torch.compile.")
    device: Literal["auto", "cpu"] = _option("auto", "cpu, or the best that is there.")
    seed: int = _option(0, "Of weights, patches and degradations.")

    output: str = _option("", "Folder for weights, state and logs; runs/<model>_x<scale> unless given.")
    log_every: int = _option(100, "Steps between lines of the log.")
    validate_every: int = _option(1000, "Steps between validations; the state to resume from is written then, too.")
    ensemble: bool = _option(False, "Validate with the eight flips and turns of self-ensemble.")
    stages: tuple[dict[str, Any], ...] = _option(
        (), "A curriculum: each table is a run with these values changed, which starts from the last one's weights."
    )

    def __post_init__(self) -> None:
        check_positive(scale=self.scale, batch_size=self.batch_size, patch_size=self.patch_size)
        check_positive(log_every=self.log_every, validate_every=self.validate_every)
        if self.patch_size % self.scale:
            raise ArgumentError(f"patch_size must be a multiple of the scale, {self.scale}, not {self.patch_size}.")
        if self.iterations is not None and self.epochs is not None:
            raise ArgumentError("iterations and epochs cannot both be given: choose one.")
        for name in ("iterations", "epochs"):
            if getattr(self, name) is not None:
                check_positive(**{name: getattr(self, name)})
        for name in ("warmup", "learning_rate", "weight_decay", "clip", "cache_gb"):
            if getattr(self, name) < 0:
                raise ArgumentError(f"{name} must be at least 0, not {getattr(self, name)}.")
        if not 0 <= self.ema < 1:
            raise ArgumentError(f"ema must be at least 0 and below 1, not {self.ema}.")
        if self.sharpen and self.degradation == "bicubic":
            raise ArgumentError(
                "sharpen needs a degradation other than bicubic, whose LR pictures are made beforehand."
            )
        if self.degradation != "bicubic" and self.lr_dir is not None:
            raise ArgumentError("degradation and lr_dir cannot both be given: LR pictures are made, or they are there.")

    @property
    def folder(self) -> Path:
        """Where the run writes."""
        return Path(self.output or f"runs/{self.model}_x{self.scale}")

    def runs(self) -> "tuple[TrainConfig, ...]":
        """The stages of the curriculum, one run after the other; the run itself if it has none.

        Raises:
            ArgumentError: a stage has a key that is none, or a value that is not allowed.
        """
        runs: list[TrainConfig] = []
        for number, stage in enumerate(self.stages, 1):
            values = {"output": str(self.folder / f"stage{number}"), "init": self.init} | stage
            if runs:
                values["init"] = str(runs[-1].folder / "best.safetensors")
            runs.append(_overruled(replace(self, stages=()), values, f"stage {number}"))
        return tuple(runs) or (self,)


def load_config(path: str | Path | None = None, **values: Any) -> TrainConfig:
    """The configuration of a TOML file, with ``values`` that overrule it.

    Args:
        path: the file; only the defaults and ``values`` unless given.
        **values: fields of :class:`TrainConfig`.

    Raises:
        InputError: the file cannot be read, or is no TOML.
        ArgumentError: a key that is none (the nearest one is named), or a value that is not allowed.
    """
    config = TrainConfig()
    if path is not None:
        try:
            config = _overruled(config, tomllib.loads(Path(path).read_text(encoding="utf-8")), str(path))
        except OSError as error:
            raise InputError(f"Cannot read {path}: {error.strerror}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is no TOML file: {error}.") from None
    return _overruled(config, values, "the call")


def _overruled(config: TrainConfig, values: Mapping[str, Any], where: str) -> TrainConfig:
    hints = get_type_hints(TrainConfig)
    names = [each.name for each in fields(TrainConfig)]
    converted = {}
    for name, value in values.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0)
            raise ArgumentError(f"{where} has the key {name!r}, which is none; the nearest is {near[0]!r}.")
        converted[name] = _conform(name, value, hints[name])
    return replace(config, **converted)


def _conform(name: str, value: Any, wanted: Any) -> Any:
    """A value as TOML gives it, as the field wants it."""
    kind, parts = get_origin(wanted) or wanted, get_args(wanted)
    if kind is Literal and value in parts:
        return value
    if kind in (Union, types.UnionType):
        for part in parts:
            if isinstance(value, get_origin(part) or part):
                return _conform(name, value, part)
    elif kind is tuple and isinstance(value, list | tuple):
        return tuple(_conform(name, each, parts[0]) for each in value)
    elif kind is dict and isinstance(value, dict):
        return {key: _conform(name, each, parts[1]) for key, each in value.items()}
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif wanted is Any or type(value) is kind:
        return value
    raise ArgumentError(f"{name} must be {_describe(wanted)}, not {value!r}.")


def _describe(wanted: Any) -> str:
    kind, parts = get_origin(wanted) or wanted, get_args(wanted)
    if kind is Literal:
        return f"one of {', '.join(parts)}"
    if kind in (Union, types.UnionType):
        return " or ".join(_describe(part) for part in parts if part is not type(None))
    if kind is tuple:
        return "a list"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a table"}[kind]
