"""Hugging Face's own schedulers: arguments of `TrainingArguments` that need no Calando."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from calando.core.schedule import Schedule
from calando.errors import Unconvertible
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.stages import WAYS, Arc, Stage, arc_of, neat, stages_of

__all__ = ["to_transformers"]

WHO = "to_transformers"
HAS = (
    "a linear rise from 0, then constant, linear, cosine, polynomial, inverse square root, equal cosine cycles, "
    "or level and a cooldown"
)


def to_transformers(schedule: Schedule, peak: float) -> dict[str, Any]:
    """The arguments of `TrainingArguments` by which Transformers' own scheduler equals the schedule.

    Equal at every update of the run. Past its end they part: Transformers' cosine rises again, ours holds.

    Args:
        schedule: what to say; its horizon becomes `max_steps`.
        peak: learning rate that factor 1 stands for, > 0; groups with other rates need our scheduler.

    Raises:
        Unconvertible: when none of its kinds is equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_transformers
        >>> found = to_transformers(calando.parse("warmup(10%) | cosine(end=0.1)").bind(1000), peak=3e-4)
        >>> found["lr_scheduler_type"], found["warmup_steps"], found["lr_scheduler_kwargs"]
        ('cosine_with_min_lr', 100, {'min_lr_rate': 0.1})

    Source: transformers/optimization.py, get_scheduler.
    """
    schedule, peak = checked(schedule, peak, WHO)
    if schedule.rule is not None:
        return _listening(schedule, peak)
    arc = arc_of(stages_of(schedule))
    found = _candidates(arc, peak, schedule.horizon) if arc and arc.top > 0.0 else ()
    config: dict[str, Any] = chosen(schedule, peak, found, who=WHO, has=HAS)
    return config


def _arguments(kind: str, rate: float, warmup: int, horizon: int, **kwargs: Any) -> dict[str, Any]:
    return {
        "learning_rate": neat(rate),
        "lr_scheduler_type": kind,
        "lr_scheduler_kwargs": kwargs,
        "warmup_steps": warmup,
        "max_steps": horizon,
    }


def _candidates(arc: Arc, peak: float, horizon: int) -> Iterator[Candidate]:
    rate, warm, top, fall = peak * arc.top, arc.warmup, arc.top, arc.fall
    left = max(1, horizon - warm)

    def made(kind: str, value: Callable[[int], float], name: str = "", **kwargs: Any) -> Candidate:
        def all_of_it(t: int) -> float:
            return rate * (t / max(1, warm) if t < warm else value(t))

        return Candidate(name or kind, _arguments(kind, rate, warm, horizon, **kwargs), all_of_it)

    if fall is None:
        yield made("constant_with_warmup" if warm else "constant", lambda _: 1.0)
        return
    low = neat(fall.end / top)
    if not arc.flat:
        if fall.way == "linear":
            yield made("linear", lambda t: max(0.0, (horizon - t) / left))
        if fall.way in ("linear", "power"):
            power = float(fall.more.get("power", 1.0))
            yield made(
                "polynomial",
                lambda t: (1.0 - low) * (1 - (t - warm) / left) ** power + low,
                power=power,
                lr_end=neat(low * rate),
            )
        if fall.way == "cosine":
            yield made("cosine", lambda t: max(0.0, WAYS["cosine"]((t - warm) / left)))
            yield made(
                "cosine_with_min_lr",
                lambda t: max(0.0, WAYS["cosine"]((t - warm) / left) * (1 - low) + low),
                min_lr_rate=low,
            )
            yield _early_cosine(arc, fall, peak, horizon)
        if fall.way == "inverse sqrt":
            tau = fall.more["timescale"]
            yield made("inverse_sqrt", lambda t: 1.0 / math.sqrt((t + tau - warm) / tau), timescale=tau)
        if fall.way == "restarts":
            cycles = left / fall.span
            cycles = int(cycles) if cycles.is_integer() else cycles
            yield made(
                "cosine_with_restarts",
                lambda t: max(0.0, WAYS["cosine"]((cycles * ((t - warm) / left)) % 1.0)),
                num_cycles=cycles,
            )
    if fall.way in WAYS and (arc.rise is None or arc.rise.way in WAYS):
        yield _stable(arc, fall, peak, horizon)


def _early_cosine(arc: Arc, fall: Stage, peak: float, horizon: int) -> Candidate:
    """The kind whose peak is one update before the end of the warm-up and whose floor is the last update's."""
    rate, warm, low = peak * arc.top, arc.warmup + 1, neat(fall.end / arc.top)
    start = neat(arc.rise.start / arc.top) if arc.rise else 1.0
    kwargs = {"min_lr_rate": low} | ({"warmup_lr_rate": start} if warm > 1 else {})

    def value(t: int) -> float:
        if t < warm:
            return rate * (start + (1.0 - start) * t / max(1, warm - 1))
        return rate * max(0.0, WAYS["cosine"]((t - warm + 1.0) / max(1, horizon - warm)) * (1 - low) + low)

    return Candidate(
        "cosine_warmup_with_min_lr",
        _arguments("cosine_warmup_with_min_lr", rate, warm, horizon, **kwargs),
        value,
    )


