"""From recorded curves to the final losses of runs not made yet."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadName, BadValue, CalandoError
from calando.forecast.asked import Candidate, candidates_of, checked_horizon, in_goes, peaks_run
from calando.forecast.averaging import ONE_PEAK, SEVERAL_PEAKS, averaged, counted
from calando.forecast.bands import ALONE, LAST_RATIO, NOMINAL, alone, band, checked_level, wider
from calando.forecast.curve import LossCurve, checked_curves
from calando.forecast.fitting import Fit, fit
from calando.forecast.forecasted import Forecast, Prediction
from calando.forecast.laws import LAWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.core.plan import Plan
    from calando.forecast.doubts import Doubt

    FloatArray = NDArray[np.float64]

__all__ = ["checked_question", "ends_of", "fitted", "forecast", "foretold", "laws_for"]

FAR = 2.0  # horizon ratio from which on absolute losses are not to be relied on
WIDENED = 2.0  # bands where a doubt says that they are too narrow
ONE_LAW = 0.005  # of the loss: half the distance between laws, where only one counts


def forecast(
    curves: "LossCurve | Sequence[LossCurve]",
    candidates: "Iterable[str | Plan | tuple[str | Plan, float]]",
    horizon: int,
    *,
    peak: float | None = None,
    laws: "Sequence[str] | None" = None,
    level: float = NOMINAL,
    seed: int = 0,
) -> Forecast:
    """The final loss of every candidate, in rank order, with bands.

    Formula: the mean over the laws that fit; the band is `calando.forecast.bands.band`.

    Args:
        curves: recorded runs of one model on the same data: LossCurve objects, >= 1.
        candidates: plans, their texts, or (plan, peak) pairs; each is asked over the whole horizon.
        horizon: updates of the runs to predict, 2 to 10,000,000.
        peak: of candidates that tell none, a learning rate > 0; left out, the peak that was run when it was one.
        laws: names in `LAWS`; left out, two that err in opposite ways, by whether one peak was run or several.
        level: the bands' nominal share, 0.5 to 0.99.
        seed: of the fits' starts, a number >= 0.

    Raises:
        BadName: for an unknown law.
        BadValue: for arguments outside their range, too few losses, or a candidate without a peak.

    Example:
        >>> from calando.forecast import LossCurve
        >>> steps = list(range(100, 2001, 100))
        >>> short = LossCurve.from_plan("a", steps, [3 + 20 * t**-0.5 for t in steps], "constant()", 1e-3, 2000)
        >>> found = forecast([short], ["constant()"], 4000)
        >>> found.best.ratio, found.best.low < found.best.loss < found.best.high
        (2.0, True)
    """
    began = time.perf_counter()
    given = checked_curves(curves, "forecast, curves")
    checked_level(level)
    wanted = candidates_of(candidates, horizon, peak, peaks_run(given))
    fits, refused = fitted(given, laws, seed)
    predictions, doubts, notes = foretold(given, fits, wanted, ends_of(fits, wanted), level)
    return Forecast(predictions, given, fits, refused, doubts, notes, level, time.perf_counter() - began)


def checked_question(
    curves: "LossCurve | Sequence[LossCurve]", horizon: int, laws: "Sequence[str] | None", level: float, asked: str
) -> tuple[LossCurve, ...]:
    """The curves of a question that not every law may answer: `asked` is "choose" or "design"."""
    given = checked_curves(curves, f"{asked}, curves")
    checked_horizon(horizon)
    checked_level(level)
    for name in laws or ():
        refused = LAWS[name].refuses if name in LAWS else ""
        if refused:
            raise BadValue(
                given=f"the law {name}", allowed=f"a law that may {asked}", where=f"{asked}, laws", fix=refused
            )
    return given


def laws_for(curves: "Sequence[LossCurve]") -> tuple[str, ...]:
    """The laws that are fitted when none are named: for one peak, or for several."""
    return ONE_PEAK if len(peaks_run(curves)) == 1 else SEVERAL_PEAKS


def fitted(
    curves: "Sequence[LossCurve]", laws: "Sequence[str] | None" = None, seed: int = 0
) -> "tuple[tuple[Fit, ...], tuple[tuple[str, str], ...]]":
    """The fits that count, and the laws that do not, each with its reason."""
    names = tuple(laws) if laws is not None else laws_for(curves)
    if not names or isinstance(laws, str):
        raise BadValue(
            given=f"laws={laws!r}", allowed="a list of names of laws", where="laws", fix='give ["multi_power", "bound"]'
        )
    fits, refused = [], []
    error: CalandoError | None = None
    ordered = sorted(curves, key=lambda curve: (curve.peak, curve.horizon, curve.plan, curve.name, curve.final))
    for name in dict.fromkeys(names):
        try:
            fits.append(fit(ordered, name, seed=seed))
        except BadName:
            raise
        except BadValue as problem:
            error = problem
            refused.append((name, problem.given + " (" + problem.allowed + ")"))
    if error is not None and not fits:
        raise error
    if not fits:
        raise BadValue(given="no laws", allowed="at least one", where="laws", fix="leave laws out")
    kept = counted(fits)
    best = min(one.scatter for one in fits)
    refused += [
        (one.law.name, f"the losses stray from it by {one.scatter:.2%}, from the best law by {best:.2%}")
        for one in fits
        if one not in kept
    ]
    return kept, tuple(refused)


def ends_of(
    fits: "Sequence[Fit]", candidates: "Sequence[Candidate]", thetas: "Sequence[FloatArray] | None" = None
) -> "FloatArray":
    """Final losses: one row a fit (or, with parameters for each fit, a draw), one column a candidate."""
    parts = []
    for some in in_goes(candidates):
        rates = [candidate.rates() for candidate in some]
        draws = [None] * len(fits) if thetas is None else [list(rows) for rows in thetas]
        rows = [one.predict_ends(rates, own) for one, own in zip(fits, draws, strict=True)]
        parts.append(np.concatenate(rows))
    return np.concatenate(parts, axis=1)


def foretold(
    curves: "Sequence[LossCurve]",
    fits: "Sequence[Fit]",
    candidates: "Sequence[Candidate]",
    losses: "FloatArray",
    level: float,
) -> "tuple[tuple[Prediction, ...], tuple[Doubt, ...], tuple[str, ...]]":
    """Predictions in rank order, doubts and notes, from every law's losses."""
    from calando.forecast.doubts import COMES_DOWN, comes_down, doubts_of, never_cooled, rising_again, unseen

    doubts = doubts_of(curves, fits)
    ends = np.array([_end(candidate) for candidate in candidates])
    rising = rising_again(candidates)
    doubtful = np.full(len(candidates), bool(doubts))
    if rising is not None:
        doubtful |= [candidate.plan in rising.curves for candidate in candidates]
        doubts = (*doubts, rising)
    guessed = unseen(curves, ends)
    if guessed.any():
        doubtful |= guessed
        doubts = (never_cooled(curves), *doubts)
    middle, apart = averaged(losses)
    if len(fits) == 1:
        apart = ONE_LAW * middle
    longest = max(curve.reached for curve in curves)
    ratios = np.array([candidate.horizon / longest for candidate in candidates])
    low, high = band(middle, apart, ratios, max(one.scatter for one in fits), level)
    times = np.where(doubtful, WIDENED, 1.0) * (wider(ends, comes_down(curves), COMES_DOWN) if alone(curves) else 1.0)
    low, high = (np.where(times > 1.0, middle * (end / middle) ** times, end) for end in (low, high))
    high = np.where(guessed, np.maximum(high, max(curve.final for curve in curves)), high)  # it may gain nothing
    order = sorted(range(len(candidates)), key=lambda place: (middle[place], candidates[place].plan))
    names = [one.law.name for one in fits]
    predictions = tuple(
        Prediction(
            candidates[place].plan, candidates[place].peak, candidates[place].horizon, float(middle[place]),
            float(low[place]), float(high[place]),
            tuple((name, float(loss)) for name, loss in zip(names, losses[:, place], strict=True)),
            rank, float(ratios[place]),
        )
        for rank, place in enumerate(order, 1)
    )  # fmt: skip
    return predictions, doubts, tuple(_notes(curves, candidates, float(ratios.max())))


