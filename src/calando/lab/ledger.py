"""What a run has logged: its curves, which losses are gone for good, and how much of it was shipped elsewhere."""

import math
from array import array
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from calando.core.keepers import Array, State
from calando.errors import BadValue
from calando.lab.logged import Explosion, read_name, read_number
from calando.records.run import Curve, Status

__all__ = ["Columns", "Ledger"]

Columns = tuple["array[int]", "array[float]"]
FINITE, BOUNDED = 1, 2  # what is asked of a quantity: to be a number at all; to stay on its scale as well


class Ledger:
    """Curves by name, each a column of steps and one of values.

    Args:
        metric: the name that a study judges by.
        mode: "min" where a lower metric is better; only what is minimised can explode.
        stop: ends the run with the status and the reason that it is given.

    >>> ledger = Ledger("val_loss", "min", print)
    >>> ledger.log(0, {"train_loss": 2, "val_loss": 2.5})
    2.5
    >>> ledger.curves()["train_loss"].last
    2.0
    """

    def __init__(self, metric: str, mode: str, stop: Callable[[Status, str], NoReturn]) -> None:
        self.columns: dict[str, Columns] = {}
        self._metric = metric
        self._asked = {metric: FINITE} | dict.fromkeys(("train_loss", "val_loss", "loss"), BOUNDED)
        if mode == "min":
            self._asked[metric] = BOUNDED
        self._stop = stop
        self._scales: dict[str, Explosion] = {}
        self._open: dict[str, tuple[Callable[[int], None], Callable[[float], None], int]] = {}
        self._sent: dict[str, int] = {}

    def log(self, step: int, metrics: Mapping[str, Any]) -> float | None:
        """Take what a train function logs; gives the metric, where it is among it. See `Run.log`."""
        heard = None
        for name, given in metrics.items():
            known = self._open.get(name)
            if known is None:
                known = self._begin(name)
            value: float = given if given.__class__ is float else read_number(name, given)
            known[0](step)
            known[1](value)
            if known[2]:
                self._judge(name, step, value, known[2])
            if name == self._metric:
                heard = value
        return heard

    def rate(self, step: int, value: float) -> None:
        """Take the rate that an update used."""
        steps, values = self._columns("lr")
        steps.append(step)
        values.append(value)

    def curves(self) -> dict[str, Curve]:
        """Everything recorded so far."""
        return {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in self.columns.items()}

    def drain(self) -> dict[str, Columns]:
        """What was recorded since the last call."""
        fresh = {}
        for name, (steps, values) in self.columns.items():
            sent = self._sent.get(name, 0)
            if len(steps) > sent:
                fresh[name] = (steps[sent:], values[sent:])
                self._sent[name] = len(steps)
        return fresh

    def capture(self) -> State:
        """All curves, and the scale of every loss."""
        curves: dict[str, Any] = {}
        for name, (steps, values) in self.columns.items():
            curves[name] = [Array("I64", (len(steps),), bytes(steps)), Array("F64", (len(values),), bytes(values))]
        return {"curves": curves, "scales": {name: list(one.state) for name, one in self._scales.items()}}

    def restore(self, state: State) -> None:
        """Stand where it was captured, and take all of it for shipped."""
        self.columns, self._open = {}, {}
        for name, (steps, values) in state["curves"].items():
            columns: Columns = (array("q"), array("d"))
            columns[0].frombytes(steps.data)
            columns[1].frombytes(values.data)
            self.columns[name] = columns
        self._scales = {name: Explosion.again(*scale) for name, scale in state["scales"].items()}
        self._sent = {name: len(steps) for name, (steps, _) in self.columns.items()}

    def _begin(self, name: str) -> tuple[Callable[[int], None], Callable[[float], None], int]:
        read_name(name)
        if name == "lr":
            raise BadValue(
                given="lr", allowed="names of your own", where="run.log", fix="drop it: the run records the rate"
            )
        steps, values = self._columns(name)
        known = self._open[name] = (steps.append, values.append, self._asked.get(name, 0))
        return known

    def _columns(self, name: str) -> Columns:
        columns = self.columns.get(name)
        if columns is None:
            columns = self.columns[name] = (array("q"), array("d"))
        return columns

    def _judge(self, name: str, step: int, value: float, asked: int) -> None:
        if not math.isfinite(value):
            self._stop("diverged", f"{name} is {value} at step {step}")
        if asked != BOUNDED:
            return
        scale = self._scales.get(name)
        if scale is None:
            self._scales[name] = Explosion(value)
        elif scale.at(value):
            self._stop("diverged", f"{name} exploded to {value:.4g} at step {step} (it began at {scale.first:.4g})")
