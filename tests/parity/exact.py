"""What every case must be: mpmath's value, what double precision leaves of it, and the exponent in its formula."""

from typing import Any

import numpy as np

from tests.oracles.evaluate import FUNCTIONS, Clock, value
from tests.oracles.tree import Node, read
from tests.parity.plans import CUBE, Case, cases, steps


class Exact:
    """The values of one case at every one of its steps."""

    def __init__(self, case: Case) -> None:
        tree, clock, last = _tree(case), Clock(case.horizon), case.horizon
        found = [value(tree, clock, last, min(t, last)) for t in steps(case.horizon)]
        self.number = np.array([float(one.number) for one in found])
        self.left = np.array([float(one.number - float(one.number)) for one in found])
        self.exponent = np.array([one.exponent for one in found])

    def excess(self, values: Any, digits: int) -> Any:
        """The error at each step in units of what the design allows, at 64 or 32 bits."""
        error = np.abs((np.asarray(values, dtype=np.float64) - self.number) - self.left)
        if digits == 64:
            allowed = 4 * np.spacing(np.abs(self.number)) * (1 + self.exponent)
        else:
            allowed = np.where(self.number >= 1e-4, 1e-6 * self.number, 1e-7 * self.number.max())
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(error == 0.0, 0.0, error / allowed)


def exact_values(horizon: int) -> dict[Case, Exact]:
    """Every case of a run of that length."""
    return {case: Exact(case) for case in cases(horizon)}


def _tree(case: Case) -> Node:
    if case.name == "function":
        assert CUBE in FUNCTIONS
        return Node("function", (), {"call": CUBE})
    tree = read(case.text)
    if case.quantity == "lr":
        return tree
    track = tree.args[case.quantity]
    return track if isinstance(track, Node) else Node("constant", (), {"value": track})
