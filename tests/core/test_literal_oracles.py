"""The slow literal oracle of every named plan, the exact one, and the library: three voices, one number.

Random settings of every plan, at every step of a short run and past its end.
"""

from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.growers import LEAVES, SIZES, Grower
from tests.oracles import evaluate, literal
from tests.oracles.tree import Node
from tests.plans import build

HORIZON = 60
NAMED = [name for name in LEAVES if name != "function"]


def resolved(tree: Node) -> dict[str, Any]:
    """The arguments with every length in whole steps, as a literal formula takes them."""
    clock = evaluate.Clock(HORIZON, *(Fraction(size) for size in SIZES.values()))
    args = {key: value for key, value in tree.args.items() if key != "length" or tree.args.get("cycle") is True}
    for key in evaluate.LENGTHS.get(tree.name, ()):
        if key in args:
            args[key] = [clock.whole(v) for v in args[key]] if isinstance(args[key], list) else clock.whole(args[key])
    if tree.name in evaluate.SMOOTH and not args.get("staircase", evaluate.SMOOTH[tree.name]):
        args["every"] = float(clock.steps(tree.args.get("every", 1)))
    if tree.name == "polynomial_decay" and args.get("cycle"):
        args["length"] = clock.whole(args["length"])
    if tree.name == "warm_restarts":
        args["first"] = float(clock.steps(args["first"]))
    if tree.name == "anneal" and isinstance(args["over"], str):
        args["over"] = float(clock.steps(args["over"]))
    if tree.name == "warmup":
        args["length"] = HORIZON
    if tree.name == "wsd":
        args["warmup"] = clock.whole(args.get("warmup", 0))
        args["cooldown"] = HORIZON - evaluate.round_half_up(HORIZON - clock.steps(args["cooldown"]))
    if tree.name == "one_cycle":
        at = args.get("peak_at", "30%")
        args["peak_at"] = at if isinstance(at, int) else int(at[:-1]) * HORIZON // 100
    return args


def test_there_is_a_literal_oracle_for_every_named_plan() -> None:
    assert all(callable(getattr(literal, name)) for name in NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_the_literal_the_exact_and_the_librarys_value_are_one(name: str) -> None:
    chance = Random(name)
    for _ in range(20):
        tree = Grower(chance, HORIZON).plan(1, HORIZON, fixed=name in ("warmup", "points"), name=name)
        args, schedule = resolved(tree), build(tree).bind(HORIZON, **SIZES)
        for t in range(HORIZON + 3):
            slow = getattr(literal, name)(t, HORIZON, **args) if name != "warmup" else literal.warmup(t, **args)
            exact = float(evaluate.value_at(tree, t, HORIZON, **SIZES).number)
            close = pytest.approx(exact, rel=1e-10, abs=1e-13)
            assert slow == close, f"{tree} at {t}"
            assert schedule(t) == close, f"{tree} at {t}"
