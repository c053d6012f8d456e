"""Bursts in the training loss from which the run recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.noisy import Trend, median, medians
from calando.records.diagnosis.rhythm import rhythm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calando.records.diagnosis.noisy import Floats

__all__ = ["spikes", "usual"]

KIND = "spikes"


def spikes(run: Judged) -> Diagnosis | None:
    """Bursts far above the loss around them, at least three, after the first twentieth of the run.

    Large enough: each reaches a share of the loss around it and many times its noise there.
    """
    curve = run.train
    if len(curve) < 60:
        return None
    floor = limit(KIND, "gain") * abs(run.begin(curve) - float(curve.smooth().values.min()))
    bursts, beat = _bursts(curve, 0.05 * run.end, floor, signed=run.signed)
    if len(bursts) < limit(KIND, "bursts"):
        return None
    largest = sorted(bursts, key=lambda one: -one[1])[:3]
    at = ", ".join(f"{step:,.0f}" for step, _, _ in sorted(largest))
    height = largest[0][1]
    high = f"{short(height)} above the loss around it" if run.signed else f"{height:.1f} times the loss around it"
    rates = [run.lr_at(step) for step, _, _ in bursts]
    hot = (
        bool(rates)
        and bool(len(run.lr))
        and min(rates) >= 0.7 * run.peak
        and float(run.lr.values.min()) < 0.5 * run.peak
    )
    steps = f" and come every {beat:,.0f} steps, as one broken batch does epoch after epoch" if beat else ""
    advice = ["Clip the norm of the gradient at 1: a single batch then moves the model no further than any other.",
              f"Look at the batches of the largest ones (steps {at}): skip or mend what is broken there."]  # fmt: skip
    changes = [Change("clip", 1.0), Change("skip", 1.0)]
    if hot:
        advice.append(f"All came while the rate was high: a peak of {short(run.peak / 2)} is worth a run.")
        changes.append(Change("peak", 0.5, "scale 0.5"))
    return Diagnosis(
        KIND, "warning", f"{len(bursts)} spikes in the training loss",
        f"The training loss burst out of its noise {len(bursts)} times, up to {high}, "
        f"and came back each time; the largest were at steps {at}{steps}.",
        tuple(advice),
        (Evidence("spikes", float(len(bursts)), str(len(bursts))),
         Evidence("highest", height, high)),
        sure(min(one[2] for one in bursts)), tuple(changes),
    )  # fmt: skip


Burst = tuple[float, float, float]
"""Step, height over the loss around it, and the same in its noise."""


def _bursts(curve: Trend, first: float, floor: float, *, signed: bool = False) -> tuple[list[Burst], float]:
    """Every burst after a step, and the steps between two where they come in a rhythm; 0 where they do not."""
    import numpy as np

    values = curve.values
    # Losses have heavy tails, which are nearly even in their logarithm: a batch of rare examples is no spike.
    zero = float(values.min()) - 2 * floor if signed else 0.0  # where it would be for one that cannot fall below it
    even = _even(values - zero)
    around = usual(even)
    away = even - around
    noise = 1.4826 * _rolling(np.abs(away), max(41, min(301, values.size // 5) | 1))
    noise = np.maximum(noise, 0.5 * median(noise)) + 1e-300
    level = np.exp(around) + zero
    above = values - level
    high = above > (4 * floor if signed else np.maximum(limit(KIND, "height") * np.abs(level), floor))
    heights = above if signed else values / np.maximum(np.abs(level), 1e-300)
    wild = (away > limit(KIND, "noise") * noise) & high & (curve.steps > first)
    late = int(np.searchsorted(curve.steps, first, "right"))
    risen = above > floor
    # Nonsense is told far worse than any sound batch or, by luck, far better: a batch of two is often one or the other.
    beat = rhythm(np.where(risen, away / noise, 0.0)[late:]) or rhythm(np.abs(away / noise)[late:])
    begin, distance = (late + beat[0], beat[1]) if beat is not None else (0, 0)
    every = float(curve.steps[begin + distance] - curve.steps[begin])
    found: list[Burst] = []
    if _apart(away / noise, wild):
        last = -10
        for place in np.flatnonzero(wild).tolist():
            one = (float(curve.steps[place]), float(heights[place]), float(away[place] / noise[place]))
            if place - last > 5:
                found.append(one)
            elif one[1] > found[-1][1]:
                found[-1] = one
            last = place
    if beat is not None and len(found) < limit(KIND, "bursts"):
        beats = [at for at in range(begin, values.size, distance) if risen[at]]
        found = [(float(curve.steps[at]), float(heights[at]), CLEAR) for at in beats]
    return found, every


def _apart(sizes: Floats, wild: NDArray[np.bool_]) -> bool:
    """Whether the bursts stand apart from all else: in a loss with heavy tails every size between is there, too."""
    import numpy as np

    peaks = sizes.copy()
    for shift in (1, 2, 3):  # what follows within a few steps of a burst belongs to it
        later = np.concatenate([np.zeros(shift), sizes[:-shift]])
        peaks = np.where(later >= limit(KIND, "noise"), 0.0, peaks)
    ordered = np.sort(peaks)[::-1][:40]
    least = int(limit(KIND, "bursts"))
    gaps = ordered[least - 1 : -1] / np.maximum(ordered[least:], 1e-6)
    return bool(wild.any()) and bool(np.any(gaps[: max(1, int(wild.sum()))] >= limit(KIND, "gap")))


def usual(values: Floats) -> Floats:
    """The level around each value, which a single one of them does not move."""
    return _rolling(values, max(15, min(101, values.size // 12) | 1))


def _even(values: Floats) -> Floats:
    """Their logarithm. A batch that is told perfectly has a loss of zero: it counts as the lowest that is not."""
    import numpy as np

    above = values[values > 0]
    found: Floats = np.log(np.maximum(values, float(above.min()) if above.size else 1e-300))
    return found


def _rolling(values: Floats, width: int) -> Floats:
    """Medians over windows, shorter at the ends; long curves at every few points, straight between."""
    import numpy as np

    half = width // 2
    padded = np.concatenate([values[half:0:-1], values, values[-2 : -half - 2 : -1]])
    every = max(1, values.size // 4000)
    places = np.arange(0, values.size, every)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)[places]
    found: Floats = np.interp(np.arange(values.size), places, medians(windows))
    return found
