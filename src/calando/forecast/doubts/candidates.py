"""The doubt that what is asked raises by itself: schedules of a kind that no law was proven for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calando.forecast.doubts.alone import RISES_AGAIN
from calando.forecast.doubts.measured import risen_again
from calando.forecast.doubts.value import Doubt

if TYPE_CHECKING:
    from calando.forecast.asked import Candidate

__all__ = ["rising_again"]


def rising_again(candidates: "Sequence[Candidate]") -> Doubt | None:
    """Candidates whose rate rises again after its first fall; one doubt for all of them, by their plans' texts.

    >>> from calando.forecast.asked import Candidate
    >>> asked = [Candidate(plan, 0.1, 400) for plan in ("warmup(20) | cosine()", "warm_restarts(first=25%)")]
    >>> found = rising_again(asked)
    >>> found.curves, found.numbers["rises"]
    (('warm_restarts(first=25%)',), 2.999...)
    """
    found: dict[str, float] = {}
    fall: set[str] = set()
    for one in candidates:
        if one.plan in found or one.plan in fall:
            continue  # at another peak
        total = risen_again(one.rates())
        if total >= RISES_AGAIN:
            found[one.plan] = total
        else:
            fall.add(one.plan)
    if not found:
        return None
    (plan, rises), others = next(iter(found.items())), len(found) - 1
    also = f", and so it does in {others} more of the candidates" if others else ""
    return Doubt(
        "rises again", "widen",
        f"in {plan} the rate rises again after its first fall, by {rises:.1f} peaks in all{also}: laws are proven for"
        " rates that fall, and no band was calibrated on others. Its band is drawn twice as wide; do not take it"
        " on its rank alone",
        {"rises": rises, "plans": float(len(found))}, tuple(found),
    )  # fmt: skip
