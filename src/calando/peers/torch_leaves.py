"""torch.optim.lr_scheduler's schedulers that stand alone, one reader each."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import Any, Final

from calando.core.clock import LONGEST
from calando.core.plan import Plan
from calando.core.plans.waves import warm_restarts
from calando.core.shapes.anneal import anneal
from calando.core.shapes.exponential import exponential_decay
from calando.core.shapes.function import function
from calando.core.shapes.stairs import step_decay
from calando.core.shapes.warmup import warmup
from calando.core.timing import repeat
from calando.peers.finish import number
from calando.peers.legs import drops, leg, level
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
    swing,
    times,
    way,
    whole_steps,
)  # fmt: skip
from calando.peers.transformers_lambdas import known_lambda

__all__ = ["LEAVES"]

STUCK: Final = "total_iters={0} leaves torch at its first factor for ever"


def _flat(value: float) -> Maker:
    return lambda length: level(value, length)


def _alike(scheduler: Any, exact: Maker, meant: Maker | None = None, **more: Any) -> Reading:
    """The same curve for every group, on its own base."""
    bases = [rate_of(base, "base_lrs") for base in scheduler.base_lrs]
    return Reading(tuple(Course(base, exact, meant) for base in bases), **more)


def _gamma(scheduler: Any) -> float:
    gamma = number(scheduler.gamma, f"{WHERE}.gamma")
    if gamma < 0.0:
        raise refuse(f"gamma={gamma:g}, which makes negative learning rates", "a gamma >= 0", "drop the sign")
    return gamma


def _step(scheduler: Any, _again: bool) -> Reading:
    gamma, size = _gamma(scheduler), number(scheduler.step_size, f"{WHERE}.step_size")
    if size == 0:
        raise refuse("step_size=0, with which torch divides by zero", "a step_size above 0", "use at least 1")
    every = abs(Fraction(size)).numerator  # a float fires where its multiples are whole
    if every > LONGEST or gamma == 1.0:
        return _alike(scheduler, _flat(1.0))
    if gamma == 0.0:
        return _alike(scheduler, segments((every, _flat(1.0)), (None, _flat(0.0))), own=every)

    def exact(length: int | None) -> Plan:
        return level(1.0, length) if length is not None and length <= every else step_decay(every, gamma, length=length)

    return _alike(scheduler, exact)


def _multistep(scheduler: Any, again: bool) -> Reading:
    for mark in scheduler.milestones:
        number(mark, f"{WHERE}.milestones")
    gamma, counted = _gamma(scheduler), sorted(scheduler.milestones.items())
    early = sum(times for mark, times in counted if mark <= 0) if again else scheduler.milestones.get(0, 0)
    exact = _drops(gamma, early, [(int(mark), times) for mark, times in counted if mark > 0 and mark == int(mark)])
    between = [mark for mark, _ in counted if mark != int(mark)]
    if not between:
        return _alike(scheduler, exact)
    meant = _drops(gamma, early, [(math.ceil(mark), times) for mark, times in counted if mark > 0])
    reason = f"torch never comes to the milestone {between[0]:g}, which is between two steps"
    return _alike(scheduler, exact, meant, reasons=(reason,))


def _drops(gamma: float, early: int, marks: Sequence[tuple[int, int]]) -> Maker:
    counts = list(accumulate((times for _, times in marks), initial=early))
    values = [gamma**count for count in counts]

    def make(length: int | None) -> Plan:
        changes = [(mark, value) for (mark, _), value in zip(marks, values[1:], strict=True)]
        kept = [change for change in changes if length is None or change[0] < length]
        return drops(kept, values[0], length)

    return make


def _constant(scheduler: Any, again: bool) -> Reading:
    factor, total = number(scheduler.factor, f"{WHERE}.factor", 0.0), scheduler.total_iters
    if total < 1 or total != int(total):
        if again and total <= 0:
            return _alike(scheduler, _flat(1.0))
        meant = segments((max(math.ceil(total), 0), _flat(factor)), (None, _flat(1.0)))
        return _alike(scheduler, _flat(factor), meant, reasons=(STUCK.format(total),))
    steps = int(total)
    exact = segments((steps, _flat(factor)), (None, _flat(1.0)))
    if factor == 0.0:
        past = f"at step {steps} torch divides by zero, where ours goes on with the base rate"
        return _alike(scheduler, exact, horizon=steps, past=past)
    return _alike(scheduler, exact, own=steps)


def _stopped(scheduler: Any, again: bool, shape: str, start: float, end: float, power: float) -> Reading:
    """A way over total_iters steps, which stands still at the last whole step that is not past its end."""
    total = number(scheduler.total_iters, f"{WHERE}.total_iters")
    if again and total == 0:
        raise refuse(
            f"{type(scheduler).__name__}(total_iters=0) inside a sequence, where torch divides by zero",
            "total_iters above 0 there", "leave it out of the sequence",
        )  # fmt: skip
    meant = way(shape, start, end, total, power=power) if total > 0 else _flat(end)
    if total < 1:
        stuck = _flat(end if again and total < 0 else start)
        return _alike(scheduler, stuck, meant, reasons=(STUCK.format(scheduler.total_iters),))
    last = math.floor(total)
    if last == total:
        exact = _warmed(start, last) if (shape, end) == ("linear", 1.0) and start < 1.0 else meant
        return _alike(scheduler, exact, own=last)
    way_there = way(shape, start, end, total, power=power)
    left = 1.0 - last / total
    stays = end + (start - end) * (left**power)
    reason = f"total_iters={total:g} is between two steps, and torch stops before its end"
    exact = segments((last, way_there), (None, _flat(stays)))
    return _alike(scheduler, exact, meant, own=last, reasons=(reason,))


def _warmed(start: float, steps: int) -> Maker:
    def rise(length: int | None) -> Plan:
        return warmup(steps, start=start) if length == steps else leg("linear", start, 1.0, steps, length=length)

    return segments((steps, rise), (None, _flat(1.0)))


def _linear(scheduler: Any, again: bool) -> Reading:
    start, end = (number(getattr(scheduler, name), f"{WHERE}.{name}", 0.0) for name in ("start_factor", "end_factor"))
    return _stopped(scheduler, again, "linear", start, end, 1.0)


def _polynomial(scheduler: Any, again: bool) -> Reading:
    power = number(scheduler.power, f"{WHERE}.power")
    if power < 0.0:
        raise refuse(f"power={power:g}, which divides by zero at the end", "a power >= 0", "use a positive power")
    if power == 0.0 and not (again and scheduler.total_iters == 0):
        return _alike(scheduler, _flat(1.0))
    return _stopped(scheduler, again, "power", 1.0, 0.0, power)


def _exponential(scheduler: Any, _again: bool) -> Reading:
    gamma = _gamma(scheduler)
    if gamma == 1.0:
        return _alike(scheduler, _flat(1.0))
    if gamma == 0.0:
        return _alike(scheduler, segments((1, _flat(1.0)), (None, _flat(0.0))), own=1)
    return _alike(scheduler, lambda length: exponential_decay(factor=gamma, length=length))


def _cosine(scheduler: Any, _again: bool) -> Reading:
    low, over = rate_of(scheduler.eta_min, "eta_min"), abs(number(scheduler.T_max, f"{WHERE}.T_max"))
    if over == 0:
        raise refuse("T_max=0, with which torch divides by zero", "a T_max above 0", "use at least 1")
    courses = []
    for given in scheduler.base_lrs:
        base = rate_of(given, "base_lrs")
        end = share(low, base)
        begun = partial(_cosine_begun, base, low, over)
        courses.append(Course(base, swing(end, over), way("cosine", 1.0, end, over), begun=begun))
    horizon = max(whole_steps(over, "T_max"), 1)
    past = (
        f"past step {horizon} torch climbs back to its start by step {2 * over:g} and swings on; "
        "the plan does so only when it is bound to more steps than that, and holds its end at its horizon"
    )
    reasons = (f"T_max={over:g} is between two steps",) if over != int(over) else ()
    return Reading(tuple(courses), horizon=horizon, reasons=reasons, past=past)


def _cosine_begun(own: float, low: float, over: float, rate: float) -> Course:
    """The cosine from the rate that it finds to its floor, and from there up to its own base and back for ever."""
    base = rate or own
    start, end, again = share(rate, base), share(low, base), share(own, base)
    fall = way("cosine", start, end, over)
    if over != int(over):  # torch never comes to its floor, from which it would rise to its own base
        return Course(base, times(swing(share(low, rate), over), start), fall)
    up = partial(_mirrored, end, again, int(over))
    return Course(base, segments((int(over), fall), (None, up)), fall)


def _mirrored(low: float, high: float, over: int, length: int | None) -> Plan:
    if low == high:
        return level(low, length)
    return anneal(over=over, start=low, end=high, shape="cosine", cycle="mirror", length=length)


def _restarts(scheduler: Any, _again: bool) -> Reading:
    first, growth, low = int(scheduler.T_0), int(scheduler.T_mult), rate_of(scheduler.eta_min, "eta_min")
    courses = []
    for given in scheduler.base_lrs:
        base = rate_of(given, "base_lrs")
        courses.append(Course(base, _waves(first, growth, share(low, base))))
    return Reading(tuple(courses), sets=True)


def _waves(first: int, growth: int, low: float) -> Maker:
    def make(length: int | None) -> Plan:
        if low == 1.0:
            return level(1.0, length)
        if length is not None and length <= first:
            return leg("cosine", 1.0, low, first, length=length)
        if low < 1.0:
            return warm_restarts(first, growth, end=low, length=length)
        if length is not None:
            cycles: list[tuple[int | None, Maker]] = []
            size, left = first, length
            while left > 0:
                cycles.append((size, way("cosine", 1.0, low, size)))
                size, left = size * growth, left - size
            return segments(*cycles)(length)
        return repeat(leg("cosine", 1.0, low, first, length=first), growth=growth)

    return make


def _lambda(scheduler: Any, _again: bool) -> Reading:
    bases = [rate_of(base, "base_lrs") for base in scheduler.base_lrs]
    curves = [known_lambda(call) for call in scheduler.lr_lambdas]
    courses = [
        Course(base, _called(call)) if curve is None else Course(base, curve.maker, curve.meant)
        for base, call, curve in zip(bases, scheduler.lr_lambdas, curves, strict=True)
    ]
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves):
        return Reading(tuple(courses), sets=True)
    horizons = [curve.horizon for curve in known]
    owns = [curve.own for curve in known]
    return Reading(
        tuple(courses),
        horizon=None if None in horizons else max(horizon or 1 for horizon in horizons),
        own=None if None in owns else max(own or 0 for own in owns),
        reasons=tuple(dict.fromkeys(reason for curve in known for reason in curve.reasons)),
        past=next((curve.past for curve in known if curve.past), ""),
        sets=True,
    )


def _called(call: Callable[[int], float]) -> Maker:
    return lambda length: function(call, length=length)


def _multiplicative(scheduler: Any, _again: bool) -> Reading:
    makers = [_multiplied(call) for call in scheduler.lr_lambdas]
    bases = [rate_of(base, "base_lrs") for base in scheduler.base_lrs]
    return Reading(tuple(Course(b, m) for b, m in zip(bases, makers, strict=True)), follows=True)


class _Products:
    """call(1) * ... * call(t), each computed once."""

    def __init__(self, call: Callable[[int], float]) -> None:
        self._call, self._known = call, [1.0]

    def __call__(self, step: int) -> float:
        while len(self._known) <= step:
            self._known.append(self._known[-1] * self._call(len(self._known)))
        return self._known[step]


def _multiplied(call: Callable[[int], float]) -> Maker:
    products = _Products(call)
    return lambda length: function(products, length=length)


def _averaged(scheduler: Any, _again: bool) -> Reading:
    """SWALR: from the rate that it found to swa_lr."""
    steps, shape = int(scheduler.anneal_epochs), "cosine" if scheduler._anneal_strategy == "cos" else "linear"
    courses = []
    for group, given in zip(groups_of(scheduler), scheduler.base_lrs, strict=True):
        end = rate_of(group["swa_lr"], "swa_lr")
        base = _found(scheduler, rate_of(group["lr"], "lr"), end, rate_of(given, "base_lrs"))
        courses.append(_averaged_from(end, steps, shape, base))
    return Reading(tuple(courses), horizon=max(steps, 1), own=steps, follows=True)


def _averaged_from(end: float, steps: int, shape: str, base: float) -> Course:
    maker = way(shape, 1.0, share(end, base), steps) if steps else _flat(share(end, base))
    return Course(base, maker, begun=partial(_averaged_from, end, steps, shape))


def _found(scheduler: Any, now: float, end: float, base: float) -> float:
    """The rate that annealing began at, counted back from the one in force."""
    done = max(scheduler._step_count - 1, 0) / max(1, scheduler.anneal_epochs)
    share_done = float(scheduler.anneal_func(min(1.0, done)))
    if share_done >= 1.0 or scheduler.anneal_epochs == 0:
        return base
    start = (now - share_done * end) / (1.0 - share_done)
    return base if math.isclose(start, base, rel_tol=1e-6) else start


LEAVES: Final[dict[str, Callable[[Any, bool], Reading]]] = {
    "StepLR": _step,
    "MultiStepLR": _multistep,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": _restarts,
    "LambdaLR": _lambda,
    "MultiplicativeLR": _multiplicative,
    "SWALR": _averaged,
}
"""Reader of each class; the flag says whether it is begun anew inside a sequence, where torch uses its closed form."""
