"""Early rescue, by steering: in the first tenth of a run other rates are tried from a snapshot, and the best kept."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Any

from calando.errors import BadValue, shown
from calando.records.live import Event

__all__ = ["Rescue", "rescue"]

RATIO = 4.0
MOST = 64.0
"""How far from the rate that was asked it goes."""

FIRST, LAST = 0.01, 0.1
"""Shares of the horizon between which it tries."""

TRIALS = 5
LEAST = 8
"""Updates of a trial."""

SETTLES = 1 / 3
"""Share of a trial whose losses are not counted."""

SURE = 2.0
"""Standard errors by which another rate has to be better."""

MARGIN = 0.01
"""Share of the loss by which it has to be better where both are taken on the same data."""


@dataclass
class Trial:
    """A stretch at one rate: times the rate asked, first update, losses, and the weights after it."""

    scale: float
    first: int
    losses: list[float] = field(default_factory=list)
    after: Any = None
    held: float | None = None
    """Its loss at the end on data that is the same for every trial."""

    @property
    def broken(self) -> bool:
        """Whether a loss was not finite."""
        return not all(map(math.isfinite, self.losses))

    def score(self) -> tuple[float, float]:
        """The mean loss once it settled, and its standard error."""
        counted = self.losses[int(len(self.losses) * SETTLES) :]
        if self.broken or not counted:
            return math.inf, 0.0
        if self.held is not None:
            return (self.held, MARGIN * abs(self.held) / SURE) if math.isfinite(self.held) else (math.inf, 0.0)
        return fmean(counted), pstdev(counted) / max(len(counted) - 1, 1) ** 0.5


class Rescue:
    """What `calando.watch.rules.rescue` gives: a rule for `calando.watch(rules=[...])`."""

    name = "rescue"
    alone = True
    """It sets back the weights of its own process only."""

    def __init__(
        self,
        kept: tuple[Any, ...],
        metric: str,
        first: int,
        last: int,
        length: int,
        evaluate: Callable[[], Any] | None,
    ) -> None:
        self._kept, self._metric, self._evaluate = kept, metric, evaluate
        self._first, self._last, self.length = first, last, length
        self._start: Any = None
        self._trial: Trial | None = None
        self._best: Trial | None = None
        self._next: tuple[Trial, Any] | None = None
        self.done = False
        """Whether it is through: it changes nothing more."""

    def hear(self, step: int, numbers: Mapping[str, float]) -> tuple[str, str] | None:
        """A command to try another rate or to go back, when a trial is over.

        Args:
            step: the update just made, counted from 0.
            numbers: mapping of names to numbers, what was logged.
        """
        if self.done or self._next is not None or self._metric not in numbers:
            return None
        if self._trial is None:
            if step + 1 < self._first:
                return None
            self._start = self._save()
            self._trial = Trial(1.0, step + 1)
            return None
        if step < self._trial.first:
            return None
        trial = self._trial
        trial.losses.append(numbers[self._metric])
        if not trial.broken and step + 1 - trial.first < self.length:
            return None
        return self._over(trial, step + 1)

    def _over(self, trial: Trial, done: int) -> tuple[str, str] | None:
        """A trial is over with so many updates made: the next one, or the end of them."""
        if self._evaluate is not None and not trial.broken:
            trial.held = float(self._evaluate())
        best, told = self._best, _told(trial)
        won = best is None or _better(trial, best)
        if won:
            trial.after = None if trial.broken else self._save()
            self._best = trial
        elif best is not None:
            told += f", {_told(best)}"
        wanted = _wanted(trial, won)
        if wanted is not None and done + self.length <= self._last:
            why = f"{told}; from the weights after {self._first} updates, {wanted:g} times the rate is tried"
            return self._turn(Trial(wanted, done), self._start, trial.scale, why)
        self.done = True
        if won and not trial.broken:
            self._let_go()
            return None
        if won or best is None or best.broken:
            lower = Trial(trial.scale / RATIO, done)
            return self._turn(
                lower, self._start, trial.scale, f"{told}; on with {lower.scale:g} times the rate, untried"
            )
        why = f"{told}; back to the weights that {best.scale:g} times the rate gave, and on with it"
        return self._turn(best, best.after, trial.scale, why)

    def _turn(self, trial: Trial, place: Any, now: float, reason: str) -> tuple[str, str] | None:
        self._next = trial, place
        by = trial.scale / now
        return f"scale {by!r}" + (" force" if by > 1 else ""), reason

    def answered(self, event: Event) -> None:
        """What became of the command: where it is in force, the weights go back and the trial begins.

        Args:
            event: object, the record's.
        """
        if self._next is None:
            return
        (trial, place), self._next = self._next, None
        if event.kind != "applied":
            self.done = True
        else:
            self._restore(place)
            trial.first = event.step
            self._trial = trial
        if self.done:
            self._let_go()

    def _let_go(self) -> None:
        self._start = None
        if self._best is not None:
            self._best.after = None

    def _save(self) -> list[Any]:
        return [one[0]() if isinstance(one, tuple) else copy.deepcopy(_state_of(one)) for one in self._kept]

    def _restore(self, saved: list[Any]) -> None:
        for one, state in zip(self._kept, saved, strict=True):
            if isinstance(one, tuple):
                one[1](state)
            elif not hasattr(one, "param_groups"):
                one.load_state_dict(copy.deepcopy(state))
            else:  # what the rate and the other settings are now is the schedule's to say
                now = [{key: value for key, value in group.items() if key != "params"} for group in one.param_groups]
                one.load_state_dict({"state": copy.deepcopy(state), "param_groups": one.state_dict()["param_groups"]})
                for group, settings in zip(one.param_groups, now, strict=True):
                    group.update(settings)


def rescue(
    *keep: Any,
    horizon: int,
    warmup: int = 0,
    metric: str = "train_loss",
    evaluate: Callable[[], Any] | None = None,
) -> Rescue:
    """Insurance against a rate that is far off: in the first tenth of a run, others are tried and the best is kept.

    Formula: from a snapshot at the end of the warm-up (at 1 % of the horizon at least), trials of a fifth of what is
    left of the first tenth: the rate asked, then 4, 16, 64 times as long as each is better by two standard errors of
    the mean loss; where 4 times is not, 1/4, 1/16, 1/64. Each trial starts from the snapshot; after the last one the
    run goes on from the end of the best. The clock does not go back: what a lost trial took is lost.

    Args:
        keep: objects with `state_dict` and `load_state_dict` (model, optimizer), or pairs of functions (save, restore)
            where save gives a copy; the scheduler is not among them, since its clock goes on.
        horizon: number of updates of the whole run.
        warmup: number of updates of its warm-up, below a tenth of the horizon.
        metric: name of what is logged after each update, the training loss.
        evaluate: function that gives the model's loss on the same data each time, such as ten batches held out; trials
            are then compared by it, and 1 % better is enough. It is called six times at most. On our tasks this was no
            better than the training loss (docs/rules.md).

    Raises:
        BadValue: where nothing is kept, or the first tenth is too short for trials.

    Example:
        >>> import calando.watch.rules
        >>> weights = [1.0]
        >>> kept = (weights.copy, lambda saved: weights.__setitem__(0, saved[0]))
        >>> rule = calando.watch.rules.rescue(kept, horizon=1000)
        >>> rule.length
        18

    Source: after AdaLRS (arXiv 2506.13274) and AutoLRS (ICLR 2021), which try rates from snapshots all along a run.
    """
    if not keep or not all(_keeps(one) for one in keep):
        raise BadValue(
            given=shown(keep),
            allowed="objects with state_dict and load_state_dict, or pairs of functions (save, restore)",
            where="rescue(keep)", fix="write rescue(model, optimizer, horizon=...)",
        )  # fmt: skip
    for name, value, least in (("horizon", horizon, 1), ("warmup", warmup, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BadValue(
                given=f"{name}={shown(value)}", allowed=f"a whole number of updates >= {least}",
                where=f"rescue({name})", fix="give the numbers of the schedule",
            )  # fmt: skip
    first, last = max(warmup, math.ceil(FIRST * horizon), 1), int(LAST * horizon)
    length = (last - first) // TRIALS
    if length < LEAST:
        raise BadValue(
            given=f"horizon={horizon}, warmup={warmup}: {TRIALS} trials of {max(length, 0)} updates in the first tenth",
            allowed=f"at least {LEAST} updates a trial", where="rescue(horizon)",
            fix="leave the rescue out of so short a run: calando find costs less",
        )  # fmt: skip
    return Rescue(keep, metric, first, last, length, evaluate)


def _keeps(one: Any) -> bool:
    if isinstance(one, tuple):
        return len(one) == 2 and all(map(callable, one))
    return hasattr(one, "state_dict") and hasattr(one, "load_state_dict")


def _state_of(one: Any) -> Any:
    state = one.state_dict()
    return state["state"] if hasattr(one, "param_groups") else state


def _wanted(trial: Trial, won: bool) -> float | None:
    """What to try after a trial, as a multiple of the rate that was asked; None when enough was tried."""
    if trial.scale == 1.0:
        return 1 / RATIO if trial.broken else RATIO
    if trial.scale > 1.0:
        if won and trial.scale < MOST:
            return trial.scale * RATIO
        return 1 / RATIO if not won and trial.scale == RATIO else None
    return trial.scale / RATIO if (won or trial.broken) and trial.scale > 1 / MOST else None


def _better(trial: Trial, best: Trial) -> bool:
    (mine, mine_off), (other, other_off) = trial.score(), best.score()
    return other == math.inf > mine or mine < other - SURE * math.hypot(mine_off, other_off)


def _told(trial: Trial) -> str:
    score, _ = trial.score()
    loss = "a loss that is not finite" if score == math.inf else f"a loss of {score:.4g}"
    return f"{len(trial.losses)} updates at {trial.scale:g} times the rate gave {loss}"
