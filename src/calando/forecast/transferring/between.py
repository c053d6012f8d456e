"""From one plan's best peak to another's, and to the cooldown that suits a peak."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.shapes.constant import constant
from calando.errors import BadValue, shown
from calando.forecast.bounds import price
from calando.forecast.transferring.answers import Cooldown, Promise, Target, Transfer
from calando.forecast.transferring.reading import Reading, exponents_of, peak_of, read, sizes_of
from calando.forecast.transferring.stages import share_for, staged, trunk_of

if TYPE_CHECKING:
    from calando.core.clock import LengthLike

__all__ = ["FROM", "cooldown_for", "octaves_off", "transfer"]

NEAR: Final = 0.2
PART: Final = 0.35
"""Octaves by which four in five recorded best peaks lie off the theory's ratio at most: so many, and so much of the
ratio itself (bench/results/forecast/transfer.md)."""

FLOOR: Final = 0.5
TALL: Final = 0.1
CYCLES: Final = 0.5
"""Octaves more for a floor, all of them from a tenth of the peak on; and for cycles."""


FROM: Final = "the plan it comes from: "
"""What stands before a reason that is the source's, not the target's own."""


def transfer(
    plan: Plan | Schedule | str,
    to: Plan | Schedule | str | Sequence[Plan | Schedule | str],
    *,
    peak: float | None = None,
    horizon: "LengthLike | None" = None,
    to_horizon: "LengthLike | None" = None,
    exponent: float | None = None,
    cooldown_at: float | None = None,
    steps_per_epoch: int | None = None,
    tokens_per_step: float | None = None,
    samples_per_step: float | None = None,
) -> Transfer:
    """From the best peak of one plan to the best peaks of others, by theory: nothing is trained.

    Formula: ratio = (g' sqrt(T')) / (g sqrt(T)) * (T'/T)^exponent, with g = sqrt(b/v) of the last-iterate bound.

    Args:
        plan: whose best peak is known: a plan, its text, or a schedule that brings its horizon.
        to: one plan or several.
        peak: the best peak of `plan`, a learning rate > 0; without it only ratios are told.
        horizon: updates of the run whose peak is known, >= 1, or text such as "90ep"; 10,000 steps unless given.
        to_horizon: updates of the others' runs, >= 1, or text; as `horizon` unless given.
        exponent: of the best peak over the horizon, a number from -1 to 0.5. Left out it is -0.3, between -0.5
            (theory) and -0.2: measured exponents differ, and the range widens with the horizons' ratio.
        cooldown_at: a learning rate > 0: also say which cooldown has its best peak there. Needs `peak`.
        steps_per_epoch: updates in an epoch, >= 1.
        tokens_per_step: tokens an update consumes, > 0.
        samples_per_step: samples an update consumes, > 0.

    Raises:
        BadValue: for a number outside its range, or nothing to transfer to.
        DoesNotFit: where a plan does not fit its horizon.

    Example:
        >>> from calando.forecast import transfer
        >>> answer = transfer("wsd(cooldown=20%)", ["linear_decay", "cosine(end=0.1)"], peak=1e-3)
        >>> [(target.plan, target.promise, round(target.ratio, 2)) for target in answer.targets]
        [('linear_decay()', 'best guess', 1.94), ('cosine(end=0.1)', 'range', 1.6)]

    Source: Defazio et al. 2023, theorem 10; Schaipp et al. (ICML 2025), section 5.
    """
    sizes = {
        "steps_per_epoch": steps_per_epoch, "tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step,
    }  # fmt: skip
    known = peak_of(peak, "transfer.peak")
    wanted = peak_of(cooldown_at, "transfer.cooldown_at")
    best, band = exponents_of(exponent)
    source = read(plan, horizon, "transfer.plan", **sizes)
    plans = [to] if isinstance(to, str) or not isinstance(to, Sequence) else list(to)
    if not plans and wanted is None:
        raise BadValue(given="no plan to transfer to", allowed="one plan or several", where="transfer.to",
                       fix="name a plan such as 'linear_decay'")  # fmt: skip
    if wanted is not None and known is None:
        raise BadValue(given=f"cooldown_at={shown(cooldown_at)} without a peak", allowed="both", where="transfer.peak",
                       fix="give the best peak of the plan")  # fmt: skip
    ours = source.horizon if to_horizon is None else to_horizon
    read_ones = [read(one, _own(one, ours, to_horizon), "transfer.to", **sizes) for one in plans]
    targets = tuple(_target(source, one, known, best, band) for one in read_ones)
    found, horizons = None, [one.horizon for one in read_ones]
    if wanted is not None and known is not None:
        horizons.append(source.horizon if to_horizon is None else constant().bind(to_horizon, **sizes).horizon)  # type: ignore[arg-type]
        found = cooldown_for(source, known, wanted, horizons[-1], best, band)
    return Transfer(
        source.text,
        known,
        source.horizon,
        horizon is None and not isinstance(plan, Schedule),
        best,
        band,
        targets,
        found,
        _notes(source, read_ones, horizons, exponent, known),
        **sizes_of(source.schedule),
    )


def _own(plan: object, ours: "LengthLike", given: "LengthLike | None") -> "LengthLike | None":
    """The horizon that a plan is bound at; a schedule keeps its own unless one was asked for."""
    return given if isinstance(plan, Schedule) else ours


def octaves_off(ratio: float, *readings: Reading) -> float:
    """How far off recorded best peaks are to be expected, in octaves either way, from a theory's ratio of shapes."""
    tallest = max(one.level for one in readings)
    off = NEAR + PART * abs(math.log2(ratio))
    off += FLOOR * min(1.0, math.sqrt(tallest / TALL))
    return off + (CYCLES if any(one.cycles for one in readings) else 0.0)


def _target(source: Reading, one: Reading, peak: float | None, exponent: float, band: tuple[float, float]) -> Target:
    own = [f"{FROM}{reason}" for reason in source.reasons]
    if source.mute or one.mute:
        return Target(one.text, one.horizon, "none", reasons=(*one.reasons, *one.remarks, *own),
                      **sizes_of(one.schedule))  # fmt: skip
    shape = one.best / source.best
    longer = one.horizon / source.horizon
    off = 0.0 if one.text == source.text else octaves_off(shape, source, one)
    moved = sorted(longer**e for e in band)
    ratio = shape * longer**exponent
    low, high = shape * moved[0] * 2.0**-off, shape * moved[1] * 2.0**off
    own = own if one.text != source.text else []
    promise: Promise = "range" if own or (one.reasons and one.text != source.text) else "best guess"
    reasons = (*one.reasons, *one.remarks, *own)
    at_best = math.sqrt(one.horizon) * one.bound.best_value / (math.sqrt(source.horizon) * source.bound.best_value)
    return Target(
        one.text,
        one.horizon,
        promise,
        ratio,
        low,
        high,
        None if peak is None or promise == "range" else peak * ratio,
        None if peak is None else peak * low,
        None if peak is None else peak * high,
        price(1.0 / ratio),
        at_best,
        reasons,
        **sizes_of(one.schedule),
    )


def cooldown_for(
    source: Reading, peak: float, wanted: float, horizon: int, exponent: float, band: tuple[float, float]
) -> Cooldown:
    """The cooldown whose best peak is the one wanted, when that of the source is `peak`.

    Args:
        source: the plan whose best peak is known.
        peak: its best peak, > 0.
        wanted: the peak to be used, > 0.
        horizon: updates of the run with that cooldown, >= 1.
        exponent: of the best peak over the horizon.
        band: the lowest and the highest exponent, for the range.
    """
    trunk = trunk_of(source)
    if trunk.rise >= horizon:
        raise BadValue(
            given=f"a run of {horizon:,} updates with a warm-up of {trunk.rise:,}", allowed="more than its warm-up",
            where="transfer.to_horizon", fix="give more updates",
        )  # fmt: skip
    longer = horizon / source.horizon
    shape, *moved = (wanted / peak / longer**e for e in (exponent, *band))
    off = 2.0 ** octaves_off(shape, source)
    least, most = source.best * min(moved) / off, source.best * max(moved) * off
    share, low, high = (share_for(trunk, best, horizon) for best in (source.best * shape, least, most))
    if share is not None:
        return Cooldown(staged(trunk, share, horizon).text, wanted, share, low, high, source.reasons)
    shortest, begins, ends, longest = (
        share_for(trunk, best, horizon, nearest=True) or 1.0 for best in (0.0, least, most, math.inf)
    )
    limit = staged(trunk, longest, horizon).best / source.best * peak * longer**exponent
    below = wanted < limit
    text = f"{wanted:.4g} is " + (
        "below what any cooldown wants" if below else f"above {limit:.3g}, the best peak of the longest"
    )
    if (ends <= shortest) if below else (begins >= longest):
        text += ": no cooldown suits it"
    else:
        side = f"one of {100 * ends:.3g} % or shorter" if below else f"one of {100 * begins:.3g} % or longer"
        text += f": no cooldown suits it by the best guess; within the range {side} may"
    return Cooldown("", wanted, None, low, high, (*source.reasons, text))


def _notes(
    source: Reading, targets: Sequence[Reading], horizons: Sequence[int], exponent: float | None, peak: float | None
) -> tuple[str, ...]:
    notes = list(source.remarks)
    if any(horizon != source.horizon for horizon in horizons):
        taken = f"{exponent:g}, as given" if exponent is not None else "-0.3, between -0.5 (theory) and -0.2"
        notes.append(
            f"horizons differ: the best peak is taken to move as the horizon to the power {taken}; theory's rule does "
            "not hold under AdamW with weight decay, and small tasks were measured from -0.9 to 0: run two lengths "
            "where it matters (calando find and tune fit the power)"
        )
    rises = [bool(one.factors[0] < one.factors.max()) for one in (source, *targets)]
    if rises[0] != any(rises[1:]) and targets:
        notes.append("warm-ups differ: the theory knows what they cost, not that a high peak may need one")
    if peak is not None:
        notes.append("a peak off by a factor 2 raises the bound by 25 %, by a factor 1.25 by 2.5 %: (m + 1/m)/2")
    return tuple(notes)
