"""A search at one moment, for a live view."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calando.errors import counted
from calando.lab.board import Board, Row, Running, spark
from calando.records.run import RunRecord

if TYPE_CHECKING:
    from calando.lab.tuning.strategy import TuneStrategy

__all__ = ["board"]


def board(strategy: "TuneStrategy", running: Mapping[str, Running], workers: int) -> Board:
    """Every candidate: in or out, its best run so far, and a loss under way."""
    rows = tuple(_row(strategy, candidate.label, running) for candidate in strategy.spec.candidates)
    return Board(rows, strategy.tally(running, workers))


def _row(strategy: "TuneStrategy", label: str, running: Mapping[str, Running]) -> Row:
    mine = [run for run in strategy.results.values() if run.spec.candidate == label]
    better = min if strategy.spec.mode == "min" else max
    sound = [run for run in mine if run.sound]
    longest = max((run.spec.horizon for run in sound), default=0)
    best = better((run for run in sound if run.spec.horizon == longest), key=lambda run: run.final or 0.0, default=None)
    state = "out" if label in strategy.out else counted(len(mine), "run")
    if strategy.choice is not None and strategy.choice.candidate == label:
        state = "chosen"
    drawn = [one.losses for one in running.values() if one.spec.candidate == label and one.losses]
    if not drawn and mine:
        drawn = [_losses(strategy.spec.metric, mine[-1])]
    return Row(
        label,
        state,
        "" if best is None or best.spec.peak is None else f"{best.spec.peak:g}",
        "" if best is None or best.final is None else f"{best.final:.4g}",
        spark(drawn[-1]) if drawn else "",
        lost=sum(run.status != "done" for run in mine),
    )


def _losses(metric: str, record: RunRecord) -> tuple[float, ...]:
    curve = record.curve(metric)
    return (curve if len(curve) else record.curve("train_loss")).values
