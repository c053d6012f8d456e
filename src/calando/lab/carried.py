"""Every candidate at its own peak from one that is known: theory's transfer between shapes, nothing trained for it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from calando.errors import BadValue, shown
from calando.lab.candidates import read_candidate, read_peak
from calando.lab.question import bind, whole
from calando.records.study import Candidate, StudySpec

if TYPE_CHECKING:
    from calando.core.plan import Plan
    from calando.forecast.transferring import Target

__all__ = ["Known", "carried_over", "read_known"]

Known = tuple[str, float]
"""A plan's text and its best peak."""

MOST = 9
OVER = 3
"""Peaks over a range where theory has no best guess."""


def read_known(transfer: object, peaks: object, around: object, verb: str = "compare") -> tuple[Known | None, int]:
    """The plan whose best peak is known, with the peak, and how many peaks are tried around what is carried over.

    Raises:
        BadValue: for anything but a plan and its peak, for peaks beside it, or for a number outside 1 to 9.

    >>> read_known(("linear_decay", 0.1), (), 3)
    (('linear_decay()', 0.1), 3)
    """
    count = whole(around, "around", 1, MOST, verb=verb)
    if transfer is None:
        if count > 1:
            raise BadValue(given=f"around={count} without a known peak", allowed="a plan and its best peak beside it",
                           where=f"{verb}.around", fix="give the peak and its plan, or leave this out")  # fmt: skip
        return None, 1
    if not isinstance(transfer, tuple | list) or len(transfer) != 2:
        raise BadValue(given=shown(transfer), allowed="a plan and its best peak", where=f"{verb}.transfer",
                       fix='give for example ("linear_decay()", 0.01)')  # fmt: skip
    if peaks:
        raise BadValue(given="a grid of peaks beside a known peak", allowed="one of the two", where=f"{verb}.peaks",
                       fix="leave out the grid, or compare at the grid alone")  # fmt: skip
    plan: str | Plan | Candidate = transfer[0]
    of = read_candidate(plan)
    if of.peak is not None:
        raise BadValue(given=f"{of.plan} with a peak of its own", allowed="a plan; its peak is given beside it",
                       where=f"{verb}.transfer", fix=f"give ({of.plan!r}, {of.peak:g})")  # fmt: skip
    return (of.plan, read_peak(transfer[1], f"{verb}.transfer")), count


def carried_over(spec: StudySpec, known: Known, around: int) -> StudySpec:
    """The question with a grid of its own for every candidate that has no pinned peak.

    With a best guess: that peak, and others a factor 2 apart around it; with a range alone: three peaks over it, or as
    many as asked; for a plan that listens: the known peak.

    Args:
        spec: the question; every candidate fits its horizon.
        known: a plan and its best peak.
        around: peaks for each candidate, 1 to 9.

    Raises:
        BadValue, DoesNotFit: where the known plan does not fit the horizon.

    Example:
        >>> spec = StudySpec("?", "t.py:train", 640, (Candidate("c", "cosine()"), Candidate("k", "constant()")))
        >>> [one.peaks for one in carried_over(spec, ("linear_decay()", 0.01), 1).candidates]
        [(0.009728,), (0.00152, 0.003548, 0.008283)]
    """
    from calando.forecast import transfer

    plan, peak = known
    bind(spec, Candidate(plan, plan))  # what is wrong with it is told in this verb's words
    free = [one for one in spec.candidates if one.peak is None]
    if not free:
        return replace(spec, peaks=(peak,))
    answer = transfer(
        plan, [one.plan for one in free], peak=peak, horizon=spec.horizon, steps_per_epoch=spec.steps_per_epoch
    )
    found = {one.label: _own(one, target, known, around) for one, target in zip(free, answer.targets, strict=True)}
    return replace(spec, peaks=(peak,), candidates=tuple(found.get(one.label, one) for one in spec.candidates))


def _own(one: Candidate, target: "Target", known: Known, around: int) -> Candidate:
    plan, peak = known
    whose = f"{peak:g}, the best peak given for {plan}"
    if target.promise == "none" or target.peak_low is None or target.peak_high is None:
        reason = "; ".join(target.reasons)
        return replace(one, peaks=_spread(peak, around), origin=f"{whose}, as it is: theory has no answer, {reason}")
    low, high = target.peak_low, target.peak_high
    if target.peak is None:
        many = max(OVER, around)
        grid = tuple(_tidy(low * (high / low) ** (i / (many - 1))) for i in range(many))
        reason = "; ".join(target.reasons)
        return replace(one, peaks=grid, origin=f"from {whose}, by theory a range and no best guess: {reason}")
    if target.ratio == 1.0:
        return replace(one, peaks=_spread(peak, around), origin=whose)
    told = f"{target.ratio:.3g} times {whose}, by theory; to be looked for between {low:.2g} and {high:.2g}"
    return replace(one, peaks=_spread(target.peak, around), origin=told)


def _spread(middle: float, count: int) -> tuple[float, ...]:
    """So many peaks a factor 2 apart, the given one in their middle."""
    return tuple(_tidy(middle * 2.0 ** (i - (count - 1) / 2)) for i in range(count))


def _tidy(peak: float) -> float:
    return float(f"{peak:.4g}")
