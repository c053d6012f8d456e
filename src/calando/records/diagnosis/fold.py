"""How far a loss swings with a cyclic learning rate: all cycles laid upon each other, the slow descent taken out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from calando.records.diagnosis.noisy import Level, median

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged
    from calando.records.diagnosis.noisy import Floats, Trend

__all__ = ["FEWEST", "folded"]

FEWEST = 3
"""Returns of the rate below which a swing and a slow bend look alike."""
LAG = 0.08
"""Share of a cycle by which a loss lags behind the rate, as it does with most networks: a tenth, more or less."""
POINTS = 4096
"""Points that tell as much of a swing as any more would."""
WILD = 3.0
"""Standard deviations to which a single batch is cut, lest it makes the swing."""


def folded(run: Judged, troughs: Sequence[float]) -> Level | None:
    """How far the losses swing from the height of a cycle to its trough, as a share of what was gained; its error.

    loss(t) = a + b log t + c (log t)^2 + s/2 cos(phase - lag) + q sin(phase - lag) + noise

    The phase is that of the rate: one turn from trough to trough, its zero where the rate is high. Both curves are
    asked, and what they say is averaged by how sure each is: batches are many and noisy, evaluations few and steady.
    None where neither says anything, as where every evaluation stands at the same place of its cycle.

    Args:
        run: the run, its rate cyclic.
        troughs: steps at which the rate turned upward again, rising, `FEWEST` at least.
    """
    seen = [one for one in (_swing(run, curve, troughs) for curve in (run.train, run.val)) if one is not None]
    if not seen:
        return None
    weights = [1 / one.error**2 for one in seen]
    whole = sum(weights)
    return Level(sum(w * one.value for w, one in zip(weights, seen, strict=True)) / whole, 1 / math.sqrt(whole))


def _swing(run: Judged, curve: Trend, troughs: Sequence[float]) -> Level | None:
    import numpy as np

    part = curve.window(troughs[0], run.end)
    if len(curve) < 12 or len(part) < 10:
        return None
    steps, values = _fewer(part.steps), _fewer(part.values)
    every = np.linspace(troughs[0], troughs[-1], 1025)[:-1]
    turns = _turned(every, troughs)
    high = np.angle(np.sum(np.interp(every, run.lr.steps, run.lr.values) * np.exp(1j * turns)))
    phase = _turned(steps, troughs) - 2 * np.pi * LAG - high
    slow = np.log1p(steps)
    slow = (slow - slow.mean()) / max(float(slow.std()), 1e-300)
    rest = np.stack([slow**0, slow, slow**2, np.sin(phase)], axis=1)
    wave = np.cos(phase)
    unit = float(np.abs(values).max())
    if not (0 < unit < math.inf and np.isfinite(rest).all()):
        return None
    values = values / unit
    base, _ = np.linalg.qr(rest)
    own = wave - base @ (base.T @ wave)  # what of the wave no slow bend can take up
    size = float(np.sum(own**2))
    if size < 0.1 * steps.size:
        return None
    terms = np.column_stack([rest, wave])
    cut, found = values, np.linalg.lstsq(terms, values, rcond=None)[0]
    for _ in range(3):
        line = terms @ found
        wide = WILD * 1.4826 * median(np.abs(cut - line))
        if not wide > 0:
            break
        cut = line + np.clip(values - line, -wide, wide)
        found = np.linalg.lstsq(terms, cut, rcond=None)[0]
    scatter = math.sqrt(float(np.sum((cut - terms @ found) ** 2)) / (steps.size - 5))
    swing, error = 2 * float(found[-1]), 2 * scatter / math.sqrt(size)
    gained = (run.begin(curve) - min(float(curve.smooth().values.min()), float(curve.values[-1]))) / unit
    gained = max(gained, swing, 0.0)
    if not (gained > 0 and math.isfinite(error)):
        return None
    return Level(swing / gained, max(error / gained, 1e-9))


def _turned(steps: Floats, troughs: Sequence[float]) -> Floats:
    """The angle at which each step stands in its cycle; before the first trough and after the last, the cycle beside
    them goes on."""
    import numpy as np

    lows = np.asarray(troughs, dtype=np.float64)
    place = np.clip(np.searchsorted(lows, steps, side="right") - 1, 0, lows.size - 1)
    long = np.diff(lows)[np.minimum(place, lows.size - 2)]
    angles: Floats = 2 * np.pi * (steps - lows[place]) / long
    return angles


def _fewer(values: Floats) -> Floats:
    """Means of so many neighbours that no more than `POINTS` are left."""
    together = -(-values.size // POINTS)
    if together == 1:
        return values
    kept: Floats = values[: values.size // together * together].reshape(-1, together).mean(axis=1)
    return kept
