"""What a search concludes, in numbers and in words."""

import math
from dataclasses import replace

from calando.lab.finding.carrying import carry, told
from calando.lab.finding.fit import Posterior
from calando.lab.finding.minis import tidy
from calando.lab.finding.strategy import FindStrategy
from calando.records.finding import Finding, Mini

__all__ = ["conclude", "interval_means"]

WIDE = 16.0
MANIFOLD = 14.7
"""F(6, 3) at 97.5 %: so much more than the noise (known from three seeds) must results scatter to mean anything."""


def conclude(strategy: FindStrategy) -> Finding:
    """The answer from everything that has finished; a pure function of it."""
    asked, reading, minis = strategy.question, strategy.reading, strategy.minis
    base = Finding(
        "no signal",
        "",
        asked.train,
        asked.plan,
        asked.horizon,
        confidence=asked.confidence,
        reading=reading,
        minis=minis,
        steps=strategy.spent,
        metric=asked.metric,
        mode=asked.mode,
        traceback=strategy.traceback,
    )
    search = strategy.search
    if reading is None:
        return _nothing(base, "the range tests were not finished")
    if search is None:
        return _nothing(base, reading.reason)
    known = search.known(minis)
    if known is None:
        lost = ", ".join(f"{m.peak:g} {m.status}" for m in minis) or "none was made"
        return _nothing(base, f"no mini-run gave a finite {asked.metric} ({lost})")
    if why := _silent(minis) or _only_noise(minis, strategy.noise, asked.metric):
        return _nothing(base, why)
    low, high, best = (tidy(2**x) for x in (*known.span(asked.confidence), known.best))
    side = search.side(minis)
    if side:  # the best lies outside of what was tried: a bound, and no interval around it
        ends = [mini.peak for mini in minis if mini.horizon == asked.shorts[0]]
        best = tidy((min if side == "low" else max)(ends) * _onward(known, asked.shorts[0], asked.horizon))
    found = Finding(
        "edge" if side else "found",
        f"the best of the short runs is the {side}est peak tried" if side else "",
        asked.train,
        asked.plan,
        asked.horizon,
        best,
        None if side else min(low, best),
        None if side else max(high, best),
        None if side else asked.confidence,
        reading,
        minis,
        known.tops,
        known.bases,
        known.curvature,
        known.slope,
        strategy.spent,
        asked.metric,
        asked.mode,
        skew=known.skew,
        early=known.early if len(known.tops) > 1 else None,
        overfit=search.overfit(minis),
    )
    return _worded(replace(found, transferred=carry(found, asked.steps_per_epoch)), side)


def _onward(known: Posterior, short: int, horizon: int) -> float:
    """By what a peak over so few updates is multiplied for the full horizon: both exponents, each over its part."""
    last = max(length for length, _ in known.tops)
    return known.early.factor(last / short) * known.slope.factor(horizon / last)


def _silent(minis: tuple[Mini, ...]) -> str:
    values = [mini.value for mini in minis if mini.value is not None]
    if len(values) < 3:
        return f"only {len(values)} mini-runs gave a result, and a parabola takes three"
    if max(values) == min(values):
        return f"every mini-run ended at {values[0]:g}: the peak makes no difference, or the metric does not move"
    return ""


def _only_noise(minis: tuple[Mini, ...], noise: float | None, metric: str) -> str:
    """Why a flat line per length is enough: what it leaves unexplained is no more than the metric's own noise.

    Where that is so a parabola can only follow the noise, whatever it explains.
    """
    if not noise:
        return ""
    flat = 0.0
    for horizon in {mini.horizon for mini in minis}:
        values = [mini.value for mini in minis if mini.horizon == horizon and mini.value is not None]
        middle = math.fsum(values) / max(1, len(values))
        flat += math.fsum((value - middle) ** 2 for value in values)
    free = sum(mini.value is not None for mini in minis) - len({m.horizon for m in minis if m.value is not None})
    if flat > MANIFOLD * max(1, free) * noise**2:
        return ""
    spread = math.sqrt(flat / max(1, free))
    return (
        f"the mini-runs scatter by {spread:.2g}, and {metric} by about {noise:.2g} where hardly anything is trained:"
        " that cannot be told from noise"
    )


def _nothing(base: Finding, reason: str) -> Finding:
    said = (*(base.reading.sentences if base.reading and base.reading.signal else ()), f"No signal: {reason}.")
    todo = "Nothing is proven about any peak; give a span of rates, a longer horizon, or a loss at every update."
    return replace(base, reason=reason, headline=f"no signal: {reason}", sentences=said, not_proven=(todo,))


def interval_means(found: Finding) -> str:
    """What the interval says, and what it does not."""
    return (
        f"The interval is where the best peak of {found.horizon} updates lies with a belief of"
        f" {100 * (found.confidence or 0):.0f} %, if the parabolas and the exponents hold: it is no confidence"
        " interval over seeds, and says nothing of how much worse another peak inside of it is."
    )


def _worded(found: Finding, side: str) -> Finding:
    best, low, high = (0.0 if x is None else x for x in (found.best, found.low, found.high))
    sure = "" if found.confidence is None else f"{100 * found.confidence:.0f} %"
    where = f"{found.shape} over {found.horizon} updates"
    if side:
        word = "at most" if side == "low" else "at least"
        headline = f"edge: the best peak for {where} is {word} about {best:g}; it lies outside of what was tried"
    else:
        headline = f"peak {best:g} for {where}; {sure} interval {low:g} to {high:g}"
    said = list(found.reading.sentences) if found.reading is not None else []
    tops = ", ".join(f"{peak:.2g} over {horizon} updates" for horizon, peak in found.tops)
    count = len(found.minis)
    said.append(
        f"{count} mini-runs, whole schedules of {found.shape} on short horizons, place the best peak at {tops}."
    )
    if found.early is not None:
        kind = "" if found.early.fitted else ", mostly as expected beforehand: these runs hardly tell"
        said.append(
            f"Between these lengths it moved with the horizon to the power {found.early.exponent:.2f} +-"
            f" {found.early.sd:.2f}{kind}."
        )
    if found.slope is not None:
        last = max((length for length, _ in found.tops), default=0)
        why = (
            f"these runs overfit ({found.overfit}), so that the sum of the rates is what counts from there on"
            if found.overfit
            else "what is usual where nothing overfits, with a quarter of what was measured"
        )
        said.append(
            f"From {last} to {found.horizon} updates it is taken to move with the power {found.slope.exponent:.2f} +-"
            f" {found.slope.sd:.2f}: {why}. The peak of least expected loss is then {best:g}"
            + (", as a bound." if side else f" ({sure} interval {low:g} to {high:g}).")
        )
    if not side:
        said.append(interval_means(found))
    if carried := told(found.transferred):
        said.append(carried)
    share = 100 * found.steps / found.horizon
    said.append(f"All of it took {found.steps} updates, {share:.0f} % of one full run.")
    doubts = [f"No run of {found.horizon} updates was made: what only shows late (overfitting) is not seen."]
    if not side and high / max(low, 1e-300) > WIDE:
        doubts.append(f"The interval is wide, a factor of {high / low:.0f}: take more seeds, or compare its two ends.")
    if found.slope is not None and not found.overfit:
        doubts.append("How the best peak moves beyond the mini-runs was not measured; overfitting would lower it.")
    first = headline[0].upper() + headline[1:] + "."
    return replace(found, headline=headline, sentences=(first, *said), not_proven=tuple(doubts))
