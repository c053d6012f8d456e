"""A schedule and the changes made to it while its run went on: together again one schedule, an ordinary plan."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from calando.core.agree import agreement
from calando.core.bundle import bundle
from calando.core.clock import LONGEST, Clock, Length, round_half_up
from calando.core.feedback import reduce_on_plateau
from calando.core.kinds import number_text
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.steering.changes import Change, Cooldown, Extend, Scale, Stop, Undo
from calando.errors import BadValue

__all__ = ["MOST", "Applied", "Steerable", "Steered", "joined"]

MOST = 200
"""Changes of one run."""

SAFE = 2.0
"""A factor may become so many times the largest that was tried or planned."""

LOOKS = 250
"""Steps at which a schedule's height is looked at, besides those where it turns."""


class Steerable(Protocol):
    """What can be given another schedule while it drives a run: what `calando.torch.attach` gives, and its like."""

    def change(self, schedule: Schedule) -> None:
        """Follow another schedule from the next update on, which has had the same values so far."""


class Applied(NamedTuple):
    """A change, and the first update that was made under it."""

    step: int
    change: Change


class _Lane(NamedTuple):
    """A quantity's plan, a factor on it, and the horizon that it is bound to."""

    plan: Plan
    by: float
    made_for: int


_Turns = tuple[tuple[int, _Lane], ...]
"""From which step on which plan is in force."""


