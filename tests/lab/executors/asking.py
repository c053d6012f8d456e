"""Strategies that are small enough to be checked by hand."""

from collections.abc import Mapping, Sequence

from calando.core.text import parse
from calando.lab.board import Board, Running, Tally
from calando.lab.executors.base import Opened
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec


class Listed:
    """Wants a list of runs, then what follows from their results."""

    def __init__(self, runs: Sequence[RunSpec], then: Sequence[RunSpec] = ()) -> None:
        self._first = list(runs)
        self._then = list(then)
        self.results: dict[str, RunRecord] = {}
        self.heard: Opened | None = None

    def opened(self, event: Opened) -> None:
        self.heard = event

    def finished(self, record: RunRecord) -> None:
        self.results[record.spec.key] = record

    def left(self) -> list[RunSpec]:
        first = [run for run in self._first if run.key not in self.results]
        return first or [run for run in self._then if run.key not in self.results]

    def evals(self, run: RunSpec) -> int:
        return 1

    def schedule(self, run: RunSpec) -> str:
        return parse(run.plan).bind(run.horizon).to_json()

    def decisions(self) -> tuple[Decision, ...]:
        return (Decision("all", f"{len(self.results)} runs", runs=len(self.results)),)

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        raise NotImplementedError

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        raise NotImplementedError
