"""The schedule calculus: what convex theory says of a schedule before anything is trained."""

from calando.forecast.bounds.closed import (
    Limit,
    constant_bound,
    cosine_limit,
    linear_bound,
    one_minus_sqrt_limit,
    power_limit,
    staged_limit,
)
from calando.forecast.bounds.sums import Bound, bound, bounds_along, price

__all__ = [
    "Bound",
    "Limit",
    "bound",
    "bounds_along",
    "constant_bound",
    "cosine_limit",
    "linear_bound",
    "one_minus_sqrt_limit",
    "power_limit",
    "price",
    "staged_limit",
]
