"""What another tool, or ours, wrote down of one run, in one form: counts of updates, losses, learning rates."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calando.errors import BadFile, BadName, BadValue, counted, did_you_mean, shown, tame

__all__ = ["ENOUGH", "Column", "Floats", "Ints", "Kind", "Log", "Problem", "Unit", "broke", "epoch_size", "listed"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Kind = Literal["csv", "transformers", "lightning", "keras", "tensorboard", "wandb", "mlflow", "study", "record"]
Unit = Literal["step", "epoch"]

ENOUGH = 8
"""Validation losses from which on they are taken before training losses: a law has up to seven parameters."""

SHOWN = 6
LONGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in a file that was skipped or stands out: which file, which line (0: none in particular), what.

    >>> print(Problem("runs/a.csv", 17, "loss is 'abc', which is no number"))
    runs/a.csv:17: loss is 'abc', which is no number
    """

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return tame(f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One logged quantity: at each count of updates its value.

    `steps` are whole numbers >= 0, strictly increasing; `values` are as they were logged, so they may be NaN or
    infinite.

    >>> len(Column(np.array([1, 2]), np.array([2.5, 2.25])))
    2
    """

    steps: Ints
    values: Floats

    def __len__(self) -> int:
        return int(self.steps.size)


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What one run logged, the same for every tool that may have written it.

    `name` is the run's, as the file gives it (tame it where it is shown); `source` the file. `unit` says what `steps`
    of the columns count: "step", updates made, or "epoch", epochs done. A training loss that update t logged
    (t = 0, 1, ...) stands at t+1, an evaluation after n updates at n, and the learning rate at n is the one that
    the n-th update used, whatever the tool's own habits. `loss`, `val_loss` and `lr` name columns ("": none); `score`
    is a validation metric that is better when higher, such as an accuracy, `train_score` one of training: what a run is
    judged by where no such loss was logged. Nothing is fitted to them.
    `meta` holds what else is known: horizon, plan, peak, seed, status, candidate, epochs, steps_per_epoch, ...
    `notes` say what was guessed, shifted and mended; `problems` (a bounded list; `unlisted` counts the rest) what
    was skipped, and where a loss was not finite.

    >>> log = Log("a", "a.csv", "csv", {"loss": Column(np.arange(1, 4), np.array([3.0, 2.0, np.nan]))}, loss="loss")
    >>> log.losses().values.tolist(), log.diverged, log.horizon
    ([3.0, 2.0], 3, 3)
    """

    name: str
    source: str
    kind: Kind
    columns: Mapping[str, Column]
    unit: Unit = "step"
    loss: str = ""
    val_loss: str = ""
    lr: str = ""
    meta: Mapping[str, str | int | float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unlisted: int = 0
    score: str = ""
    train_score: str = ""

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            BadName: when there is none.
        """
        if name in self.columns:
            return self.columns[name]
        raise BadName(
            given=f"the column {shown(name)}{did_you_mean(name, self.columns)}",
            allowed=listed(self.columns) or "no names: nothing was logged",
            where=tame(self.source),
            fix="use the name of a column",
        )

    @property
    def last(self) -> int:
        """The last step at which anything was logged; 0 when nothing was."""
        return max((int(column.steps[-1]) for column in self.columns.values() if len(column)), default=0)

    @property
    def horizon(self) -> int:
        """The run's length as the log gives it, else the last step at which anything was logged."""
        known = self.meta.get("horizon", 0)
        return max(int(known), self.last) if isinstance(known, int | float) else self.last

    @property
    def diverged(self) -> int | None:
        """The first step from which on no training or validation loss was finite any more; None where one still is.

        Single values that are not finite, as of a batch that was skipped or masked, are no divergence where finite ones
        follow, nor is an evaluation that always fails while the training loss goes on.

        Of a log of scores alone the first from which on none is a number any more, to the end; a last one by itself may
        have another cause.
        """
        if self.loss or self.val_loss:
            return broke(*(self.columns[name] for name in (self.loss, self.val_loss) if name))
        lost = [_lost(self.columns[name]) for name in (self.score, self.train_score) if name]
        steps = [step for step in lost if step is not None]
        return min(steps) if steps and len(steps) == len(lost) else None

    def losses(self, name: str | None = None) -> Column:
        """The losses to fit: finite, above zero, after at least one update.

        Args:
            name: a column's name; without it the validation loss where it has at least 8 points, else the
                training loss, else whatever validation losses there are.

        Raises:
            BadName: when there is no such column.
            BadFile: when no loss was found, or none that may be fitted.
        """
        if name is None:
            dense = bool(self.val_loss) and len(self.columns[self.val_loss]) >= ENOUGH
            name = self.val_loss if dense or not self.loss else self.loss
        if not name:
            raise BadFile(
                given=f"columns of which none is a loss by its name ({listed(self.columns)})",
                allowed="a log with a loss",
                where=tame(self.source),
                fix="say which one it is: --loss NAME, or loss=NAME in Python",
            )
        column = self.column(name)
        keep = np.isfinite(column.values) & (column.values > 0) & (column.steps >= 1)
        if not keep.any():
            raise BadFile(
                given=f"{counted(len(column), 'value')} of {shown(name)}, none finite, above zero and after an update",
                allowed="at least one loss > 0",
                where=tame(self.source),
                fix="name another column by --loss, or leave this run out",
            )
        return Column(column.steps[keep], column.values[keep])

    def rates(self, horizon: int | None = None) -> Floats:
        """The learning rate of every update, from the log: straight lines between logged ones, flat outside.

        Keras' log has a rate for each epoch, and there every update of an epoch has it.

        Args:
            horizon: number of updates >= 1; the last step at which anything was logged unless given.

        Raises:
            BadFile: when the log has no learning rate, or counts epochs; the message says what to give.
            BadValue: when the horizon is no whole number >= 1.
        """
        if horizon is not None and (isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1):
            raise BadValue(
                given=f"horizon={shown(horizon)}",
                allowed="a whole number of updates >= 1",
                where="Log.rates",
                fix="leave it out to end where the log ends",
            )
        if self.unit == "epoch":
            raise BadFile(
                given="a log that counts epochs, with no size of an epoch",
                allowed="learning rates by update",
                where=tame(self.source),
                fix="say how many updates an epoch has: --steps-per-epoch N, or steps_per_epoch=N in Python",
            )
        column = self.columns[self.lr] if self.lr else None
        if column is not None:
            keep = np.isfinite(column.values) & (column.values >= 0)
            column = Column(column.steps[keep], column.values[keep])
        if column is None or not len(column):
            raise BadFile(
                given="a log without a learning rate"
                + (f" ({shown(self.lr)} holds none)" if self.lr else f" (columns: {listed(self.columns)})"),
                allowed="a log with one, or one and the plan that the run followed",
                where=tame(self.source),
                fix='give the plan and peak that it ran under: --plan "cosine() @ 3e-4", with --run-horizon N where the'
                " run was cut short; or name the column: --lr NAME",
            )
        length = horizon if horizon is not None else max(self.last, 1)
        if length > LONGEST:
            raise BadFile(
                given=f"a run of {length:,} updates",
                allowed=f"up to {LONGEST:,}",
                where=tame(self.source),
                fix="check the column of steps; another is named by --step",
            )
        counts = np.arange(1, length + 1)
        if self.kind == "keras":
            places = np.searchsorted(column.steps, counts, side="left")
            return column.values[np.minimum(places, len(column) - 1)]
        return np.interp(counts, column.steps, column.values)

    def in_steps(self, steps_per_epoch: int) -> "Log":
        """The same log counted in updates; one that counts them already is given back as it is.

        Args:
            steps_per_epoch: number of updates in an epoch, >= 1.

        Raises:
            BadValue: when that is no whole number from 1 to a billion.
        """
        epoch_size(steps_per_epoch)
        if self.unit == "step":
            return self
        columns = {name: Column(c.steps * steps_per_epoch, c.values) for name, c in self.columns.items()}
        meta = {**self.meta, "steps_per_epoch": steps_per_epoch}
        if isinstance(epochs := meta.get("epochs"), int | float) and math.isfinite(epochs):
            meta["horizon"] = round(epochs * steps_per_epoch)
        note = f"an epoch is {counted(steps_per_epoch, 'update')}, as given; its mean loss stands at its end"
        return replace(self, columns=columns, unit="step", meta=meta, notes=(*self.notes, note))

    def told(self) -> list[str]:
        """Lines for a reader, tame enough for a terminal: which column is what, what was mended and what is wrong."""
        roles = (("training loss", self.loss), ("validation loss", self.val_loss), ("learning rate", self.lr))
        named = ", ".join(f"{what}: {shown(name)}" if name else f"no {what}" for what, name in roles)
        extra = (("score", self.score), ("training score", self.train_score))
        named += "".join(f", {what}, better when higher: {shown(name)}" for what, name in extra if name)
        head = f"{self.name} ({self.kind}, {self.last:,} {self.unit}s): {named}"
        lines = [head, *self.notes, *map(str, self.problems)]
        if self.unlisted:
            lines.append(f"and {self.unlisted:,} more such problems")
        return [tame(line.replace("\n", " ")) for line in lines]


def epoch_size(steps_per_epoch: object) -> None:
    """Refuse what is no size of an epoch.

    Raises:
        BadValue: when it is no whole number from 1 to a billion.
    """
    if isinstance(steps_per_epoch, bool) or not isinstance(steps_per_epoch, int) or not 1 <= steps_per_epoch <= 10**9:
        raise BadValue(
            given=f"steps_per_epoch={shown(steps_per_epoch)}",
            allowed="a whole number from 1 to a billion",
            where="logs",
            fix="give the number of updates of one pass over the data",
        )


def listed(names: Iterable[str]) -> str:
    """A few names as a text.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    every = [shown(name, 40) for name in names]
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")


def broke(*losses: Column) -> int | None:
    """The first step from which on none of these is finite any more, None where that never was.

    >>> nan = float("nan")
    >>> broke(Column(np.arange(4), np.array([3.0, nan, nan, nan])), Column(np.array([1, 3]), np.array([2.0, nan])))
    1
    >>> broke(Column(np.arange(4), np.array([3.0, nan, 2.0, 1.0])), Column(np.array([1, 3]), np.array([nan, nan])))
    """
    ended, lasting = [], 0
    for column in losses:
        finite = np.flatnonzero(np.isfinite(column.values))
        after = int(finite[-1]) + 1 if finite.size else 0
        lasting = max(lasting, int(column.steps[after - 1]) if after else 0)
        ended += [int(column.steps[after])] if after < len(column) else []
    return min((step for step in ended if step >= lasting), default=None)


def _lost(column: Column) -> int | None:
    """The step from which on two values or more, and all up to the end, are no numbers, after some that were."""
    finite = np.flatnonzero(np.isfinite(column.values))
    if not finite.size or len(column) - 1 - finite[-1] < 2:
        return None
    return int(column.steps[finite[-1] + 1])
