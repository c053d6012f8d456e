"""Each Keras schedule as a plan, in exact numbers."""

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from calando.core.plan import Plan
from calando.core.shapes.exponential import exponential_decay
from calando.core.shapes.inverse_time import inverse_time
from calando.core.shapes.polynomial import polynomial_decay
from calando.core.shapes.warmup import warmup
from calando.core.timing import repeat
from calando.errors import Unconvertible
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import chain, cycles, drops, leg, level, share, steps_of, whole

__all__ = ["MAKERS", "Settings"]

LOOKED_AT: Final = 100_000
LATER: Final = "Keras takes a new value one step after its boundary"


class Settings(NamedTuple):
    """A schedule's class, its arguments, and whether Keras computes it in integers."""

    name: str
    arguments: dict[str, Any]
    integers: bool

    def number(self, name: str, low: float = -math.inf) -> float:
        """One argument as a finite float >= low."""
        return number(self.arguments[name], f"from_keras({self.name}.{name})", low)

    def refuse(self, given: str, allowed: str, fix: str) -> Unconvertible:
        """The error for what no plan of ours can say."""
        return Unconvertible(given=given, allowed=allowed, where=f"from_keras({self.name})", fix=fix)

    def base(self, *rates: float) -> float:
        """The largest of some learning rates, all of them >= 0."""
        if min(rates) < 0.0 or max(rates) <= 0.0:
            raise self.refuse(f"learning rates of {', '.join(f'{rate:g}' for rate in rates)}",
                              "learning rates >= 0, one of them above 0", "give learning rates >= 0")  # fmt: skip
        return max(rates)

    def check_whole(self, quirks: bool, *others: str, always: bool = False) -> list[str]:
        """What counting in integers changes; refused where it makes another curve.

        An int as initial learning rate makes Keras cast every other number to an int as well.
        """
        changed = [name for name in others if whole(self.number(name)) is None]
        if not self.integers or not (changed or always):
            return []
        text = f"initial_learning_rate={self.arguments['initial_learning_rate']} is an int, so that Keras casts "
        text += " and ".join(
            ["pi to 3"] * always + [f"{n}={self.number(n):g} to {int(self.number(n))}" for n in changed]
        )
        if quirks:
            raise self.refuse(text, "a float, which Keras computes with as it is written",
                              "write it with a point (1.0), or pass quirks=False for what is written")  # fmt: skip
        return [f"{text}; this plan is what is written"]


def _cosine(s: Settings, quirks: bool, _horizon: int | None) -> Converted:
    start, over, alpha = s.number("initial_learning_rate"), s.number("decay_steps"), s.number("alpha", 0.0)
    notes = s.check_whole(quirks, always=True)
    if s.arguments["warmup_target"] is None:
        base = s.base(start)
        stop = steps_of(over)
        plan = chain(leg("cosine", 1.0, alpha, over, length=stop))
        if s.arguments["warmup_steps"]:
            notes.append("Keras ignores warmup_steps without a warmup_target, and so does this plan")
        return finish("Keras", [Group(plan, plan, base)], quirks, horizon=stop, notes=notes)
    target, width = s.number("warmup_target"), s.number("warmup_steps", 0.0)
    s.base(start, target)
    base = s.base(target)
    rise, stop = steps_of(width), steps_of(width + over)
    before: Plan | None = None
    if rise:
        low = share(start, base)
        plain = whole(width) is not None and low <= 1.0
        before = warmup(rise, start=low) if plain else leg("linear", low, 1.0, width, length=rise)
    plan = chain(before, leg("cosine", 1.0, alpha, over, offset=rise - width, length=stop - rise))
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=stop, notes=notes)


