"""The search for a law's parameters: many cheap starts on few points, the best of them polished on all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from calando.errors import BadName, BadValue, did_you_mean, shown
from calando.forecast.curve import LossCurve, checked_curves
from calando.forecast.fitting.fitted import Fit
from calando.forecast.fitting.polish import Polished, Problem, polish
from calando.forecast.fitting.reasons import reasons
from calando.forecast.fitting.robust import LEAST_DELTA, scale_of
from calando.forecast.fitting.screen import screen
from calando.forecast.laws import LAWS
from calando.forecast.laws.base import Law, Path
from calando.forecast.laws.blocks import WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["fit", "problem_of"]

PIECES = 5
"""Independent losses that a curve is worth, however densely it was recorded: its residuals wander, they do not jump."""
COARSE_POINTS = 48
COARSE_WIDTH = 0.4
SHORT = 25  # steps of a first polish
LIKE_BEST = 1.02  # ends of a search that cost as little as the best
OUTER_STARTS = 7
OUTER_STEPS = 14
GOLD = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Found:
    """The best member of a law's family, its polished ends on few points, and the turning point of its loss."""

    law: Law
    ends: tuple[Polished, ...]
    delta: float


def fit(
    curves: "LossCurve | Sequence[LossCurve]",
    law: "str | Law" = "multi_power",
    *,
    points: int = 400,
    tries: int = 160,
    starts: int = 5,
    belief: float | None = None,
    seed: int = 0,
) -> Fit:
    """The parameters of a law that explain some curves best, and why not to believe them.

    Formula: least sum of Huber's loss of log(law) - log(recorded), plus the weak beliefs about the nonlinear
    parameters (see `Parameter`), each weighing as much as `belief` losses.

    Args:
        curves: one or more, >= parameters + 2 losses after their warm-ups together.
        law: a name in `LAWS`, or a law itself, as an object.
        points: losses of each curve at most, >= 8; denser ones are averaged over stretches.
        tries: starts that are screened, >= 1.
        starts: of them that are polished, >= 1.
        belief: losses that tell as much as one belief, >= 0; left out, as if each curve held five independent losses.
            0 believes nothing beforehand.
        seed: of the screened starts, a number >= 0.

    Raises:
        BadName: for a law that is not known.
        BadValue: for too few losses, or arguments outside their range.

    Example:
        >>> steps = range(100, 4001, 100)
        >>> known = [3 + 20 * min(t, 4000) ** -0.5 for t in steps]
        >>> curve = LossCurve.from_plan("a", list(steps), known, "constant()", 1e-3, 4000)
        >>> found = fit(curve, "momentum")
        >>> round(float(found.predict(curve.rates)[0]), 2)
        3.32
        >>> found.reasons[0]
        'one curve alone: what its rates and its length each do cannot be told apart'
    """
    began = time.thread_time()
    chosen = _law(law)
    given = checked_curves(curves, "fit, curves")
    _whole(points, 8, "fit, points")
    _whole(tries, 1, "fit, tries")
    _whole(starts, 1, "fit, starts")
    _whole(seed, 0, "fit, seed")
    used = tuple(curve.fitted_part().thinned(points) for curve in given)
    count = sum(len(curve.steps) for curve in used)
    needed = len(chosen.parameters) + 2
    if count < needed:
        raise BadValue(
            given=f"{count} losses", allowed=f"at least {needed} for the {chosen.title}", where="fit, curves",
            fix="log the loss more often, or give more runs",
        )  # fmt: skip
    if belief is None:
        belief = count / (PIECES * len(used))
    elif not 0 <= belief < np.inf:
        raise BadValue(given=f"belief={shown(belief)}", allowed="a finite number >= 0", where="fit, belief",
                       fix="leave it out")  # fmt: skip
    few = tuple(curve.picked(COARSE_POINTS) for curve in used)
    share = belief * sum(len(curve.steps) for curve in few) / count
    unit = max(curve.peak for curve in used)
    found = _search(chosen, few, unit, share, tries, starts, seed)
    whole = problem_of(found.law, used, unit, WIDTH, belief)
    best = min((polish(whole, end.theta, found.delta) for end in found.ends[:2]), key=lambda end: end.cost)
    residuals = whole.residuals(best.theta)
    result = Fit(found.law, best.theta, unit, used, residuals, best.cost, found.delta, belief, 0.0, ())
    others = [end.theta for end in found.ends if end.cost <= LIKE_BEST * found.ends[0].cost]
    told = reasons(result, best.rested, others)
    return replace(result, seconds=time.thread_time() - began, reasons=told)


