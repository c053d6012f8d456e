"""The range phase: where peaks are to be searched, read off a rising rate."""

from collections.abc import Mapping

from calando.lab.finding import RangeTest, range_steps
from calando.lab.phrases import number
from calando.lab.tuning.opening import BLIND
from calando.lab.tuning.rounds import Round
from calando.lab.tuning.space import lattice
from calando.records.decision import Decision
from calando.records.run import RunRecord
from calando.records.study import StudySpec
from calando.records.tuning import TuneSpec

__all__ = ["Ranging"]

SEEDS = 2


class Ranging:
    """The range test of a search.

    Args:
        spec: the study's question.
        tune: the search's own.
    """

    def __init__(self, spec: StudySpec, tune: TuneSpec) -> None:
        self._test = RangeTest(range_steps(tune.full, SEEDS), seeds=spec.select_seeds[:SEEDS])

    def round(self) -> Round:
        """The runs of the range test."""
        runs = tuple(self._test.runs())
        return Round("range test", runs, tuple(run.horizon for run in runs))

    def read(self, runs: Mapping[str, RunRecord]) -> tuple[tuple[float, ...], list[Decision]]:
        """The lattice of peaks, and how it was found."""
        mine = [runs[run.key] for run in self._test.runs() if run.key in runs]
        reading = self._test.read(mine)
        if not reading.signal or reading.low is None or reading.high is None:
            peaks = lattice(*BLIND)
            why = f"no signal: {reading.reason}" if reading.reason else "no signal"
            text = f"{why}; peaks from {number(peaks[0])} to {number(peaks[-1])} are searched instead"
            return peaks, [Decision("range test", text, runs=len(mine))]
        peaks = lattice(reading.low, reading.high)
        edge = "" if reading.edge is None else f", training breaks at about {number(reading.edge)}"
        text = f"peaks from {number(peaks[0])} to {number(peaks[-1])}, a factor two apart, are searched{edge}"
        return peaks, [Decision("range test", text, runs=len(mine))]
