"""JAX: values that can be seen are computed on the host, traced ones in JAX, in two words where one is too short."""

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from calando.core.formula import SCALAR, Array, Arrays, Formula, check_whole, namespace
from calando.core.wide import Wide
from calando.errors import BadValue

__all__ = ["JaxArrays", "is_traced", "strict_is_blind"]

_ROOM = 2**30
"""Below this, the sum of two steps fits an int32."""


MOST_ROWS = 1_000_000
"""A Python function under jit becomes a table of its values, of this many steps at the most (4 MB of float32)."""


class JaxArrays(Arrays):
    """jax.numpy.

    A concrete array is evaluated by NumPy in float64 and comes back as one of JAX, so that a preview compiles nothing.
    A traced one becomes int64 under x64, int32 where the horizon leaves it room, and two words where it does not.
    """

    def __init__(self) -> None:
        self._jax: Any = sys.modules["jax"]
        super().__init__(sys.modules["jax.numpy"])

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        check_whole(step)
        if not is_traced(step):
            seen = sys.modules["numpy"].asarray(step)
            return namespace(seen).steps(seen, horizon, strict)
        if strict:
            raise strict_is_blind(horizon)
        most = self._module.iinfo(step.dtype).max
        return self.traced(self.maximum(self.minimum(step, min(horizon, most)), 0), horizon)

    def traced(self, step: Array, horizon: int) -> Array:
        """Traced steps from 0 to the horizon, in words that are wide enough."""
        if self._jax.config.jax_enable_x64:
            return step.astype("int64")
        if horizon < _ROOM:
            return step.astype("int32")
        low = step.astype("uint32")
        return Wide(low & 0, low, self._module)

    def whole(self, formula: Formula, step: Array) -> Array:
        numpy: Any = sys.modules["numpy"]
        if isinstance(step, numpy.generic):
            value = formula(int(step), SCALAR)
        elif isinstance(step, numpy.ndarray):
            value = namespace(step).whole(formula, step)
        else:
            try:
                value = formula(step, self)
            except OverflowError:
                if isinstance(step, Wide):
                    raise
                # a length far beyond the horizon does not fit beside an int32 either
                low = step.astype("uint32")
                value = formula(Wide(low & 0, low, self._module), self)
        return self._module.asarray(value, dtype=self._float())

    def ratio(self, part: Array, whole: Array) -> Array:
        """part / whole; in float32 within 0.6 ulp, where XLA's own product with a rounded reciprocal is 1.3 off.

        Formula: (upper + lower) * (r1 + r2) = upper*r1 + (lower*r1 + part*r2), upper having 12 bits of the part and r1
        12 bits of the reciprocal, so that their product is exact.
        """
        if isinstance(whole, Wide):
            return (part.real() if isinstance(part, Wide) else float(part)) / whole.real()
        if not isinstance(whole, int | float) or self._jax.config.jax_enable_x64:
            return part / whole
        reciprocal = 1.0 / whole
        coarse = _short(reciprocal)
        if isinstance(part, Wide) or self._module.issubdtype(part.dtype, self._module.floating):
            near, rest = part.pair() if isinstance(part, Wide) else (part, 0.0)
            upper = _upper(near)
            lower = (near - upper) + rest
            return upper * coarse + (lower * coarse + near * (reciprocal - coarse))
        bits = min(max(math.frexp(whole)[1] - 12, 0), 31)
        lower = part & (2**bits - 1)
        return (part - lower) * coarse + (lower * coarse + part * (reciprocal - coarse))

    def power(self, base: float, exponent: Array) -> Array:
        if base <= 0.0 or self._jax.config.jax_enable_x64:
            return base**exponent
        return self.growth(math.log(base), exponent)

    def growth(self, rate: float, exponent: Array) -> Array:
        """e^(rate*exponent); in float32 as e^a * e^b, where a is an exact product and b what it leaves.

        The rounded product alone would cost 1e-6 of the value where that is 1e-4.
        """
        if self._jax.config.jax_enable_x64:
            return self.exp(rate * exponent)
        coarse = _short(rate)
        upper = _upper(exponent)
        return self.exp(upper * coarse) * self.exp(upper * (rate - coarse) + (exponent - upper) * rate)

    def real(self, step: Array) -> Array:
        return step.real() if isinstance(step, Wide) else step * 1.0

    def minimum(self, a: Array, b: Array) -> Array:
        if isinstance(a, Wide):
            return a.where(a < b, b)
        return self._module.minimum(a, b)

    def maximum(self, a: Array, b: Array) -> Array:
        if isinstance(a, Wide):
            return a.where(a > b, b)
        return self._module.maximum(a, b)

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        if isinstance(yes, Wide):
            return yes.where(condition, no)
        if isinstance(no, Wide):
            return no.where(~condition, yes)
        return self._module.where(condition, yes, no)

    def table(self, step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        wide = isinstance(step, Wide)
        if wide:
            row = (Wide(step.high[..., None], step.low[..., None], self._module) >= self._wide(starts)).sum(-1) - 1
        else:
            most = self._module.iinfo(step.dtype).max
            known = self._module.asarray(starts[: bisect_right(starts, most)], dtype=step.dtype)
            row = self._module.searchsorted(known, step, side="right") - 1
        return tuple(
            (self._wide(column) if wide and _is_whole(column) else self._module.asarray(column))[row]
            for column in columns
        )

    def _wide(self, values: Sequence[int]) -> Wide:
        return Wide.column(list(values), self._module)

    def each(self, call: Callable[[int], float], step: Array) -> Array:
        last = getattr(call, "last", None)
        if last is None or last > MOST_ROWS:
            raise BadValue(
                given="a Python function under jit, vmap, scan or grad, where steps have no values yet"
                + ("" if last is None else f", for {last} steps"),
                allowed=f"a function of at most {MOST_ROWS} steps, whose values are computed beforehand",
                where="function",
                fix="put what it gives into points(at=[...], values=[...]), or use named plans",
            )
        rows = self._module.asarray([call(i) for i in range(last + 1)], dtype=self._float())
        return rows[step.low if isinstance(step, Wide) else step]

    def _float(self) -> Any:
        return self._jax.dtypes.canonicalize_dtype(float)


def is_traced(array: Array) -> bool:
    """Whether an array of JAX has no values here: inside a transformation, or spread over other hosts."""
    if isinstance(array, sys.modules["jax"].core.Tracer):
        return True
    # words restored from a file may be plain numbers, or arrays of NumPy
    return isinstance(array, sys.modules["jax"].Array) and not (array.is_fully_addressable or array.is_fully_replicated)


def strict_is_blind(horizon: int) -> BadValue:
    """The error for a strict schedule whose steps cannot be seen."""
    return BadValue(
        given="a strict schedule under jit, vmap, scan, grad or tf.function, where steps have no values yet",
        allowed="a schedule that holds its last value past the end",
        where="schedule(step)",
        fix=f"bind without strict=True, and let the loop that calls the compiled step end at {horizon}",
    )


def _upper(value: Array) -> Array:
    """The upper half of the 24 bits of a float32, as Veltkamp splits it."""
    far = value * 4097.0
    return far - (far - value)


def _short(value: float) -> float:
    """The value in 12 bits, so that its product with 12 other bits is exact in float32."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(fraction * 4096), exponent - 12)


def _is_whole(column: Sequence[Any]) -> bool:
    return all(isinstance(entry, int) for entry in column)
