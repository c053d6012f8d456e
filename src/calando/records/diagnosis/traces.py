"""What a rate that was too high leaves behind in the curves of a run, as numbers that any task has alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.records.diagnosis.noisy import Trend, median, medians, noise

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged
    from calando.records.diagnosis.noisy import Floats

__all__ = ["EVALUATED", "TRACES", "traces"]

TRACES = {
    "pace": "gain of an e-fold of the summed rate while the rate was high, by training losses",
    "pace in errors": "the same in its own standard errors",
    "late": "gain from the moment the rate was down to half to the end, by training losses",
    "late in errors": "the same in its own standard errors",
    "late beyond pace": "the same, less half of the pace",
    "late for its rate": "the same over the share of the summed rate that was left then",
    "settled": "gain by the first fifth of the summed rate",
    "half": "share of the summed rate by which half of everything was gained",
    "rebound": "how far a running median of the training loss rose above its lowest before",
    "rebound over noise": "the same over the noise of one loss, as a logarithm",
    "early rebound": "the same within the first 30 % of the run",
    "throw": "how far a running median rose above the start within the first 30 % of the run, less early noise",
    "noise": "standard deviation of one training loss about its curve, late",
    "early noise": "the same, early",
    "noise drop": "early over late, as a logarithm",
    "tremble hot": "how far one evaluation strays from its curve while the rate is high",
    "tremble cold": "the same at less than 30 % of the peak",
    "steps hot over cold": "how far evaluations move while the rate is high, over how far after it, as a logarithm",
    "evaluated depth": "share of the first evaluation that the later ones lost",
    "evaluated late": "gain from the moment the rate was down to half to the end, by evaluations",
    "evaluated late in trembles": "the same over how far one evaluation strays while the rate is high",
    "evaluated pace": "gain of an e-fold of the summed rate while the rate was high, by evaluations",
    "evaluated pace in trembles": "the same over how far one evaluation strays",
    "evaluated progress in trembles": "from the first evaluations at a high rate to the last ones, over the same",
    "evaluated rise": "how far an evaluation rose above the lowest before while the rate was high",
    "evaluated above lowest": "how far evaluations stood above the lowest before while the rate was high, on average",
}
"""Every number that is taken, in the order in which a score asks for it. Gains are shares of the whole gain; those of
evaluations of the whole fall of their logarithm, where they have one: a loss that nears zero gains all at once.