@dataclass(frozen=True)
class Steered:
    """A schedule with the changes that were made to it; `schedule` is the one that the run follows.

    Formula: before the step of a change the schedule is as it was. A cooldown falls from the factor of its step in so
    many steps, and the horizon is where it ends; scale multiplies what follows; extend binds the plan to the longer
    horizon where that has the same values so far, and else spreads what is left; stop ends the run at its step; undo
    goes on as if the last change still in force had not been made. A change at a step before others, as after a return
    to a snapshot, forgets those.

    Args:
        begun: the schedule that the run started with.
        applied: the changes in their order, with the first step of each.
        revision: how many changes were ever made, those that a return forgot among them.

    Example:
        >>> import calando
        >>> from calando.core.steering import Steered, read_change
        >>> steered = Steered(calando.constant().bind(100)).apply(40, read_change("cooldown 20%"))
        >>> steered.schedule(39), steered.schedule(50), steered.schedule.horizon, steered.revision
        (1.0, 0.5, 60, 1)
        >>> str(steered.schedule.plan)
        'splice(plans=[extend(constant(), horizon=100), shift(linear_decay(), by=40)], at=[40])'
    """

    begun: Schedule
    applied: tuple[Applied, ...] = ()
    revision: int = 0
    schedule: Schedule = field(init=False)
    _turns: tuple[_Turns, ...] = field(init=False, repr=False, compare=False)
    _before: tuple[tuple[tuple[_Lane, ...], int, Applied], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", self.begun)
        lanes = [_Lane(plan, 1.0, self.begun.horizon) for plan in _plans(self.begun.plan)]
        object.__setattr__(self, "_turns", tuple(((0, lane),) for lane in lanes))
        object.__setattr__(self, "_before", ())
        for step, change in self.applied:
            self._make(step, change)

    @property
    def horizon(self) -> int:
        """The steps of the whole run, as it is now."""
        return self.schedule.horizon

    @property
    def cooling(self) -> Applied | None:
        """The last cooldown that was begun and not undone; None where there is none."""
        return next((made for _, _, made in reversed(self._before) if isinstance(made.change, Cooldown)), None)

    def apply(self, step: int, change: Change) -> "Steered":
        """The run with one more change.

        Args:
            step: the first update under it, >= 0.
            change: a Change.

        Raises:
            BadValue: where it is unsafe or makes no sense: after the end, a factor of 0 or far above all that was
                tried, an end that is no fall, nothing to undo.
            DoesNotFit: for a length in a unit that the schedule was not bound with.
        """
        kept = tuple(one for one in self.applied if one.step <= step)
        base = self if len(kept) == len(self.applied) else replace(self, applied=kept)
        if len(kept) >= MOST:
            raise _refused(f"change number {len(kept) + 1}", f"at most {MOST} changes of a run", "begin a new run")
        made = copy(base)  # replace() would make every change anew
        made._make(step, change)
        object.__setattr__(made, "applied", (*kept, Applied(step, change)))
        object.__setattr__(made, "revision", self.revision + 1)
        return made

    def at(self, step: int) -> "Steered":
        """As it was when update `step` was the next one: without the changes that were made later."""
        kept = tuple(one for one in self.applied if one.step <= step)
        return self if len(kept) == len(self.applied) else replace(self, applied=kept)

    # ---- making a change; only while the value is being built

    def _make(self, step: int, change: Change) -> None:
        lanes, horizon = tuple(turns[-1][1] for turns in self._turns), self.schedule.horizon
        before = self._before
        after, end = lanes, horizon
        if step >= horizon and not isinstance(change, Undo):
            raise _refused(f"{change} at step {step}", f"changes before the end at step {horizon}", "the run is over")
        match change:
            case Stop():
                if step < 1:
                    raise _refused("stop before the first update", "a run with an update or more", "make one update")
                end = step
            case Scale():
                after = self._scaled(lanes, step, change)
            case Cooldown():
                after, end = self._cooled(lanes, step, change)
            case Extend():
                end = horizon + self._steps(change.length, "steer.extend")
                if end > LONGEST:
                    raise _refused(f"a horizon of {end} steps", "at most 2^53", "extend by less")
                after = tuple(self._extended(lane, step, end) for lane in lanes)
            case Undo():
                if not before:
                    raise _refused("undo without a change", "undo after a change that is in force", "leave it out")
                after, end, _ = before[-1]
                if step >= end:
                    raise _refused(
                        f"undo of {before[-1][2].change} at step {step}",
                        f"an end that is ahead: without it the run ended at step {end}",
                        "extend the run instead",
                    )
        settings = self.begun.settings()
        sizes = {name: value for name, value in settings.items() if name not in ("plan", "horizon")}
        turns = tuple(_turned(old, step, lane, sizes) for old, lane in zip(self._turns, after, strict=True))
        plans = [_written(own, end) for own in turns]
        schedule = Schedule(_dressed(self.begun.plan, plans), end, **sizes)
        if isinstance(change, Scale):
            self._check_height(schedule, step, change)
        object.__setattr__(self, "schedule", schedule)
        object.__setattr__(self, "_turns", turns)
        now = (lanes, horizon, Applied(step, change))
        object.__setattr__(self, "_before", before[:-1] if isinstance(change, Undo) else (*before, now))

    def _steps(self, length: Length, where: str) -> int:
        begun = self.begun
        sizes = (begun.steps_per_epoch, begun.tokens_per_step, begun.samples_per_step)
        steps = round_half_up(Clock.of(self.schedule.horizon, *sizes).steps(length, where))
        if steps < 1:
            raise _refused(f"{length}, which is no step of this run", "one step or more", "give a longer length")
        return steps

    def _scaled(self, lanes: tuple[_Lane, ...], step: int, change: Scale) -> tuple[_Lane, ...]:
        if change.by <= 0:
            raise _refused("scale 0", "a number > 0: at 0 nothing is learned", "write stop, or cooldown 10%")
        lr, *others = lanes
        return (lr._replace(by=lr.by * change.by), *others)

    def _check_height(self, schedule: Schedule, step: int, change: Scale) -> None:
        planned = max(float(self.begun(t)) for t in _looks(self.begun, 0, self.begun.horizon))
        tried = max((float(self.schedule(t)) for t in _looks(self.schedule, 0, step)), default=0.0)
        height = max(float(schedule(t)) for t in _looks(schedule, step, schedule.horizon))
        if height > SAFE * max(planned, tried) and not change.force:
            raise _refused(
                f"{change}, by which the factor reaches {number_text(round(height, 6))}",
                f"at most twice the {number_text(round(max(planned, tried), 6))} that was planned or tried",
                f"write {change} force if you mean it",
            )
        if not 0.0 < height < 1e12:
            raise _refused(
                f"{change}, by which the factor is {height:g}", "factors > 0 and below 1e12", "scale by less"
            )

    def _cooled(self, lanes: tuple[_Lane, ...], step: int, change: Cooldown) -> tuple[tuple[_Lane, ...], int]:
        from calando.core.shapes.anneal import anneal
        from calando.core.shapes.cosine import cosine
        from calando.core.shapes.linear import linear_decay
        from calando.core.timing import shift

        factor = float(self.schedule(step))
        if factor <= change.end:
            raise _refused(
                f"{change} from a factor of {number_text(factor)}",
                "a way down: the factor in force is above the one to end at",
                "give a lower end" if change.end else "undo the last change, or scale it up first",
            )
        if change.length is None:
            steps = self.schedule.horizon - step
        else:
            steps = self._steps(change.length, "steer.cooldown")
        if step + steps > LONGEST:
            raise _refused(f"a horizon of {step + steps} steps", "at most 2^53", "cool down in less")
        way: Plan
        if change.shape == "cosine":
            way = cosine(end=change.end, start=factor)
        elif change.shape == "1-sqrt":
            way = anneal(over=steps, end=change.end, start=factor, shape="1-sqrt")
        else:
            way = linear_decay(end=change.end, start=factor)
        end = step + steps
        return (_Lane(shift(way, by=step) if step else way, 1.0, end), *lanes[1:]), end

    def _extended(self, lane: _Lane, step: int, end: int) -> _Lane:
        from calando.core.splicing import extend

        if lane.made_for != self.schedule.horizon:
            return lane  # it goes on as it was made, which is longer or over
        longer = lane._replace(made_for=end)
        settings = self.begun.settings()
        sizes = {name: value for name, value in settings.items() if name not in ("plan", "horizon")}
        return (
            longer
            if _agree(lane, longer, step, sizes)
            else longer._replace(plan=extend(lane.plan, horizon=lane.made_for, at=step))
        )


def joined(before: Schedule, after: Schedule, at: int, by: float = 1.0) -> Schedule:
    """The schedule of a run that followed one up to step `at` and another from there on.

    Args:
        before: a schedule.
        after: another; where it has had the same values so far, or other quantities or listeners, it is the answer.
        at: the first step under `after`, >= 0.
        by: number > 0 that the learning rate's factors of `after` are multiplied by.

    Example:
        >>> import calando
        >>> ran = joined(calando.constant().bind(100), calando.linear_decay().bind(200), 50)
        >>> ran(49), ran(50), ran.horizon
        (1.0, 0.75, 200)
    """
    same = before.rule == after.rule and before.quantities == after.quantities
    if by == 1.0 and (at <= 0 or not same or agreement(before, after) >= at):
        return after
    lanes = [_Lane(plan, 1.0 if i else by, after.horizon) for i, plan in enumerate(_plans(after.plan))]
    turns: list[_Turns] = [((0, lane),) for lane in lanes]
    if at > 0 and same:
        turns = [
            ((0, _Lane(one, 1.0, before.horizon)), (at, lane))
            for one, lane in zip(_plans(before.plan), lanes, strict=True)
        ]
    settings = after.settings()
    settings["plan"] = _dressed(after.plan, [_written(own, after.horizon) for own in turns])
    return Schedule(**settings)


def _plans(plan: Plan) -> Iterator[Plan]:
    """The plan of the learning rate without its listener, then those of the other quantities."""
    lr = plan.lr if isinstance(plan, bundle) else plan
    yield lr.plan if isinstance(lr, reduce_on_plateau) else lr
    if isinstance(plan, bundle):
        yield from (other for _, other in plan.quantities)


def _dressed(like: Plan, plans: list[Plan]) -> Plan:
    """The plans with the listener and the bundle of `like` around them."""
    lr = like.lr if isinstance(like, bundle) else like
    made = plans[0]
    if isinstance(lr, reduce_on_plateau):
        given = dict(zip((one.name for one in lr.parameters), lr.arguments, strict=True))
        made = reduce_on_plateau(**{**given, "plan": made})
    if isinstance(like, bundle):
        names = (name for name, _ in like.quantities)
        return bundle(made, **dict(zip(names, plans[1:], strict=True)))
    return made


def _turned(turns: _Turns, step: int, lane: _Lane, sizes: dict[str, object]) -> _Turns:
    """The turns with a lane from `step` on; where it has had the same values all along, in place of the last one."""
    start, last = turns[-1]
    if lane == last:
        return turns
    if start >= step or (lane.plan == last.plan and lane.by == last.by and _agree(last, lane, step, sizes)):
        return (*turns[:-1], (start, lane))
    return (*turns, (step, lane))


def _agree(one: _Lane, other: _Lane, step: int, sizes: dict[str, object]) -> bool:
    if min(one.made_for, other.made_for) < step:
        return False
    a, b = (Schedule(lane.plan, lane.made_for, **sizes) for lane in (one, other))  # type: ignore[arg-type]
    return agreement(a, b) >= step


def _written(turns: _Turns, horizon: int) -> Plan:
    """One plan for a run of that horizon."""
    from calando.core.algebra import scale
    from calando.core.splicing import extend, splice

    plans = []
    for _, (plan, by, made_for) in turns:
        own = plan if made_for == horizon else extend(plan, horizon=made_for)
        plans.append(own if by == 1.0 else scale(own, by=by))
    inside = [i for i, (start, _) in enumerate(turns) if start < horizon]
    if len(inside) == 1:
        return plans[0]
    return splice([plans[i] for i in inside], at=[turns[i][0] for i in inside[1:]])


def _looks(schedule: Schedule, start: int, stop: int) -> Iterator[int]:
    if stop <= start:
        return
    stop = min(stop, schedule.horizon + 1)
    yield from range(start, stop, max(1, (stop - start) // LOOKS))
    yield max(stop - 1, start)
    for step in schedule.breaks(LOOKS):
        if start <= step < stop:
            yield step


def _refused(given: str, allowed: str, fix: str) -> BadValue:
    return BadValue(given=given, allowed=allowed, where="steer", fix=fix)
