"""Losses that are high once in so many steps: the same batch, epoch after epoch, even where none stands out alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calando.records.diagnosis.noisy import Floats

__all__ = ["by_chance", "rhythm"]

KIND = "spikes"
LOOKED_AT = 14
"""Largest values between which a rhythm is looked for."""
TOP = (0.04, 0.02, 0.01)
"""Shares of the values that count as high whatever their noise: losses of small batches reach many times that of the
middle half of them by chance."""
HANDFUL = 50
"""Beats up to which their chance is worked out, not bounded."""
LOOKS = 2 * (len(TOP) + 1)
"""How often a rhythm is looked for: among what is high, and among what is far from the usual on either side."""


def rhythm(sizes: Floats) -> tuple[int, int] | None:
    """The first place and the distance of values that are high in a rhythm beyond chance; None where there is none.

    Chance: that so many of the places of a rhythm are high if as many values were high anywhere, times the number of
    rhythms that there are, must be below one in a thousand.

    Args:
        sizes: how far each value is above what is around it, in units of its noise there.
    """
    import numpy as np

    if sizes.size < 4:
        return None
    highest = [float(np.quantile(sizes, 1 - share)) for share in TOP]
    beats = [_beats(sizes, sizes >= least) for least in (limit(KIND, "beat"), *(max(one, 1e-9) for one in highest))]
    best = min((one for one in beats if one is not None), default=None)
    return None if best is None else (best[2], best[1])


def _beats(sizes: Floats, high: NDArray[np.bool_]) -> tuple[float, int, int] | None:
    """The rhythm of high values that is least by chance: that logarithm, the distance and the first place."""
    import numpy as np

    share = float(high.sum()) / max(high.size, 1)
    if not 0 < share < 0.2:
        return None
    rhythms = sizes.size**2 / 18  # of four beats at least: from any place, at any distance up to a third of all
    top = np.sort(np.argsort(-np.where(high, sizes, -np.inf), kind="stable")[: min(LOOKED_AT, int(high.sum()))])
    best: tuple[float, int, int] | None = None
    for one in top.tolist():
        for distance in {int(other - one) for other in top.tolist() if other - one >= 10}:
            begin = one % distance
            beats = high[begin::distance]
            found, count = int(beats.sum()), int(beats.size)
            if found < 4 or found < limit(KIND, "kept") * count:
                continue
            chance = _at_least(found, count, share) + math.log(LOOKS * rhythms)
            if chance < math.log(limit(KIND, "by luck")) and (best is None or (chance, distance) < best[:2]):
                best = (chance, distance, begin)
    return best


def _at_least(found: int, count: int, share: float) -> float:
    """The logarithm of the chance of at least so many hits: with a handful of beats a bound would hide them."""
    if count > HANDFUL:
        return by_chance(found, count, share)
    chance = sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(found, count + 1))
    return math.log(chance) if chance > 0 else by_chance(found, count, share)


def by_chance(found: int, count: int, share: float) -> float:
    """The logarithm of Chernoff's bound on the chance of at least so many hits, each of them with a probability."""
    rate = found / count
    missed = (1 - rate) * math.log((1 - rate) / (1 - share)) if rate < 1 else 0.0
    return -count * (rate * math.log(rate / share) + missed)
