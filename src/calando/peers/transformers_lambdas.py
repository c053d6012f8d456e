"""The functions behind transformers' schedules, read from their names and arguments."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, Final

from calando.core.plan import Plan
from calando.core.plans.inverse_sqrt import inverse_sqrt
from calando.core.plans.waves import warm_restarts
from calando.core.shapes.anneal import anneal
from calando.core.shapes.warmup import warmup
from calando.errors import Unconvertible
from calando.peers.finish import number
from calando.peers.legs import leg, level
from calando.peers.torch_course import Maker, segments, way

__all__ = ["Lambda", "known_lambda", "read_lambda"]

WHERE: Final = "from_transformers"
MOST_CYCLES: Final = 1000


def refuse(given: str, allowed: str, fix: str) -> Unconvertible:
    """The error for what no plan of ours can say."""
    return Unconvertible(given=given, allowed=allowed, where=WHERE, fix=fix)


class Lambda(Mapping[str, Any]):
    """One of transformers' functions: its name, and its arguments by name as a mapping."""

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.name, self._arguments = name, dict(arguments)

    def __getitem__(self, name: str) -> Any:
        return self._arguments[name]

    def __iter__(self) -> Any:
        return iter(self._arguments)

    def __len__(self) -> int:
        return len(self._arguments)

    def real(self, name: str, default: float | None = None) -> float:
        """A number."""
        given = self.get(name)
        return number(default if given is None else given, f"{WHERE}.{name}")

    def count(self, name: str) -> int:
        """Whole steps."""
        value = self.real(name)
        if value != int(value):
            raise refuse(f"{name}={value:g}", "whole steps", "round it")
        return int(value)

    @property
    def warm(self) -> int:
        """The steps of the warm-up."""
        steps = self.count("num_warmup_steps")
        if steps < 0:
            raise refuse(f"num_warmup_steps={steps}", "0 or more", "use 0")
        return steps


def known_lambda(call: Callable[[int], float]) -> "Curve | None":
    """The curve of one of transformers' functions, or None for any other function."""
    inner = call.func if isinstance(call, partial) else call
    if not getattr(inner, "__module__", "").startswith("transformers.optimization"):
        return None
    name = getattr(inner, "__name__", "")
    if name not in _READERS:
        return None
    arguments = call.keywords if isinstance(call, partial) else {}
    return read_lambda(Lambda(name, arguments))


class Curve:
    """The exact curve, the meant one, and where they end."""

    def __init__(self, maker: Maker, meant: Maker | None = None, horizon: int | None = None, own: int | None = None,
                 reasons: tuple[str, ...] = (), past: str = "") -> None:  # fmt: skip
        self.maker, self.meant, self.horizon = maker, meant, horizon
        self.own, self.reasons, self.past = own, reasons, past


def read_lambda(found: Lambda) -> Curve:
    """The curve of one of transformers' functions."""
    return _READERS[found.name](found)


def _flat(value: float) -> Maker:
    return partial(level, value)


def _rise(steps: int) -> Maker:
    def rise(length: int | None) -> Plan:
        return warmup(steps) if length == steps else leg("linear", 0.0, 1.0, steps, length=length)

    return rise


def _after(found: Lambda, rest: Maker) -> Maker:
    """A linear warm-up from 0, then the rest."""
    steps = found.warm
    return segments((steps, _rise(steps)), (None, rest)) if steps else rest


def _constant(_: Lambda) -> Curve:
    return Curve(_flat(1.0), own=0)


def _warmed(found: Lambda) -> Curve:
    return Curve(_after(found, _flat(1.0)), own=found.warm)


def _span(found: Lambda) -> int:
    return max(1, found.count("num_training_steps") - found.warm)


def _linear(found: Lambda) -> Curve:
    total, warm = found.count("num_training_steps"), found.warm
    rest = way("linear", 1.0, 0.0, total - warm) if total > warm else _flat(0.0)
    return Curve(_after(found, rest), horizon=max(total, 1), own=max(total, warm))


def _cosine(found: Lambda) -> Curve:
    low = found.real("min_lr_rate", 0.0)
    if not low >= 0.0:
        raise refuse(f"min_lr_rate={low:g}", "a rate >= 0", "use 0")
    cycles = found.real("num_cycles")
    span, total = _span(found), max(found.count("num_training_steps"), 1)
    exact = _swing(cycles, span, low)
    past = f"past step {total} transformers swings up again; ours holds its end at its horizon"
    meant = way("cosine", 1.0, low, span) if abs(cycles) == 0.5 else None
    return Curve(_after(found, exact), None if meant is None else _after(found, meant), total, past=past)


