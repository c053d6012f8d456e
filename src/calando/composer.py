"""Composer: a function of its State (and its scale-schedule ratio), as its Trainer takes one.

trainer = Trainer(..., optimizers=optimizer, schedulers=calando.composer.Factor("warmup(5%) | cosine()"))
"""

import math
import weakref
from fractions import Fraction
from typing import Any

from calando.core.clock import round_half_up
from calando.core.plan import Plan, told
from calando.core.schedule import Schedule
from calando.core.text import parse
from calando.errors import BadValue, shown
from calando.torch.binding import PlanLike, bound_to, whole_horizon
from calando.torch.track import Continued

__all__ = ["Factor"]

_WHERE = "calando.composer.Factor"


class Factor:
    """The factor of each update, out of Composer's State.

    Formula: schedule(t) for update t; with a scale-schedule ratio s the schedule is spread over s times its horizon.

    Composer asks its schedulers once for each parameter group when it starts, and then after every batch before its
    timestamp moves on: what it is told there is used by the update after the one that the timestamp names. So this
    counts its questions: those after the first round are answered for the next update. One Factor belongs to one
    Trainer. A bundle or a plan that listens cannot be told by one number: `calando.torch.attach` makes a scheduler that
    Composer takes, too, with `step_schedulers_every_batch=True`.

    Args:
        plan: a plan or its text, bound to `state.max_duration`; or a schedule, taken as it is.
        sizes: arguments of `bind` for units of a plan, such as tokens_per_step, 1 or more.

    Raises:
        BadValue: for a plan that listens, a bundle, sizes beside a schedule that is bound already, what is no State of
            Composer's, a ratio that is not above 0, or a run whose length in batches is not known.

    Example:
        >>> import calando
        >>> class Stand:                                                                # stands for Composer's State
        ...     def __init__(self, **parts):
        ...         vars(self).update(parts)
        >>> one = Stand(param_groups=[{}])
        >>> state = Stand(timestamp=Stand(batch=Stand(value=0)), optimizers=[one], schedulers=[])
        >>> factor = Factor(calando.linear_decay().bind(4))
        >>> factor(state), factor(state), factor(state, 0.5)
        (1.0, 0.75, 0.5)

    Source: composer.optim.scheduler.ComposerScheduler, composer.trainer.Trainer._train_loop.
    """

    def __init__(self, plan: PlanLike, **sizes: Any) -> None:
        if not isinstance(plan, str | Plan | Schedule):
            bound_to(plan, _WHERE, dict)  # refuses it
        if sizes and isinstance(plan, Schedule):
            raise BadValue(
                given=f"{', '.join(map(shown, sizes))} with a schedule that is bound already",
                allowed="sizes of units with a plan that is still to be bound",
                where=_WHERE,
                fix="drop them, or give them to bind: plan.bind(horizon, ...)",
            )
        self.plan = parse(plan) if isinstance(plan, str) else plan
        self.sizes = sizes
        self.schedule: Schedule | None = None
        self._state: Any = None
        self._asked = 0

    def __getstate__(self) -> dict[str, Any]:
        """The plan and the sizes; a copy belongs to no Trainer yet."""
        return {**vars(self), "schedule": None, "_state": None, "_asked": 0}

    def __call__(self, state: Any, ssr: float = 1.0) -> float:
        """The factor of the update that comes next."""
        _check(state, ssr)
        if self._state is None or self._state() is not state:
            self._state, self._asked = weakref.ref(state), 0
        groups = len(state.optimizers[0].param_groups)
        first_round = self._asked < groups
        if self._asked in (0, groups):  # a Trainer scales max_duration only after it has compiled its schedulers
            self.schedule = self._bound(state, 1.0 if first_round and not state.schedulers else ssr)
        self._asked += 1
        step = int(state.timestamp.batch.value) + (not first_round)
        schedule = self.schedule
        if schedule is None or ssr == 1.0:
            return float(schedule(step)) if schedule is not None else 1.0
        steps = max(round_half_up(Fraction(schedule.horizon) * Fraction(ssr)), 1)
        return float(Continued(schedule, ()).stretched(at=0, horizon=steps)(step))

    def _bound(self, state: Any, ssr: float) -> Schedule:
        schedule = bound_to(self.plan, _WHERE, lambda: {**_duration(state, ssr), **self.sizes})
        if schedule.rule is not None or len(schedule.quantities) > 1:
            raise BadValue(
                given=f"the plan {shown(told(schedule.plan))}",
                allowed="a plan of the learning rate alone that does not listen",
                where=_WHERE,
                fix="Trainer(schedulers=calando.torch.attach(optimizer, schedule), step_schedulers_every_batch=True)",
            )
        return schedule


def _check(state: object, ssr: object) -> None:
    if not all(hasattr(state, name) for name in ("optimizers", "schedulers", "timestamp")):
        raise BadValue(
            given=f"{shown(state)} ({type(state).__name__})",
            allowed="the State of a Composer Trainer",
            where=_WHERE,
            fix="give the Factor to the Trainer, which asks it: Trainer(schedulers=factor)",
        )
    if isinstance(ssr, bool) or not isinstance(ssr, int | float) or not math.isfinite(ssr) or ssr <= 0:
        raise BadValue(
            given=f"a scale-schedule ratio of {shown(ssr)}",
            allowed="a finite number > 0",
            where=_WHERE,
            fix="write Trainer(scale_schedule_ratio=1.0), or leave it out",
        )


def _duration(state: Any, ssr: float) -> dict[str, Any]:
    """The horizon before Composer scaled it by a ratio, and the batches of an epoch."""
    length, epoch = getattr(state, "max_duration", None), getattr(state, "dataloader_len", None)
    unit = getattr(length, "unit", None)
    unit = str(getattr(unit, "value", unit))
    each = None if epoch is None else int(epoch)
    count = getattr(length, "value", None)
    steps = count * each if unit == "ep" and each and count else count if unit == "ba" else None
    whole = None if steps is None else round_half_up(Fraction(steps) / Fraction(ssr))
    return {"horizon": whole_horizon(whole, _WHERE, f"max_duration={length}"), "steps_per_epoch": each}
