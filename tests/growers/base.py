"""One source of chance, and the register of what can grow from it."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.oracles.tree import Node, node

ROOT_ONLY = ("bundle", "reduce_on_plateau")
"""What wraps a whole run and so stands outside of every other plan."""

ALGEBRA = (
    "then", "product", "minimum", "maximum", "scale", "clip", "shift", "stretch", "reverse", "repeat", "hold",
    "splice", "extend",
)  # fmt: skip
SIZES = {"steps_per_epoch": 20, "tokens_per_step": 1000, "samples_per_step": 8}
SMALLEST = 12
"""A piece with fewer steps than this is a plain leaf."""


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
            name = self.chance.choice(ALGEBRA if deep else [n for n in GROWERS if n not in ALGEBRA + ROOT_ONLY])
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
