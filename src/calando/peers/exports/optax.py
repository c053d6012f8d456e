"""optax's own schedules: code that needs no Calando."""

import math
from collections.abc import Callable
from typing import NamedTuple

from calando.core.schedule import Schedule
from calando.errors import Unconvertible
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.keras import EXACT
from calando.peers.exports.stages import WAYS, Stage, arc_of, neat, stages_of

__all__ = ["to_optax"]

WHO = "to_optax"
HAS = (
    "levels, straight lines, falling cosines and powers, rising cosines from above 0, exponentials, drops and equal "
    "cosine cycles, one after the other"
)
MOST = 200
"""Schedules that are joined at the most."""


class Part(NamedTuple):
    """A piece of the run in optax's words: code for a rate, and its value."""

    code: str
    steps: int
    value: Callable[[int], float]


def to_optax(schedule: Schedule, peak: float) -> str:
    """Code that builds optax's own schedule, equal to ours: a function from the count to the learning rate.

    Equal to what float32 holds, at every update of the run.

    Args:
        schedule: what to say, over at most 2^24 steps.
        peak: learning rate that factor 1 stands for, > 0.

    Raises:
        Unconvertible: when optax has nothing equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_optax
        >>> print(to_optax(calando.parse("warmup(10%) | cosine(end=0.1)").bind(1000), peak=0.5))
        import optax
        <BLANKLINE>
        learning_rate = optax.warmup_cosine_decay_schedule(
            init_value=0.0, peak_value=0.5, warmup_steps=100, decay_steps=1000, end_value=0.05
        )

    Source: optax/schedules/_schedule.py, join_schedules.
    """
    schedule, peak = checked(schedule, peak, WHO)
    if schedule.horizon > EXACT:
        raise Unconvertible(
            given=f"a horizon of {schedule.horizon} steps",
            allowed="at most 2^24: optax computes in float32, which takes two steps for one beyond that",
            where=WHO,
            fix="export our function for optax instead (--form code)",
        )
    stages = stages_of(schedule) if schedule.rule is None else ()
    parts = _parts(stages, peak)
    code: str = chosen(schedule, peak, [_candidate(stages, parts, peak)] if parts else (), who=WHO, has=HAS)
    return code


def _parts(stages: tuple[Stage, ...], peak: float) -> list[Part]:
    """The parts of all stages; none where one of them has no words in optax."""
    parts: list[Part] = []
    for stage in stages:
        found = _of(stage, peak)
        if not found or len(parts) + len(found) > MOST:
            return []
        parts += found
    return parts


def _candidate(stages: tuple[Stage, ...], parts: list[Part], peak: float) -> Candidate:
    starts = [0]
    for part in parts[:-1]:
        starts.append(starts[-1] + part.steps)

    def value(t: int) -> float:
        i = sum(start <= t for start in starts) - 1 if len(starts) < 8 else _last(starts, t)
        return parts[i].value(t - starts[i])

    return Candidate("of its schedules joined", f"import optax\n\n{_spelled(stages, parts, starts, peak)}", value)


def _last(starts: list[int], t: int) -> int:
    from bisect import bisect_right

    return bisect_right(starts, t) - 1


def _spelled(stages: tuple[Stage, ...], parts: list[Part], starts: list[int], peak: float) -> str:
    arc = arc_of(stages)
    known = arc and arc.rise and arc.fall and not arc.flat and not arc.tail
    if arc and arc.rise and arc.fall and known and (arc.rise.way, arc.fall.way) == ("linear", "cosine"):
        warm = arc.rise.steps
        words = [
            f"init_value={_number(peak * arc.rise.start)}", f"peak_value={_number(peak * arc.top)}",
            f"warmup_steps={warm}", f"decay_steps={warm + arc.fall.span}", f"end_value={_number(peak * arc.fall.end)}",
        ]  # fmt: skip
        return f"learning_rate = optax.warmup_cosine_decay_schedule(\n    {', '.join(words)}\n)"
    if len(parts) == 1:
        return f"learning_rate = {parts[0].code}"
    if len(parts) > 4 and len({part.code for part in parts}) == 1:
        cycle, count = parts[0], len(parts)
        marks = f"[{cycle.steps} * i for i in range(1, {count})]"
        return f"cycle = {cycle.code}\nlearning_rate = optax.join_schedules([cycle] * {count}, {marks})"
    inside = "".join(f"        {part.code},\n" for part in parts)
    return f"learning_rate = optax.join_schedules(\n    [\n{inside}    ],\n    boundaries={starts[1:]},\n)"


def _number(value: float) -> str:
    return repr(neat(value))


def _of(stage: Stage, peak: float) -> list[Part]:
    a, b, n, steps = peak * stage.start, peak * stage.end, stage.span, stage.steps
    start, end = _number(a), _number(b)
    more = stage.more

    def part(code: str, value: Callable[[int], float]) -> list[Part]:
        return [Part(f"optax.{code}", steps, value)]

    def fallen(weight: Callable[[float], float]) -> Callable[[int], float]:
        return lambda t: b + (a - b) * weight(min(t, n) / n)

    if stage.way == "level":
        return part(f"constant_schedule({start})", lambda _: a)
    if stage.way == "linear":
        return part(f"linear_schedule({start}, {end}, transition_steps={n})", fallen(WAYS["linear"]))
    if stage.way == "power":
        power = float(more["power"])
        code = f"polynomial_schedule({start}, {end}, power={power!r}, transition_steps={n})"
        return part(code, fallen(lambda x: (1.0 - x) ** power))
    if stage.way == "cosine" and not stage.rises:
        return part(f"cosine_decay_schedule({start}, decay_steps={n}, alpha={_number(b / a)})", fallen(WAYS["cosine"]))
    if stage.way == "cosine" and a > 0.0:
        code = f'piecewise_interpolate_schedule("cosine", {start}, {{{n}: {_number(b / a)}}})'
        return part(code, fallen(WAYS["cosine"]))
    if stage.way == "exponential" and a > 0.0:
        code = f"exponential_decay({start}, transition_steps={n}, decay_rate={_number(b / a)})"
        return part(code, lambda t: a * (b / a) ** (t / n))
    if stage.way == "decay":
        every, factor, staircase, delay = (more[name] for name in ("every", "factor", "staircase", "delay"))
        tail = (f", transition_begin={delay}" if delay else "") + (", staircase=True" if staircase else "")
        code = f"exponential_decay({start}, transition_steps={every}, decay_rate={factor!r}{tail})"

        def value(t: int) -> float:
            x = max(t - delay, 0) / every
            return float(a * factor ** (math.floor(x) if staircase else x))

        return part(code, value)
    if stage.way == "drops":
        marks, factor = more["at"], more["factor"]
        code = f"piecewise_constant_schedule({start}, {{{', '.join(f'{mark}: {factor!r}' for mark in marks)}}})"
        return part(code, lambda t: float(a * factor ** sum(t >= mark for mark in marks)))
    if stage.way == "restarts" and more["growth"] == 1.0:
        cycles = [stage.start * max(more["decay"] ** i, stage.end / stage.start) for i in range(-(-steps // n))]
        return [_cycle(peak * top, b, n, min(n, steps - n * i)) for i, top in enumerate(cycles[: MOST + 1])]
    return []


def _cycle(top: float, low: float, span: int, steps: int) -> Part:
    code = f"optax.cosine_decay_schedule({_number(top)}, decay_steps={span}, alpha={_number(low / top)})"
    return Part(code, steps, lambda t: low + (top - low) * WAYS["cosine"](t / span))
