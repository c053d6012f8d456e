"""One run made ready to be laid beside others: where it began and ended, and the shape of its rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calando.records.diagnosis.noisy import median, medians, noise, trend

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Observed
    from calando.records.diagnosis.noisy import Floats, Trend

__all__ = ["GRID", "Ready", "Shape", "ready"]

Shape = tuple[int, float, bytes]
"""Horizon, the step up to which rates are known, and the rates."""

LAST = 8
"""Values at the end that say how much one of them is worth: the rate has come down by then, and its noise with it."""
GRID, TAIL = 129, 65
"""Points at which rates are compared: of the whole horizon, and from their peak on."""
UNSEEN = 0.02
"""Share of the horizon after which a first value is not where a run began; no score is."""
DONE = 0.98
"""Share of its horizon after which a run is at its end."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A run as it is laid beside others; lower is better in all of it."""

    name: str
    kind: tuple[str, bool, int]
    """Metric, direction and horizon: only runs that share them are compared."""
    diverged: bool
    first: tuple[float, float]
    """Its first loss, and the step of it."""
    start: float
    """Where the metric began, by the middle of its first three values; NaN where nothing tells."""
    scatter: float
    """Standard deviation of the logarithm of a first loss; NaN where there are too few."""
    learned: float
    """How far the logarithm may have come by that step."""
    steps: Floats
    rates: Floats
    grid: Floats
    """The rates at even steps of the horizon."""
    rise: float
    """Share of the horizon within which the rates reached their peak."""
    tail: Floats
    """The rates at even steps from there on."""
    ended: float
    """The value at the end, infinite where it diverged."""
    final: float
    """The same, no higher than it can be reckoned with."""
    best: float
    noise: float
    """Of the value at the end; NaN where nothing tells."""
    least: float
    """What a gain is taken for at the least: where nobody saw the run begin, a share of it would seem larger than it
    is."""
    settings: Mapping[str, str]
    top: float
    """The highest rate."""
    shape: Shape
    """Equal of runs whose rates are."""
    mark: tuple[float, ...]
    """What two repeats do not share, and two readings of one run do."""

    def meets(self, other: Ready) -> bool:
        """Whether both are runs of the same length, judged by the same metric and of the same settings.

        Of one that diverged less is known.
        """
        if any(self.settings[key] != other.settings[key] for key in self.settings.keys() & other.settings.keys()):
            return False
        if not (self.diverged or other.diverged):
            return self.kind == other.kind
        long, short = max(self.kind[2], other.kind[2]), min(self, other, key=lambda one: one.kind[2])
        return long == short.kind[2] or (short.diverged and short.steps[-1] + 1 >= 0.98 * short.kind[2])


def ready(name: str, seen: Observed) -> Ready | None:
    """A run made ready to be compared; None where it is under way, was cut short, or left too little in its log."""
    import numpy as np

    if seen.status not in ("done", "diverged") or seen.horizon < 2 or seen.train_higher:
        return None
    rates, lost = trend(*seen.lr), seen.status == "diverged"
    if len(rates) < 3 or not float(rates.values.max()) > 0 or float(rates.values.min()) < 0:
        return None
    train, val = _early(seen.train), trend(*seen.val)
    early = train if train[0].size else (val.steps, val.values)
    if not early[0].size:
        return None
    judged = val if len(val) or lost else trend(*seen.train)
    sign = -1.0 if seen.higher_is_better and judged is val else 1.0
    start = _start(early[1]) if sign > 0 else -float(val.values[0]) if len(val) else math.nan
    end = _end(sign, judged, float(train[0][-1]) if train[0].size else 0.0, seen.horizon) if not lost else LOST
    if end is None:
        return None
    unseen = sign < 0 or early[0][0] > UNSEEN * seen.horizon
    least = max(abs(float(judged.values[0])), abs(end[0]) if not lost else 0.0) if unseen and len(judged) else 0.0
    reach = float(rates.steps[-1]) if lost else seen.horizon - 1.0
    top = float(rates.values.max())
    risen = float(rates.steps[int(np.argmax(rates.values >= 0.99 * top))])
    grid = np.interp(np.linspace(0.0, reach, GRID), rates.steps, rates.values)
    onward = np.linspace(risen, reach, TAIL)
    return Ready(
        name, (seen.metric if judged is val else "training loss", sign < 0, seen.horizon), lost,
        (float(early[1][0]), float(early[0][0])), start, _scatter(early[1]), _learned(*early),
        rates.steps, rates.values, grid,
        risen / seen.horizon, np.interp(onward, rates.steps, rates.values),
        end[0], min(end[0], start + 2 * abs(start)), *end[1:], least, seen.settings, top,
        (seen.horizon, reach, grid.tobytes()), (*early[1][:4].tolist(), *end[:2]),
    )  # fmt: skip


LOST = (math.inf, math.inf, math.nan)


def _end(sign: float, curve: Trend, last: float, horizon: int) -> tuple[float, float, float] | None:
    """The value at the end, the best one, and the noise of the former; None where a run is not at its end."""
    if not len(curve):
        return None
    at = float(curve.steps[-1])
    if max(at, last) + 1 < DONE * horizon or at < 0.95 * horizon - 1:
        return None
    values = curve.window(0.98 * at, at).values
    rough = noise(curve.values[-LAST:]) / math.sqrt(values.size) if len(curve) >= 6 else math.nan
    ended = sign * median(values)
    return ended, min(ended, float(_smooth(sign * curve.values).min())), rough


def _early(curve: tuple[Sequence[float], Sequence[float]]) -> tuple[Floats, Floats]:
    """The first hundred points and the last, those that are finite."""
    import numpy as np

    part = [np.asarray([*one[:100], *one[100:][-1:]], dtype=np.float64) for one in curve]
    keep = np.isfinite(part[0]) & np.isfinite(part[1])
    return part[0][keep], part[1][keep]


def _start(values: Floats) -> float:
    """The middle of the first three values, or the first where the others were thrown far above it."""
    head = values[:3].tolist()
    middle = sorted(head)[min(1, len(head) - 1)]
    return float(head[0] if middle - head[0] > 0.5 * abs(head[0]) else middle)


def _scatter(values: Floats) -> float:
    import numpy as np

    early = values[:60]
    if early.size < 12 or not float(early.min()) > 0:
        return math.nan
    return max(0.02, noise(np.log(early)))


def _learned(steps: Floats, values: Floats) -> float:
    """By what came between the first two losses, how far the first may lie from where the run began."""
    if steps[0] <= 0 or steps.size < 2 or not min(values[0], values[1]) > 0:
        return 0.0
    pace = abs(math.log(values[1] / values[0])) / (steps[1] - steps[0])
    return float(min(math.log(2), 2 * pace * steps[0]))


def _smooth(values: Floats) -> Floats:
    import numpy as np

    if values.size < 6:
        return values
    return medians(np.lib.stride_tricks.sliding_window_view(values, 3))
