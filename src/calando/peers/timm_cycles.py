"""timm's cosine, polynomial and tanh schedulers: cycles of one kind."""

import math

from calando.core.plan import Plan
from calando.core.plans.waves import warm_restarts
from calando.core.timing import repeat
from calando.peers.base import Converted
from calando.peers.finish import Group, finish
from calando.peers.legs import Cycle, chain, cycles, leg, level, share, table, whole
from calando.peers.timm_reading import Timm

__all__ = ["from_cycles"]


class _Clock:
    """timm's own count of cycles, errors of its logarithm included."""

    def __init__(self, timm: Timm) -> None:
        self.first, self.growth = timm.number("t_initial"), timm.number("cycle_mul")
        self.limit = max(int(timm.number("cycle_limit")), 0)
        if self.growth <= 0.0 or self.first <= 0.0:
            raise timm.refuse(f"cycle_mul={self.growth:g}", "a number above 0", "give a cycle_mul above 0")
        self.end = self._end()

    def number(self, t: int) -> int:
        """timm's number of the cycle at t; beyond all where its logarithm fails."""
        if self.growth == 1.0:
            return int(t // self.first)
        inside = 1 - t / self.first * (1 - self.growth)
        return math.floor(math.log(inside, self.growth)) if inside > 0.0 else self.limit

    def begin(self, i: int) -> float:
        if self.growth == 1.0:
            return self.first * i
        return (1 - self.growth**i) / (1 - self.growth) * self.first

    def length(self, i: int) -> float:
        return self.growth**i * self.first

    def _end(self) -> int:
        t = max(math.floor(self.begin(self.limit)) - 1, 0)
        while self.number(t) < self.limit:
            t += 1
        return t


def from_cycles(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    """CosineLRScheduler, PolyLRScheduler or TanhLRScheduler as plans."""
    clock = _Clock(timm)
    entered = 0 if timm.prefix else timm.width
    own_rate = timm.kind == "TanhLRScheduler" and not timm.width  # what the constructor leaves at t=0
    found = [c for c in cycles(clock.number, clock.begin, clock.length, clock.end) if c.number < clock.limit]
    stops = [*(c.first for c in found[1:]), clock.end][: len(found)]
    skipped = max(entered, 1 if own_rate else 0)
    parts = [(c, max(c.first, skipped), stop) for c, stop in zip(found, stops, strict=True) if stop > skipped]
    meant = [(c, max(c.first, entered), stop) for c, stop in zip(found, stops, strict=True) if stop > entered]
    late = [c.first for c in found if c.first > math.ceil(c.begin)]
    reasons = []
    if entered and parts:
        reasons.append("timm's clock runs during the warm-up (warmup_prefix=False), so that the peak is not reached")
    if own_rate:
        reasons.append("timm leaves each group its own rate at t=0, and begins with its tanh after that")
    if late:
        reasons.append("timm finds its cycle by a logarithm that is a hair too small there, and restarts one step late")
    groups = []
    for rate, base in zip(timm.rates, timm.bases, strict=True):
        kind = _Kind(timm, rate)
        exact = _plan(timm, kind, clock, parts, plain=not (entered or late))
        clean = exact
        if entered and clock.limit == 1 and clock.end > entered:
            clean = chain(timm.rise(rate), *kind.part(1.0, float(clock.end - entered), 0.0, clock.end - entered))
        elif meant and (late or own_rate):
            clean = _plan(timm, kind, clock, _in_time(meant, entered), plain=False)
        groups.append(Group(exact, clean, base))
    horizon = timm.width + clock.end if timm.prefix else max(clock.end, timm.width)
    return finish("timm", groups, quirks, by_epoch=by_epoch, horizon=max(horizon, 1), reasons=reasons)


Part = tuple[Cycle, int, int]


def _in_time(parts: list[Part], entered: int) -> list[Part]:
    """The parts with every cycle from the step at which it begins."""
    starts = [max(math.ceil(cycle.begin), entered) for cycle, _, _ in parts]
    stops = [*starts[1:], parts[-1][2]]
    return [(c, a, b) for (c, _, _), a, b in zip(parts, starts, stops, strict=True) if b > a]


def _plan(timm: Timm, kind: "_Kind", clock: _Clock, parts: list[Part], plain: bool) -> Plan:
    top = kind.value_of(clock, timm.width) if timm.kind == "TanhLRScheduler" and not timm.prefix else 1.0
    own = parts[0][1] if parts else 1  # the constructor leaves each group its own rate
    before = timm.rise(kind.rate, top) if timm.width else level(1.0, own)
    after = None if parts else level(kind.low)
    if plain and len(parts) > 1:
        waves = kind.waves(clock)
        if waves is not None:
            return chain(before, waves)
    legs = [plan for c, a, b in parts for plan in kind.part(kind.fall**c.number, c.length, a - c.begin, b - a)]
    return chain(before, *legs, after)


class _Kind:
    """One of the three curves, for a group whose own rate is 1."""

    def __init__(self, timm: Timm, rate: float) -> None:
        self.timm, self.rate = timm, rate
        self.low = share(timm.number("lr_min", 0.0), rate)
        self.fall = timm.number("cycle_decay", 0.0)
        self.tanh = timm.kind == "TanhLRScheduler"
        self.cosine = timm.kind == "CosineLRScheduler"
        self.bend = 1.0 if self.tanh else timm.number("k_decay")
        self.power = 1.0 if self.tanh or self.cosine else timm.number("power")
        if self.power < 0.0 or self.bend <= 0.0:
            raise timm.refuse(f"power={self.power:g}, k_decay={self.bend:g}", "power >= 0 and k_decay > 0",
                              "mend them: the curve is infinite at an end")  # fmt: skip

    def weight(self, x: float) -> float:
        """timm's weight, from 1 down."""
        if self.tanh:
            low, high = self.timm.number("lb"), self.timm.number("ub")
            return 0.5 * (1.0 - math.tanh(low * (1.0 - x) + high * x))
        x = x**self.bend
        return 0.5 * (1.0 + math.cos(math.pi * x)) if self.cosine else max(1.0 - x, 0.0) ** self.power

    def part(self, peak: float, over: float, offset: float, steps: int) -> list[Plan]:
        """The plans of `steps` steps of a cycle, entered `offset` steps after its beginning."""
        plain = not self.tanh and self.bend == 1.0 and self.power > 0.0
        if plain and (self.cosine or self.power == 1.0 or peak >= self.low):
            way = "cosine" if self.cosine else "linear"
            return [leg(way, peak, self.low, over, offset=offset, length=steps, power=self.power)]
        return [table(lambda t: self.low + (peak - self.low) * self.weight(min((t + offset) / over, 1.0)), steps,
                      end=self.low)]  # fmt: skip

    def value_of(self, clock: _Clock, t: int) -> float:
        """timm's factor at a step of its clock."""
        i = clock.number(t)
        if i >= clock.limit:
            return self.low
        x = (t - clock.begin(i)) / clock.length(i)
        return self.low + (self.fall**i - self.low) * self.weight(x)

    def waves(self, clock: _Clock) -> Plan | None:
        """Several cycles as one plan, where cycles are of whole steps."""
        size, growth = whole(clock.first), whole(clock.growth)
        if size is None or growth is None or self.tanh or self.power == 0.0 or self.bend != 1.0 or clock.limit > 2000:
            return None
        if self.fall == 1.0:
            (inner,) = self.part(1.0, clock.first, 0.0, size)
            return repeat(inner, times=clock.limit, growth=growth)
        lowest = self.fall ** (clock.limit - 1)
        if self.cosine and min(lowest, 1.0) >= self.low and self.low <= 1.0:
            return warm_restarts(size, growth=growth, peak_decay=self.fall, end=self.low, length=clock.end)
        return None