def _end(candidate: "Candidate") -> float:
    """Where its rate ends, a share of its largest."""
    rates = candidate.rates()
    return float(rates[-1] / rates.max())


def _notes(curves: "Sequence[LossCurve]", candidates: "Sequence[Candidate]", ratio: float) -> Iterable[str]:
    if ratio > LAST_RATIO:
        yield (
            f"the horizon is {ratio:.3g} times the longest run: the bands were calibrated up to {LAST_RATIO:g} times, "
            "beyond they are an assumption. Trust the ranks, not the losses"
        )
    elif ratio >= FAR:
        yield f"the horizon is {ratio:.3g} times the longest run: trust the ranks, less the losses themselves"
    run = peaks_run(curves)
    beyond = sorted({c.peak for c in candidates if not run[0] / 1.02 <= c.peak <= run[-1] * 1.02})
    if beyond:
        told = ", ".join(f"{peak:g}" for peak in beyond[:4])
        yield f"no run had a peak like {told}: what is said of it is extrapolated from {run[0]:g} to {run[-1]:g}"
    if alone(curves):
        yield (
            f"{'one run' if len(curves) == 1 else 'runs with the same rates, which tell no more than one'} alone: its"
            f" bands are drawn {ALONE:g} times as wide as those of contrasting runs, and more where a plan stays up"
            " and the run came down"
        )
    unfinished = [curve for curve in curves if not curve.finished]
    if unfinished:
        yield f"{len(unfinished)} of {len(curves)} runs had not ended when they were read"
