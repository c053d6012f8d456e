"""From a few short runs to the peak and the shape of a long one."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue
from calando.forecast.asked import Candidate, candidates_of, checked_peak, peaks_run
from calando.forecast.averaging import averaged
from calando.forecast.bands import NOMINAL
from calando.forecast.choosing.answers import Baseline, Choice, NextRun, Ranked, Verdict
from calando.forecast.choosing.evidence import Evidence, evidence_of, peak_is_open, seeds_of
from calando.forecast.choosing.regrets import draws_of, noise_of, ranked
from calando.forecast.choosing.usual import humble, in_room, usual_plans
from calando.forecast.curve import LossCurve
from calando.forecast.fitting import Fit
from calando.forecast.forecasted import Forecast
from calando.forecast.forecasting import checked_question, ends_of, fitted, foretold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.core.plan import Plan

    FloatArray = NDArray[np.float64]

__all__ = ["choose"]

EDGE = 1.5  # how far beyond the peaks that were run the best one may seem to lie without being asked for
BESIDE_PEAK = 1.2  # and how far the chosen one may
BESIDE = 2.0  # standard deviations between seeds: a gain beyond the edge that is larger has to be looked for
REACH, SCANNED = 8.0, 33
SHORTER = "the horizon of {:,} updates is shorter than the longest run of {:,}: bands were calibrated at it and beyond"
LONGER = 2  # times the longest run: what tells tied candidates apart


def choose(
    curves: "LossCurve | Sequence[LossCurve]",
    horizon: int,
    *,
    peaks: "Iterable[float] | None" = None,
    plans: "Iterable[str | Plan] | None" = None,
    candidates: "Iterable[tuple[str | Plan, float]] | None" = None,
    laws: "Sequence[str] | None" = None,
    level: float = NOMINAL,
    seed: int = 0,
) -> Choice:
    """Which peak and which plan to take for a long run, from 2 to 6 short ones; or which two runs would tell.

    Two runs at one peak with contrasting cooldowns choose among plans at that peak; to choose the peak, too, there
    must be runs at two peaks.

    Args:
        curves: short runs of the model on the same data: LossCurve objects, >= 1.
        horizon: updates of the long run, 2 to 10,000,000.
        peaks: learning rates > 0 to choose from; left out, those that were run.
        plans: plans or their texts; left out, cooldowns of 10 to 80 %, 1-sqrt, linear and cosine, those that fit.
        candidates: (plan, peak) pairs in place of `peaks` and `plans`.
        laws: names in `LAWS`; left out, two that err in opposite ways.
        level: the bands' nominal share, 0.5 to 0.99.
        seed: of the fits and their resampling, a number >= 0.

    Raises:
        BadName: for an unknown law.
        BadValue: for arguments outside their range, too few losses, or a law that must not choose.

    Example:
        >>> from calando.forecast import LossCurve
        >>> steps = list(range(100, 2001, 100))
        >>> short = LossCurve.from_plan("a", steps, [3 + 20 * t**-0.5 for t in steps], "constant()", 1e-3, 2000)
        >>> answer = choose([short], 8000)
        >>> answer.verdict, len(answer.next_runs)
        ('not enough', 2)
    """
    began = time.perf_counter()
    given = checked_question(curves, horizon, laws, level, "choose")
    seen = evidence_of(given)
    wanted = _wanted(given, seen, horizon, peaks, plans, candidates)
    rivals, untold = humble(given, seen, horizon)
    everything = list(dict.fromkeys([*wanted, *rivals.values()]))
    fits, left_out = fitted(given, laws, seed)
    losses = ends_of(fits, everything)
    asked = losses[:, : len(wanted)]
    predictions, doubts, notes = foretold(given, fits, wanted, asked, level)
    told = Forecast(predictions, given, fits, left_out, doubts, notes, level, time.perf_counter() - began)
    ranks = ranked(predictions, wanted, draws_of(fits, wanted, seed), noise_of(given), level)
    baselines = _baselines(rivals, everything, losses, predictions[0].loss)
    reasons, next_runs = _thin(given, seen, fits, told, wanted)
    verdict: Verdict = "not enough" if reasons else "tie" if sum(one.tied for one in ranks) > 1 else "choose"
    if verdict == "tie":
        next_runs = _apart(given, ranks, seen)
    better = (f"the baseline {one.name!r} is predicted to do better" for one in baselines if one.regret < 0)
    shorter = [SHORTER.format(horizon, seen.horizon)] if horizon < seen.horizon else []
    more = [*notes, *shorter, *untold, *better]
    return Choice(
        verdict, ranks, baselines, next_runs, reasons, tuple(more), told, horizon, level, time.perf_counter() - began
    )


def _wanted(
    curves: "Sequence[LossCurve]",
    seen: Evidence,
    horizon: int,
    peaks: "Iterable[float] | None",
    plans: "Iterable[str | Plan] | None",
    candidates: "Iterable[tuple[str | Plan, float]] | None",
) -> tuple[Candidate, ...]:
    if candidates is not None:
        if peaks is not None or plans is not None:
            raise BadValue(
                given="candidates, and peaks or plans",
                allowed="one of both",
                where="choose",
                fix="leave candidates out",
            )
        return candidates_of(candidates, horizon, None, peaks_run(curves))
    texts = list(plans) if plans is not None else list(usual_plans(seen.warmup, horizon))
    if plans is None and not texts:
        raise BadValue(
            given=f"horizon={horizon}, a warm-up of {seen.warmup}", allowed="room for a cooldown behind the warm-up",
            where="choose", fix="ask for a longer run, or give plans",
        )  # fmt: skip
    rates = [checked_peak(peak) for peak in peaks] if peaks is not None else list(seen.peaks)
    return candidates_of([(text, rate) for rate in rates for text in texts], horizon, None, seen.peaks)


def _baselines(
    rivals: dict[str, Candidate], everything: "Sequence[Candidate]", losses: "FloatArray", best: float
) -> tuple[Baseline, ...]:
    middle, _ = averaged(losses)
    told = {name: float(middle[everything.index(one)]) for name, one in rivals.items()}
    return tuple(Baseline(name, one.plan, one.peak, told[name], told[name] - best) for name, one in rivals.items())


def _thin(
    curves: "Sequence[LossCurve]", seen: Evidence, fits: "Sequence[Fit]", told: Forecast, wanted: "Sequence[Candidate]"
) -> tuple[tuple[str, ...], tuple[NextRun, ...]]:
    """Why the runs do not tell, and the two that would; the first reason decides which."""
    reasons: list[str] = []
    runs: tuple[NextRun, ...] = ()
    if not seen.contrasting:
        known = sorted({f"{100 * share:.3g} %" for shares in seen.shares.values() for share in shares})
        has = f"only {', '.join(known)}" if known else "none"
        reasons.append(f"two finished runs with contrasting cooldowns at one peak are needed, there are {has}")
        runs = seen.second_cooldowns()
    several = peak_is_open(curves, [one.peak for one in wanted])
    if several and len(seen.peaks) < 2:
        asked = {one.peak for one in wanted}
        other = max(asked, key=lambda peak: abs(np.log(peak / seen.peaks[0])))
        step = float(np.clip(other / seen.peaks[0], 1 / 4, 4))
        what = "to choose the peak" if len(asked) > 1 else f"to tell of the peak {other:g}"
        reasons.append(f"{what}, runs at two peaks are needed, there is only {seen.peaks[0]:g}")
        runs = runs or seen.at_peak(seen.peaks[0] * step, "a second peak")
    elif several:
        likely, gain = _best_peak(fits, told, seen)
        found = _beyond(told.best.peak, likely, gain > BESIDE * noise_of(curves), seen)
        if found is not None:
            reasons.append(found[0])
            runs = runs or seen.beyond(found[1])
    reasons += [f"{', '.join(doubt.curves)}: {doubt.words}" for doubt in told.doubts if doubt.refuses]
    if reasons and not runs:
        runs = seen.at_peak(seen.peaks[0] / 2, "runs in which laws may hold")
    return tuple(reasons), runs


def _beyond(best: float, likely: float, gains: bool, seen: Evidence) -> tuple[str, float] | None:
    """Why the peaks that were run are not enough, and the peak beyond them that it is about; None where they are.

    `best` is the peak of the best candidate, `likely` where the laws see the lowest loss, wherever that is; `gains`
    tells whether it is worth looking there.
    """
    run = f"beyond those that were run ({seen.peaks[0]:g} to {seen.peaks[-1]:g})"
    inside = _inside(best, seen, BESIDE_PEAK)
    if inside and not gains:
        return None
    if inside or _side(best, seen) == _side(likely, seen):
        return f"the best peak seems to lie near {likely:.2g}, {run}", likely
    lowest = f"of all peaks the laws see the lowest loss near {likely:.2g}"
    return f"the best of the candidates has the peak {best:g}, {run}; {lowest}", best


def _best_peak(fits: "Sequence[Fit]", told: Forecast, seen: Evidence) -> tuple[float, float]:
    """Where the laws see the lowest loss of the best plan, and what share of it lies beyond the peaks that were run."""
    best = told.best
    peaks = np.geomspace(seen.peaks[0] / REACH, seen.peaks[-1] * REACH, SCANNED)
    middle, _ = averaged(ends_of(fits, [Candidate(best.plan, float(peak), best.horizon) for peak in peaks]))
    inside = np.array([_inside(float(peak), seen, EDGE) for peak in peaks])
    lowest = float(middle.min())
    return float(peaks[int(np.argmin(middle))]), float(np.log(middle[inside].min() / lowest))


def _inside(peak: float, seen: Evidence, factor: float) -> bool:
    return seen.peaks[0] / factor <= peak <= seen.peaks[-1] * factor


def _side(peak: float, seen: Evidence) -> int:
    """Below the peaks that were run, among them or above."""
    return (peak > seen.peaks[-1]) - (peak < seen.peaks[0])


def _apart(curves: "Sequence[LossCurve]", ranks: "Sequence[Ranked]", seen: Evidence) -> tuple[NextRun, ...]:
    """The two best that are tied, as longer runs: short ones have told what they can.

    Where the horizon is not far, these runs are the long run itself; of one that was made already another seed.
    """
    pair = [one for one in ranks if one.tied][:2]
    asked = pair[0].prediction.horizon
    length = min(LONGER * seen.horizon, asked)
    length = length if all(in_room(one.plan, length) for one in pair) else asked
    itself = ", the long run itself" if length == asked else ""
    found = []
    for one in pair:
        made = seeds_of(curves, one.plan, one.peak, length)
        again = f": it was made {'once' if made == 1 else f'{made} times'}, this is another seed" if made else ""
        found.append(NextRun(one.plan, one.peak, length, f"one of the two best that are tied{itself}{again}"))
    return tuple(found)
