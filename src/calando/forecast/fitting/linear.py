"""The linear parameters of a law, solved for when the others are held: never below zero."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["nonnegative"]

RIDGE = 1e-13


def nonnegative(columns: "FloatArray", target: "FloatArray") -> "tuple[FloatArray, float]":
    """The least squares of `columns @ x = target` with x >= 0, and its cost; at most a handful of columns.

    Every set of columns is a candidate, so that the answer is the best one, not the first that fits.

    >>> x, cost = nonnegative(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]), np.array([3.0, 2.0, 1.0]))
    >>> x.round(6).tolist(), round(cost, 6)
    ([2.0, 0.0], 1.0)
    """
    size = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    size[size == 0] = 1.0
    scaled = columns / size
    gram, aim = scaled.T @ scaled, scaled.T @ target
    count, power = len(size), float(target @ target)
    best, least = np.zeros(count), power
    for number in range(count, 0, -1):
        for chosen in combinations(range(count), number):
            places = np.array(chosen)
            part, wanted = gram[places[:, None], places], aim[places]
            x = np.linalg.solve(part + RIDGE * np.eye(number), wanted)
            cost = power - 2 * float(wanted @ x) + float(x @ part @ x)
            if (x >= 0).all() and cost < least:
                best, least = np.zeros(count), cost
                best[places] = x
        if least < power and (best > 0).sum() == number == count:
            break  # all of them fit: no smaller set can be better
    return best / size, max(0.5 * least, 0.0)
