"""Best peaks read off recorded runs: a parabola in log2 of the peak through the lowest loss and its neighbours."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.forecasting.live import recorded as live_records
from bench.forecasting.records import folder, llama
from bench.tuning import grid
from bench.tuning.recorded import load
from calando.records import RunRecord

__all__ = ["OWN", "Peaks", "best_peak", "by_roots", "llama_peaks", "own_peaks"]

OWN = ("images", "text", "characters", "weather")


@dataclass(frozen=True)
class Peaks:
    """Final losses of one plan over one horizon, by peak; repetitions and seeds are averaged."""

    where: str
    horizon: int
    plan: str
    losses: tuple[tuple[float, float], ...]

    @property
    def best(self) -> float | None:
        """The best peak by a parabola; None where it does not lie among the peaks tried."""
        return best_peak(self.losses)


def best_peak(losses: Sequence[tuple[float, float]]) -> float | None:
    """Where the parabola in log2 of the peak, through the lowest loss and its neighbours, is lowest.

    >>> best_peak([(0.5, 2.0), (1.0, 1.0), (2.0, 2.0)])
    1.0
    """
    near = neighbours(losses)
    if len(near) < 3:
        return None
    square, slope, _ = np.polyfit([math.log2(peak) for peak, _ in near], [loss for _, loss in near], 2)
    return _tried(-slope / (2.0 * square), losses) if square > 0 else None


def by_roots(losses: Sequence[tuple[float, float]]) -> float | None:
    """The same by another curve through the three: a + b/sqrt(peak) + c*sqrt(peak), for how much the curve decides."""
    near = neighbours(losses)
    if len(near) < 3:
        return None
    rows = [[1.0, peak**-0.5, peak**0.5] for peak, _ in near]
    _, falls, rises = np.linalg.solve(rows, [loss for _, loss in near])
    return _tried(math.log2(falls / rises), losses) if falls > 0 and rises > 0 else None


def neighbours(losses: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lowest loss and its two neighbours; of the outermost ones the nearest two."""
    known = sorted((peak, loss) for peak, loss in losses if math.isfinite(loss))
    at = min(range(len(known)), key=lambda i: known[i][1], default=0)
    first = max(0, min(at - 1, len(known) - 3))
    return known[first : first + 3]


def _tried(octave: float, losses: Sequence[tuple[float, float]]) -> float | None:
    """The peak at an octave where it lies among those tried."""
    tried = [math.log2(peak) for peak, loss in losses if math.isfinite(loss)]
    return float(2.0**octave) if min(tried) <= octave <= max(tried) else None


def llama_peaks(horizons: Iterable[int] = (25_000, 50_000)) -> list[Peaks]:
    """The 124M model of the recorded curves, by the loss over the whole validation set; none where they are not."""
    where = folder()
    if where is None:
        return []
    found: dict[tuple[int, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in llama(where):
        if run.horizon in set(horizons):
            found[run.horizon, grid.plan(run.plan)][run.peak].append(run.final)
    return _gathered("llama 124M", found)


def own_peaks(name: str, live: bool = False) -> list[Peaks]:
    """A workload of tune's reference grid, or the live one, by the last validation loss, seeds averaged."""
    records: Mapping[object, RunRecord] = (live_records(name) if live else load(name)).runs
    found: dict[tuple[int, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records.values():
        spec = record.spec
        final = math.inf if record.final is None else record.final
        if spec.peak is not None:
            found[spec.horizon, grid.plan(spec.plan)][spec.peak].append(final)
    return _gathered(f"{name}, live" if live else name, found)


def _gathered(where: str, found: Mapping[tuple[int, str], Mapping[float, Sequence[float]]]) -> list[Peaks]:
    return [
        Peaks(where, horizon, plan, tuple(sorted((peak, fmean(losses)) for peak, losses in by_peak.items())))
        for (horizon, plan), by_peak in sorted(found.items())
    ]
