"""torch's OneCycleLR and CyclicLR, with the momentum that they move."""

import math
from typing import Any

from calando.core.plan import Plan
from calando.core.plans.cyclical import cyclical
from calando.core.plans.one_cycle import one_cycle
from calando.core.shapes.anneal import anneal
from calando.errors import CalandoError
from calando.peers.finish import number
from calando.peers.legs import leg, level
from calando.peers.torch_course import (
    WHERE,
    Course,
    Maker,
    Reading,
    groups_of,
    rate_of,
    refuse,
    segments,
    share,
)  # fmt: skip

__all__ = ["cyclic", "one_cycled"]

MOMENTUM = ("start_momentum", "end_momentum")
RATE = ("start_lr", "end_lr")


def one_cycled(scheduler: Any, _again: bool) -> Reading:
    """OneCycleLR: phases that end at real numbers of steps, in two or three pieces."""
    total = int(scheduler.total_steps)
    shape = "cosine" if scheduler._anneal_func_type == "cos" else "linear"
    courses = []
    for group in groups_of(scheduler):
        peak = rate_of(group["max_lr"], "max_lr")
        exact = _phases(scheduler, group, total, shape, RATE, peak)
        momentum = _phases(scheduler, group, total, shape, MOMENTUM, 1.0) if scheduler.cycle_momentum else None
        meant = _meant(scheduler, group, total, shape, peak)
        courses.append(Course(peak, exact, meant, momentum))
    reason = "torch ends its phases one step early and between steps (pct_start*total_steps - 1), and may miss its peak"
    past = f"at step {total} torch goes on beyond its last rate, and raises after it"
    return Reading(tuple(courses), horizon=total, reasons=(reason,), past=past, sets=True)


def _phases(scheduler: Any, group: dict[str, Any], total: int, shape: str, ends: tuple[str, str], base: float) -> Maker:
    """The phases in turn; phase i is in force while the step is not past its end, the last one always."""
    parts: list[tuple[int | None, Maker]] = []
    begun, at = 0.0, 0
    phases = scheduler._schedule_phases
    for i, phase in enumerate(phases):
        stop = float(phase["end_step"])
        until = total if i == len(phases) - 1 else min(max(math.floor(stop) + 1, at), total)
        start, end = (share(number(group[phase[name]], f"{WHERE}.{phase[name]}", 0.0), base) for name in ends)
        if until > at:
            parts.append((until - at, _phase(shape, start, end, stop - begun, at - begun)))
        begun, at = stop, until
    return segments(*parts[:-1], (None, parts[-1][1]))


def _phase(shape: str, start: float, end: float, over: float, offset: float) -> Maker:
    if over <= 0.0:  # the last step of a phase that ends where it began
        return lambda length: level(end, length)
    return lambda length: leg(shape, start, end, over, offset=offset, length=length)


def _meant(scheduler: Any, group: dict[str, Any], total: int, shape: str, peak: float) -> Maker | None:
    phases = scheduler._schedule_phases
    start, end = (share(rate_of(group[name], name), peak) for name in ("initial_lr", "min_lr"))
    up = max(round(float(phases[0]["end_step"]) + 1), 0)
    ways: dict[str, Any] = {"phases": len(phases), "anneal": shape}
    plan = one_cycle(up, start, 1.0, end, length=total, **ways)
    try:
        plan.bind(total)
    except CalandoError:  # such as a peak at the last step; then there is no cleaner way to say it
        return None

    def cycle(_: int | None) -> Plan:
        return plan

    return cycle


def cyclic(scheduler: Any, _again: bool) -> Reading:
    """CyclicLR: triangles, level, halving or decaying."""
    if scheduler._scale_fn_custom is not None:
        raise refuse(
            "a scale_fn of your own", "the modes triangular, triangular2 and exp_range, which have closed forms",
            "write the whole factor as a function of the step: calando.function(call)",
        )  # fmt: skip
    gamma = number(scheduler.gamma, f"{WHERE}.gamma")
    mode = "triangular" if scheduler.mode == "exp_range" and gamma == 1.0 else scheduler.mode
    if mode == "exp_range" and not 0.0 < gamma < 1.0:
        raise refuse(f"exp_range with gamma={gamma:g}", "a gamma above 0, up to 1", "use a gamma that decays")
    up = scheduler.step_ratio * scheduler.total_size
    sizes = [_near(size) for size in (up, scheduler.total_size - up)]
    courses = []
    for i, (low, high) in enumerate(zip(scheduler.base_lrs, scheduler.max_lrs, strict=True)):
        floor, top = rate_of(low, "base_lrs"), rate_of(high, "max_lrs")
        base = max(floor, top)
        wave = _wave(share(floor, base), share(top, base), sizes, mode, gamma)
        momentum = None
        if scheduler.cycle_momentum:
            least, most = (float(pair[i]) for pair in (scheduler.base_momentums, scheduler.max_momentums))
            momentum = _wave(most, least, sizes, mode, gamma)
        courses.append(Course(base, wave, momentum=momentum))
    return Reading(tuple(courses), sets=True)


def _near(size: float) -> float:
    return round(size) if math.isclose(size, round(size), rel_tol=1e-12) else size


def _wave(foot: float, top: float, sizes: list[float], mode: str, gamma: float) -> Maker:
    """A wave that starts at its foot, which may be the higher end."""
    up, down = sizes
    whole = up == int(up) and down == int(down)
    if not whole and (mode != "triangular" or up != down):
        raise refuse(
            f"cycles of {up:g} steps up and {down:g} down, {mode}",
            "whole steps, or equal ones where the mode is triangular", "round step_size_up and step_size_down",
        )  # fmt: skip

    def make(length: int | None) -> Plan:
        if foot == top:
            return level(foot, length)
        if not whole:
            return anneal(over=up, start=foot, end=top, cycle="mirror", length=length)
        kind: dict[str, Any] = {"mode": mode, "gamma": gamma} if mode == "exp_range" else {"mode": mode}
        low, high, fall = min(foot, top), max(foot, top), None if up == down else int(down)
        return cyclical(low, int(up), fall, high, inverse=foot > top, length=length, **kind)

    return make