def _swing(cycles: float, span: int, low: float, offset: float = 0.0) -> Maker:
    """(1 + cos(2*pi*cycles*(t + offset)/span))/2, from 1 to `low` and back for ever."""
    cycles = abs(cycles)
    if cycles == 0.0 or low == 1.0:
        return _flat(1.0)
    over = span / (2.0 * cycles)
    exact: float = int(over) if over == int(over) else over

    def make(length: int | None) -> Plan:
        if length is not None and offset + length <= over:
            return leg("cosine", 1.0, low, over, offset=offset, length=length)
        return anneal(over=exact, end=low, shape="cosine", offset=offset, cycle="mirror", length=length)

    return make


def _hard(found: Lambda) -> Curve:
    cycles, span, total = found.real("num_cycles"), _span(found), max(found.count("num_training_steps"), 1)
    if cycles < 0:
        raise refuse(f"num_cycles={cycles:g}", "num_cycles >= 0", "use 1")
    warm = found.warm

    over = Fraction(span) / Fraction(cycles) if cycles else Fraction(0)
    marks = _restarts(cycles, span)
    if not marks:
        waves = _flat(1.0)
    elif over.denominator == 1 and marks == list(range(0, span, int(over))):

        def waves(length: int | None) -> Plan:
            if length is not None and length <= over:
                return leg("cosine", 1.0, 0.0, int(over), length=length)
            return warm_restarts(int(over), length=length)

    else:
        legs = [
            (b - a, partial(_leg_from, float(over), float(a - k * over)))
            for k, (a, b) in enumerate(zip(marks, [*marks[1:], span], strict=True))
        ]
        waves = segments(*legs)
    reasons: tuple[str, ...] = ()
    meant = None
    if cycles and any(a != math.ceil(k * over) for k, a in enumerate(marks)):
        reasons = ("transformers rounds its clock, and restarts a step late where a cycle ends at a whole step",)
        whole = [math.ceil(k * over) for k in range(len(marks))]
        clean = [
            (b - a, partial(_leg_from, float(over), float(a - k * over)))
            for k, (a, b) in enumerate(zip(whole, [*whole[1:], span], strict=True))
        ]
        meant = _after(found, segments(*clean, (None, _flat(0.0))))
    end = segments((span, waves), (None, _flat(0.0)))
    cut = cycles != int(cycles)
    past = (
        f"past step {total} transformers gives 0; ours holds what its last cycle, which is cut, has come to"
        if cut
        else ""
    )
    return Curve(_after(found, end), meant, horizon=total, own=warm + span, reasons=reasons, past=past)


def _leg_from(over: float, offset: float, length: int | None) -> Plan:
    return leg("cosine", 1.0, 0.0, over, offset=offset, length=length)


def _restarts(cycles: float, span: int) -> list[int]:
    """The first step of each cycle, by transformers' own rounded arithmetic; empty without cycles."""
    if cycles == 0.0:
        return []
    if cycles > MOST_CYCLES:
        raise refuse(f"num_cycles={cycles:g}", f"at most {MOST_CYCLES} cycles", "use fewer")
    marks = [0]
    for k in range(1, math.ceil(cycles)):
        at = max(math.floor(k * span / cycles) - 1, marks[-1])
        while at < span and math.floor(cycles * (at / span)) < k:
            at += 1
        if at >= span:
            break
        if at == marks[-1]:
            raise refuse(f"{cycles:g} cycles in {span} steps", "cycles of a step or more", "use fewer cycles")
        marks.append(at)
    return marks


def _polynomial(found: Lambda) -> Curve:
    low, power = found.real("lr_end") / found.real("lr_init"), found.real("power")
    span = found.count("num_training_steps") - found.warm
    if span == 0 or power < 0.0 or low < 0.0:
        raise refuse(
            f"polynomial decay over {span} steps with power {power:g} to {low:g} of the rate",
            "a decay of at least one step, a power and an end >= 0", "make the run longer than its warm-up",
        )  # fmt: skip
    total = found.count("num_training_steps")
    if span < 0:
        fall: Maker = _flat(low)
    elif power == 0.0:
        fall = segments((span + 1, _flat(1.0)), (None, _flat(low)))
    else:
        fall = way("power", 1.0, low, span, power=power)
    return Curve(_after(found, fall), horizon=total, own=total)


