"""The best member of a family of plans under fitted laws, summed step by step, as a plan with a name."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, shown
from calando.forecast.asked import Candidate, checked_peak, peaks_run, plan_text
from calando.forecast.averaging import averaged
from calando.forecast.bands import NOMINAL
from calando.forecast.choosing.ending import warmup_of
from calando.forecast.curve import LossCurve
from calando.forecast.forecasted import Forecast, Prediction
from calando.forecast.forecasting import checked_question, ends_of, fitted, foretold
from calando.forecast.laws.base import Path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.fitting import Fit

    FloatArray = NDArray[np.float64]

__all__ = ["POWERS", "Design", "Member", "design", "family"]

POWERS = (0.5, 1.0, 1.5, 2.0)
"""Powers of the cooldown's shape: 1 is linear, above 1 falls fast at first."""
COARSE = tuple(0.05 * place for place in range(1, 20))
FINE = tuple(0.01 * place for place in range(-4, 5))
EXACT = 6  # members whose sums are taken step by step


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The plan to take, and what is lost by giving it a plain name.

    `best` is the best plain member (linear cooldown, in tenths of the run), `found` the best of the whole family, both
    with exact sums; `given_up` is their difference in loss, >= 0. `tried` counts members, `peaks` are those that were
    searched. `forecast` holds fits, doubts and notes.

    >>> prediction = Prediction("wsd(cooldown=40%)", 1e-3, 10, 3.0, 2.9, 3.1, (), 1, 1.0)
    >>> Design(prediction, prediction, 0.0, 1, (1e-3,), None, 0.1).best.plan
    'wsd(cooldown=40%)'
    """

    best: Prediction
    found: Prediction
    given_up: float
    tried: int
    peaks: tuple[float, ...]
    forecast: Forecast | None
    seconds: float


def design(
    curves: "LossCurve | Sequence[LossCurve]",
    horizon: int,
    *,
    peaks: "Iterable[float] | None" = None,
    powers: "Sequence[float]" = POWERS,
    laws: "Sequence[str] | None" = None,
    level: float = NOMINAL,
    seed: int = 0,
) -> Design:
    """The best warm-up-stable-decay plan for a long run under laws fitted to short ones.

    The family: cooldown share 1 to 99 %, shape (1 - x)^power, peak. Never free-form: a schedule optimised step by step
    exploits the law's errors, and coarse sums more so; here the last members are summed step by step.

    Args:
        curves: short runs of the model on the same data: LossCurve objects, >= 1.
        horizon: updates of the long run, 2 to 10,000,000.
        peaks: learning rates > 0 to choose from; left out, those that were run.
        powers: of the cooldown's shape, numbers > 0.
        laws: names in `LAWS`; left out, two that err in opposite ways.
        level: the bands' nominal share, 0.5 to 0.99.
        seed: of the fits' starts, a number >= 0.

    Raises:
        BadName: for an unknown law.
        BadValue: for arguments outside their range, too few losses, or a law that must not design.

    Example:
        >>> from calando.forecast import LossCurve
        >>> steps = list(range(100, 2001, 100))
        >>> short = LossCurve.from_plan("a", steps, [3 + 20 * t**-0.5 for t in steps], "linear_decay()", 1e-3, 2000)
        >>> found = design([short], 4000, powers=[1])
        >>> found.given_up >= 0, found.best.plan.startswith("wsd(")
        (True, True)
    """
    began = time.perf_counter()
    given = checked_question(curves, horizon, laws, level, "design")
    rates = tuple(checked_peak(peak) for peak in peaks) if peaks is not None else peaks_run(given)
    shapes = tuple(_power(power) for power in powers)
    if not rates or not shapes:
        raise BadValue(given="no peaks or no powers", allowed="at least one", where="design", fix="leave them out")
    warmup = min(int(np.median([warmup_of(curve) for curve in given])), horizon // 2)
    fits, left_out = fitted(given, laws, seed)
    coarse = family(COARSE, shapes, rates, warmup, horizon)
    if not coarse:
        raise BadValue(
            given=f"horizon={horizon}, a warm-up of {warmup}", allowed="room for a cooldown behind the warm-up",
            where="design", fix="ask for a longer run",
        )  # fmt: skip
    first = _best(fits, coarse, 1)[0]
    around = [first.share + step for step in FINE if 0.005 < first.share + step < 0.995]
    fine = family(around, [first.power], [first.candidate.peak], warmup, horizon)
    plain = [one for one in coarse if one.plain] or list(coarse)
    members = dict.fromkeys([*_best(fits, [*coarse, *fine], EXACT), *_best(fits, plain, EXACT // 2)])
    finalists = list(dict.fromkeys(member.candidate for member in members))
    losses = np.stack([_exactly(fit, finalists) for fit in fits])
    told, doubts, notes = foretold(given, fits, finalists, losses, level)
    named = {(one.candidate.plan, one.candidate.peak) for one in plain}
    best = next(one for one in told if (one.plan, one.peak) in named)
    seconds = time.perf_counter() - began
    whole = Forecast(told, given, fits, left_out, doubts, notes, level, seconds)
    return Design(best, told[0], best.loss - told[0].loss, len(coarse) + len(fine), rates, whole, seconds)


@dataclass(frozen=True, slots=True)
class Member:
    """One plan of the family.

    >>> family([0.4], [2.0], [1e-3], 300, 15_000)[0].candidate.plan
    'wsd(warmup=300, cooldown=40%, cooldown_shape=power)'
    """

    share: float
    power: float
    candidate: Candidate

    @property
    def plain(self) -> bool:
        """Whether people would write it so: a linear cooldown over tenths of the run."""
        return self.power == 1 and abs(10 * self.share - round(10 * self.share)) < 1e-6


def family(
    shares: "Iterable[float]", powers: "Iterable[float]", peaks: "Iterable[float]", warmup: int, horizon: int
) -> tuple[Member, ...]:
    """Every member whose cooldown fits behind the warm-up.

    >>> [one.candidate.plan for one in family([0.4, 0.999], [1.0], [1e-3], 300, 15_000)]
    ['wsd(warmup=300, cooldown=40%)']
    """
    found = []
    for share, power, peak in product(shares, powers, peaks):
        if warmup + round(share * horizon) < horizon:
            shape = "" if power == 1 else f", cooldown_shape=power, power={power:g}"
            text = plan_text(f"wsd(warmup={warmup}, cooldown={100 * share:.4g}%{shape})")
            found.append(Member(round(share, 4), power, Candidate(text, peak, horizon)))
    return tuple(found)


def _best(fits: "Sequence[Fit]", members: "Sequence[Member]", count: int) -> list[Member]:
    middle, _ = averaged(ends_of(fits, [member.candidate for member in members]))
    return [members[place] for place in np.argsort(middle, kind="stable")[:count]]


def _exactly(fit: "Fit", candidates: "Sequence[Candidate]") -> "FloatArray":
    """Final losses with every sum taken step by step."""
    found = []
    for one in candidates:
        path = Path(one.rates() / fit.unit, np.array([one.horizon]), fit.unit)
        found.append(float(fit.law.losses(fit.theta, fit.law.prepare([path], 0.0))[0]))
    return np.array(found)


def _power(power: object) -> float:
    if isinstance(power, bool) or not isinstance(power, int | float) or not 0 < power <= 10:
        raise BadValue(
            given=f"the power {shown(power)}", allowed="a number > 0, at most 10", where="design, powers", fix="use 1"
        )
    return float(power)
