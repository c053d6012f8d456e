"""Each of DeepSpeed's schedules as plans."""

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from calando.core.bundle import bundle
from calando.core.clock import LONGEST
from calando.core.plan import Plan
from calando.core.shapes.inverse_time import inverse_time
from calando.core.shapes.linear import linear_decay
from calando.core.shapes.warmup import warmup
from calando.core.timing import hold, shift
from calando.errors import BadValue, Unconvertible
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import MOST_LISTED, chain, drops, leg, level, scaled, share, steps_of, table, whole

__all__ = ["LINEAR", "LOG", "MAKERS", "Spec"]

LOG, LINEAR = "log", "linear"

LATE: Final = "DeepSpeed uses the value of step t-1 at update t, so that its first two updates are alike"


class Spec(NamedTuple):
    """A schedule as read: its class, its parameters, the optimizer's own rates, its last step, whether it has betas."""

    kind: str
    parameters: dict[str, Any]
    rates: tuple[float, ...] | None
    last: int
    betas: bool | None


def many(value: Any) -> bool:
    """Whether a parameter has a value for each group."""
    return isinstance(value, list | tuple)


def _groups(spec: Spec, *names: str) -> list[list[float]]:
    """The values of these parameters, group by group."""
    values = [spec.parameters[name] for name in names]
    sizes = {len(value) for value in values if many(value)}
    count = max(sizes, default=len(spec.rates) if spec.rates else 1)
    for name, value in zip(names, values, strict=True):
        if many(value) and len(value) != count:
            raise BadValue(
                given=f"{len(value)} values of {name} for {count} groups", allowed="one number, or one per group",
                where=f"from_deepspeed({spec.kind})", fix="give as many as there are groups",
            )  # fmt: skip
    rows = []
    for i in range(count):
        row = [value[i] if many(value) else value for value in values]
        rows.append([number(v, f"from_deepspeed({spec.kind}.{n})") for n, v in zip(names, row, strict=True)])
    return rows


def _one(spec: Spec, name: str, low: float = -math.inf) -> float:
    return number(spec.parameters[name], f"from_deepspeed({spec.kind}.{name})", low)


def _count(spec: Spec, name: str) -> int:
    """A number of steps, as DeepSpeed asks for it: a positive int (total_num_steps may be any number >= 1)."""
    value = _one(spec, name, 1)
    if value != int(value):
        raise Unconvertible(
            given=f"{name}={value:g}", allowed="whole steps", where=f"from_deepspeed({spec.kind})", fix="round it"
        )
    return int(value)


def _positive(spec: Spec, value: float, name: str) -> float:
    if value <= 0.0:
        raise Unconvertible(
            given=f"{name}={value:g}", allowed="a learning rate above 0, which factor 1 stands for",
            where=f"from_deepspeed({spec.kind})", fix=f"give a {name} above 0",
        )  # fmt: skip
    return value


