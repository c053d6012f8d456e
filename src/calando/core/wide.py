"""Whole numbers in two words, for arrays of libraries that have no 64-bit integers (JAX without x64).

Both words are uint32 and the number is their two's complement, so that differences may be negative. A formula uses
the operators that it uses on any other step and notices nothing.
"""

from types import ModuleType
from typing import Any, TypeAlias

__all__ = ["Wide"]

Array: TypeAlias = Any
Operand: TypeAlias = "Wide | int"

_WORD = 2**32
_SIGN = 2**31
_HALF = 0xFFFF


class Wide:
    """An array of whole numbers from -2^63 to 2^63 - 1: high * 2^32 + low.

    Args:
        high: the upper words, a uint32 array.
        low: the lower words, a uint32 array.
        module: the array library, which speaks NumPy's names and lets uint32 wrap around.
    """

    __slots__ = ("high", "low", "module")

    def __init__(self, high: Array, low: Array, module: ModuleType) -> None:
        self.high = high
        self.low = low
        self.module: Any = module

    @classmethod
    def of(cls, value: int, module: ModuleType) -> "Wide":
        """A Python integer as two words; OverflowError where they do not hold it, as for any other array."""
        value.to_bytes(8, signed=True)
        known: Any = module
        return cls(known.uint32((value >> 32) % _WORD), known.uint32(value % _WORD), module)

    @classmethod
    def column(cls, values: list[int], module: ModuleType) -> "Wide":
        """Python integers as one array."""
        known: Any = module
        high = known.asarray([(value >> 32) % _WORD for value in values], dtype="uint32")
        return cls(high, known.asarray([value % _WORD for value in values], dtype="uint32"), module)

    def __getitem__(self, where: Any) -> "Wide":
        return Wide(self.high[where], self.low[where], self.module)

    def _wide(self, value: Operand) -> "Wide":
        return value if isinstance(value, Wide) else Wide.of(value, self.module)

    def __add__(self, other: Operand) -> "Wide":
        b = self._wide(other)
        low = self.low + b.low
        return Wide(self.high + b.high + (low < self.low).astype("uint32"), low, self.module)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Wide":
        b = self._wide(other)
        borrow = (self.low < b.low).astype("uint32")
        return Wide(self.high - b.high - borrow, self.low - b.low, self.module)

    def __rsub__(self, other: int) -> "Wide":
        return self._wide(other) - self

    def __neg__(self) -> "Wide":
        return 0 - self

    def __mul__(self, other: Operand) -> "Wide":
        b = self._wide(other)
        a0, a1, b0, b1 = self.low & _HALF, self.low >> 16, b.low & _HALF, b.low >> 16
        inner, outer = a0 * b1, a1 * b0
        middle = ((a0 * b0) >> 16) + (inner & _HALF) + (outer & _HALF)
        carried = a1 * b1 + (inner >> 16) + (outer >> 16) + (middle >> 16)
        return Wide(carried + self.high * b.low + self.low * b.high, self.low * b.low, self.module)

    __rmul__ = __mul__

    def __floordiv__(self, by: int) -> "Wide":
        """floor(self / by) of numbers from 0 to 2^54, by > 0.

        Formula: three times the quotient of floats, made so small that it is never too large, is taken off exactly;
        each leaves less than 2^-19 of what there was, so that at most one more is left at the end.
        """
        done, left = Wide.of(0, self.module), self
        for _ in range(3):
            part = self._of_real(self.module.floor(left.real() * ((1.0 - 2.0**-20) / by)))
            done, left = done + part, left - part * by
        for _ in range(2):
            more = left >= by
            done = done + Wide(more.astype("uint32") * 0, more.astype("uint32"), self.module)
            left = left.where(~more, left - by)
        return done

    def __mod__(self, by: int) -> "Wide":
        """What floor(self / by) * by leaves."""
        return self - self // by * by

    def __lt__(self, other: Operand) -> Array:
        b = self._wide(other)
        sign = self.module.uint32(_SIGN)
        mine, theirs = self.high ^ sign, b.high ^ sign
        return (mine < theirs) | ((mine == theirs) & (self.low < b.low))

    def __ge__(self, other: Operand) -> Array:
        return ~(self < other)

    def __gt__(self, other: Operand) -> Array:
        return self._wide(other) < self

    def __le__(self, other: Operand) -> Array:
        return ~(self > other)

    def where(self, condition: Array, other: Operand) -> "Wide":
        """These numbers where the condition holds, the others elsewhere."""
        b, choose = self._wide(other), self.module.where
        return Wide(choose(condition, self.high, b.high), choose(condition, self.low, b.low), self.module)

    def _of_real(self, value: Array) -> "Wide":
        """The whole numbers >= 0 that floats stand for."""
        upper = self.module.floor(value * 2.0**-32)
        return Wide(upper.astype("uint32"), (value - upper * 2.0**32).astype("uint32"), self.module)

    def pair(self) -> tuple[Array, Array]:
        """Two floats whose exact sum the numbers are, where they are >= 0: the nearest, nearly, and the rest."""
        value = self.real()
        return value, (self - self._of_real(value)).real()

    def real(self) -> Array:
        """The numbers as floats, each within an ulp."""
        negative = self.high >= self.module.uint32(_SIGN)
        size = (0 - self).where(negative, self)
        value = size.high.astype(float) * 2.0**32 + size.low.astype(float)
        return self.module.where(negative, -value, value)
