"""What looks unintended in a schedule, in words, before it is run."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from calando.core.algebra import boundaries, extent_of
from calando.core.clock import Clock, Length, round_half_up
from calando.core.facts import MOST_JUMPS
from calando.core.plan import Plan
from calando.errors import BadValue, shown

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["lint", "number"]

NEAR_THE_END = 0.05
"""How far above its floor, as a share of the peak, a last update may be without a word."""

RESTARTS = frozenset({"anneal", "warm_restarts", "repeat", "polynomial_decay"})
DROPS = frozenset(
    {"step_decay", "multistep", "points", "hold", "exponential_decay", "inverse_time", "repeat", "function"}
)
THROUGH = frozenset({"then", "reduce_on_plateau", "bundle", "hold"})
"""Plans whose values are those of the plans inside them."""


def number(value: float) -> str:
    """A factor as people read it."""
    return f"{value:.6g}"


def lint(schedule: "Schedule", horizon: int | None = None) -> tuple[str, ...]:
    """Everything found; for a run of `horizon` steps where that is not the schedule's own."""
    checks = (_against(schedule, horizon), _early(schedule), _peak(schedule), _jumps(schedule), _floors(schedule))
    drops = _never(schedule.plan, _clock(schedule), schedule.horizon)
    return tuple(line for lines in (*checks, drops) for line in lines)


def _against(schedule: "Schedule", horizon: int | None) -> Iterator[str]:
    if horizon is None or (horizon == schedule.horizon and not isinstance(horizon, bool)):
        return
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 1 <= horizon <= 2**53:
        raise BadValue(
            given=shown(horizon), allowed="1 to 2^53 steps", where="lint.horizon", fix="give the run's length"
        )
    bound, end = schedule.horizon, number(schedule.facts.end)
    if horizon > bound:
        yield f"under-runs: made for {bound} steps of {horizon}; the last {horizon - bound} stay at {end}"
        return
    left = number(schedule(horizon))
    yield f"over-runs: made for {bound} steps, the run ends at {horizon} with the factor at {left} instead of {end}"


def _early(schedule: "Schedule") -> Iterator[str]:
    plan = schedule.plan
    if plan.is_flexible():
        return
    stop = round_half_up(plan.extent(_clock(schedule)))
    if stop < schedule.horizon:
        yield (
            f"ends early: the last piece is over at step {stop} of {schedule.horizon};"
            f" its value {number(schedule.facts.end)} is held for {schedule.horizon - stop} steps"
        )


def _peak(schedule: "Schedule") -> Iterator[str]:
    facts = schedule.facts
    if facts.peak == 0.0:
        yield "never learns: the factor is 0 at every step"
        return
    if abs(facts.peak - 1.0) > (1e-9 if facts.exact else 1e-3):
        peak = number(facts.peak)
        yield f"peak is {peak}, not 1: the largest rate is {peak} times the peak that you set"
    if schedule(0) == 0.0:
        yield "first update is wasted: the factor is 0 at step 0 (warmup(..., first=step) would use it)"


def _jumps(schedule: "Schedule") -> Iterator[str]:
    names = set(_names(schedule.plan))
    jumps = [jump for jump in schedule.facts.jumps if jump.after > jump.before or not names & DROPS]
    for jump in jumps[:3]:
        values = f"at step {jump.step}: from {number(jump.before)} to {number(jump.after)}"
        if jump.after > jump.before:
            yield f"jumps up {values}" + (" (a restart)" if names & RESTARTS else "")
        else:
            yield f"jumps down {values}"
    if len(jumps) > 3:
        yield f"has {len(jumps)}{'+' if len(jumps) >= MOST_JUMPS else ''} jumps in all"


def _floors(schedule: "Schedule") -> Iterator[str]:
    facts, wanted = schedule.facts, _end(schedule.plan)
    if wanted is not None and abs(facts.end - wanted) > 1e-9:
        yield f"floor not reached: end={number(wanted)} was asked for, the run ends at {number(facts.end)}"
    elif wanted is not None and facts.last > wanted + NEAR_THE_END * facts.peak:
        last, end = number(facts.last), number(wanted)
        yield f"floor reached only after the run: the last update still has {last}, the end is {end}"
    for low in _lows(schedule.plan):
        if 0.0 < low < min(facts.lowest, facts.end) * (1 - 1e-9):
            yield f"floor not reached: clip(low={number(low)}) never holds, the least factor is {number(facts.lowest)}"


def _end(plan: Plan) -> float | None:
    """The end that the last piece was asked to reach, if it was asked for one."""
    name = type(plan).__name__
    if name in THROUGH:
        return _end(plan.children[-1] if name == "then" else plan.children[0])
    if name == "repeat":
        end = _end(plan.children[0])
        return end if end == getattr(plan, "floor", 0.0) else None
    end = None if getattr(plan, "cycle", None) == "mirror" else getattr(plan, "end", None)
    return end if isinstance(end, float) else None


def _lows(plan: Plan) -> Iterator[float]:
    if type(plan).__name__ == "clip":
        yield float(getattr(plan, "low", 0.0))
    elif type(plan).__name__ in THROUGH:
        for child in plan.children:
            yield from _lows(child)


def _never(plan: Plan, clock: Clock, steps: int) -> Iterator[str]:
    """Drops that their piece of `steps` steps is too short for."""
    lengths: list[Length] = []
    if type(plan).__name__ == "multistep":
        lengths = list(getattr(plan, "milestones", ()))
    elif getattr(plan, "staircase", False) and isinstance(getattr(plan, "every", None), Length):
        lengths = [getattr(plan, "every")]  # noqa: B009  # several plans have it, their base has not
    for length in lengths:
        if clock.steps(length, type(plan).__name__) >= steps:
            whole = "run" if steps == clock.horizon else "piece"
            yield f"never happens: {type(plan).__name__} drops at {length}, the {whole} has {steps} steps"
    if type(plan).__name__ == "stretch":
        clock = clock.stretch(Fraction(getattr(plan, "by")))  # noqa: B009  # as above
    for child, inside in zip(plan.children, _shares(plan, clock, steps), strict=True):
        yield from _never(child, clock, inside)


def _shares(plan: Plan, clock: Clock, steps: int) -> list[int]:
    """The steps that each plan inside gets of `steps`."""
    if type(plan).__name__ == "then":
        marks = boundaries([extent_of(child, clock) for child in plan.children], steps, clock.piece, "then")
        return [b - a for a, b in zip(marks, marks[1:], strict=False)]
    if type(plan).__name__ == "repeat" and not plan.children[0].is_flexible():
        return [min(round_half_up(plan.children[0].extent(clock)), steps)]
    return [steps] * len(plan.children)


def _names(plan: Plan) -> Iterator[str]:
    yield type(plan).__name__
    for child in plan.children:
        yield from _names(child)


def _clock(schedule: "Schedule") -> Clock:
    sizes = (schedule.steps_per_epoch, schedule.tokens_per_step, schedule.samples_per_step)
    return Clock.of(schedule.horizon, *sizes)