def _stable(arc: Arc, fall: Stage, peak: float, horizon: int) -> Candidate:
    """Warm-up, stable, decay; rise and decay end at the same floor there."""
    rate, warm, low = peak * arc.top, arc.warmup, neat(fall.end / arc.top)
    flat = horizon - warm - fall.steps
    rise_way = arc.rise.way if arc.rise else "linear"

    def value(t: int) -> float:
        if t < warm:
            return rate * ((1.0 - low) * _risen(rise_way, t / warm) + low)
        if t < warm + flat:
            return rate
        return rate * ((1.0 - low) * WAYS[fall.way]((t - warm - flat) / fall.steps) + low)

    kwargs = {"num_decay_steps": fall.steps, "warmup_type": rise_way, "decay_type": fall.way, "min_lr_ratio": low}
    return Candidate("warmup_stable_decay", _arguments("warmup_stable_decay", rate, warm, horizon, **kwargs), value)


def _risen(way: str, x: float) -> float:
    return (
        x if way == "linear" else 0.5 * (1.0 - math.cos(math.pi * x)) if way == "cosine" else 1.0 - math.sqrt(1.0 - x)
    )


def _listening(schedule: Schedule, peak: float) -> dict[str, Any]:
    """PyTorch's ReduceLROnPlateau, stepped by the Trainer with every evaluation."""
    kwargs = plateau_arguments(schedule, peak, WHO)
    return _arguments("reduce_lr_on_plateau", kwargs.pop("rate"), 0, schedule.horizon, **kwargs)


def plateau_arguments(schedule: Schedule, peak: float, who: str) -> dict[str, Any]:
    """The arguments of PyTorch's ReduceLROnPlateau that equal the schedule's rule, and the rate it starts from.

    Raises:
        Unconvertible: for a rule that counts as Keras does, for a relative threshold, or a schedule that also moves.
    """
    rule = schedule.rule
    facts = schedule.facts
    if rule is None or facts.jumps or facts.peak != facts.mean:
        raise Unconvertible(
            given="a plan that moves and listens, too",
            allowed="a listener around constant(), since ReduceLROnPlateau starts from one rate",
            where=who,
            fix="export the code of that host instead (--form code)",
        )
    by_size = rule.threshold_mode == "relative" and rule.threshold > 0.0 and rule.margin == "size"
    if rule.convention != "torch" or by_size:
        told = (
            "convention=keras" if rule.convention != "torch" else f"threshold={rule.threshold:g} of the metric's size"
        )
        raise Unconvertible(
            given=f"a listener with {told}",
            allowed="convention=torch, and margin=signed or an absolute threshold: PyTorch's relative threshold is of "
            "the metric itself, so that one below 0 never counts as better",
            where=who,
            fix="write margin=signed, or export the code of that host instead (--form code)",
        )
    rate = peak * facts.peak
    return {
        "rate": rate,
        "mode": rule.mode,
        "factor": rule.factor,
        "patience": rule.patience,
        "threshold": rule.threshold,
        "threshold_mode": "abs" if rule.threshold_mode == "absolute" else "rel",
        "cooldown": rule.cooldown,
        "min_lr": neat(rate * rule.min_scale),
        "eps": neat(rate * rule.least_change),
    }
