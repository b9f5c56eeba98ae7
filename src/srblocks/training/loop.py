"""The training loop: from a configuration to weights."""

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from srblocks.errors import ArgumentError, CheckpointError, InputError, SRBlocksError
from srblocks.evaluation.benchmark import Score, Views, evaluate
from srblocks.evaluation.datasets import Pair
from srblocks.files import make_folder, whole_or_nothing
from srblocks.hub.transfer import transfer
from srblocks.hub.weights import save
from srblocks.images import Picture, write_picture
from srblocks.inference.upscaler import Upscaler
from srblocks.layers.dgconv import DGConv
from srblocks.layers.fusion import fuse
from srblocks.layers.replacement import replace_convs
from srblocks.models.base import SRModel
from srblocks.models.registry import create_model
from srblocks.ops.color import rgb_to_y
from srblocks.training.config import TrainConfig
from srblocks.training.data import Patches, find_all_pairs
from srblocks.training.degradations import DEGRADATIONS, Degradation, usm_sharpen
from srblocks.training.log import TrainLog
from srblocks.training.losses import LOSSES, ContrastiveLoss

logger = logging.getLogger("srblocks")

STATE, BEST, LAST = "state.pt", "best.safetensors", "last.safetensors"
# Of the validation, in TensorBoard.
_SHOWN = 4
_OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def train(config: TrainConfig, *, network: SRModel | None = None, resume: bool = False, show: bool = False) -> Path:
    """Train a network; its weights, what is needed to go on, and a log are written into ``config.folder``.

    ====================  =========================================================================
    ``best.safetensors``  the averaged weights of the best validation; without any, the last ones
    ``last.safetensors``  the averaged weights of the last validation
    ``state.pt``          what ``resume`` goes on from; on a CPU, to the same bits
    ``log.csv``           a line every ``log_every`` steps; ``tensorboard/`` has the same and pictures
    ``config.json``       the configuration
    ====================  =========================================================================

    Started by ``accelerate launch``, the processes share each batch.

    Args:
        config: everything else.
        network: the network to train, instead of the one that the configuration names.
        resume: go on from ``state.pt``.
        show: a progress bar on stderr.

    Returns:
        The path of the best weights.

    Raises:
        ArgumentError: a value that is not allowed; there is a run already, or none to resume.
        InputError: there are no pictures, or LR pictures that do not belong to theirs.
        CheckpointError: the state to resume from is damaged, or of another network.
        SRBlocksError: the loss is no longer finite.
    """
    runs = config.runs()
    for run in runs:
        if not run.train_dir:
            raise ArgumentError("train_dir must be given: the folder of the pictures to train on.")
        if run.degradation not in DEGRADATIONS:
            raise ArgumentError(f"degradation must be one of {', '.join(DEGRADATIONS)}, not {run.degradation!r}.")
        Objective(run.loss)
    if not resume and (found := [run.folder for run in runs if (run.folder / STATE).exists()]):
        raise ArgumentError(f"{found[0]} holds a run already: resume it, or choose another output.")
    if resume and not (runs[0].folder / STATE).exists():
        raise ArgumentError(f"{runs[0].folder} holds no run to resume.")
    for run in runs:
        _train(run, build(run) if network is None else network, show)
    return runs[-1].folder / BEST


def build(config: TrainConfig) -> SRModel:
    """The network of a configuration, as it is before the first step.

    Raises:
        UnknownModelError: no network has that name.
        CheckpointError: nothing of ``init`` fits, or it cannot be loaded.
    """
    torch.manual_seed(config.seed)
    net = create_model(config.model, scale=config.scale)
    if config.arguments:
        net = type(net)(**(net.arguments | config.arguments))
    if config.form == "fused":
        net = net.eval().fuse()
    if config.init is not None:
        report = transfer(config.init, net)
        logger.info("%s: %s", config.init, str(report).splitlines()[0])
    if config.dgconv:
        net, _ = replace_convs(net, DGConv)
    return net.train()


