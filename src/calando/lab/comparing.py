"""`compare` as a strategy: every candidate walks by itself from its peak grid to confirmed numbers."""

from bisect import insort
from collections.abc import Mapping

from calando.lab.board import Board, Running, Tally, board, time_left
from calando.lab.executors.base import Opened
from calando.lab.question import bind
from calando.lab.strategy import Walk, in_order, walk
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec
from calando.records.study import StudySpec

__all__ = ["CompareStrategy"]


class CompareStrategy:
    """Which runs a comparison wants, kept up to date run by run.

    Args:
        spec: the question.
        runs: what is finished already, by key.
    """

    def __init__(self, spec: StudySpec, runs: Mapping[str, RunRecord]) -> None:
        self._spec = spec
        self._runs = dict(runs)
        self._seconds = sorted(run.seconds for run in runs.values() if run.status == "done")
        self._schedules: dict[str, str] = {}
        self._stops: dict[str, Walk] = {}
        self._pending: dict[str, set[str]] = {}
        self._left: dict[str, RunSpec] = {}
        self._decided: dict[str, Decision] = {}
        self._done = self._total = 0
        for candidate in spec.candidates:
            self._walk(candidate.label)
        self._arrange()

    def opened(self, event: Opened) -> None:
        """Nothing depends on what the train function keeps."""

    def finished(self, record: RunRecord) -> None:
        """Take note of a finished run."""
        key, label = record.spec.key, record.spec.candidate
        self._runs[key] = record
        if record.status == "done":
            insort(self._seconds, record.seconds)
        self._left.pop(key, None)
        pending = self._pending[label]
        if key in pending:
            pending.discard(key)
            self._done += 1
        if not pending:  # only then can the candidate's next runs be known
            self._walk(label)
            self._arrange()

    def left(self) -> list[RunSpec]:
        """Seed by seed over all candidates, so that an early look is a fair one."""
        return list(self._left.values())

    def evals(self, run: RunSpec) -> int:
        """The study's own number: all runs have one horizon."""
        return self._spec.evals

    def schedule(self, run: RunSpec) -> str:
        """The candidate's plan over the study's horizon."""
        label = run.candidate
        if label not in self._schedules:
            self._schedules[label] = bind(self._spec, self._spec.candidate(label)).to_json()
        return self._schedules[label]

    def decisions(self) -> tuple[Decision, ...]:
        """Which peak each candidate got, and why."""
        return tuple(self._decided.values())

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        """Count what is done and guess the time left."""
        left = time_left(self._spec.horizon, self._total - self._done, self._seconds, running, workers)
        return Tally(self._done, self._total, len(running), left)

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        """Where every candidate stands."""
        return board(self._spec, self._fresh(), self._runs, running, workers)

    def _fresh(self) -> tuple[Walk, ...]:
        return tuple(walk(self._spec, candidate, self._runs) for candidate in self._spec.candidates)

    def _walk(self, label: str) -> None:
        before = self._stops.get(label)
        if before is not None:
            self._done -= len(before.wanted)  # all of them are finished, or nothing would have changed
            self._total -= len(before.wanted) + before.ahead
        stop = walk(self._spec, self._spec.candidate(label), self._runs)
        self._stops[label] = stop
        self._pending[label] = {run.key for run in stop.left}
        self._done += len(stop.wanted) - len(stop.left)
        self._total += len(stop.wanted) + stop.ahead
        if stop.selection is not None and label not in self._decided and len(stop.selection.scores) > 1:
            self._decided[label] = _decision(stop, self._spec)

    def _arrange(self) -> None:
        self._left = {run.key: run for run in in_order(list(self._stops.values())) if run.key not in self._runs}


def _decision(stop: Walk, spec: StudySpec) -> Decision:
    chosen, label = stop.selection, stop.candidate.label
    if chosen is None or not chosen.chosen or chosen.peak is None:
        return Decision("select", "no peak works", label)
    best = next(score for score in chosen.scores if score.peak == chosen.peak)
    seeds = len(best.values)
    lowest = "lowest" if spec.mode == "min" else "highest"
    many = f"of {len(chosen.scores)} peaks over {seeds} seed{'s' if seeds > 1 else ''}"
    edge = f"; it is the {chosen.edge} edge of the grid" if chosen.edge in ("low", "high") else ""
    mean = "" if best.mean is None else f" ({best.mean:.4g})"
    text = f"peak {chosen.peak:g}: the {lowest} mean {spec.metric}{mean} {many}{edge}"
    return Decision("select", text, label, runs=sum(len(score.values) for score in chosen.scores))
