"""DeepSpeed's own schedulers: the "scheduler" block of its JSON config."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from calando.core.schedule import Schedule
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.stages import WAYS, Arc, arc_of, neat, stages_of

__all__ = ["to_deepspeed"]

WHO = "to_deepspeed"
HAS = "a first update at the lowest rate and everything after it one update late, as DeepSpeed counts"


def to_deepspeed(schedule: Schedule, peak: float) -> dict[str, Any]:
    """The "scheduler" block of a DeepSpeed config that equals the schedule at every update of the run.

    DeepSpeed gives update t what its formula says of t-1, and the lowest rate to the first; so of plans that rise, only
    those that wait for one update, such as `constant(0, 1) | warmup(100) | constant()`, are the same there.

    Args:
        schedule: what to say.
        peak: learning rate that factor 1 stands for, > 0; WarmupCosineLR takes it from the optimizer's block.

    Raises:
        Unconvertible: when none of its classes is equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_deepspeed
        >>> plan = calando.parse("constant(0, 1) | warmup(100) | constant()")
        >>> to_deepspeed(plan.bind(1000), peak=3e-4)["params"]["warmup_num_steps"]
        100

    Source: deepspeed/runtime/lr_schedules.py.
    """
    schedule, peak = checked(schedule, peak, WHO)
    stages = list(stages_of(schedule))
    if len(stages) > 1 and stages[0].way == "level" and stages[0].steps == 1:
        stages.pop(0)
    arc = arc_of(stages)
    found = _candidates(arc, peak) if arc and schedule.rule is None else ()
    config: dict[str, Any] = chosen(schedule, peak, found, who=WHO, has=HAS)
    return config


def _late(first: float, value: Callable[[int], float]) -> Callable[[int], float]:
    return lambda t: value(t - 1) if t else first


def _candidates(arc: Arc, peak: float) -> Iterator[Candidate]:
    rate, fall = neat(peak * arc.top), arc.fall
    if fall is None:
        yield from _warmups(arc, rate)
        return
    warm = max(arc.warmup, 2)
    low = neat(peak * (arc.rise.start if arc.rise else fall.end))
    total = warm + (arc.flat.steps if arc.flat else 0) + fall.span
    if fall.way == "linear":
        params = {
            "total_num_steps": total, "warmup_min_lr": low, "warmup_max_lr": rate,
            "warmup_num_steps": warm, "warmup_type": "linear",
        }  # fmt: skip

        def line(t: int) -> float:
            gamma = t / warm if t < warm else max(0.0, (total - t) / max(1.0, total - warm))
            return low + (rate - low) * gamma

        yield Candidate("WarmupDecayLR", {"type": "WarmupDecayLR", "params": params}, _late(low, line))
    if fall.way == "cosine":
        start, floor = neat(low / rate) if arc.rise else 0.0, neat(fall.end / arc.top)
        params = {
            "total_num_steps": total, "warmup_min_ratio": start, "warmup_num_steps": warm,
            "cos_min_ratio": floor, "warmup_type": "linear",
        }  # fmt: skip

        def cosine(t: int) -> float:
            if t < warm:
                return rate * (start + (1.0 - start) * t / warm)
            return rate * (floor + (1.0 - floor) * WAYS["cosine"](min(1.0, (t - warm + 1) / max(1, total - warm))))

        yield Candidate("WarmupCosineLR", {"type": "WarmupCosineLR", "params": params}, _late(0.0, cosine))


def _warmups(arc: Arc, rate: float) -> Iterator[Candidate]:
    warm = max(arc.warmup, 2)
    low = neat(rate * arc.rise.start / arc.top) if arc.rise and arc.top else rate
    params = {"warmup_min_lr": low, "warmup_max_lr": rate, "warmup_num_steps": warm, "warmup_type": "linear"}

    def value(t: int) -> float:
        return low + (rate - low) * t / warm if t < warm else rate

    yield Candidate("WarmupLR", {"type": "WarmupLR", "params": params}, _late(low, value))
    if warm > 2 or arc.rise:
        logarithm = params | {"warmup_type": "log"}

        def by_logarithm(t: int) -> float:
            return low + (rate - low) * math.log(t + 1) / math.log(warm) if t < warm else rate

        yield Candidate("WarmupLR (log)", {"type": "WarmupLR", "params": logarithm}, _late(low, by_logarithm))
