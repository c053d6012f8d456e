"""Binds and evaluates a neutral tree by the rules of the design, exactly and without thought for speed.

Every call walks the tree anew: extents as exact fractions, boundaries rounded half up, the piece in force found
by counting, the leaf evaluated at 50 digits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mpf

from tests.oracles import exact
from tests.oracles.exact import LEAVES, Value, of, round_half_up
from tests.oracles.tree import Node, read

UNITS = {"%": None, "ep": "steps_per_epoch", "tok": "tokens_per_step", "sa": "samples_per_step"}
LENGTHS = {
    "exponential_decay": ("every", "delay"),
    "step_decay": ("every",),
    "inverse_time": ("every",),
    "multistep": ("milestones",),
    "inverse_sqrt": ("warmup", "timescale"),
    "cyclic_cosine": ("period",),
    "cyclical": ("half", "down"),
    "points": ("at",),
}
"""Which arguments are lengths, to be turned into whole steps before a formula sees them."""

FUNCTIONS: dict[str, Callable[[int], float]] = {}
"""What registered functions stand for; whoever grows plans with functions enters them here."""

SMOOTH = {"exponential_decay": False, "step_decay": True, "inverse_time": False}
"""Plans whose interval stays an exact fraction unless they go by stairs, and whether they do by default."""


@dataclass(frozen=True)
class Clock:
    """The sizes that lengths are measured in."""

    horizon: int
    steps_per_epoch: Fraction | None = None
    tokens_per_step: Fraction | None = None
    samples_per_step: Fraction | None = None
    stretched: Fraction = Fraction(1)
    piece: Fraction | None = None
    """The exact length of the piece at hand, before it was rounded; None for the whole run."""

    def steps(self, length: Any) -> Fraction:
        """A length in steps, not rounded."""
        if isinstance(length, int):
            return length * self.stretched
        unit = next(u for u in UNITS if str(length).endswith(u))
        amount = Fraction(str(length).removesuffix(unit)) * self.stretched
        if unit == "%":
            return amount * self.horizon / 100
        size = getattr(self, str(UNITS[unit]))
        return amount * size if unit == "ep" else amount / size

    def whole(self, length: Any) -> int:
        """A length in whole steps, halves up."""
        return round_half_up(self.steps(length))


def value_at(tree: Node | str, t: int, horizon: int, **sizes: Any) -> Value:
    """The learning-rate factor of a plan at step t of a run of `horizon` steps."""
    if isinstance(tree, str):
        tree = read(tree)
    clock = Clock(horizon, **{k: None if v is None else Fraction(v) for k, v in sizes.items()})
    return value(tree, clock, horizon, min(t, horizon))


def extent(tree: Node, clock: Clock) -> Fraction | None:
    """How many steps a plan lasts by itself; None when it takes what is left."""
    args = tree.args
    if tree.name == "then":
        parts = [extent(child, clock) for child in tree.children]
        return None if None in parts else sum((p for p in parts if p is not None), Fraction(0))
    if tree.name in ("product", "minimum", "maximum"):
        parts = [extent(child, clock) for child in tree.children]
        return None if None in parts else max(p for p in parts if p is not None)
    if tree.name == "stretch":
        return extent(tree.children[0], replace(clock, stretched=clock.stretched * number(args["by"])))
    if tree.name in ("splice", "extend"):
        return None
    if tree.name == "shift":
        inner = extent(tree.children[0], clock)
        return None if inner is None else inner + clock.steps(args["by"])
    if tree.name == "repeat":
        inner = extent(tree.children[0], clock)
        if args.get("times") is None or inner is None:
            return None
        return sum(inner * number(args.get("growth", 1)) ** j for j in range(args["times"]))
    if tree.children:
        return extent(tree.children[0], clock)
    if tree.name == "points":
        return clock.steps(args["at"][-1])
    if args.get("cycle") is True:
        return None
    return clock.steps(args["length"]) if args.get("length") is not None else None


def number(x: Any) -> Fraction:
    """A number of the plan as the exact decimal that was written."""
    return Fraction(str(x))


def value(tree: Node, clock: Clock, n: int, t: int) -> Value:
    """The value of a plan that fills n steps, at its own step t <= n."""
    combine = COMBINATORS.get(tree.name)
    if combine is not None:
        return combine(tree, clock, n, min(t, n))
    args = dict(tree.args)
    length = args.pop("length", None)
    if args.get("cycle") is True:
        args["period"] = clock.whole(length)
    for key in LENGTHS.get(tree.name, ()):
        if key in args:
            given = args[key]
            args[key] = [clock.whole(v) for v in given] if isinstance(given, list) else clock.whole(given)
    if tree.name in SMOOTH:
        every = tree.args.get("every", 1)
        args["every"] = (clock.whole if args.get("staircase", SMOOTH[tree.name]) else clock.steps)(every)
    if tree.name == "anneal":
        args.update({key: _real(args[key], clock) for key in ("over", "offset") if key in args})
    if tree.name == "warm_restarts":
        args["first"] = clock.steps(args["first"])
    if tree.name == "one_cycle":
        peak_at = args.get("peak_at", "30%")
        args["peak_at"] = (
            round_half_up(Fraction(peak_at[:-1]) * n / 100) if isinstance(peak_at, str) and "%" in peak_at
            else clock.whole(peak_at)
        )  # fmt: skip
    if tree.name == "function":
        return Value(mpf(FUNCTIONS[args["call"]](math.floor(t / clock.stretched))))
    if tree.name == "inverse_sqrt" and not args.get("warmup") and args.get("timescale") is None:
        args["timescale"] = round_half_up(10_000 * clock.stretched)
    if args.get("gamma") is not None:
        args["gamma"] = mpf(args["gamma"]) ** (1 / of(clock.stretched))
    if tree.name == "points":  # the last point stands at the end of the piece, which was itself rounded
        kept = [k for k, mark in enumerate(args["at"][:-1]) if mark < n]
        args["at"] = [*(args["at"][k] for k in kept), n]
        args["values"] = [*(args["values"][k] for k in kept), args["values"][-1]]
    return LEAVES[tree.name](min(t, n), n, **args)


def _real(length: Any, clock: Clock) -> Fraction:
    """Steps that need not be whole, as the decimal that was written."""
    return clock.steps(length) if isinstance(length, str) else number(length) * clock.stretched


def _inner(child: Node, clock: Clock, n: int, t: int) -> Value:
    """A child inside a combinator: all n steps if it says no length or its piece's own, which was rounded with the
    piece; else as long as it says, and its last value is held."""
    own = extent(child, clock)
    last = n if own is None or own == clock.piece else min(n, round_half_up(own))
    if own is not None:
        clock = replace(clock, piece=own)
    return value(child, clock, last, min(t, last))


def _flat(tree: Node) -> list[Node]:
    """The pieces of a `then`, those of a `then` inside it among them."""
    return [piece for child in tree.children for piece in (_flat(child) if child.name == "then" else [child])]


def _then(tree: Node, clock: Clock, n: int, t: int) -> Value:
    tree = Node("then", tuple(_flat(tree)))
    parts = [extent(child, clock) for child in tree.children]
    fixed = sum((p for p in parts if p is not None), Fraction(0))
    rest = n - fixed
    edges, total = [0], Fraction(0)
    for part in parts:
        total += rest if part is None else part
        edges.append(min(max(round_half_up(total), edges[-1]), n))
    chosen = len(parts) - 1
    for k in range(len(parts)):
        if edges[k] <= t < edges[k + 1]:
            chosen = k
    while chosen > 0 and edges[chosen] == edges[chosen + 1]:
        chosen -= 1
    own = parts[chosen]
    here = replace(clock, piece=own if own is not None else (n if clock.piece is None else clock.piece) - fixed)
    return value(tree.children[chosen], here, edges[chosen + 1] - edges[chosen], t - edges[chosen])


def _product(tree: Node, clock: Clock, n: int, t: int) -> Value:
    result = Value(mpf(1))
    for child in tree.children:
        v = _inner(child, clock, n, t)
        result = Value(result.number * v.number, result.exponent + v.exponent)
    return result


def _scale(tree: Node, clock: Clock, n: int, t: int) -> Value:
    v = _inner(tree.children[0], clock, n, t)
    return Value(v.number * mpf(tree.args["by"]), v.exponent)


def _clip(tree: Node, clock: Clock, n: int, t: int) -> Value:
    v = _inner(tree.children[0], clock, n, t)
    low, high = mpf(tree.args.get("low", 0)), mpf(tree.args.get("high", "inf"))
    return Value(min(max(v.number, low), high), v.exponent)


def _choose(pick: Callable[..., Any]) -> Callable[[Node, Clock, int, int], Value]:
    def chosen(tree: Node, clock: Clock, n: int, t: int) -> Value:
        values = [_inner(child, clock, n, t) for child in tree.children]
        return Value(pick(v.number for v in values), max(v.exponent for v in values))

    return chosen


def _shift(tree: Node, clock: Clock, n: int, t: int) -> Value:
    by = clock.whole(tree.args["by"])
    if clock.piece is not None:
        clock = replace(clock, piece=clock.piece - clock.steps(tree.args["by"]))
    return _inner(tree.children[0], clock, n - by, max(0, t - by))


def _stretch(tree: Node, clock: Clock, n: int, t: int) -> Value:
    longer = replace(clock, stretched=clock.stretched * number(tree.args["by"]))
    return _inner(tree.children[0], longer, n, t)


def _reverse(tree: Node, clock: Clock, n: int, t: int) -> Value:
    return _inner(tree.children[0], clock, n, n - t)


def _repeat(tree: Node, clock: Clock, n: int, t: int) -> Value:
    child, args = tree.children[0], tree.args
    own = extent(child, clock)
    if own is None:
        own = Fraction(n) / sum(number(args.get("growth", 1)) ** j for j in range(args["times"]))
    growth = number(args.get("growth", 1))
    index, begin, finish = exact.cycle_of(t, n, own, growth)
    if args.get("times") is not None and index >= args["times"]:  # over: the end of the last cycle is held
        starts = exact.cycle_starts(own, growth, args["times"])
        index, begin, finish, t = args["times"] - 1, starts[-2], starts[-1], starts[-1]
    if args.get("times") is not None and index == args["times"] - 1:
        finish, t = n, min(t, n)
    longer = replace(clock, stretched=clock.stretched * growth**index, piece=own * growth**index)
    v = _inner(child, longer, finish - begin, t - begin)
    share, floor = mpf(args.get("decay", 1.0)) ** index, mpf(args.get("floor", 0.0))
    exponent = abs(float(mpmath.log(share))) if share else 0.0
    return Value(floor * (1 - share) + share * v.number, v.exponent + exponent)


def _hold(tree: Node, clock: Clock, n: int, t: int) -> Value:
    every = clock.whole(tree.args.get("every", "1ep"))
    return _inner(tree.children[0], clock, n, t // every * every)


def _splice(tree: Node, clock: Clock, n: int, t: int) -> Value:
    turns = [0, *(clock.whole(at) for at in tree.args["at"])]
    chosen = max(k for k, turn in enumerate(turns) if turn <= t)
    return _inner(tree.args["plans"][chosen], clock, n, t)


def _extend(tree: Node, clock: Clock, n: int, t: int) -> Value:
    """The place in the plan's own run is one fraction; between two of its steps the value goes straight."""
    child, given, at = tree.children[0], tree.args["horizon"], tree.args.get("at")
    own, at = clock.whole(given), None if at is None else clock.whole(at)
    clock = replace(clock, horizon=replace(clock, stretched=Fraction(1)).whole(given), piece=None)
    if at is None or t < at or at >= n:
        return _inner(child, clock, own, min(t, own))
    ratio = Fraction(own - at, n - at)
    ratio = ratio.limit_denominator(2**15) if ratio <= 1 else 1 / (1 / ratio).limit_denominator(2**15)
    place = max(own - (n - t) * ratio, Fraction(at))
    before, share = math.floor(place), place - math.floor(place)
    value_ = _inner(child, clock, own, before)
    if not share or child.name in ("multistep", "step_decay"):  # level up to the jump
        return value_
    after = _inner(child, clock, own, before + 1)
    share_ = mpf(share.numerator) / share.denominator
    number_ = value_.number * (1 - share_) + after.number * share_
    return Value(number_, max(value_.exponent, after.exponent))


