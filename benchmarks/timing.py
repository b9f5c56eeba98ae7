"""Interleaved timing: machines are shared and noisy, so only ratios within one run mean anything."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping

import torch


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int = 50, warmup: int = 3
) -> dict[str, float]:
    """Median seconds of each candidate over ``rounds`` in which all run once, one after the other."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(warmup + rounds):
        for name, run in candidates.items():
            synchronise()
            start = time.perf_counter()
            run()
            synchronise()
            if turn >= warmup:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def machine() -> str:
    """One line about where this runs."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU threads"
    return f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, {device}"


def table(title: str, medians: Mapping[str, float], baseline: str) -> str:
    """A Markdown table with milliseconds and the ratio to ``baseline``."""
    lines = [f"**{title}**", "", "| | ms | ratio |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {1000 * seconds:.2f} | {seconds / medians[baseline]:.2f} |" for name, seconds in medians.items()
    ]
    return "\n".join([*lines, ""])
