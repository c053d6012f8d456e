"""Candidates to predict: a plan, a peak and a horizon each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calando.core.plan import Plan
from calando.errors import BadValue, shown
from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.spelling import spelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Candidate", "candidates_of", "checked_horizon", "checked_peak", "in_goes", "peaks_run", "plan_text"]

ALIKE = 1.02  # peaks closer than this factor are one
AT_ONCE = 2_000_000  # learning rates that are held at a time
MOST_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan in text, its peak as a learning rate, and its horizon in updates.

    >>> Candidate("linear_decay()", 0.1, 4).rates().tolist()
    [0.1, 0.075..., 0.05, 0.025]
    """

    plan: str
    peak: float
    horizon: int

    def rates(self) -> "FloatArray":
        """The learning rate of every update."""
        return plan_rates(self.plan, self.peak, self.horizon)


def candidates_of(
    asked: "Iterable[str | Plan | tuple[str | Plan, float]]", horizon: int, peak: float | None, run: Sequence[float]
) -> tuple[Candidate, ...]:
    """What was asked as candidates, each once; a plan alone takes `peak`, or the one peak that was run.

    >>> candidates_of(["cosine", ("linear_decay()", 0.1)], 100, None, [0.2])[0]
    Candidate(plan='cosine()', peak=0.2, horizon=100)
    """
    checked_horizon(horizon)
    if isinstance(asked, str | Plan):
        asked = [asked]
    found: dict[Candidate, None] = {}
    for one in asked:
        pair = one if isinstance(one, tuple) and len(one) == 2 else (one, peak)
        plan, own = pair
        if own is None:
            if len(run) != 1:
                raise BadValue(
                    given=f"the plan {shown(plan)} without a peak", allowed="a peak, since the runs had several",
                    where="candidates", fix="give peak=..., or (plan, peak) pairs",
                )  # fmt: skip
            own = run[0]
        found[Candidate(plan_text(plan), checked_peak(own), horizon)] = None
    if not found:
        raise BadValue(given="no candidates", allowed="at least one plan", where="candidates", fix='give ["cosine()"]')
    return tuple(found)


def plan_text(plan: object) -> str:
    """A plan, or its text, as the text that it is told by: with its cooldown written out."""
    from calando.core.text import parse

    if not isinstance(plan, str | Plan):
        raise BadValue(
            given=shown(plan), allowed="a plan's text, a plan, or a (plan, peak) pair", where="candidates",
            fix='write for example "cosine()" or ("cosine()", 1e-3)',
        )  # fmt: skip
    text = spelled(parse(plan) if isinstance(plan, str) else plan)
    if "reduce_on_plateau(" in text:
        raise BadValue(
            given=f"{shown(text)}, which listens to a metric", allowed="a plan whose rates are known beforehand",
            where="candidates", fix="leave it out: what it does is not known before it is trained",
        )  # fmt: skip
    return text


def checked_horizon(horizon: object) -> int:
    """The horizon as it is, or BadValue."""
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 2 <= horizon <= MOST_STEPS:
        raise BadValue(
            given=f"horizon={shown(horizon)}", allowed=f"a whole number of updates, 2 to {MOST_STEPS:,}",
            where="horizon", fix="give the length of the long run",
        )  # fmt: skip
    return horizon


def checked_peak(peak: object) -> float:
    """The peak as a float, or BadValue."""
    if isinstance(peak, bool) or not isinstance(peak, int | float) or not 0 < peak < 1e9:
        raise BadValue(
            given=f"peak={shown(peak)}", allowed="a finite learning rate > 0", where="peak", fix="give for example 1e-3"
        )
    return float(peak)


def peaks_run(curves: "Sequence[LossCurve]") -> tuple[float, ...]:
    """The peaks of the runs, ascending; those closer than 2 % count as one."""
    found: list[float] = []
    for peak in sorted(curve.peak for curve in curves):
        if not found or peak > ALIKE * found[-1]:
            found.append(peak)
    return tuple(found)


def in_goes(candidates: "Sequence[Candidate]") -> "Iterator[Sequence[Candidate]]":
    """The candidates in portions, so that not all learning rates are held at once."""
    begin = 0
    while begin < len(candidates):
        stop = begin + max(1, AT_ONCE // candidates[begin].horizon)
        yield candidates[begin:stop]
        begin = stop