def problem_of(law: Law, curves: "Sequence[LossCurve]", unit: float, width: float, belief: float) -> Problem:
    """What is to be solved for some curves."""
    prepared = law.prepare([Path(curve.rates / unit, curve.steps, unit) for curve in curves], width)
    return Problem(law, prepared, np.log(np.concatenate([curve.losses for curve in curves])), belief)


def _law(law: "str | Law") -> Law:
    if not isinstance(law, str):
        return law
    if law not in LAWS:
        raise BadName(
            given=f"law={shown(law)}{did_you_mean(law, LAWS)}", allowed=", ".join(LAWS), where="fit, law",
            fix="give one of these names",
        )  # fmt: skip
    return LAWS[law]


def _whole(value: int, least: int, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise BadValue(given=shown(value), allowed=f"a whole number >= {least}", where=where, fix="leave it out")


def _search(
    law: Law, curves: "tuple[LossCurve, ...]", unit: float, belief: float, tries: int, starts: int, seed: int
) -> Found:
    """The ends of the polished starts on few points; over the whole family where the law is one of a family."""
    outer = getattr(law, "outer", None)
    if outer is None:
        problem = problem_of(law, curves, unit, COARSE_WIDTH, belief)
        kept = screen(problem, tries, seed, starts)
        delta = scale_of(problem.residuals(kept[0])) if kept else LEAST_DELTA
        return Found(law, _ends(problem, kept, delta), delta)
    middle, reach = float(np.log(outer.likely)), 2.0 * outer.spread
    places = np.linspace(max(middle - reach, np.log(outer.low)), min(middle + reach, np.log(outer.high)), OUTER_STARTS)
    member: Callable[[float], Law] = law.member  # type: ignore[attr-defined]
    heads = []
    for place in places:
        problem = problem_of(member(float(np.exp(place))), curves, unit, COARSE_WIDTH, belief)
        kept = screen(problem, max(tries // 4, 1), seed, 2)
        heads.append((problem, kept))
    delta = min((scale_of(p.residuals(k[0])) for p, k in heads if k), default=LEAST_DELTA)
    ends = [min(_ends(problem, kept, delta), key=lambda end: end.cost) for problem, kept in heads]

    def at(place: float, start: "FloatArray") -> Polished:
        problem = problem_of(member(float(np.exp(place))), curves, unit, COARSE_WIDTH, belief)
        end = polish(problem, start, delta, SHORT)
        strain = (place - middle) / outer.spread
        return Polished(end.theta, end.cost + 0.5 * belief * delta**2 * strain**2, end.rested)

    costs = [end.cost + 0.5 * belief * delta**2 * ((x - middle) / outer.spread) ** 2
             for end, x in zip(ends, places, strict=True)]  # fmt: skip
    best = int(np.argmin(costs))
    low, high = places[max(best - 1, 0)], places[min(best + 1, len(places) - 1)]
    place, end = _golden(at, float(low), float(high), ends[best].theta)
    return Found(member(float(np.exp(place))), (end,), delta)


def _golden(at: Any, low: float, high: float, start: "FloatArray") -> "tuple[float, Polished]":
    """The least of a function of one number between two, by golden sections; each end is the next one's start."""
    left, right = high - GOLD * (high - low), low + GOLD * (high - low)
    a = at(left, start)
    b = at(right, a.theta)
    for _ in range(OUTER_STEPS):
        if a.cost <= b.cost:
            high, right, b = right, left, a
            left = high - GOLD * (high - low)
            a = at(left, b.theta)
        else:
            low, left, a = left, right, b
            right = low + GOLD * (high - low)
            b = at(right, a.theta)
    return (left, a) if a.cost <= b.cost else (right, b)


def _ends(problem: Problem, kept: "Sequence[FloatArray]", delta: float) -> tuple[Polished, ...]:
    ends = sorted((polish(problem, start, delta, SHORT) for start in kept), key=lambda end: end.cost)
    if not ends or not np.isfinite(ends[0].cost):
        raise BadValue(
            given="curves that no parameters of the law come near", allowed="losses that a schedule explains",
            where="fit, curves", fix="leave out what diverged, and give the rates that were used",
        )  # fmt: skip
    return tuple(ends)
