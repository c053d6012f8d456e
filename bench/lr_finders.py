"""What other tools read off a range test: torch-lr-finder's and Lightning's own code, fastai's rules transcribed.

fastai would replace PyTorch here, so its four rules are written down from fastai 2.8 (fastai/callback/schedule.py and
Recorder.plot_lr_find, Apache-2.0), with its own smoothing (0.98, bias-corrected), its cut (a tenth at the beginning,
five at the end) and its stop at four times the best loss. Every rule gets the same raw curve: one seed's rates and
losses, as each tool's users would.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["FINDERS", "suggestions"]


def smoothed(losses: Sequence[float], beta: float) -> list[float]:
    """Exponential average with bias correction, as fastai and Lightning smooth."""
    mean, found = 0.0, []
    for i, loss in enumerate(losses, start=1):
        mean = beta * mean + (1 - beta) * loss
        found.append(mean / (1 - beta**i))
    return found


def stopped(losses: Sequence[float], times: float) -> int:
    """How many losses there are until one exceeds so many times the best."""
    best = math.inf
    for i, loss in enumerate(losses):
        best = min(best, loss)
        if not math.isfinite(loss) or (i > 1 and loss > times * best):
            return i + 1
    return len(losses)


def torch_lr_finder(rates: Sequence[float], losses: Sequence[float]) -> float:
    """torch-lr-finder's own `plot(suggest_lr=True)` on its own smoothing (0.05) and stop (5 times the best)."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from torch_lr_finder import LRFinder

    kept: list[float] = []
    for loss in losses:
        kept.append(loss if not kept else 0.05 * loss + 0.95 * kept[-1])
    end = stopped(kept, 5.0)
    finder = LRFinder.__new__(LRFinder)
    finder.history = {"lr": list(rates[:end]), "loss": kept[:end]}
    figure, axes = plt.subplots()
    try:
        _, found = finder.plot(ax=axes, suggest_lr=True)
    finally:
        plt.close(figure)
    return float(found)


def lightning(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Lightning's own `_LRFinder.suggestion()` on its smoothing (0.98) and stop (4 times the best)."""
    from tests.torchvision_operators import declared

    declared()  # Lightning's metrics import torchvision
    from lightning.pytorch.tuner.lr_finder import _LRFinder

    mean = smoothed(losses, 0.98)
    end = stopped(mean, 4.0)
    finder: Any = _LRFinder("exponential", rates[0], rates[-1], len(rates))
    finder.results = {"lr": list(rates[:end]), "loss": mean[:end]}
    return float(finder.suggestion())


def fastai(rule: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[Sequence[float], Sequence[float]], float]:
    """A rule of fastai's on what its Recorder hands to it."""

    def read(rates: Sequence[float], losses: Sequence[float]) -> float:
        mean = smoothed(losses, 0.98)
        end = stopped(mean, 4.0)
        cut = slice(len(rates) // 10, max(end - 5, 2))
        return rule(np.array(rates[:end][cut]), np.array(mean[:end][cut]))

    return read


def fastai_valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """The middle of the longest valley, two thirds down (transcribed)."""
    n = len(losses)
    max_start, max_end = 0, 0
    lds = [1] * n
    for i in range(1, n):
        for j in range(i):
            if losses[i] < losses[j] and lds[i] < lds[j] + 1:
                lds[i] = lds[j] + 1
            if lds[max_end] < lds[i]:
                max_end = i
                max_start = max_end - lds[max_end]
    sections = (max_end - max_start) / 3
    return float(rates[max_start + int(sections) + int(sections / 2)])


def fastai_slide(rates: np.ndarray, losses: np.ndarray) -> float:
    """The end of the slide before the loss turns (transcribed; lr_diff 15, threshold 0.005)."""
    gradient = np.gradient(losses)
    right, left = -1, -16
    if len(losses) < 16:
        raise IndexError("fewer than 16 losses")
    found = rates[left]
    while left >= -len(losses) and abs(gradient[right] - gradient[left]) > 0.005:
        found = rates[left]
        right, left = right - 1, left - 1
    return float(found)


def fastai_minimum(rates: np.ndarray, losses: np.ndarray) -> float:
    """A tenth of the rate of the lowest loss (transcribed)."""
    return float(rates[losses.argmin()]) / 10


def fastai_steep(rates: np.ndarray, losses: np.ndarray) -> float:
    """The steepest fall per log-rate (transcribed)."""
    return float(rates[((losses[1:] - losses[:-1]) / (np.log(rates[1:]) - np.log(rates[:-1]))).argmin()])


FINDERS: dict[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "torch-lr-finder": torch_lr_finder,
    "fastai valley": fastai(fastai_valley),
    "fastai slide": fastai(fastai_slide),
    "fastai minimum": fastai(fastai_minimum),
    "fastai steep": fastai(fastai_steep),
    "Lightning": lightning,
}


def suggestions(rates: Sequence[float], losses: Sequence[float]) -> dict[str, float | None]:
    """What every tool suggests; None where its code raises or gives nothing (too few points, say)."""
    found: dict[str, float | None] = {}
    for name, read in FINDERS.items():
        try:
            rate = read(rates, losses)
        except (IndexError, ValueError, TypeError):
            rate = math.nan
        found[name] = rate if math.isfinite(rate) and rate > 0 else None
    return found