def _plateau(tree: Node, clock: Clock, n: int, t: int) -> Value:
    return _inner(tree.children[0], clock, n, t)


def _wsd(tree: Node, clock: Clock, n: int, t: int) -> Value:
    """MiniCPM (arXiv:2404.06395) and Haegele et al. 2024 (arXiv:2405.18392): three stages, the last from where
    the second one stands."""
    args = tree.args
    warm = clock.whole(args.get("warmup", 0))
    begin = round_half_up(n - clock.steps(args.get("cooldown", "20%")))
    down = n - begin
    if t < warm:
        return exact.warmup(t, warm, args.get("start", 0.0))
    stable = _stable(args, clock, warm, min(t, begin) - warm)
    if t < begin:
        return stable
    x, end = mpf(t - begin) / down if down else mpf(1), mpf(args.get("end", 0.0))
    shape, top = args.get("cooldown_shape", "linear"), stable.number
    if shape == "exponential":
        ratio = end / top
        return Value(top * ratio**x, abs(float(x * mpmath.log(ratio))) + stable.exponent)
    power = mpf(args.get("power", 2.0))
    left = {
        "linear": 1 - x,
        "cosine": (1 + mpmath.cos(mpmath.pi * x)) / 2,
        "1-sqrt": 1 - mpmath.sqrt(x),
        "power": (1 - x) ** power,
    }[shape]
    return Value(end + (top - end) * left, stable.exponent + float(power) * (shape == "power"))


def _stable(args: Any, clock: Clock, warm: int, t: int) -> Value:
    kind = args.get("stable", "constant")
    if kind == "constant":
        return Value(mpf(1))
    given = args.get("timescale")
    tau = mpf(clock.whole(given) if given is not None else warm or round_half_up(10_000 * clock.stretched))
    if kind == "inverse_sqrt":
        return Value(1 / mpmath.sqrt(1 + t / tau))
    power = mpf(args.get("stable_power", 1.0))
    return Value((1 + t / tau) ** -power, float(power))


COMBINATORS: dict[str, Callable[[Node, Clock, int, int], Value]] = {
    "then": _then,
    "product": _product,
    "scale": _scale,
    "clip": _clip,
    "shift": _shift,
    "stretch": _stretch,
    "reverse": _reverse,
    "repeat": _repeat,
    "minimum": _choose(min),
    "maximum": _choose(max),
    "hold": _hold,
    "splice": _splice,
    "extend": _extend,
    "reduce_on_plateau": _plateau,
    "bundle": lambda tree, clock, n, t: value(tree.children[0], clock, n, t),
    "wsd": _wsd,
}
