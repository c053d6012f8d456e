"""Random plans from every constructor and combinator, as neutral trees that surely bind.

One grower serves two masters: Hypothesis (`plans()`), and a seeded `random.Random` where a test wants to count what
it has seen.
"""

from dataclasses import dataclass
from random import Random

from hypothesis import assume
from hypothesis import strategies as st

from calando.errors import DoesNotFit
from tests.growers import ROOT_ONLY, SIZES, Grower
from tests.oracles.tree import Node
from tests.plans import build

__all__ = ["SIZES", "Grown", "grow", "pairs", "plain", "plans"]


@dataclass(frozen=True)
class Grown:
    """A tree and the run it was grown for."""

    tree: Node
    horizon: int

    def __str__(self) -> str:
        return f"{self.tree}  over {self.horizon} steps"


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


def collides(grown: Grown) -> bool:
    """Whether two times of one list, written in different units or stretched, fall on the same step of this run."""
    try:
        build(grown.tree).bind(grown.horizon, **SIZES)
    except DoesNotFit as error:
        return "steps that rise" in error.allowed
    return False


@st.composite
def plans(draw: st.DrawFn, depth: int | None = None, listeners: bool = True) -> Grown:
    """Hypothesis: a random plan and its run; without `listeners`, only plain ones."""
    grown = grow(draw(st.randoms(use_true_random=False)), depth)
    assume(not collides(grown))
    return grown if listeners else plain(grown)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Grown, Grown]:
    """Hypothesis: two plain plans for the same run."""
    chance = draw(st.randoms(use_true_random=False))
    first = plain(grow(chance))
    second = plain(grow(chance, horizon=first.horizon))
    assume(not collides(first) and not collides(second))
    return first, second
