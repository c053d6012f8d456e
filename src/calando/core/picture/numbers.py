"""Round numbers for axes, and numbers as people read them."""

import math
from collections.abc import Sequence

__all__ = ["decades", "labels", "rate", "round_steps", "step_labels", "step_text", "ticks"]


def rate(value: float, digits: int = 4) -> str:
    """A rate or a factor in few signs.

    >>> rate(0.0003), rate(2.5e-5), rate(0.1), rate(1.0), rate(0.0), rate(123456.0)
    ('3e-4', '2.5e-5', '0.1', '1', '0', '1.235e5')
    """
    if value == 0:
        return "0"
    if 2e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def step_text(step: int) -> str:
    """A step with its thousands set apart.

    >>> step_text(10000)
    '10,000'
    """
    return f"{step:,}"


def unit(span: float, about: int) -> float:
    """The round distance (1, 2, 2.5 or 5 times a power of ten) that parts a span into about so many."""
    raw = span / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return float(min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda size: abs(math.log(size / raw))))


def ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Round numbers inside an interval, about so many.

    >>> ticks(0.0, 3e-4)
    (0.0, 0.0001, 0.0002, 0.0003)
    """
    if not high > low:
        return (low,)
    size = unit(high - low, about)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return tuple(float(f"{k * size:.12g}") for k in range(first, last + 1))


def decades(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Powers of ten from `low` to `high`, about so many; over less than two of them, 2 and 5 times those as well.

    >>> decades(1e-6, 1.0), decades(0.1, 1.0)
    ((1e-06, 0.0001, 0.01, 1.0), (0.1, 0.2, 0.5, 1.0))
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first) / max(about, 1)))
    parts = (1, 2, 5) if last - first < 2 else (1,)
    places = [float(f"{m}e{k}") for k in range(first - 1, last + 1) if (last - k) % every == 0 for m in parts]
    return tuple(place for place in places if low * (1 - 1e-9) <= place <= high * (1 + 1e-9))


def labels(values: Sequence[float]) -> tuple[str, ...]:
    """The ticks of one axis in one spelling: all plain, or all with the exponent of the largest.

    >>> labels([0.0, 5e-5, 1e-4]), labels([0.0, 0.5, 1.0])
    (('0', '0.5e-4', '1e-4'), ('0', '0.5', '1'))
    """
    top = max((abs(value) for value in values), default=0.0)
    if top == 0 or 2e-3 <= top < 1e5:
        return tuple(f"{value:.6g}" for value in values)
    power = math.floor(math.log10(top) + 1e-12)
    return tuple("0" if value == 0 else f"{value / 10.0**power:.6g}e{power}" for value in values)


def round_steps(last: int, about: int = 5) -> tuple[int, ...]:
    """Round steps from 0 to `last`, both of them among the marks; none too near the last.

    >>> round_steps(10000), round_steps(937, about=4)
    ((0, 2000, 4000, 6000, 8000, 10000), (0, 250, 500, 750, 937))
    """
    size = max(1, round(unit(last, about)))
    inner = [k for k in range(0, last, size) if last - k >= 0.7 * size or k == 0]
    return (*inner, last)


def step_labels(steps: Sequence[int]) -> tuple[str, ...]:
    """Steps along an axis; long ones in thousands, millions or billions where that loses nothing.

    >>> step_labels([0, 2000, 10000]), step_labels([0, 500000, 1000000]), step_labels([0, 3])
    (('0', '2,000', '10,000'), ('0', '0.5M', '1M'), ('0', '3'))
    """
    top = max(steps, default=0)
    for size, sign in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if top >= max(size, 10**5) and all(len(f"{step / size:.9g}") <= 5 for step in steps):
            return tuple("0" if step == 0 else f"{step / size:.9g}{sign}" for step in steps)
    return tuple(f"{step:,}" if step < 10**12 else f"{step:.3e}" for step in steps)
