"""What a strategy tells the coordinator. It never knows where runs are made, nor how stages are shared."""

from collections.abc import Mapping
from typing import Protocol

from calando.lab.board import Board, Running, Tally
from calando.lab.executors.base import Opened
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec

__all__ = ["Strategy"]


class Strategy(Protocol):
    """Which runs a study wants: a deterministic function of its question, its seed and the results so far."""

    def opened(self, event: Opened) -> None:
        """Take note of what the train function keeps and declares; told when the first loop began, and when the
        study goes on."""

    def finished(self, record: RunRecord) -> None:
        """Take note of a finished run; the order in which runs finish must not matter."""

    def left(self) -> list[RunSpec]:
        """The runs that can be started now, unfinished ones only, in the order to start them."""

    def evals(self, run: RunSpec) -> int:
        """Evaluations of a run, so that runs of different horizons are evaluated at the same spacing."""

    def schedule(self, run: RunSpec) -> str:
        """The bound schedule of a run, as calando JSON."""

    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far, in order; later ones only add to them."""

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        """How much is done and how much is left; asked after every finished run, so it must be cheap."""

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        """Where everything stands, for a live view."""
