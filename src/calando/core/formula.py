"""The tiny array namespace in which every formula is written once.

A formula is `value(step, ops)`: `step` is a whole step, or an array of them, counted from the start of its piece;
`ops` is one of the namespaces below. Arithmetic and powers use Python's operators, which plain floats and every
array library share; only what differs between them is named here. Steps stay integers until `ratio` or `real`
turns an exact difference into a float, so that positions up to 2^53 lose nothing.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol, TypeAlias

from calando.errors import BadValue, OutOfRange, shown

__all__ = ["SCALAR", "Arrays", "Formula", "Ops", "namespace", "register_namespace"]

BLOCK = 16_384
"""NumPy arrays are worked through in blocks that stay in the processor's cache, which halves the time."""

Array: TypeAlias = Any
"""A float, or an array of any of the supported libraries; their types are known to them alone."""


class Ops(Protocol):
    """What a formula may ask of an array library."""

    @property
    def scalar(self) -> bool:
        """Whether values are plain Python numbers."""

    def whole(self, formula: "Formula", step: Array) -> Array:
        """formula(step, self) of a whole array that the user gave."""

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        """The array as exact whole steps, held at the horizon; wrong ones raise where values can be seen."""

    def ratio(self, part: Array, whole: Array) -> Array:
        """part / whole of exact integers, as a float."""

    def real(self, step: Array) -> Array:
        """An exact integer as a float."""

    def power(self, base: float, exponent: Array) -> Array:
        """base ^ exponent, the base a constant >= 0."""

    def growth(self, rate: float, exponent: Array) -> Array:
        """e ^ (rate * exponent), the rate a constant."""

    def sin(self, x: Array) -> Array: ...

    def exp(self, x: Array) -> Array: ...

    def sqrt(self, x: Array) -> Array: ...

    def where(self, condition: Array, yes: Array, no: Array) -> Array: ...

    def minimum(self, a: Array, b: Array) -> Array: ...

    def maximum(self, a: Array, b: Array) -> Array: ...

    def table(self, step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        """Each column's entry for the last of `starts` (sorted) that is <= step."""

    def pieces(self, step: Array, starts: Sequence[int], value: Callable[[int, Array], Array]) -> Array:
        """value(i, step) wherever piece i, the last of `starts` that is <= step, is in force."""

    def each(self, call: Callable[[int], float], step: Array) -> Array:
        """call(step) one by one, for functions that know plain numbers only."""


Formula: TypeAlias = Callable[[Array, Ops], Array]


class _Scalar:
    """Plain Python numbers."""

    scalar = True
    sin = staticmethod(math.sin)
    exp = staticmethod(math.exp)
    sqrt = staticmethod(math.sqrt)
    real = staticmethod(float)

    def whole(self, formula: "Formula", step: Array) -> Array:
        return formula(step, self)

    @staticmethod
    def steps(step: Array, horizon: int, strict: bool) -> Array:
        check_range(step, step, horizon, strict)
        return min(step, horizon)

    @staticmethod
    def ratio(part: Array, whole: Array) -> Array:
        return part / whole

    @staticmethod
    def power(base: float, exponent: Array) -> Array:
        return base**exponent

    @staticmethod
    def growth(rate: float, exponent: Array) -> Array:
        return math.exp(rate * exponent)

    @staticmethod
    def where(condition: Array, yes: Array, no: Array) -> Array:
        return yes if condition else no

    @staticmethod
    def minimum(a: Array, b: Array) -> Array:
        return a if a < b else b

    @staticmethod
    def maximum(a: Array, b: Array) -> Array:
        return a if a > b else b

    @staticmethod
    def table(step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        row = bisect_right(starts, step) - 1
        return tuple(column[row] for column in columns)

    @staticmethod
    def pieces(step: Array, starts: Sequence[int], value: Callable[[int, Array], Array]) -> Array:
        return value(bisect_right(starts, step) - 1, step)

    @staticmethod
    def each(call: Callable[[int], float], step: Array) -> Array:
        return call(step)


class Arrays:
    """NumPy and the libraries that speak its names."""

    scalar = False

    def __init__(self, module: ModuleType) -> None:
        self.sin = module.sin
        self.exp = module.exp
        self.sqrt = module.sqrt
        self._module: Any = module

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        return self._module.where(condition, yes, no)

    def power(self, base: float, exponent: Array) -> Array:
        # a constant such as 0.9, rounded to float32, would have its error multiplied by the exponent
        return self.growth(math.log(base), exponent) if base > 0.0 else base**exponent

    def growth(self, rate: float, exponent: Array) -> Array:
        return self.exp(rate * exponent)

    def minimum(self, a: Array, b: Array) -> Array:
        return self._module.minimum(a, b)

    def maximum(self, a: Array, b: Array) -> Array:
        return self._module.maximum(a, b)

    def whole(self, formula: "Formula", step: Array) -> Array:
        return formula(step, self)

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        check_whole(step)
        largest = 2 ** (8 * step.dtype.itemsize - 1) - 1
        return self.maximum(self.minimum(step, min(horizon, largest)), 0)

    def ratio(self, part: Array, whole: Array) -> Array:
        return part / whole

    def real(self, step: Array) -> Array:
        return step * 1.0

    def table(self, step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        row = self._module.searchsorted(self._module.asarray(starts), step, side="right") - 1
        return tuple(self._module.asarray(column)[row] for column in columns)

    def pieces(self, step: Array, starts: Sequence[int], value: Callable[[int, Array], Array]) -> Array:
        result = value(0, step)
        for i in range(1, len(starts)):
            result = self.where(step >= starts[i], value(i, self.maximum(step, starts[i])), result)
        return result

    def each(self, call: Callable[[int], float], step: Array) -> Array:
        raise BadValue(
            given=f"a Python function on a {type(step).__name__}",
            allowed="plain steps and NumPy arrays, where a function of our own is concerned",
            where="function",
            fix="use points(...) or named plans, which every framework can compute",
        )


class _NumPy(Arrays):
    """NumPy itself: each piece is evaluated only where it is in force."""

    def power(self, base: float, exponent: Array) -> Array:
        return base**exponent

    def whole(self, formula: "Formula", step: Array) -> Array:
        if step.size <= BLOCK:
            return formula(step, self)
        flat = step.reshape(-1)
        out = self._module.empty(flat.shape)
        for start in range(0, len(flat), BLOCK):
            out[start : start + BLOCK] = formula(flat[start : start + BLOCK], self)
        return out.reshape(step.shape)

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        check_whole(step)
        if step.size:
            check_range(int(step.min()), int(step.max()), horizon, strict)
        if step.dtype.itemsize == 8:
            return self.minimum(step, horizon).astype("int64", copy=False)
        return self.minimum(step.astype("int64"), horizon)

    def pieces(self, step: Array, starts: Sequence[int], value: Callable[[int, Array], Array]) -> Array:
        np = self._module
        if len(starts) == 1:
            return value(0, step)
        flat = step.reshape(-1)
        out = np.empty(flat.shape)
        if (flat[1:] >= flat[:-1]).all():
            cuts = [0, *np.searchsorted(flat, starts[1:]).tolist(), len(flat)]
            for i, (first, stop) in enumerate(zip(cuts, cuts[1:], strict=False)):
                if stop > first:
                    out[first:stop] = value(i, flat[first:stop])
        else:
            row = np.searchsorted(np.asarray(starts), flat, side="right") - 1
            for i in np.unique(row).tolist():
                chosen = row == i
                out[chosen] = value(i, flat[chosen])
        return out.reshape(step.shape)

    def each(self, call: Callable[[int], float], step: Array) -> Array:
        values = [call(one) for one in step.reshape(-1).tolist()]
        return self._module.asarray(values, dtype=float).reshape(step.shape)


class _Torch(Arrays):
    """PyTorch: computed in double precision and handed out in the default type, where the tensor is."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module)
        self._dtype = self._module.float64

    def whole(self, formula: "Formula", step: Array) -> Array:
        default = self._module.get_default_dtype()
        if step.device.type == "mps":  # Apple's GPU has no doubles
            self._dtype = default
        return formula(step, self).to(default)

    def power(self, base: float, exponent: Array) -> Array:
        return base**exponent if self._dtype is self._module.float64 else super().power(base, exponent)

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        check_whole(step)
        if step.numel() and not self._module.compiler.is_compiling():
            check_range(int(step.min()), int(step.max()), horizon, strict)
        return self._module.clamp(step.to(self._module.int64), min=0, max=horizon)

    def ratio(self, part: Array, whole: Array) -> Array:
        torch = self._module
        if isinstance(part, torch.Tensor):
            part = part.to(self._dtype)
        return part / whole

    def real(self, step: Array) -> Array:
        return step.to(self._dtype)

    def minimum(self, a: Array, b: Array) -> Array:
        return self._module.clamp(a, max=b)

    def maximum(self, a: Array, b: Array) -> Array:
        return self._module.clamp(a, min=b)

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        torch = self._module
        yes, no = (v if isinstance(v, torch.Tensor) else torch.tensor(v, dtype=self._dtype) for v in (yes, no))
        return torch.where(condition, yes, no)

    def table(self, step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        torch = self._module
        row = torch.searchsorted(torch.tensor(starts, device=step.device), step, right=True) - 1
        return tuple(torch.take(self._column(column, step), row) for column in columns)

    def _column(self, column: Sequence[Any], step: Array) -> Array:
        whole = all(isinstance(entry, int) for entry in column)
        dtype = self._module.int64 if whole else self._dtype
        return self._module.tensor(column, dtype=dtype, device=step.device)


SCALAR: Ops = _Scalar()

_FACTORIES: dict[str, Callable[[], Ops]] = {
    "numpy": lambda: _NumPy(sys.modules["numpy"]),
    "torch": lambda: _Torch(sys.modules["torch"]),
    "jax": lambda: _jax(),
}


def _jax() -> Ops:
    from calando.core.jax_arrays import JaxArrays

    return JaxArrays()


def check_whole(step: Array) -> None:
    """An array of steps must be of an integer type.

    Raises:
        BadValue: naming the type that it is of.
    """
    if "int" not in str(step.dtype):
        raise BadValue(
            given=f"an array of {step.dtype}",
            allowed="an array of whole steps",
            where="schedule(step)",
            fix="use an integer array, such as numpy.arange(horizon)",
        )


def check_range(least: int, most: int, horizon: int, strict: bool) -> None:
    """Steps count from 0, and a strict schedule ends at its horizon.

    Raises:
        OutOfRange: naming the step outside.
    """
    if least < 0 or (strict and most > horizon):
        raise out_of_range(least if least < 0 else most, horizon)


def out_of_range(step: int, horizon: int) -> OutOfRange:
    """The error for a step outside the run."""
    return OutOfRange(
        given=f"step {shown(step)}",
        allowed=f"0 to {horizon}" if step > 0 else "0 and up",
        where="schedule(step)",
        fix="count updates from 0" if step < 0 else "bind to a longer horizon, or without strict=True",
    )


def register_namespace(root: str, factory: Callable[[], Ops]) -> None:
    """Teach formulas another array library, known by the root module of its array type."""
    _FACTORIES[root] = factory


def namespace(array: object) -> Ops:
    """The namespace of an array, found without importing any library.

    Raises:
        BadValue: when the value is no array of whole steps that Calando knows.
    """
    kind = type(array)
    root = kind.__module__.partition(".")[0].replace("jaxlib", "jax")
    if root not in _FACTORIES or not hasattr(array, "dtype"):
        raise BadValue(
            given=f"{shown(array)} ({kind.__module__}.{kind.__name__})",
            allowed="a whole step, or an array of whole steps of " + ", ".join(sorted(_FACTORIES)),
            where="schedule(step)",
            fix="pass an int or an integer array",
        )
    return _FACTORIES[root]()
