"""Growers: one for every constructor and combinator, held against the catalog by test_round_trips."""

from tests.growers import combinators, leaves
from tests.growers.base import ALGEBRA, GROWERS, ROOT_ONLY, SIZES, Grower

__all__ = ["ALGEBRA", "GROWERS", "LEAVES", "ROOT_ONLY", "SIZES", "Grower", "combinators", "leaves"]

LEAVES = tuple(name for name in GROWERS if name not in ALGEBRA + ROOT_ONLY)