def rate_at(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, of so many."""
    done = step / steps
    rate = config.learning_rate
    if config.schedule == "cosine":
        low = min(config.min_learning_rate, rate)
        rate = low + (rate - low) * 0.5 * (1 + math.cos(math.pi * done))
    elif config.schedule == "multistep":
        rate *= config.gamma ** sum(done >= milestone for milestone in config.milestones)
    return rate * min(1.0, (step + 1) / max(1, config.warmup))


def _train(config: TrainConfig, net: SRModel, show: bool) -> None:
    # The precision is not accelerate's affair, which would keep it for all later runs of this process.
    accelerator = Accelerator(mixed_precision="no", cpu=config.device == "cpu")
    main, rank, world = accelerator.is_main_process, accelerator.process_index, accelerator.num_processes
    patches = Patches(
        find_all_pairs(config.train_dir, config.lr_dir, scale=config.scale),
        scale=config.scale,
        patch_size=config.patch_size,
        seed=config.seed,
        cache_bytes=config.cache_gb * 1e9,
    )
    validation = find_all_pairs(config.val_dir, config.val_lr_dir, scale=config.scale) if config.val_dir else []
    steps = config.iterations or math.ceil((config.epochs or 0) * len(patches) / config.batch_size) or 100_000
    objective = Objective(config.loss).to(accelerator.device)
    # Bicubic pictures are made once, as the files are read.
    degrade = None if config.degradation == "bicubic" else DEGRADATIONS[config.degradation]
    if degrade is not None and main and config.val_lr_dir is None:
        validation = [_degraded(pair, degrade, config) for pair in validation]

    net.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = _OPTIMISERS[config.optimizer](
        net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    decay = get_ema_multi_avg_fn(config.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(net, multi_avg_fn=decay).eval()
    model = accelerator.prepare(torch.compile(net) if config.compile else net)
    dtype: torch.dtype = getattr(torch, config.precision)
    scaler = torch.amp.GradScaler(accelerator.device.type, enabled=dtype == torch.float16)
    state = _State(config.folder / STATE, net=net, average=average, optimiser=optimiser, scaler=scaler)
    first, best = state.restore()
    batches = patches.batches(
        config.batch_size, first=first, steps=steps, rank=rank, world=world, workers=config.workers
    )
    if main:
        make_folder(config.folder)
        (config.folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
    with TrainLog(config.folder, first=first, steps=steps, show=show) if main else nullcontext() as log:
        if log is not None and first == 0:
            # Also so that a picture that cannot be read is known before the first step.
            best = _validate(config, average.module, validation, 0, log)
        total, waited, since = torch.zeros((), device=accelerator.device), 0.0, time.monotonic()
        for step in range(first, steps):
            # What is random in a step depends on its number alone, so that a run can go on from any.
            generator = torch.manual_seed((config.seed << 40) + step * world + rank)
            asked = time.monotonic()
            lr, hr = (pixels.to(accelerator.device).float() / 255 for pixels in next(batches))
            waited += time.monotonic() - asked
            if config.sharpen:
                hr = usm_sharpen(hr)
            if degrade is not None:
                lr = degrade(hr, scale=config.scale, generator=generator)
            if net.in_channels == 1:
                lr, hr = rgb_to_y(lr), rgb_to_y(hr)
            rate = rate_at(config, step, steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            with torch.autocast(accelerator.device.type, dtype, enabled=dtype != torch.float32):
                enlarged = model(lr.contiguous(memory_format=torch.channels_last))
            loss = objective(enlarged.float(), hr, lr)
            optimiser.zero_grad()
            accelerator.backward(scaler.scale(loss))
            if config.clip:
                scaler.unscale_(optimiser)
                nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            scaler.step(optimiser)
            scaler.update()
            average.update_parameters(net)
            total += loss.detach()

            done = step + 1
            if done % config.log_every == 0:
                if not torch.isfinite(total):
                    raise SRBlocksError(f"The loss is no longer finite at step {done}: choose a lower learning rate.")
                if log is not None:
                    waiting = waited / (time.monotonic() - since)
                    log.line(done, loss=float(total) / config.log_every, rate=rate, waiting=waiting)
                total, waited, since = torch.zeros_like(total), 0.0, time.monotonic()
            if done % config.validate_every == 0 or done == steps:
                if log is not None:
                    value = _validate(config, average.module, validation, done, log)
                    # Exchanged convolutions are no part of the network's own training form.
                    weights = cast(SRModel, fuse(average.module) if config.dgconv else average.module)
                    save(weights, config.folder / LAST)
                    if value > best or not validation:
                        best = value
                        save(weights, config.folder / BEST)
                    state.save(done, best)
                accelerator.wait_for_everyone()


class Objective(nn.Module):
    """The weighted sum of losses that a configuration names.

    Raises:
        ArgumentError: there is no loss of that name.
    """

    def __init__(self, loss: str | Mapping[str, float]) -> None:
        super().__init__()
        self.weights = {loss: 1.0} if isinstance(loss, str) else dict(loss)
        for name in self.weights:
            if name not in LOSSES:
                raise ArgumentError(f"loss must be of {', '.join(LOSSES)}, not {name!r}.")
        self.losses = nn.ModuleDict({name: LOSSES[name]() for name in self.weights})

    def forward(self, prediction: Tensor, target: Tensor, lr: Tensor) -> Tensor:
        """Of pictures ``(N, C, H, W)`` and what they were enlarged from; a scalar."""
        parts = []
        for name, loss in self.losses.items():
            # The one loss that looks at where the prediction came from.
            value = loss(prediction, target, lr=lr) if isinstance(loss, ContrastiveLoss) else loss(prediction, target)
            parts.append(self.weights[name] * value)
        return torch.stack(parts).sum()


class _State:
    """What a run goes on from, in one file."""

    def __init__(self, path: Path, **parts: Any) -> None:
        self.path, self.parts = path, parts

    def save(self, step: int, best: float) -> None:
        with whole_or_nothing(self.path) as file:
            states = {name: part.state_dict() for name, part in self.parts.items()}
            torch.save({"step": step, "best": best} | states, file)

    def restore(self) -> tuple[int, float]:
        """The steps that are done and the best measure so far; none at the start of a run."""
        if not self.path.exists():
            return 0, -math.inf
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            return state["step"], state["best"]
        except (RuntimeError, KeyError, ValueError, OSError, UnpicklingError):
            raise CheckpointError(f"{self.path} is damaged, or the state of another network.") from None


def _degraded(pair: Pair, degrade: Degradation, config: TrainConfig) -> Pair:
    """The pair with an LR picture, in the run's folder, that is degraded as those that are trained on."""
    path = config.folder / "validation" / f"{pair.name}.png"
    if not path.exists():
        _, hr = pair.read(config.scale)
        pixels = torch.from_numpy(hr).permute(2, 0, 1)[None].float() / 255
        lr = degrade(pixels, scale=config.scale, generator=torch.Generator().manual_seed(config.seed))
        make_folder(path.parent)
        write_picture(Picture((lr[0] * 255).round().byte().permute(1, 2, 0).numpy()), path)
    return replace(pair, lr=path)


def _validate(config: TrainConfig, net: nn.Module, pairs: Sequence[Pair], step: int, log: TrainLog) -> float:
    """Mean PSNR-Y of these pictures in dB; -inf if there are none.

    Raises:
        InputError: one of them cannot be read.
    """
    if not pairs:
        return -math.inf
    shown = {pair.name for pair in pairs[:_SHOWN]}

    def show(score: Score, views: Views) -> None:
        if score.name in shown:
            log.picture(step, score.name, views.enlarged)

    device = next(net.parameters()).device
    upscaler = Upscaler(fuse(net), device=device, precision="float32", ensemble=config.ensemble)
    found = evaluate(upscaler, pairs, scale=config.scale, metrics=("psnr",), watch=show)
    if found.failures:
        raise InputError(found.failures[0])
    psnr = found.mean.values["psnr"]
    log.line(step, psnr=psnr)
    logger.info("step %d: PSNR-Y %.3f dB on %d pictures", step, psnr, len(pairs))
    return psnr
