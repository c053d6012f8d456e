"""What timm's schedulers mean: living ones, read by their attributes."""

import math
from collections.abc import Callable
from typing import Any, Final

from calando.core.plan import Plan
from calando.errors import Unconvertible, shown
from calando.peers.asked import check_asked
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import chain, drops, every_so_often
from calando.peers.timm_cycles import from_cycles
from calando.peers.timm_plateau import from_plateau
from calando.peers.timm_reading import Timm
from calando.peers.timm_wsd import from_wsd

__all__ = ["from_timm"]


def from_timm(scheduler: Any, *, quirks: bool = True, per: str | None = None) -> Converted:
    """A scheduler of timm as plans, one per parameter group.

    Formula: that of timm's class; absolute floors and warm-up rates become factors of each group's own rate.

    Args:
        scheduler: a living scheduler of timm.scheduler, or the pair that create_scheduler_v2 returns.
        quirks: equal timm at every step, or (False) the plan that was probably meant, all differences listed.
        per: "step" or "epoch": whether timm's t counts updates or epochs; left out, what the scheduler says itself.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say: noise, functions, clocks that run out.
        BadName: for another `per`.

    Example:
        >>> import calando
        >>> class CosineLRScheduler:  # stands for timm's own
        ...     t_initial, lr_min, warmup_t, warmup_lr_init, warmup_prefix = 90, 0.0, 10, 0.0, True
        ...     cycle_mul = cycle_decay = k_decay = 1.0
        ...     cycle_limit, t_in_epochs, noise_range_t, base_values = 1, False, None, [0.1]
        ...     optimizer = None
        >>> found = calando.peers.from_timm(CosineLRScheduler())
        >>> str(found.plan), found.bases, found.horizon
        ('warmup(10) | cosine(length=90)', (0.1,), 100)

    Source: timm.scheduler.
    """
    if isinstance(scheduler, tuple) and len(scheduler) == 2:
        scheduler = scheduler[0]
    kind = type(scheduler).__name__
    if kind not in MAKERS or not hasattr(scheduler, "base_values"):
        raise Unconvertible(
            given=f"{shown(scheduler)} ({kind})", allowed="a scheduler of timm: " + ", ".join(MAKERS),
            where="from_timm(scheduler)", fix="give the scheduler itself; for one of torch use from_torch",
        )  # fmt: skip
    check_asked("from_timm", quirks=quirks, per="step" if per is None else per)
    if getattr(scheduler, "noise_range_t", None) is not None:
        raise Unconvertible(
            given=f"noise on the learning rate from t={shown(scheduler.noise_range_t)} on",
            allowed="schedules without noise, since random numbers have no closed form", where=f"from_timm({kind})",
            fix="make the scheduler without noise",
        )  # fmt: skip
    by_epoch = (kind == "PlateauLRScheduler" or scheduler.t_in_epochs) if per is None else per == "epoch"
    return MAKERS[kind](Timm(scheduler), quirks, by_epoch)


Pair = tuple[Plan, Plan]


def _each(timm: Timm, quirks: bool, by_epoch: bool, plans: Callable[[float], Pair], reason: str,
          own: int) -> Converted:  # fmt: skip
    groups = [Group(*plans(rate), base) for rate, base in zip(timm.rates, timm.bases, strict=True)]
    return finish("timm", groups, quirks, by_epoch=by_epoch, own=own, reasons=[reason])


def _multistep(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    marks = [number(m, "from_timm(MultiStepLRScheduler.decay_t)") for m in timm.scheduler.decay_t]
    factor = timm.number("decay_rate", 0.0)
    if any(a > b for a, b in zip(marks, marks[1:], strict=False)):
        raise timm.refuse("decay_t that does not rise", "milestones that rise", "sort decay_t")
    entered = 0 if timm.prefix else timm.width

    def stairs(early: int) -> Plan:
        first = early if not timm.width else 0  # at t=0 the constructor has left each group its own rate
        changes = [(max(math.ceil(m) - early - entered, first), factor ** (i + 1)) for i, m in enumerate(marks)]
        latest = dict(changes)  # of milestones at one step, all count
        return drops(sorted(latest.items()), 1.0)

    def plans(rate: float) -> Pair:
        return chain(timm.rise(rate), stairs(1)), chain(timm.rise(rate), stairs(0))

    own = timm.width + int(max(marks, default=0)) + 1
    return _each(timm, quirks, by_epoch, plans, "timm takes a new value one step before its milestone", own)


def _step(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    every, factor = timm.number("decay_t"), timm.number("decay_rate", 0.0)
    entered = 0 if timm.prefix else timm.width
    stairs = every_so_often(every, factor, entered) if every > 0 else None
    if stairs is None:
        raise timm.refuse(f"drops every {every:g} steps, entered at {entered}",
                          "an interval of at least one step, a decimal of few places, its clock starting with it",
                          "use whole steps, or warmup_prefix=True")  # fmt: skip
    meant = every_so_often(every, factor)

    def plans(rate: float) -> Pair:
        return chain(timm.rise(rate), stairs), chain(timm.rise(rate), meant)

    reason = "timm counts its intervals from the start of the warm-up (warmup_prefix=False)"
    return _each(timm, quirks, by_epoch, plans, reason, timm.width + 3 * math.ceil(every))


MAKERS: Final[dict[str, Callable[[Timm, bool, bool], Converted]]] = {
    "CosineLRScheduler": from_cycles,
    "MultiStepLRScheduler": _multistep,
    "PlateauLRScheduler": from_plateau,
    "PolyLRScheduler": from_cycles,
    "StepLRScheduler": _step,
    "TanhLRScheduler": from_cycles,
    "WSDLRScheduler": from_wsd,
}