def _range_test(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    size, rate = _count(spec, "lr_range_test_step_size"), _one(spec, "lr_range_test_step_rate")
    if rate < 0:
        raise Unconvertible(
            given=f"lr_range_test_step_rate={rate:g}", allowed="a rate >= 0: a falling line ends below zero",
            where="from_deepspeed(LRRangeTest)", fix="use a rate above 0",
        )  # fmt: skip
    intervals = 10**6 if horizon is None else -(-horizon // size)
    steps = min(intervals * size, LONGEST)
    rise: Plan = level(1.0) if rate == 0 else leg("linear", 1.0, 1.0 + rate * steps / size, steps)
    if horizon == steps and rate:
        rise = linear_decay(start=1.0, end=1.0 + rate * steps / size)
    if spec.parameters["lr_range_test_staircase"] and rate:
        rise = hold(rise, every=size)
    bases = [_positive(spec, row[0], "lr_range_test_min_lr") for row in _groups(spec, "lr_range_test_min_lr")]
    past = f"LRRangeTest rises without an end; ours holds its value from step {horizon or steps:,} on" if rate else ""
    return finish("DeepSpeed", [Group(rise, rise, base) for base in bases], quirks, horizon=horizon, past=past,
                  position=spec.last + 1)  # fmt: skip


def _rise(spec: Spec, start: float, top: float, width: int, length: int | None) -> Plan:
    """The warm-up from its second update (f(0)) on: `width` steps of DeepSpeed's way."""
    if spec.parameters["warmup_type"] == LINEAR:
        return leg("linear", start, top, width, length=length)
    return _logarithmic(start, top, width, length)


def _width(spec: Spec) -> int:
    return max(2, _count(spec, "warmup_num_steps"))


def _warmup_groups(spec: Spec) -> list[tuple[float, float]]:
    if spec.parameters["warmup_max_lr"] is None:
        if spec.rates is None:
            raise BadValue(
                given="no warmup_max_lr, and no learning rate of the optimizer", allowed="a learning rate",
                where=f"from_deepspeed({spec.kind})", fix="pass lr=..., the optimizer's own learning rate",
            )  # fmt: skip
        spec = spec._replace(parameters=spec.parameters | {"warmup_max_lr": list(spec.rates)})
    return [(low, high) for low, high in _groups(spec, "warmup_min_lr", "warmup_max_lr")]


def _warmup(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    width = _width(spec)
    linear = spec.parameters["warmup_type"] == LINEAR
    rise = width if linear else width - 1
    groups = []
    for low, high in _warmup_groups(spec):
        start, top, base = _scaled_ends(spec, low, high)
        exact = shift(chain(_rise(spec, start, top, width, rise), level(top)), by=1)
        groups.append(Group(exact, chain(_clean_rise(spec, start, top, width), level(top)), base))
    return finish("DeepSpeed", groups, quirks, horizon=horizon, own=rise + 1, reasons=[LATE], position=spec.last + 1)


def _clean_rise(spec: Spec, start: float, top: float, width: int) -> Plan:
    if spec.parameters["warmup_type"] == LINEAR and top == 1.0:
        return warmup(width, start=start)
    return _rise(spec, start, top, width, width if spec.parameters["warmup_type"] == LINEAR else width - 1)


def _scaled_ends(spec: Spec, low: float, high: float) -> tuple[float, float, float]:
    base = max(low, high)
    if min(low, high) < 0.0 or base <= 0.0:
        raise Unconvertible(
            given=f"a warm-up from {low:g} to {high:g}", allowed="learning rates >= 0, one of them above 0",
            where=f"from_deepspeed({spec.kind})", fix="mend warmup_min_lr and warmup_max_lr",
        )  # fmt: skip
    return share(low, base), share(high, base), base


def _warmup_decay(spec: Spec, quirks: bool, _horizon: int | None) -> Converted:
    width, total = _width(spec), _count(spec, "total_num_steps")
    linear = spec.parameters["warmup_type"] == LINEAR
    groups = []
    for low, high in _warmup_groups(spec):
        start, top, base = _scaled_ends(spec, low, high)
        first = level(start, 1)
        if total <= width + 1:
            exact = chain(first, _rise(spec, start, top, width, None))
            clean = _rise(spec, start, top, width, None)
        else:
            rise = _rise(spec, start, top, width, width if linear else width - 1)
            top_step = None if linear else level(top, 1)
            exact = chain(first, rise, top_step, leg("linear", top, start, total - width))
            clean = chain(_clean_rise(spec, start, top, width), linear_decay(start, top))
        groups.append(Group(exact, clean, base))
    past = (
        f"past its {total:,} steps DeepSpeed goes on to warmup_min_lr, which it reaches at update {total + 1:,}; "
        "ours holds the value that it has there"
    )
    return finish("DeepSpeed", groups, quirks, horizon=total, past=past, reasons=[LATE], position=spec.last + 1)


def _warmup_cosine(spec: Spec, quirks: bool, _horizon: int | None) -> Converted:
    width, total = _width(spec), _count(spec, "total_num_steps")
    start, end = _one(spec, "warmup_min_ratio", 0.0), _one(spec, "cos_min_ratio", 0.0)
    linear = spec.parameters["warmup_type"] == LINEAR
    if spec.rates is None:
        raise BadValue(
            given="no learning rate of the optimizer", allowed="a learning rate: WarmupCosineLR says only ratios of it",
            where="from_deepspeed(WarmupCosineLR)", fix="pass lr=..., the optimizer's own learning rate",
        )  # fmt: skip
    if total <= width:
        exact = chain(level(0.0, 1), _rise(spec, start, 1.0, width, None))
        clean = _rise(spec, start, 1.0, width, None)
    else:
        rise = _rise(spec, start, 1.0, width, width)
        exact = chain(level(0.0, 1), rise, leg("cosine", 1.0, end, total - width, offset=1))
        fall = leg("cosine", 1.0, end, total - width, length=total - width)
        clean = chain(_clean_rise(spec, start, 1.0, width), fall if linear else chain(level(1.0, 1), fall))
    groups = [Group(exact, clean, _positive(spec, rate, "lr")) for rate in spec.rates]
    return finish("DeepSpeed", groups, quirks, horizon=total, position=spec.last + 1, reasons=[
        LATE, "DeepSpeed starts at 0 whatever warmup_min_ratio says", "its cosine starts one step in"])  # fmt: skip


def _one_cycle(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    first = _one(spec, "cycle_first_step_size")
    second = first if spec.parameters["cycle_second_step_size"] is None else _one(spec, "cycle_second_step_size", 0.0)
    if first <= 0:
        raise BadValue(
            given=f"cycle_first_step_size={first:g}", allowed="a number > 0", where="from_deepspeed(OneCycle)",
            fix="give the steps of the rise",
        )  # fmt: skip
    if whole(first + second) is None:
        raise Unconvertible(
            given=f"a cycle of {first + second:g} steps", allowed="a whole number of steps in all",
            where="from_deepspeed(OneCycle)", fix="round the sizes: DeepSpeed begins a second cycle for one step there",
        )  # fmt: skip
    up = int(_one(spec, "cycle_first_stair_count", 0.0))
    down = spec.parameters["cycle_second_stair_count"]
    wave = _Wave(first, second, up, up if down is None else int(_one(spec, "cycle_second_stair_count", 0.0)))
    every, rate = _one(spec, "decay_step_size", 0.0), _one(spec, "decay_lr_rate", 0.0)
    momentum = bool(spec.parameters["cycle_momentum"]) and spec.betas is not False
    rows = _groups(spec, "cycle_min_lr", "cycle_max_lr", *(["cycle_min_mom", "cycle_max_mom"] if momentum else []))
    mom_rate = _one(spec, "decay_mom_rate") if momentum else 0.0
    groups = []
    for low, high, *moments in rows:
        low, high, base = _scaled_ends(spec, low, high)
        after = level(low)
        if every and rate and low:
            after = scaled(inverse_time(rate / every), low)
        plan: Plan = chain(wave.plan(low, high), after)
        if momentum:
            plan = bundle(plan, beta1=_moments(wave, moments[0], moments[1], every, mom_rate), beta2=0.99)
        clean = plan
        groups.append(Group(plan, clean, base))
    reasons = ["DeepSpeed sets betas[1] to 0.99 whatever the optimizer had"] if momentum else []
    return finish("DeepSpeed", groups, quirks, horizon=horizon, own=wave.total, notes=reasons, position=spec.last + 1)


def _moments(wave: "_Wave", low: float, high: float, every: float, rate: float) -> Plan:
    """beta1: the lowest at update 0, where the constructor leaves it, then high, low at the top and high again."""
    if every and rate:
        raise Unconvertible(
            given=f"decay_mom_rate={rate:g}", allowed="0: a momentum that goes on growing passes 1",
            where="from_deepspeed(OneCycle)", fix="set decay_mom_rate to 0",
        )  # fmt: skip
    return chain(level(low, 1), wave.plan(high, low, skip=1), level(high))


class _Wave:
    """One rise and one fall, smooth or in stairs."""

    def __init__(self, first: float, second: float, up: int, down: int) -> None:
        self.first, self.second, self.up, self.down = first, second, up, down
        self.total = steps_of(first + second)

    def plan(self, low: float, high: float, skip: int = 0) -> Plan:
        """From `low` to `high` and back, its first `skip` steps left out."""
        if self.up > 0 or self.down > 0:
            return self._stairs(low, high, skip)
        top = min(steps_of(self.first), self.total)
        rise = leg("linear", low, high, self.first, offset=skip, length=top - skip)
        if top == self.total:
            return rise
        return chain(rise, leg("linear", high, low, self.second, offset=top - self.first, length=self.total - top))

    def _stairs(self, low: float, high: float, skip: int) -> Plan:
        if self.total > MOST_LISTED:
            raise Unconvertible(
                given=f"stairs over a cycle of {self.total:,} steps", allowed=f"at most {MOST_LISTED:,} steps",
                where="from_deepspeed(OneCycle)", fix="leave the stair counts out",
            )  # fmt: skip
        levels = [low + (high - low) * self.share(t) for t in range(skip, self.total)]
        changes = [(t, v) for t, (u, v) in enumerate(zip(levels, levels[1:], strict=False), 1) if v != u]
        return drops(changes, levels[0], self.total - skip)

    def share(self, t: int) -> float:
        """How high the wave is at step t, in DeepSpeed's own arithmetic."""
        total, ratio = self.first + self.second, self.first / (self.first + self.second)
        x = 1.0 + t / total - math.floor(1 + t / total)
        height, stairs = (x / ratio, self.up) if x <= ratio else ((x - 1) / (ratio - 1), self.down)
        if stairs > 0:
            here = t % total
            rising = here <= self.first
            place = here * stairs / self.first if rising else (total - here) * stairs / self.second
            height = math.floor(place) / stairs
        return height


def _logarithmic(start: float, top: float, width: int, length: int | None) -> Plan:
    """start + (top-start)*log(1+s)/log(width), which reaches `top` at s = width - 1."""
    steps = width - 1 if length is None else length
    return table(lambda s: start + (top - start) * math.log(1 + s) / math.log(width), steps, top)


MAKERS: Final[dict[str, Callable[[Spec, bool, int | None], Converted]]] = {
    "LRRangeTest": _range_test,
    "OneCycle": _one_cycle,
    "WarmupCosineLR": _warmup_cosine,
    "WarmupDecayLR": _warmup_decay,
    "WarmupLR": _warmup,
}