Nothing of the schedule's shape or the log's length is among them: which plans are run too high is no sign of heat."""

EVALUATED = tuple(name for name in TRACES if name.startswith(("tremble", "steps", "evaluated")))
"""Those that evaluations tell: noise of single batches does not touch them."""

DENSE = 4000
"""Losses above which only every so-manieth is looked at."""
FEWEST = 20
FEW = 6
TINY = 1e-6
FAINT = 0.002
"""Share of the gain as which no evaluation strays by less."""


def traces(run: Judged) -> dict[str, float] | None:
    """The numbers of `TRACES`; NaN where the log does not tell, None where the rate never came down from its peak."""
    import numpy as np

    curve = run.train if len(run.train) >= FEWEST else run.val
    if len(curve) < FEWEST or len(run.lr) < 2 or not run.peak > 0:
        return None
    curve = _thinned(curve)
    every, rates, walked = run.walked()
    high = np.flatnonzero(rates >= 0.5 * run.peak)
    if not high.size or not walked[-1] > 0 or rates[-1] > 0.3 * run.peak:
        return None
    last = float(every[high[-1]])
    if not 0.15 * run.end <= last <= 0.97 * run.end:
        return None
    begin = run.begin(curve)
    gain = begin - float(curve.smooth().values.min())
    if not gain > 0:
        return None
    gone = Trend(curve.steps, (begin - curve.values) / gain, curve.noise / gain)
    share = np.interp(curve.steps, every, walked)
    left = 1.0 - float(np.interp(last, every, walked))
    found = dict.fromkeys(TRACES, math.nan)
    found |= _progress(gone, share, last, left) | _unrest(gone, run.end) | _evaluated(run, last)
    return found


def _thinned(curve: Trend) -> Trend:
    skip = -(-len(curve) // DENSE)
    return curve if skip == 1 else Trend(curve.steps[::skip], curve.values[::skip], curve.noise)


def _progress(gone: Trend, share: Floats, last: float, left: float) -> dict[str, float]:
    """How fast it went while the rate was high, and what came when it fell."""
    import numpy as np

    found: dict[str, float] = {}
    hot = (gone.steps <= last) & (share > 0.15)
    pace, error = _line(np.log(share[hot]), gone.values[hot]) if hot.sum() >= FEW else (math.nan, math.nan)
    width, place = max(3, len(gone) // 16), int(np.searchsorted(gone.steps, last))
    late = math.nan
    if width <= place <= len(gone) - width:
        late = median(gone.values[-width:]) - median(gone.values[place - width : place])
    smooth = gone.smooth()
    done, at = np.maximum.accumulate(smooth.values), np.interp(smooth.steps, gone.steps, share)
    found["pace"], found["pace in errors"] = pace, pace / (error + TINY)
    found["late"], found["late in errors"] = late, late / (1.25 * gone.noise * (2 / width) ** 0.5 + TINY)
    found["late beyond pace"], found["late for its rate"] = late - 0.5 * pace, late / (left + 0.02)
    found["settled"] = float(np.interp(0.2, at, smooth.values))
    found["half"] = float(at[int(np.argmax(done >= 0.5))])
    return found


def _unrest(gone: Trend, end: float) -> dict[str, float]:
    """How the losses scattered, and how far they rose again."""
    import numpy as np

    found: dict[str, float] = {}
    first = gone.window(0, 0.4 * end).values[:60]
    early = noise(first) if len(first) >= 12 else math.nan
    rebound = _fallback(_running(gone.values, 7))
    start = _running(gone.window(0, 0.3 * end).values, 5)
    found["noise"], found["early noise"] = gone.noise, early
    found["noise drop"] = math.log((early + TINY) / (gone.noise + TINY))
    found["rebound"], found["rebound over noise"] = rebound, math.log((rebound + TINY) / (gone.noise + TINY))
    if start.size > 3:
        found["early rebound"] = _fallback(start)
        found["throw"] = -float(np.min(start)) - (0.0 if math.isnan(early) else early)
    return found


def _evaluated(run: Judged, last: float) -> dict[str, float]:
    """What the evaluations did while the rate was high, and when it fell: they are all made of the same examples."""
    import numpy as np

    curve = run.val
    if len(curve) < FEW or run.seen.higher_is_better:
        return {}
    curve = _thinned(curve)
    begin = run.begin(curve)
    low = min(float(curve.values.min()), median(curve.values[-3:]))
    if not begin > low:
        return {}
    gone = np.log(begin / curve.values) / math.log(begin / low) if low > 0 else (begin - curve.values) / (begin - low)
    every, rates, walked = run.walked()
    share, rate = np.interp(curve.steps, every, walked), np.interp(curve.steps, every, rates)
    before = int(np.searchsorted(curve.steps, last, side="right"))
    first = int(np.searchsorted(share, 0.12, side="right"))
    first_one = float(curve.values[0])
    found = {"evaluated depth": (first_one - low) / max(run.size(first_one), 1e-300)}
    turns = np.abs(np.diff(gone, 2)) / (12 / np.pi) ** 0.5
    cold = turns[before:][rate[before + 2 :] < 0.3 * run.peak]
    if before - first >= 5:
        found["tremble hot"] = float(turns[first : before - 2].mean())
    if cold.size >= 2:
        found["tremble cold"] = float(cold.mean())
    moves = np.abs(np.diff(gone))
    if before - first >= 4 and len(gone) - before >= 4:
        steps = float(moves[first : before - 1].mean()), float(moves[before:].mean())
        found["steps hot over cold"] = math.log((steps[0] + TINY) / (steps[1] + TINY))
    hot = gone[first:before]
    if hot.size >= 4:
        behind = (np.maximum.accumulate(gone) - gone)[first:before]
        found["evaluated rise"], found["evaluated above lowest"] = float(behind.max()), float(behind.mean())
    if hot.size >= 3 and len(gone) > before:
        one = found.get("tremble hot", math.nan) + FAINT
        late = median(gone[-min(3, max(2, len(gone) - before)) :]) - median(gone[max(before - 3, 0) : before])
        pace = _line(np.log(share[first:before]), hot, len(gone))[0]
        found["evaluated late"], found["evaluated late in trembles"] = late, late / one
        found["evaluated pace"], found["evaluated pace in trembles"] = pace, pace / one
        if hot.size >= 6:
            found["evaluated progress in trembles"] = (median(hot[-3:]) - median(hot[:3])) / one
    return found


def _line(x: Floats, y: Floats, blocks: int = 24) -> tuple[float, float]:
    """The slope of a straight line through so many blocks, and its standard error."""
    import numpy as np

    count = min(blocks, len(x))
    size, longer = divmod(len(x), max(count, 1))
    edge = longer * (size + 1)  # the first blocks hold one point more
    parts = [slice(0, edge), slice(edge, None)]
    rows = [(longer, size + 1), (count - longer, size)]
    across = np.concatenate(
        [x[part].reshape(shape).mean(1) for part, shape in zip(parts, rows, strict=True) if shape[0]]
    )
    up = np.concatenate([medians(y[part].reshape(shape)) for part, shape in zip(parts, rows, strict=True) if shape[0]])
    centred = across - across.mean()
    spread = float(centred @ centred)
    if count < 3 or not spread > 0:
        return math.nan, math.nan
    slope = float(centred @ up) / spread
    rest = up - up.mean() - slope * centred
    return slope, float(rest @ rest / max(count - 2, 1) / spread) ** 0.5


def _running(values: Floats, width: int) -> Floats:
    import numpy as np

    if len(values) < 3 * width:
        return values
    return medians(np.lib.stride_tricks.sliding_window_view(values, width))


def _fallback(gone: Floats) -> float:
    """How far it fell back behind the best it had reached."""
    import numpy as np

    return float(np.max(np.maximum.accumulate(gone) - gone))