def _restarts(s: Settings, quirks: bool, horizon: int | None) -> Converted:
    base = s.base(s.number("initial_learning_rate"))
    over, alpha = s.number("first_decay_steps"), s.number("alpha", 0.0)
    growth, decay = s.number("t_mul"), s.number("m_mul", 0.0)
    notes = s.check_whole(quirks, "t_mul", "m_mul", always=True)
    if growth < 1.0:
        raise s.refuse(f"t_mul={growth:g}", f"t_mul >= 1: Keras gives NaN from step {over / (1 - growth):.6g} on",
                       "use t_mul=1, or end the schedule before that step")  # fmt: skip
    if growth == 1.0:
        plan = _equal_cycles(s, over, alpha, decay)
        return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)
    notes.append(_late(over, growth, horizon or LOOKED_AT))
    if whole(over) is not None and whole(growth) is not None:
        size = whole(over)
        plan = repeat(leg("cosine", 1.0, alpha, over, length=size), growth=growth, decay=decay, floor=alpha)
        return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)
    until = horizon or steps_of(over * (growth**12 - 1) / (growth - 1))
    plan = _grown_cycles(over, growth, alpha, decay, until)
    if horizon is None:
        notes.append(f"a plan of twelve cycles, {until:,} steps; pass horizon=... for a longer run")
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=until, notes=notes)


def _late(over: float, growth: float, until: int) -> str:
    """Where Keras' logarithm counts the first update of a cycle to the one before, as NumPy computes it."""
    import numpy as np

    missed: dict[str, list[int]] = {}
    for kind in (np.float32, np.float64):
        base, by, i, at = kind(over), kind(growth), 1, over
        while at < until:
            step = steps_of(at)
            inside = kind(1.0) - kind(step) / base * (kind(1.0) - by)
            if np.floor(np.log(inside) / np.log(by)) < i:
                missed.setdefault(kind.__name__, []).append(step)
            at, i = over * (growth ** (i + 1) - 1) / (growth - 1), i + 1
    told = ", ".join(f"{kind}: {', '.join(map(str, steps[:6]))}" for kind, steps in missed.items()) or "none"
    return (
        "Keras finds its cycle by a logarithm in float32, so that the first update of a cycle may still have the value "
        f"at the end of the one before, off by the whole peak; this plan restarts there (such updates before "
        f"{until:,}, as NumPy computes them: {told}; other backends round otherwise)"
    )


def _equal_cycles(s: Settings, over: float, alpha: float, decay: float) -> Plan:
    size = whole(over)
    if size is not None:
        return repeat(leg("cosine", 1.0, alpha, over, length=size), decay=decay, floor=alpha)
    if decay == 1.0:
        return leg("cosine", 1.0, alpha, over, cycle="restart")
    raise s.refuse(f"first_decay_steps={over:g} with m_mul={decay:g}", "whole steps where cycles shrink or grow",
                   "round first_decay_steps")  # fmt: skip


def _grown_cycles(over: float, growth: float, alpha: float, decay: float, until: int) -> Plan:
    def begin(i: int) -> float:
        return over * (growth**i - 1) / (growth - 1)

    def number_at(t: int) -> int:
        i = 0
        while begin(i + 1) <= t:
            i += 1
        return i

    found = list(cycles(number_at, begin, lambda i: over * growth**i, until))
    pieces = []
    for here, after in zip(found, [*found[1:], None], strict=True):
        high = alpha + (1.0 - alpha) * decay**here.number
        stop = None if after is None else after.first - here.first
        pieces.append(leg("cosine", high, alpha, here.length, offset=here.first - here.begin, length=stop))
    return chain(*pieces)


def _exponential(s: Settings, quirks: bool, horizon: int | None) -> Converted:
    base = s.base(s.number("initial_learning_rate"))
    rate, every, size = s.number("decay_rate", 0.0), s.number("decay_steps"), _interval(s)
    notes = s.check_whole(quirks, "decay_rate")
    stairs = bool(s.arguments["staircase"])
    if rate == 0.0:
        plan: Plan = drops([(size if stairs and size else 1, 0.0)], 1.0)
    elif rate == 1.0:
        plan = level(1.0)
    elif size is not None:
        plan = exponential_decay(factor=rate, every=size, staircase=stairs)
    else:
        plan = exponential_decay(factor=rate ** (1.0 / every))
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)


def _interval(s: Settings) -> int | None:
    size = whole(s.number("decay_steps"))
    if s.arguments["staircase"] and size is None:
        raise s.refuse(f"staircase with decay_steps={s.number('decay_steps'):g}", "whole steps between drops",
                       "round decay_steps, or use staircase=False")  # fmt: skip
    return size