def _inverse(found: Lambda) -> Curve:
    warm = found.warm
    scale = found.count("timescale")
    if scale < 1:
        raise refuse(f"timescale={scale}", "at least 1 step", "leave it out")

    def make(length: int | None) -> Plan:
        if length is not None and length <= warm:
            return _rise(warm)(length)
        given = None if scale == warm else scale
        return inverse_sqrt(warm, given, length=length)

    return Curve(make)


def _rates(found: Lambda) -> Curve:
    """cosine_warmup_with_min_lr: everything is one step ahead."""
    warm, total = found.warm, found.count("num_training_steps")
    low, cycles, first = found.real("min_lr_rate", 0.0), found.real("num_cycles"), found.get("warmup_lr_rate")
    if low < 0.0:
        raise refuse(f"min_lr_rate={low:g}", "a rate >= 0", "use 0")
    span = max(1, total - warm)
    rest = _swing(cycles, span, low, offset=1.0)
    start = number(first or 0.0, f"{WHERE}.warmup_lr_rate", 0.0)
    if first is None:
        exact_rise: Maker = lambda length: (  # noqa: E731
            warmup(warm, first="step") if length == warm else leg("linear", 0.0, 1.0, warm, offset=1.0, length=length)
        )
    else:
        exact_rise = _flat(start) if warm == 1 else (lambda length: leg("linear", start, 1.0, warm - 1, length=length))
    exact = segments((warm, exact_rise), (None, rest)) if warm else rest
    meant = None
    if abs(cycles) == 0.5 and (start <= 1.0 or not warm):
        rise = segments((warm, partial(_warmed_from, start))) if warm else None
        fall = way("cosine", 1.0, low, span)
        meant = fall if rise is None else segments((warm, rise), (None, fall))
    reason = "transformers reaches its peak at step num_warmup_steps - 1 and its floor one step early"
    past = f"past step {total} transformers swings up again; ours holds its end at its horizon"
    return Curve(exact, meant, max(total, 1), reasons=(reason,), past=past)


def _warmed_from(start: float, length: int | None) -> Plan:
    return warmup(length or 0, start=start)


def _wsd(found: Lambda) -> Curve:
    warm, stable, down = found.warm, found.count("num_stable_steps"), found.count("num_decay_steps")
    low, cycles = found.real("min_lr_ratio"), found.real("num_cycles")
    if not 0.0 <= low <= 1.0:
        raise refuse(f"min_lr_ratio={low:g}", "0 to 1", "use a share of the rate")
    begin, end = max(warm + stable, warm), max(warm + stable + down, warm)
    ahead = begin - (warm + stable)

    def rise(length: int | None) -> Plan:
        if length == warm:
            return warmup(warm, start=low, shape=found["warmup_type"])
        return leg(found["warmup_type"], low, 1.0, warm, length=length)

    def fall(length: int | None) -> Plan:
        if found["decay_type"] == "cosine":
            if abs(cycles) == 0.5:
                return leg("cosine", 1.0, low, max(1, down), offset=ahead, length=length)
            return _swing(cycles, max(1, down), low, offset=ahead)(length)
        return leg(found["decay_type"], 1.0, low, max(1, down), offset=ahead, length=length)

    parts: list[tuple[int | None, Maker]] = [(warm, rise), (begin - warm, _flat(1.0)), (max(end - begin, 0), fall)]
    exact = segments(*parts, (None, _flat(low)))
    reasons: tuple[str, ...] = ()
    meant = None
    if stable < 0:
        room = max(warm + stable + down - warm, 1)
        reasons = ("the warm-up and the decay overlap, so that transformers jumps from one into the other",)
        meant = segments((warm, rise), (room, way(found["decay_type"], 1.0, low, room)), (None, _flat(low)))
    return Curve(exact, meant, max(end, 1), own=max(end, 1), reasons=reasons)


_READERS: Final[dict[str, Callable[[Lambda], Curve]]] = {
    "_get_constant_lambda": _constant,
    "_get_constant_schedule_with_warmup_lr_lambda": _warmed,
    "_get_linear_schedule_with_warmup_lr_lambda": _linear,
    "_get_cosine_schedule_with_warmup_lr_lambda": _cosine,
    "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda": _hard,
    "_get_polynomial_decay_schedule_with_warmup_lr_lambda": _polynomial,
    "_get_inverse_sqrt_schedule_lr_lambda": _inverse,
    "_get_cosine_with_min_lr_schedule_with_warmup_lr_rate_lambda": _rates,
    "_get_wsd_scheduler_lambda": _wsd,
}
