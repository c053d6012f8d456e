"""Whole numbers in two words are Python's integers, under jit and without 64-bit integers."""

from collections.abc import Callable
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from calando.core.wide import Wide

EDGES = [0, 1, 2, 2**16 - 1, 2**16, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**40 + 3, 2**53 - 1]


def numbers(count: int = 200) -> list[int]:
    chance = Random(3)
    return EDGES + [int(2 ** (53 * chance.random())) for _ in range(count)]


def read(words: Any) -> list[int]:
    """What two words stand for."""
    high, low = (np.asarray(word).tolist() for word in words)
    return [((h << 32) + w + 2**63) % 2**64 - 2**63 for h, w in zip(high, low, strict=True)]


def under_jit(call: Callable[..., Any], *columns: list[int]) -> Any:
    """What `call` makes of arrays of numbers, traced."""

    def words(*pairs: Any) -> Any:
        made = call(*(Wide(high, low, jnp) for high, low in pairs))
        return (made.high, made.low) if isinstance(made, Wide) else made

    split = [(np.array(c) >> 32, np.array(c) & 0xFFFFFFFF) for c in columns]
    done = jax.jit(words)(*((high.astype("uint32"), low.astype("uint32")) for high, low in split))
    return read(done) if isinstance(done, tuple) else np.asarray(done).tolist()


def test_sums_differences_and_products_are_exact() -> None:
    a, b = numbers(), list(reversed(numbers()))
    assert under_jit(lambda x, y: x + y, a, b) == [x + y for x, y in zip(a, b, strict=True)]
    assert under_jit(lambda x, y: x - y, a, b) == [x - y for x, y in zip(a, b, strict=True)]
    assert under_jit(lambda x: 2**53 - x, a) == [2**53 - x for x in a]
    small = [x % 2**9 for x in b]
    assert under_jit(lambda x, y: x * y, a, small) == [x * y for x, y in zip(a, small, strict=True)]
    assert under_jit(lambda x: (x - 2**40) * 5, a) == [(x - 2**40) * 5 for x in a]


def test_quotients_by_any_number_are_exact() -> None:
    a = numbers(60)
    divisors = [1, 2, 3, 7, 1000, 2**16 + 1, 2**31 - 1, 2**31, 2**32 + 5, 10**12 + 39, 2**52 + 1, 2**53]
    near = [q * d + r for d in divisors for q in (1, 2, 3, 2**20 + 1) for r in (-1, 0, 1) if q * d + r <= 2**53]
    values = a + near

    def all_of_them(x: Any) -> Any:
        return jnp.stack([jnp.stack([word for part in [x // d] for word in (part.high, part.low)]) for d in divisors])

    done = under_jit(all_of_them, values)
    for divisor, words in zip(divisors, done, strict=True):
        assert read(words) == [value // divisor for value in values], divisor


def test_comparisons_know_the_sign() -> None:
    a, b = numbers(), list(reversed(numbers()))
    compares = ("__lt__", "__le__", "__gt__", "__ge__")
    bounds = (-5, 0, 2**31, 2**40)

    def all_of_them(x: Any, y: Any) -> Any:
        signed = x - 2**33
        by_number = [getattr(signed, name)(bound) for name in compares for bound in bounds]
        return jnp.stack([*by_number, *(getattr(signed, name)(y - 2**33) for name in compares)])

    got = iter(under_jit(all_of_them, a, b))
    for name in compares:
        for bound in bounds:
            assert next(got) == [getattr(x - 2**33, name)(bound) for x in a], (name, bound)
    for name in compares:
        assert next(got) == [getattr(x, name)(y) for x, y in zip(a, b, strict=True)], name


@pytest.mark.parametrize("below", [0, 2**41])
def test_as_floats_they_are_within_an_ulp(below: int) -> None:
    a = numbers()
    got = under_jit(lambda x: (x - below).real(), a)
    for value, exact in zip(got, (x - below for x in a), strict=True):
        assert abs(value - exact) <= abs(exact) * 2.0**-23
