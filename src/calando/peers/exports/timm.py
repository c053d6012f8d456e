"""timm's own schedulers: arguments of `create_scheduler_v2`, counted in updates."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from calando.core.schedule import Schedule
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.stages import WAYS, Arc, Stage, arc_of, neat, stages_of

__all__ = ["to_timm"]

WHO = "to_timm"
HAS = (
    "a linear rise to the peak, then constant, cosine (also in cycles), polynomial, drops, inverse square root, or "
    "level and a cooldown"
)
Value = Callable[[int], float]


def to_timm(schedule: Schedule, peak: float) -> dict[str, Any]:
    """The arguments of timm's `create_scheduler_v2` whose scheduler equals the schedule, one call per update.

    The optimizer's own rate must be the peak; call `scheduler.step_update(t)` before update t, from 0 on. A group with
    another base falls to the same absolute floor there, with us to its share of it.

    Args:
        schedule: what to say; the factor between rise and fall must be 1.
        peak: learning rate that factor 1 stands for, > 0.

    Raises:
        Unconvertible: when none of its kinds is equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_timm
        >>> found = to_timm(calando.parse("warmup(10%) | cosine(end=0.1)").bind(1000), peak=0.1)
        >>> found["sched"], found["num_epochs"], found["warmup_epochs"], round(found["min_lr"], 9)
        ('cosine', 900, 100, 0.01)

    Source: timm/scheduler/scheduler_factory.py, create_scheduler_v2.
    """
    schedule, peak = checked(schedule, peak, WHO)
    arc = arc_of(stages_of(schedule)) if schedule.rule is None else None
    found = _candidates(arc, peak) if arc else ()
    config: dict[str, Any] = chosen(schedule, peak, found, who=WHO, has=HAS)
    return config


def _candidates(arc: Arc, peak: float) -> Iterator[Candidate]:
    fall = arc.fall
    if fall is None:
        yield _made(arc, peak, "constant", 1, lambda _: peak)
        return
    if not arc.flat:
        yield from _falls(arc, fall, peak)
    if fall.way in WAYS:
        yield from _stable(arc, fall, peak)


def _made(arc: Arc, peak: float, sched: str, length: int, after: Value, **more: Any) -> Candidate:
    """The arguments with the warm-up in front, and their values: `after` counts from its end."""
    warm = arc.warmup
    low = neat(peak * arc.rise.start) if arc.rise else 0.0
    config = {
        "sched": sched, "num_epochs": length, "warmup_epochs": warm, "warmup_lr": low, "warmup_prefix": True,
        "step_on_epochs": False, "updates_per_epoch": 1, **more,
    }  # fmt: skip

    def value(t: int) -> float:
        return low + t * ((peak - low) / warm) if t < warm else after(t - warm)

    return Candidate(f"sched={sched}", config, value)


def _falls(arc: Arc, fall: Stage, peak: float) -> Iterator[Candidate]:
    low, span = neat(peak * fall.end), fall.span
    if fall.way == "cosine":

        def cosine(t: int) -> float:
            return low + (peak - low) * WAYS["cosine"](t / span) if t < span else low

        yield _made(arc, peak, "cosine", span, cosine, min_lr=low)
    if fall.way in ("linear", "power"):
        power = float(fall.more.get("power", 1.0))

        def line(t: int) -> float:
            return low + (peak - low) * (1 - t / span) ** power if t < span else low

        yield _made(arc, peak, "poly", span, line, min_lr=low, decay_rate=power)
    if fall.way == "drops":
        late = [mark + 1 for mark in fall.more["at"]]  # timm drops one update before its milestone
        factor = fall.more["factor"]
        yield _made(
            arc, peak, "multistep", fall.steps, lambda t: peak * factor ** bisect_right(late, t + 1),
            decay_milestones=late, decay_rate=factor,
        )  # fmt: skip
    if fall.way == "decay":
        every, factor = fall.more["every"], fall.more["factor"]
        yield _made(
            arc,
            peak,
            "step",
            fall.steps,
            lambda t: peak * factor ** (t // every),
            decay_epochs=every,
            decay_rate=factor,
        )
    if fall.way == "inverse sqrt":
        tau = fall.more["timescale"]
        yield _made(
            arc, peak, "rsqrt", fall.steps, lambda t: peak * (1.0 + t / tau) ** -0.5,
            stable_timescale=tau, decay_epochs=1, min_lr=0.0,
        )  # fmt: skip
    if fall.way == "restarts":
        yield _cycles(arc, fall, peak)


def _cycles(arc: Arc, fall: Stage, peak: float) -> Candidate:
    low, first, growth, decay = neat(peak * fall.end), fall.span, fall.more["growth"], fall.more["decay"]
    count, reached = 0, 0.0
    while reached < fall.steps and count < 10_000:
        reached += first * growth**count
        count += 1

    def value(t: int) -> float:
        i = t // first if growth == 1 else math.floor(math.log(1 - t / first * (1 - growth), growth))
        length = first * growth**i
        here = t - first * i if growth == 1 else t - (1 - growth**i) / (1 - growth) * first
        return low + (peak * decay**i - low) * WAYS["cosine"](here / length) if i < count else low

    return _made(arc, peak, "cosine", first, value, min_lr=low, cycle_mul=growth, cycle_decay=decay, cycle_limit=count)


def _stable(arc: Arc, fall: Stage, peak: float) -> Iterator[Candidate]:
    low, flat, span = neat(peak * fall.end), arc.flat.steps if arc.flat else 0, fall.span
    way = WAYS[fall.way]

    def value(t: int) -> float:
        return low + (peak - low) * way(min(max(t - flat, 0) / span, 1.0))

    yield _made(
        arc, peak, "wsd", flat + span, value,
        decay_epochs=span, decay_fn=fall.way, min_lr=low,
    )  # fmt: skip
