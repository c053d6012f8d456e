"""Random combinators, and what wraps a whole run."""

from tests.growers.base import GROWERS, SMALLEST, Grower, Make, grows
from tests.oracles.tree import Node, node


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
def splice(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    if fixed:  # it takes the rest, always
        return hold(g, depth, room, fixed)
    turns = sorted(g.chance.sample(range(1, room), g.chance.randint(1, 2)))
    plans = [g.plan(depth - 1, room) for _ in range(len(turns) + 1)]
    return node("splice", plans=plans, at=[g.length(turn) for turn in turns])


@grows
def extend(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    if fixed:
        return hold(g, depth, room, fixed)
    own = g.part(room, 0.5, 1.5) + 1
    if g.chance.random() < 0.4:
        return node("extend", Grower(g.chance, own).plan(depth - 1, own), horizon=own)
    inner = Grower(g.chance, own).plan(1, own, name=g.chance.choice(("linear_decay", "cosine", "multistep")))
    return node("extend", inner, horizon=own, at=g.chance.randrange(min(own, room) - 1))


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
        margin=lambda: g.chance.choice(("size", "signed")),
        least_change=lambda: g.number(0, 0.01),
    )
    return node("reduce_on_plateau", g.plan(depth - 1, room, fixed), **args)


@grows
def bundle(g: Grower, depth: int, room: int, fixed: bool) -> Node:
    names = [name for name in ("momentum", "weight_decay", "dropout") if g.chance.random() < 0.6] or ["momentum"]
    return node("bundle", g.plan(depth - 1, room, fixed), **{name: g.plan(depth - 1, room) for name in names})