def _inverse_time(s: Settings, quirks: bool, horizon: int | None) -> Converted:
    base = s.base(s.number("initial_learning_rate"))
    rate, every, size = s.number("decay_rate", 0.0), s.number("decay_steps"), _interval(s)
    notes = s.check_whole(quirks, "decay_rate")
    if size is not None:
        plan: Plan = inverse_time(rate, every=size, staircase=bool(s.arguments["staircase"]))
    else:
        plan = inverse_time(rate / every)
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)


def _piecewise(s: Settings, quirks: bool, horizon: int | None) -> Converted:
    given, rates = s.arguments["boundaries"], s.arguments["values"]
    if not isinstance(given, list | tuple) or not isinstance(rates, list | tuple) or len(given) != len(rates) - 1:
        raise s.refuse("boundaries and values that do not match", "one value more than there are boundaries",
                       "Keras itself refuses it: mend the lists")  # fmt: skip
    marks = [int(number(b, "from_keras(PiecewiseConstantDecay.boundaries)")) for b in given]
    values = [number(v, "from_keras(PiecewiseConstantDecay.values)") for v in rates]
    base = s.base(*values)
    kinds = {isinstance(v, int) for v in rates}
    if len(kinds) > 1 and isinstance(rates[0], int):
        raise s.refuse(f"values that start with the int {rates[0]}", "floats: Keras adds them up in integers otherwise",
                       "write them all with a point, such as 1.0")  # fmt: skip
    if not marks:
        raise s.refuse("no boundaries", "at least one: Keras itself fails without", "use a plain learning rate")
    in_order = all(a < b for a, b in zip(marks, marks[1:], strict=False))
    notes = []
    if not in_order:
        notes.append("the boundaries do not rise, so that Keras adds up several values at a step, or none")

    def keras(t: int) -> float:
        total = values[0] * (t <= marks[0]) + values[-1] * (t > marks[-1])
        return total + sum(v * (a < t <= b) for a, b, v in zip(marks[:-1], marks[1:], values[1:-1], strict=True))

    steps = sorted({b + 1 for b in marks if b >= 0})
    exact = drops([(t, share(keras(t), base)) for t in steps], share(keras(0), base))
    if in_order:
        meant = list(zip(marks, values[1:], strict=True))
    else:
        meant = list(zip(sorted(set(marks)), values[1:], strict=False))
    clean = drops([(t, share(v, base)) for t, v in meant], share(values[0], base))
    own = max(0, *marks) + 1
    reasons = [LATER, *notes]
    return finish("Keras", [Group(exact, clean, base)], quirks, horizon=horizon, own=own, reasons=reasons)


def _polynomial(s: Settings, quirks: bool, horizon: int | None) -> Converted:
    start, end = s.number("initial_learning_rate"), s.number("end_learning_rate")
    over, power, size = s.number("decay_steps"), s.number("power", 0.0), whole(s.number("decay_steps"))
    base = s.base(start, end)
    notes = s.check_whole(quirks, "end_learning_rate", "power")
    start, end = share(start, base), share(end, base)
    if power == 0.0 or start == end:
        plan = level(start)
        return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, own=0, notes=notes)
    if end > start and power != 1.0:
        raise s.refuse(f"a rise to end_learning_rate={end * base:g} with power={power:g}", "a fall, or power=1",
                       "Keras reads the power from the beginning of a rise, we from its end: use power=1")  # fmt: skip
    if not s.arguments["cycle"]:
        stop = steps_of(over)
        plan = leg("linear", start, end, over, length=stop, power=power)
        return finish("Keras", [Group(plan, plan, base)], quirks, horizon=stop, notes=notes)
    if size is None or end > start:
        raise s.refuse(f"cycles of decay_steps={over:g} from {start * base:g} to {end * base:g}",
                       "cycles of whole steps that fall", "round decay_steps")  # fmt: skip
    plan = polynomial_decay(power, end, start, cycle=True, length=size)
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)


MAKERS: Final[dict[str, Callable[[Settings, bool, int | None], Converted]]] = {
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
}
