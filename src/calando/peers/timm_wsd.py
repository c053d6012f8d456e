"""timm's warm-up, stable, decay."""

import math
from typing import Any

from calando.core.algebra import product
from calando.core.plan import Plan
from calando.core.plans.wsd import wsd
from calando.errors import CalandoError
from calando.peers.base import Converted
from calando.peers.finish import Group, finish
from calando.peers.legs import chain, leg, level, share, table, whole
from calando.peers.timm_reading import Timm

__all__ = ["from_wsd"]

STABLE: Any = {"constant": "constant", "rsqrt": "inverse_sqrt", "power": "power"}
FALLS: Any = {"linear": "linear", "1-sqrt": "1-sqrt", "cosine": "cosine"}
FALLING = "timm's stable curve goes on falling under its cooldown; ours cools down from the value that was reached"


def from_wsd(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    """WSDLRScheduler as plans."""
    if callable(timm.scheduler.decay_fn):
        raise timm.refuse("a decay_fn that is a Python function", "linear, 1-sqrt, cosine, power or exp",
                          "say it by calando.function(lambda t: scheduler._get_lr(t)[0] / lr)")  # fmt: skip
    groups = [Group(*_plans(_Stages(timm, rate)), base) for rate, base in zip(timm.rates, timm.bases, strict=True)]
    reasons = [] if timm.scheduler.stable_fn == "constant" else [FALLING]
    if not timm.width and any(timm.number("lr_min", 0.0) > rate for rate in timm.rates):
        reasons.append("timm leaves each group its own rate at t=0, and lifts it to lr_min after that")
    horizon = timm.width + timm.count("t_initial")
    return finish("timm", groups, quirks, by_epoch=by_epoch, horizon=horizon, reasons=reasons)


class _Stages:
    """The three stages of a group whose own rate is 1."""

    def __init__(self, timm: Timm, rate: float) -> None:
        self.timm, self.rate = timm, rate
        self.low = share(timm.number("lr_min", 0.0), rate)
        self.total, self.fall = timm.count("t_initial"), timm.count("decay_t")
        self.stable = self.total - self.fall
        self.fn, self.shape = timm.scheduler.stable_fn, timm.scheduler.decay_fn
        self.power = timm.number("decay_power")
        if self.shape == "power" and self.power in (0.5, 1.0):
            self.shape = {0.5: "1-sqrt", 1.0: "linear"}[self.power]

    def exponent(self) -> float:
        return 0.5 if self.fn == "rsqrt" else self.timm.number("stable_power")

    def value(self, t: int) -> float:
        """timm's factor, t counted from the end of the warm-up."""
        high = 1.0
        if self.fn != "constant":
            high = (1.0 + t / self.timm.number("stable_timescale")) ** -self.exponent()
        high, left = max(high, self.low), t - self.stable
        if left <= 0:
            return high
        return self.low + (high - self.low) * self.weight(min(left / self.fall, 1.0))

    def weight(self, x: float) -> float:
        if self.shape == "power":
            return 1.0 - float(x**self.power)
        if self.shape == "exp":
            ratio = self.timm.number("decay_ratio")
            return float((ratio**x - ratio) / (1.0 - ratio))
        return {"linear": 1.0 - x, "1-sqrt": 1.0 - math.sqrt(x), "cosine": 0.5 * (1.0 + math.cos(math.pi * x))}[
            self.shape
        ]


def _plans(s: _Stages) -> tuple[Plan, Plan]:
    """The exact plan and the meant one."""
    rise, steady = s.timm.rise(s.rate), s.fn == "constant"
    start = share(s.timm.number("warmup_lr_init", 0.0), s.rate) if s.timm.width else 0.0
    if s.low >= 1.0:
        meant = chain(rise, level(s.low))
        return (chain(level(1.0, 1), level(s.low)) if s.low > 1.0 and not s.timm.width else meant), meant
    if steady and s.shape in FALLS:
        plain = start <= 1.0 and s.stable > 0
        way = leg(s.shape, 1.0, s.low, s.fall, length=s.fall)
        plan = _named(s, start) if plain else chain(rise, level(1.0, s.stable), way)
        return plan, plan
    if steady:
        fall = table(lambda t: s.value(t + s.stable), s.fall, s.low)
        plan = chain(rise, level(1.0, s.stable), fall)
        return plan, plan
    scale = whole(s.timm.number("stable_timescale"))
    if s.low == 0.0 and scale is not None and s.shape in FALLS:
        falling = wsd(cooldown=0, stable="power", stable_power=s.exponent(), timescale=scale, length=s.total)
        other = chain(rise, level(1.0, s.stable), leg(s.shape, 1.0, 0.0, s.fall, length=s.fall))
        exact: Plan = product(chain(level(1.0, s.timm.width), falling), other)
    else:
        exact = chain(rise, table(s.value, s.total, s.low))
    try:
        named = _named(s, start)
        named.bind(s.timm.width + s.total)
    except (
        CalandoError
    ):  # a stable stage that falls below the floor, and the like: then what timm does is what is meant
        return exact, exact
    return exact, named


def _named(s: _Stages, start: float) -> Plan:
    """The plan as `wsd`; a cooldown that `wsd` has no word for becomes its linear one."""
    scale = None if s.fn == "constant" else max(round(s.timm.number("stable_timescale")), 1)
    shape: Any = s.shape if s.shape in FALLS else "linear"
    return wsd(
        s.timm.width, s.fall, stable=STABLE[s.fn], cooldown_shape=shape, end=s.low, start=start,
        stable_power=s.exponent() if s.fn == "power" else 1.0, timescale=scale, length=s.timm.width + s.total,
    )  # fmt: skip
