"""torch's schedulers under ignite's LRScheduler, which asks them for rates without ever stepping them."""

import math
from collections.abc import Sequence
from typing import Any

from calando.core.plan import Plan
from calando.peers.ahead import ahead
from calando.peers.ignite_cycles import Values, refuse
from calando.peers.legs import chain, level, scaled
from calando.peers.torch import kind_of, read
from calando.peers.torch_course import Course, Maker, groups_of, rate_of, value_of

__all__ = ["wrapped_values"]

AGAIN = "ignite asks torch's {0} for its first rate a second time, so that its first step is applied twice"
EARLY = "ignite restarts torch's warm restarts one event early"
ABOVE = "ignite's first rate of torch's cosine lies above the base rate"


def wrapped_values(
    handler: Any, quirks: bool, found: Sequence[float] | None = None
) -> tuple[list[dict[str, Values]], list[str]]:
    """The rates of each group, by name of the quantity, and why the meant ones are others.

    Args:
        handler: ignite's LRScheduler.
        quirks: whether the rates are ignite's own, or torch's.
        found: the rates that it finds at its first event; else those of torch's beginning.
    """
    inner = handler.lr_scheduler
    inner = getattr(inner, "_lr_scheduler", inner)
    name = kind_of(inner)
    if name in ("SequentialLR", "ChainedScheduler", "ReduceLROnPlateau", "PlateauLR", "ScheduleLR", "SWALR"):
        raise refuse(
            f"{name} in ignite's LRScheduler, which never steps it", "single schedulers of torch's there",
            "attach it by itself, or convert the scheduler alone: calando.from_torch",
        )  # fmt: skip
    reading = read(inner, False)
    late = int(inner.last_epoch) - int(handler.event_index)
    reasons: list[str] = []
    rows = []
    for g, course in enumerate(reading.courses):
        rows.append(_one(inner, name, g, course, late, quirks, None if found is None else found[g], reasons))
    for group, row, course in zip(groups_of(inner), rows, reading.courses, strict=True):
        if course.momentum is not None and late == 0:
            row["momentum" if "momentum" in group else "beta1"] = _absolute(course.momentum)
    return rows, list(dict.fromkeys(reasons))


def _one(
    inner: Any, name: str, group: int, course: Course, late: int, quirks: bool, found: float | None, reasons: list[str]
) -> dict[str, Values]:
    if name == "CosineAnnealingWarmRestarts":
        events = int(inner.last_epoch) - late
        reasons.append(EARLY)
        return {"lr": _scaled(course, course.base, max(int(inner.T_cur) + 1 - events, 0) if quirks else 0)}
    if name in ("LambdaLR", "CyclicLR", "OneCycleLR"):
        return {"lr": _scaled(course, course.base, late)}
    if name == "CosineAnnealingLR":
        if late or not quirks:
            return {"lr": _scaled(course, course.base, late)}
        reasons.append(ABOVE)
        return {"lr": _led(course, _first_cosine(inner, course, course.base if found is None else found))}
    begun = value_of(course.exact, 0)
    start = course.base * begun if found is None else found
    factor = start / begun if begun else 0.0
    if late == 0:
        again = _again(inner, name, group)
        factor *= again if quirks else 1.0
        if again != 1.0:
            reasons.append(AGAIN.format(name))
    return {"lr": _scaled(course, factor, late)}


def _scaled(course: Course, by: float, drop: int) -> Values:
    """The curve from its step `drop` on, times a number."""

    def maker(base: float) -> Maker:
        def make(length: int | None) -> Plan:
            return scaled(ahead(course.exact(None if length is None else length + drop), drop), by / base)

        return make

    return Values(by, maker, 0)


def _led(course: Course, first: float) -> Values:
    """The curve with another first value."""

    def maker(base: float) -> Maker:
        def make(length: int | None) -> Plan:
            start = level(first * course.base / base, 1)
            if length == 1:
                return start
            return chain(start, scaled(ahead(course.exact(length), 1), course.base / base))

        return make

    return Values(course.base * max(first, 1.0), maker, 0)


def _absolute(maker: Maker) -> Values:
    return Values(1.0, lambda _: maker, 0)


def _first_cosine(inner: Any, course: Course, found: float) -> float:
    """torch's recursion at last_epoch 0, which is one step before its beginning, from the rate that it finds."""
    span = float(inner.T_max)
    low, now = rate_of(inner.eta_min, "eta_min") / course.base, found / course.base
    if (-1 - span) % (2 * span) == 0:
        return now + (1.0 - low) * (1.0 - math.cos(math.pi / span)) / 2.0
    first = 2.0 / (1.0 + math.cos(-math.pi / span)) * (now - low) + low
    if first < 0.0:
        raise refuse(
            f"CosineAnnealingLR that finds a rate of {found:g}, below its eta_min={inner.eta_min:g}, from which ignite "
            f"makes {first * course.base:g}", "rates >= 0", "end the scheduler before it at its eta_min or above",
        )  # fmt: skip
    return first


def _again(inner: Any, name: str, group: int) -> float:
    """What torch multiplies by when it is asked for its first rate a second time."""
    if name == "MultiStepLR":
        return float(float(inner.gamma) ** inner.milestones.get(0, 0))
    if name == "ConstantLR":
        return float(inner.factor)
    if name == "LinearLR":
        return float(inner.start_factor)
    if name == "ExponentialLR":
        return float(inner.gamma)
    if name == "MultiplicativeLR":
        return float(inner.lr_lambdas[group](0))
    if name == "PolynomialLR":
        total = float(inner.total_iters)
        if total == 0:
            raise refuse(
                "PolynomialLR(total_iters=0), with which torch divides by zero", "total_iters above 0", "use 1"
            )
        return float((total / (total + 1.0)) ** inner.power) if total > 0 else 1.0
    return 1.0
