"""Random plans from every constructor and combinator, as neutral trees that surely bind.

One grower serves two masters: Hypothesis (`plans()`), and a seeded `random.Random` where a test wants to count what
it has seen. `GROWERS` is held against the catalog, so that a new shape must be added here before it passes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.oracles.evaluate import FUNCTIONS
from tests.oracles.tree import Node, node

ROOT_ONLY = ("bundle", "reduce_on_plateau")
"""What wraps a whole run and so stands outside of every other plan."""

SIZES = {"steps_per_epoch": 20, "tokens_per_step": 1000, "samples_per_step": 8}
SMALLEST = 12
"""A piece with fewer steps than this is a plain leaf."""


@dataclass(frozen=True)
class Grown:
    """A tree and the run it was grown for."""

    tree: Node
    horizon: int

    def __str__(self) -> str:
        return f"{self.tree}  over {self.horizon} steps"


class Grower:
    """Grows trees for a run of `horizon` steps out of one source of chance."""

    def __init__(self, chance: Random, horizon: int) -> None:
        self.chance = chance
        self.horizon = horizon

    def number(self, low: float, high: float) -> float:
        """A short decimal."""
        return round(low + (high - low) * self.chance.randint(0, 1000) / 1000, 4)

    def length(self, steps: int) -> int | str:
        """So many steps once it is rounded, in one of the units."""
        unit = self.chance.choice(("", "", "%", "ep", "tok", "sa", "a bit less"))
        if unit == "a bit less" and steps > 4:
            return f"{steps * SIZES['tokens_per_step'] - self.chance.choice((100, 300, 500))}tok"
        if unit == "tok":
            return f"{steps * SIZES['tokens_per_step']}tok"
        if unit == "sa":
            return f"{steps * SIZES['samples_per_step']}sa"
        if unit == "ep" and steps % (SIZES["steps_per_epoch"] // 4) == 0:
            return f"{steps / SIZES['steps_per_epoch']:.2f}".rstrip("0").rstrip(".") + "ep"
        if unit == "%" and steps * 100 % self.horizon == 0 and steps <= self.horizon:
            return f"{steps * 100 // self.horizon}%"
        return steps

    def part(self, room: int, low: float, high: float) -> int:
        """A whole number of steps, at least 1, that is a share of the room."""
        return max(1, int(room * self.number(low, high)))

    def plan(self, depth: int, room: int, fixed: bool = False, name: str | None = None) -> Node:
        """A plan of `depth` levels for a piece of `room` steps; `fixed` plans say how long they last."""
        if name is None:
            deep = depth > 1 and room >= 2 * SMALLEST
            names = COMBINATORS if deep else LEAVES
            name = self.chance.choice(names)
        return GROWERS[name](self, depth, room, fixed)

    def leaf(self, name: str, room: int, fixed: bool, **args: Any) -> Node:
        """A leaf that fills the room, by its own length or by taking the rest."""
        return node(name, **args, length=self.length(room) if fixed else None)

    def some(self, **choices: Callable[[], Any]) -> dict[str, Any]:
        """A random part of the optional arguments."""
        return {key: make() for key, make in choices.items() if self.chance.random() < 0.5}


Make = Callable[[Grower, int, int, bool], Node]
GROWERS: dict[str, Make] = {}


def grows(make: Make) -> Make:
    """Enter a grower under the name of the plan it grows."""
    GROWERS[make.__name__.strip("_")] = make
    return make


@grows
def constant(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return g.leaf("constant", room, fixed, **g.some(value=lambda: g.number(0, 2)))


@grows
def warmup(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    shape = g.chance.choice(("linear", "exponential", "cosine", "1-sqrt"))
    args = {"shape": shape, "start": g.number(0.01, 1)} if shape == "exponential" else g.some(
        shape=lambda: shape, start=lambda: g.number(0, 1), first=lambda: g.chance.choice(("start", "step"))
    )  # fmt: skip
    if fixed:
        return node("warmup", length=g.length(room), **args)
    return node("then", node("warmup", length=g.length(g.part(room, 0.05, 0.9)), **args), node("constant"))


def _decay(g: Grower) -> dict[str, Any]:
    return g.some(end=lambda: g.number(0, 1), start=lambda: g.number(0, 2), inclusive=lambda: g.chance.random() < 0.5)


@grows
def linear_decay(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return g.leaf("linear_decay", room, fixed, **_decay(g))


@grows
def cosine(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return g.leaf("cosine", room, fixed, **_decay(g))


@grows
def polynomial_decay(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    power = g.number(0.25, 4)
    if not fixed and g.chance.random() < 0.3:
        cycle = g.length(g.part(room, 0.2, 0.7))
        return node("polynomial_decay", power=power, end=g.number(0, 1), cycle=True, length=cycle)
    return g.leaf("polynomial_decay", room, fixed, power=power, **_decay(g))


@grows
def exponential_decay(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    form = g.chance.choice(("rate", "factor", "end"))
    number = g.number(0, 0.1) if form == "rate" else g.number(0.05, 1)
    args = g.some(
        every=lambda: g.length(g.part(room, 0.02, 0.3)),
        staircase=lambda: g.chance.random() < 0.5,
        delay=lambda: g.length(g.part(room, 0, 0.5)),
    )
    return g.leaf("exponential_decay", room, fixed, **{form: number}, **args)


@grows
def step_decay(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(factor=lambda: g.number(0.05, 1.1), staircase=lambda: g.chance.random() < 0.5)
    return g.leaf("step_decay", room, fixed, every=g.length(g.part(room, 0.05, 0.5)), **args)


@grows
def multistep(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    count = g.chance.randint(1, 4)
    milestones = [g.length(room * k // (count + 1)) for k in range(1, count + 1) if room * k // (count + 1) > 0]
    milestones = list(dict.fromkeys(milestones)) if room > 12 else [1]
    return g.leaf("multistep", room, fixed, milestones=milestones, **g.some(factor=lambda: g.number(0.05, 1)))


@grows
def inverse_sqrt(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(
        warmup=lambda: g.length(g.part(room, 0.05, 0.5)),
        timescale=lambda: g.part(room, 0.1, 2),
        start=lambda: g.number(0, 1),
    )
    return g.leaf("inverse_sqrt", room, fixed, **args)


@grows
def inverse_time(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(every=lambda: g.length(g.part(room, 0.02, 0.3)), staircase=lambda: g.chance.random() < 0.5)
    return g.leaf("inverse_time", room, fixed, rate=g.number(0, 2), **args)


@grows
def warm_restarts(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(
        growth=lambda: g.chance.choice((1, 1.5, 2, 3)), peak_decay=lambda: g.number(0.3, 1), end=lambda: g.number(0, 1)
    )
    return g.leaf("warm_restarts", room, fixed, first=g.length(g.part(room, 0.1, 0.6)), **args)


@grows
def cyclic_cosine(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    period = g.length(max(2, g.part(room, 0.1, 0.9)))
    return g.leaf("cyclic_cosine", room, fixed, period=period, **g.some(low=lambda: g.number(0, 1)))


@grows
def one_cycle(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(
        peak_at=lambda: g.chance.choice(("25%", "40%", g.part(room, 0.1, 0.45))),
        start=lambda: g.number(0, 1),
        peak=lambda: g.number(1, 2),
        end=lambda: g.number(0, 1),
        phases=lambda: g.chance.choice((2, 3)),
        anneal=lambda: g.chance.choice(("cosine", "linear")),
    )
    return g.leaf("one_cycle", room, fixed, **args)


@grows
def cyclical(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    mode = g.chance.choice(("triangular", "triangular2", "exp_range"))
    args = g.some(
        down=lambda: g.length(g.part(room, 0.05, 0.5)),
        high=lambda: g.number(1, 2),
        inverse=lambda: g.chance.random() < 0.5,
    )
    gamma = g.number(0.9, 1) if mode == "exp_range" else None
    half = g.length(g.part(room, 0.05, 0.5))
    return g.leaf("cyclical", room, fixed, low=g.number(0, 1), half=half, mode=mode, gamma=gamma, **args)


@grows
def wsd(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    shape = g.chance.choice(("linear", "cosine", "1-sqrt", "exponential", "power"))
    end = g.number(0.01, 0.2) if shape == "exponential" else g.number(0, 0.2)
    args = g.some(
        warmup=lambda: g.length(g.part(room, 0.05, 0.4)),
        stable=lambda: g.chance.choice(("constant", "inverse_sqrt", "power")),
        start=lambda: g.number(0, 1),
        power=lambda: g.number(0.5, 3),
        stable_power=lambda: g.number(0.1, 1),
    )
    if args.get("stable", "constant") != "constant":  # it must not fall below the end before the cooldown
        args["timescale"] = g.part(room, 0.5, 2)
    cooldown = g.length(g.part(room, 0.05, 0.5))
    return g.leaf("wsd", room, fixed, cooldown=cooldown, cooldown_shape=shape, end=end, **args)


@grows
def points(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    count = g.chance.randint(2, 6)
    at = sorted({room * k // (count - 1) for k in range(count)})
    values = [g.number(0, 2) for _ in at]
    between = g.chance.choice(("linear", "step", "cubic"))
    made = node("points", at=[g.length(a) for a in at], values=values, between=between)
    return made if fixed else node("then", _shrunk(made, at, room), node("constant"))


def _shrunk(made: Node, at: list[int], room: int) -> Node:
    half = [a // 2 for a in at]
    if len(set(half)) < len(at):
        half = list(range(len(at)))
    return node("points", **{**made.args, "at": half})


@grows
def function(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return g.leaf("function", room, fixed, call=g.chance.choice(REGISTERED))


def sawtooth(step: int) -> float:
    """A registered custom function, on integers and on arrays."""
    return (step % 10) / 10


def halving(step: int) -> float:
    """Another one."""
    return 1 / (1 + step // 16)


FUNCTIONS.update(sawtooth=sawtooth, halving=halving)
REGISTERED = tuple(FUNCTIONS)


@grows
def then(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    count = g.chance.randint(2, 3) if room >= 3 * SMALLEST else 2
    open_one = None if fixed else g.chance.randrange(count)
    share = room // count
    rooms = [share] * (count - 1) + [room - share * (count - 1)]
    pieces = [g.plan(depth - 1, r, fixed=k != open_one) for k, r in enumerate(rooms)]
    return node("then", *pieces)


def _many(name: str) -> Make:
    def make(g: Grower, depth: int, room: int, fixed: bool) -> Node:
        children = [g.plan(depth - 1, room, fixed) for _ in range(g.chance.randint(2, 3))]
        return node(name, *children)

    return make


GROWERS["product"] = _many("product")
GROWERS["minimum"] = _many("minimum")
GROWERS["maximum"] = _many("maximum")


@grows
def scale(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return node("scale", g.plan(depth - 1, room, fixed), by=g.number(0, 2))


@grows
def clip(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    low = g.number(0, 0.5)
    bounds = {"low": low, "high": low + g.number(0, 1)}
    return node("clip", g.plan(depth - 1, room, fixed), **{k: bounds[k] for k in bounds if g.chance.random() < 0.8})


@grows
def shift(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    by = g.part(room, 0.05, 0.4)
    return node("shift", g.plan(depth - 1, room - by, fixed), by=g.length(by))


@grows
def stretch(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    by = g.chance.choice((0.5, 1.5, 2, 3))
    return node("stretch", g.plan(depth - 1, int(room / by), fixed), by=by)


@grows
def reverse(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    return node("reverse", g.plan(depth - 1, room, fixed))


@grows
def repeat(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    times, growth = g.chance.randint(2, 3), g.chance.choice((1, 1.5, 2))
    cycle = max(2, int(room / sum(growth**j for j in range(times))))
    args = g.some(decay=lambda: g.number(0.3, 1), floor=lambda: g.number(0, 0.3))
    made = node("repeat", g.plan(depth - 1, cycle, True), times=times, growth=growth, **args)
    if fixed:
        return made
    if g.chance.random() < 0.5:
        return node("repeat", *made.children, growth=growth, **args)
    return node("then", node("constant", length=room - _total(cycle, growth, times)), _open(made))


def _total(cycle: int, growth: float, times: int) -> int:
    return int(sum(cycle * growth**j for j in range(times)))


def _open(made: Node) -> Node:
    return Node("repeat", made.children, {k: v for k, v in made.args.items() if k != "times"})


@grows
def hold(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    every = g.chance.choice((None, g.length(g.part(room, 0.02, 0.3))))
    return node("hold", g.plan(depth - 1, room, fixed), every=every)


@grows
def reduce_on_plateau(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    args = g.some(
        factor=lambda: g.number(0.05, 0.9),
        patience=lambda: g.chance.randint(1, 9),
        cooldown=lambda: g.chance.randint(0, 5),
        threshold=lambda: g.number(0, 0.1),
        threshold_mode=lambda: g.chance.choice(("relative", "absolute")),
        mode=lambda: g.chance.choice(("min", "max")),
        min_scale=lambda: g.number(0, 0.5),
        convention=lambda: g.chance.choice(("torch", "keras")),
    )
    return node("reduce_on_plateau", g.plan(depth - 1, room, fixed), **args)


@grows
def bundle(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    names = [name for name in ("momentum", "weight_decay", "dropout") if g.chance.random() < 0.6] or ["momentum"]
    return node("bundle", g.plan(depth - 1, room, fixed), **{name: g.plan(depth - 1, room) for name in names})


COMBINATORS = tuple(
    name
    for name in GROWERS
    if name
    in ("then", "product", "minimum", "maximum", "scale", "clip", "shift", "stretch", "reverse", "repeat", "hold")
)
LEAVES = tuple(name for name in GROWERS if name not in COMBINATORS + ROOT_ONLY)


def grow(chance: Random, depth: int | None = None, horizon: int | None = None, root: str | None = None) -> Grown:
    """One random plan of a few levels for a run that it fits."""
    horizon = horizon or 100 * chance.choice((2, 3, 5, 8, 20))
    depth = depth or chance.randint(1, 5)
    if root is None and depth > 1 and chance.random() < 0.1:
        root = chance.choice(ROOT_ONLY)
    return Grown(Grower(chance, horizon).plan(depth, horizon, name=root), horizon)


def plain(grown: Grown) -> Grown:
    """The plan itself, without a listener or other quantities around it."""
    return Grown(grown.tree.children[0], grown.horizon) if grown.tree.name in ROOT_ONLY else grown


@st.composite
def plans(draw: st.DrawFn, depth: int | None = None, listeners: bool = True) -> Grown:
    """Hypothesis: a random plan and its run; without `listeners`, only plain ones."""
    grown = grow(draw(st.randoms(use_true_random=False)), depth)
    return grown if listeners else plain(grown)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Grown, Grown]:
    """Hypothesis: two plain plans for the same run."""
    chance = draw(st.randoms(use_true_random=False))
    first = plain(grow(chance))
    return first, plain(grow(chance, horizon=first.horizon))
