"""A bound plan as stages, one after the other: what other libraries' schedules are recognised in."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from calando.core.algebra import boundaries, extent_of
from calando.core.bundle import bundle
from calando.core.clock import Clock, Length, length_of
from calando.core.feedback import reduce_on_plateau
from calando.core.formula import SCALAR
from calando.core.plan import Plan
from calando.core.schedule import Schedule

__all__ = ["WAYS", "Arc", "Stage", "arc_of", "neat", "stages_of"]


def _line(x: float) -> float:
    return 1.0 - x


def _half_cosine(x: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * x))


def _root(x: float) -> float:
    return 1.0 - math.sqrt(x)


WAYS: dict[str, Callable[[float], float]] = {"linear": _line, "cosine": _half_cosine, "1-sqrt": _root}
"""What is left of a fall at the share x of it, as other libraries compute it."""


def neat(value: float) -> float:
    """A number as one writes it: 15 digits, which hides what the last multiplication rounded.

    >>> 0.1 * 0.1, neat(0.1 * 0.1)
    (0.010000000000000002, 0.01)
    """
    return float(f"{value:.15g}")


class Stage(NamedTuple):
    """A stretch of a run that one formula describes; values are factors.

    Args:
        way: level, linear, cosine, 1-sqrt, power, exponential, or the name of the plan that it is.
        steps: how many steps it lasts, >= 1.
        start: the factor at its first step.
        end: the factor that it is heading for.
        span: in how many steps it gets there: one less than `steps` where the end is inclusive, more where it is cut.
        more: whatever else the way needs, by name.
    """

    way: str
    steps: int
    start: float
    end: float
    span: int
    more: Mapping[str, Any] = {}

    @property
    def rises(self) -> bool:
        return self.end > self.start

    def times(self, by: float) -> "Stage":
        return self._replace(start=self.start * by, end=self.end * by)


class Arc(NamedTuple):
    """A rise, a level stretch, a fall and a level tail; each may be missing."""

    rise: Stage | None
    flat: Stage | None
    fall: Stage | None
    tail: Stage | None

    @property
    def top(self) -> float:
        """The factor between rise and fall."""
        stage = self.flat or self.fall or self.tail
        return stage.start if stage else self.rise.end if self.rise else 0.0

    @property
    def warmup(self) -> int:
        return self.rise.steps if self.rise else 0


def stages_of(schedule: Schedule) -> tuple[Stage, ...]:
    """The stages of a schedule's learning rate; a stage of a way nobody knows is called by its plan's name."""
    plan = schedule.plan
    while isinstance(plan, bundle | reduce_on_plateau):
        plan = plan.lr if isinstance(plan, bundle) else plan.plan
    clock = Clock.of(schedule.horizon, schedule.steps_per_epoch, schedule.tokens_per_step, schedule.samples_per_step)
    return tuple(_laid([plan], schedule.horizon, clock))


def arc_of(stages: Sequence[Stage]) -> Arc | None:
    """The stages as an arc, or None where they are more than that."""
    left = list(stages)
    rise = left.pop(0) if left and left[0].rises and left[0].way in RISES else None
    flat = left.pop(0) if left and left[0].way == "level" else None
    fall = left.pop(0) if left and left[0].way != "level" and not left[0].rises else None
    tail = left.pop(0) if left and left[0].way == "level" else None
    return None if left else Arc(rise, flat, fall, tail)


RISES = ("linear", "cosine", "1-sqrt", "power", "exponential")


def _laid(plans: Sequence[Plan], steps: int, clock: Clock) -> list[Stage]:
    """The stages of plans one after the other; what they leave of the steps is level."""
    extents = [extent_of(plan, clock) for plan in plans]
    marks = boundaries(extents, steps, clock.piece, "export")
    rest = clock.piece - sum(extent for extent in extents if extent is not None)
    stages: list[Stage] = []
    for plan, extent, start, stop in zip(plans, extents, marks, marks[1:], strict=False):
        if stop > start:
            stages += _stages(plan, stop - start, clock.inside(rest if extent is None else extent))
    if stages and marks[-1] < steps:
        stages.append(_level(steps - marks[-1], stages[-1].end))
    return stages


def _stages(plan: Plan, steps: int, clock: Clock) -> list[Stage]:
    name = type(plan).__name__
    reader = READERS.get(name)
    found = reader(plan, steps, clock) if reader else None
    if found is None:
        curve = plan.lower(steps, clock)
        ends = [float(curve.at(step, SCALAR)) for step in (0, steps)]
        return [Stage(name, steps, ends[0], ends[1], steps)]
    return [stage for stage in found if stage.steps > 0]


def _level(steps: int, value: float) -> Stage:
    return Stage("level", steps, value, value, steps)


def _way(way: str, steps: int, start: float, end: float, span: int | None = None, **more: Any) -> Stage:
    return _level(steps, start) if start == end else Stage(way, steps, start, end, span or steps, more)


def _inclusive(plan: Any, steps: int) -> int:
    return max(steps - 1, 1) if plan.inclusive else steps


def _then(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    return _laid(plan.children, steps, clock)


def _scale(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    return [stage.times(plan.by) for stage in _laid([plan.plan], steps, clock)]


def _constant(plan: Any, steps: int, _clock: Clock) -> list[Stage]:
    return [_level(steps, plan.value)]


def _linear(plan: Any, steps: int, _clock: Clock) -> list[Stage]:
    return [_way("linear", steps, plan.start, plan.end, _inclusive(plan, steps))]


def _cosine(plan: Any, steps: int, _clock: Clock) -> list[Stage]:
    return [_way("cosine", steps, plan.start, plan.end, _inclusive(plan, steps))]


def _power(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    if plan.cycle:
        first = clock.whole(length_of(plan.length), "export", least=1)
        return [Stage("power cycles", steps, plan.start, plan.end, first, {"power": plan.power})]
    way = "linear" if plan.power == 1.0 else "power"
    return [_way(way, steps, plan.start, plan.end, _inclusive(plan, steps), power=plan.power)]


def _warmup(plan: Any, steps: int, _clock: Clock) -> list[Stage]:
    if plan.first == "start":
        return [_way(plan.shape, steps, plan.start, 1.0)]
    if plan.shape != "linear":
        return [Stage("warmup(first=step)", steps, plan.start, 1.0, steps)]
    first = plan.start + (1.0 - plan.start) / steps
    rise = [_way("linear", steps - 1, first, 1.0)] if steps > 1 else []
    return [*rise, _level(1, 1.0)]


def _wsd(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    exact = [clock.steps(length_of(length), "export") for length in (plan.warmup, plan.cooldown)]
    _, warm, cool, stop = boundaries([exact[0], None, exact[1]], steps, clock.piece, "export")
    if plan.stable != "constant":
        return None
    rise = [_way("linear", warm, plan.start, 1.0)] if warm else []
    fall = [_way(plan.cooldown_shape, stop - cool, 1.0, plan.end, power=plan.power)] if stop > cool else []
    return [*rise, _level(cool - warm, 1.0), *fall]


def _inverse_sqrt(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    from calando.core.plans.inverse_sqrt import timescale_of

    exact = clock.steps(length_of(plan.warmup), "export")
    warm = boundaries([exact, None], steps, clock.piece, "export")[1]
    tau = timescale_of(clock, plan.timescale, warm, "export")
    rise = [_way("linear", warm, plan.start, 1.0)] if warm else []
    left = steps - warm
    end = (tau / (tau + left)) ** 0.5
    return [*rise, *([Stage("inverse sqrt", left, 1.0, end, left, {"timescale": tau})] if left else [])]


def _one_cycle(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    length = length_of(plan.peak_at)
    up = (clock.within(steps) if length.unit == "%" else clock).whole(length, "export")
    marks = [0, up, 2 * up, steps] if plan.phases == 3 else [0, up, steps]
    levels = [plan.start, plan.peak, *([plan.start] if plan.phases == 3 else []), plan.end]
    return [
        _way(plan.anneal, b - a, levels[i], levels[i + 1])
        for i, (a, b) in enumerate(zip(marks, marks[1:], strict=False))
        if b > a
    ]


def _multistep(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    marks = [clock.whole(length_of(mark), "export") for mark in plan.milestones]
    end = plan.factor ** float(len(marks))
    return [Stage("drops", steps, 1.0, end, steps, {"at": marks, "factor": plan.factor})]


def _step_decay(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    every = clock.interval(length_of(plan.every), "export", whole=plan.staircase)
    return [_decay(steps, plan.factor, every, staircase=plan.staircase)]


def _decay(steps: int, factor: float, every: float, *, staircase: bool, delay: int = 0) -> Stage:
    end = factor ** (max(steps - delay, 0) // every if staircase else max(steps - delay, 0) / every)
    more = {"factor": factor, "every": every, "staircase": staircase, "delay": delay}
    return Stage("decay", steps, 1.0, end, steps, more)


def _exponential(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    delay = clock.whole(length_of(plan.delay), "export")
    every = clock.interval(length_of(plan.every), "export", whole=plan.staircase)
    if plan.factor is not None:
        return [_decay(steps, plan.factor, every, staircase=plan.staircase, delay=delay)]
    if plan.end is not None and not plan.staircase:
        return [_decay(steps, plan.end, steps - delay, staircase=False, delay=delay)]
    return None


def _inverse_time(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    every = clock.interval(length_of(plan.every), "export", whole=plan.staircase)
    end = 1.0 / (1.0 + plan.rate * (steps // every if plan.staircase else steps / every))
    more = {"rate": plan.rate, "every": every, "staircase": plan.staircase}
    return [Stage("inverse time", steps, 1.0, end, steps, more)]


def _restarts(plan: Any, steps: int, clock: Clock) -> list[Stage]:
    first = clock.whole(length_of(plan.first), "export", least=1)
    more = {"growth": float(plan.growth), "decay": plan.peak_decay}
    return [Stage("restarts", steps, 1.0, plan.end, first, more)]


def _repeat(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    """Falling cosines over and over, as far as they keep their height or fall to 0: warm restarts."""
    inner = plan.plan
    known = type(inner).__name__ == "cosine" and not inner.inclusive and inner.start > inner.end
    if not known or plan.times is not None or (plan.decay != 1.0 and (inner.end or plan.floor)):
        return None
    first = clock.whole(length_of(inner.length), "export", least=1)
    more = {"growth": float(plan.growth), "decay": plan.decay}
    return [Stage("restarts", steps, inner.start, inner.end, first, more)]


def _anneal(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    """One way that begins with its piece and takes whole steps, or falling cosines over and over."""
    over, offset = (clock.steps(_real(value), "export") for value in (plan.over, plan.offset))
    if offset or over.denominator > 1:
        return None
    span = int(over)
    if plan.cycle == "none" or span >= steps:
        way = _way(plan.shape, min(span, steps), plan.start, plan.end, span, power=plan.power)
        return [way, _level(steps - way.steps, plan.end)]
    if plan.cycle == "restart" and plan.shape == "cosine" and plan.start > plan.end:
        return [Stage("restarts", steps, plan.start, plan.end, span, {"growth": 1.0, "decay": 1.0})]
    return None


def _real(value: Any) -> Length:
    return value if isinstance(value, Length) else length_of(value)


def _cyclical(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    if plan.inverse:
        return None
    up = clock.whole(length_of(plan.half), "export", least=1)
    down = up if plan.down is None else clock.whole(length_of(plan.down), "export", least=1)
    more = {"up": up, "down": down, "mode": plan.mode, "gamma": plan.gamma or 1.0, "high": plan.high}
    return [Stage("triangles", steps, plan.low, plan.low, steps, more)]


def _points(plan: Any, steps: int, clock: Clock) -> list[Stage] | None:
    marks = [clock.whole(length_of(mark), "export") for mark in plan.at]
    values = list(plan.values)
    if marks[0] > 0:
        marks, values = [0, *marks], [values[0], *values]
    if plan.between == "cubic" or marks[-1] != steps:
        return None
    if plan.between == "step":
        return [_level(b - a, value) for a, b, value in zip(marks, marks[1:], values, strict=False)]
    turns = zip(marks, marks[1:], values, values[1:], strict=False)
    return [_way("linear", b - a, start, end) for a, b, start, end in turns]


READERS: dict[str, Callable[[Any, int, Clock], list[Stage] | None]] = {
    "then": _then,
    "scale": _scale,
    "constant": _constant,
    "linear_decay": _linear,
    "cosine": _cosine,
    "polynomial_decay": _power,
    "warmup": _warmup,
    "wsd": _wsd,
    "inverse_sqrt": _inverse_sqrt,
    "one_cycle": _one_cycle,
    "multistep": _multistep,
    "step_decay": _step_decay,
    "exponential_decay": _exponential,
    "inverse_time": _inverse_time,
    "warm_restarts": _restarts,
    "cyclical": _cyclical,
    "points": _points,
    "repeat": _repeat,
    "anneal": _anneal,
}
