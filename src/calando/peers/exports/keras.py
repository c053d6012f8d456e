"""Keras' own schedules, as the config that `keras.optimizers.schedules.deserialize` reads."""

import math
from collections.abc import Iterator
from typing import Any

from calando.core.schedule import Schedule
from calando.errors import Unconvertible
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.stages import WAYS, Arc, Stage, arc_of, neat, stages_of

__all__ = ["to_keras"]

WHO = "to_keras"
HAS = (
    "a linear rise and a cosine; or, without a rise, a cosine, equal cosine cycles, a polynomial (also in cycles), "
    "an exponential, inverse time, or levels"
)
EXACT = 2**24
"""Keras counts in float32: beyond this, steps run into one another."""


def to_keras(schedule: Schedule, peak: float) -> dict[str, Any]:
    """Keras' own learning-rate schedule that equals the schedule, as a config to deserialize.

    Equal to what float32 holds, at every update of the run and past its end.

    Args:
        schedule: what to say, over at most 2^24 steps.
        peak: learning rate that factor 1 stands for, > 0.

    Raises:
        Unconvertible: when none of its classes is equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_keras
        >>> found = to_keras(calando.parse("warmup(10%) | cosine(end=0.1)").bind(1000), peak=0.5)
        >>> found["class_name"], found["config"]["decay_steps"], found["config"]["warmup_target"]
        ('CosineDecay', 900, 0.5)

    Source: keras/src/optimizers/schedules/learning_rate_schedule.py.
    """
    schedule, peak = checked(schedule, peak, WHO)
    if schedule.horizon > EXACT:
        raise Unconvertible(
            given=f"a horizon of {schedule.horizon} steps",
            allowed="at most 2^24: Keras counts in float32, which takes two steps for one beyond that",
            where=WHO,
            fix="export our schedule for Keras instead (--form code)",
        )
    stages = stages_of(schedule) if schedule.rule is None else ()
    if len(stages) == 1 and stages[0].way == "level":
        raise Unconvertible(
            given="a learning rate that never changes",
            allowed="a schedule of Keras' own, which all change",
            where=WHO,
            fix=f"give the optimizer the number: learning_rate={neat(peak * stages[0].start)!r}",
        )
    config: dict[str, Any] = chosen(schedule, peak, _candidates(stages, peak), who=WHO, has=HAS)
    return config


def _made(name: str, value: Any, **config: Any) -> Candidate:
    spelled = {
        "module": "keras.optimizers.schedules",
        "class_name": name,
        "config": {**config, "name": name},
        "registered_name": None,
    }
    return Candidate(name, spelled, value)


def _candidates(stages: tuple[Stage, ...], peak: float) -> Iterator[Candidate]:
    if len(stages) > 1 and all(stage.way == "level" for stage in stages):
        yield _levels(stages, peak)
    arc = arc_of(stages) if stages else None
    if arc is None or arc.fall is None or arc.flat or arc.top <= 0.0:
        return
    fall = arc.fall
    if arc.rise is None:
        yield from _falls(fall, peak)
    if fall.way == "cosine":
        yield _cosine(arc, fall, peak)


def _cosine(arc: Arc, fall: Stage, peak: float) -> Candidate:
    top, warm, span, alpha = neat(peak * arc.top), arc.warmup, fall.span, neat(fall.end / arc.top)
    low = neat(peak * arc.rise.start) if arc.rise else top
    config: dict[str, Any] = {"initial_learning_rate": low, "decay_steps": span, "alpha": alpha}
    config |= {"warmup_target": top, "warmup_steps": warm} if warm else {"warmup_target": None, "warmup_steps": 0}

    def value(t: int) -> float:
        if t < warm:
            return (top - low) * (t / warm) + low
        return top * ((1 - alpha) * WAYS["cosine"](min(t - warm, span) / span) + alpha)

    return _made("CosineDecay", value, **config)


def _falls(fall: Stage, peak: float) -> Iterator[Candidate]:
    top, low, span = neat(peak * fall.start), neat(peak * fall.end), fall.span
    every, staircase = fall.more.get("every", 1), fall.more.get("staircase", False)

    def share(t: int) -> float:
        return float(t // every if staircase else t / every)

    if fall.way in ("linear", "power", "power cycles"):
        power, cycle = float(fall.more.get("power", 1.0)), fall.way == "power cycles"

        def line(t: int) -> float:
            length = span * max(1, math.ceil(t / span)) if cycle else span
            return float((top - low) * (1 - min(t, length) / length) ** power + low)

        yield _made(
            "PolynomialDecay", line, initial_learning_rate=top, decay_steps=span, end_learning_rate=low,
            power=power, cycle=cycle,
        )  # fmt: skip
    if fall.way == "decay":
        factor = fall.more["factor"]
        yield _made(
            "ExponentialDecay", lambda t: top * factor ** share(t), initial_learning_rate=top, decay_steps=every,
            decay_rate=factor, staircase=staircase,
        )  # fmt: skip
    if fall.way == "inverse time":
        rate = fall.more["rate"]
        yield _made(
            "InverseTimeDecay", lambda t: top / (1.0 + rate * share(t)), initial_learning_rate=top, decay_steps=every,
            decay_rate=rate, staircase=staircase,
        )  # fmt: skip
    if fall.way == "restarts" and fall.more["growth"] == 1.0:
        # where cycles grow, Keras finds the cycle by a float32 logarithm, which may miss it at a restart
        alpha, decay = neat(fall.end / fall.start), fall.more["decay"]
        yield _made(
            "CosineDecayRestarts",
            lambda t: top * ((1 - alpha) * decay ** (t // span) * WAYS["cosine"](t % span / span) + alpha),
            initial_learning_rate=top, first_decay_steps=span, t_mul=1.0, m_mul=decay, alpha=alpha,
        )  # fmt: skip
    if fall.way == "drops":
        marks, factor = fall.more["at"], fall.more["factor"]
        steps = [Stage("level", 1, fall.start * factor**i, 0.0, 1) for i in range(len(marks) + 1)]
        lasts = [b - a for a, b in zip([0, *marks], [*marks, fall.steps], strict=True)]
        levels = [stage._replace(steps=last) for stage, last in zip(steps, lasts, strict=True) if last > 0]
        if len(levels) > 1:
            yield _levels(levels, peak)


def _levels(stages: Any, peak: float) -> Candidate:
    """Keras keeps a value up to and with its boundary, so each stands one step before ours."""
    starts: list[int] = [0]
    for stage in stages[:-1]:
        starts.append(starts[-1] + stage.steps)
    values: list[float] = [neat(peak * stage.start) for stage in stages]

    def value(t: int) -> float:
        return values[sum(start <= t for start in starts) - 1]

    return _made("PiecewiseConstantDecay", value, boundaries=[s - 1 for s in starts[1:]], values=values)
