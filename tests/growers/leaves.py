"""Random leaves: one grower for every shape and every named plan."""

from typing import Any

from tests.growers.base import Grower, grows
from tests.oracles.evaluate import FUNCTIONS
from tests.oracles.tree import Node, node


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
    if not fixed and g.chance.random() < 0.7:
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
def anneal(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    shape = g.chance.choice(("linear", "cosine", "1-sqrt", "exponential", "power"))
    ends = {"start": g.number(0.01, 2), "end": g.number(0.01, 1)} if shape == "exponential" else g.some(
        start=lambda: g.number(0, 2), end=lambda: g.number(0, 1)
    )  # fmt: skip
    over = g.chance.choice((g.number(0.2, 2) * room, g.number(0.05, 0.6) * room, g.length(g.part(room, 0.1, 1))))
    args = g.some(
        offset=lambda: g.number(-0.5, 1) * room,
        cycle=lambda: g.chance.choice(("none", "restart", "mirror")),
        power=lambda: g.number(0.25, 4),
    )
    over = over if isinstance(over, str) else max(round(over, 4), 0.5)
    args = {key: round(value, 4) if key == "offset" else value for key, value in args.items()}
    return g.leaf("anneal", room, fixed, over=over, shape=shape, **ends, **args)


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
