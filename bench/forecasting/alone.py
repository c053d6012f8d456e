"""How wide bands have to be that stand on one run alone: finished, or cut short.

Factors are in units of the shipped bands' half width, which was made from pairs of runs with contrasting cooldowns.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.forecasting.live import load
from bench.forecasting.records import llama, multipower
from calando.forecast.asked import plan_text
from calando.forecast.averaging import averaged
from calando.forecast.bands import calibrated, covered_leaving_out, factor_at, spread_of
from calando.forecast.curve import LossCurve
from calando.forecast.doubts import COMES_DOWN, comes_down
from calando.forecast.forecasting import ONE_LAW, ends_of, fitted

PREFIXES = (0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
LIVE_PEAKS, LIVE_SEEDS = (0.008, 0.016, 0.032), range(2)
SHOWN, STAYS, GUESSED = "shown", "stays up though the run came down", "comes down though no run did"
LEAST = 8  # losses


@dataclass(frozen=True)
class Ahead:
    """A recorded run as a candidate: its rates, and the loss that it ended with."""

    plan: str
    peak: float
    path: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    final: float

    @property
    def horizon(self) -> int:
        """Updates."""
        return len(self.path)

    def rates(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """The rate of every update."""
        return self.path


@dataclass(frozen=True)
class Told:
    """One error: `size` in half widths, `share` of the loss; what was told from what, at which peak."""

    kind: str
    source: str
    peak: float
    share: float
    size: float


def told(kind: str, peak: float, curve: LossCurve, asked: Sequence[Ahead]) -> Iterable[Told]:
    """The errors of what one run foretells of others."""
    if not asked or len(curve.steps) < LEAST:
        return
    fits, _ = fitted([curve])
    middle, apart = averaged(ends_of(fits, asked))  # type: ignore[arg-type]
    apart = ONE_LAW * middle if len(fits) == 1 else apart
    scatter = max(fit.scatter for fit in fits)
    down = comes_down([curve]) <= COMES_DOWN * (1 + 1e-9)
    for one, loss, between in zip(asked, middle, apart, strict=True):
        ratio = max(one.horizon / curve.reached, 1.0)
        half = factor_at(ratio) * float(spread_of(loss, between, ratio, scatter))
        low = float(one.path[-1] / one.path.max()) <= COMES_DOWN * (1 + 1e-9)
        source = SHOWN if low == down else GUESSED if low else STAYS
        share = math.log(one.final / float(loss))
        yield Told(f"{kind}, {_times(ratio)}" if kind == "finished" else kind, source, peak, share, abs(share) / half)


def _times(ratio: float) -> str:
    return "its own length" if ratio < 1.5 else "twice" if ratio < 2.6 else "longer"


def prefixes(curve: LossCurve, peak: float) -> Iterable[Told]:
    """A run cut short foretells its own end."""
    end = Ahead(curve.plan, peak, curve.rates, curve.final)
    for part in PREFIXES:
        cut = curve.kept(curve.steps <= part * curve.horizon)
        down = comes_down([cut]) <= COMES_DOWN if len(cut.steps) else False
        if down or part in (0.3, 0.5, 0.75):
            yield from told(f"cut at {part:.0%}", peak, cut, [end])


def large(where: Path) -> Iterable[Told]:
    """124M language model: finished runs of 15,000 and 25,000 updates tell others; prefixes tell their own end."""
    logs = llama(where)
    for log in logs:
        others = [
            Ahead(other.plan, other.peak, other.curve.rates, other.curve.final) for other in logs
            if other.peak == log.peak and other.horizon in (log.horizon, 50_000) and other is not log
            and (other.horizon, plan_text(other.plan)) != (log.horizon, plan_text(log.plan))
        ]  # fmt: skip
        if not log.replicate and log.horizon in (15_000, 25_000):
            yield from told("finished", log.peak, log.curve, others)
        if not log.replicate and log.horizon in (25_000, 50_000):
            yield from prefixes(log.curve, log.peak)


def multi(where: Path) -> Iterable[Told]:
    """25M and 100M language models, one peak; the last five losses are the end."""
    for place, curves in enumerate(multipower(where).values()):
        for name, curve in curves.items():
            others = [
                Ahead(other, 3e-4, one.rates, float(one.losses[-5:].mean())) for other, one in curves.items()
                if other != name and one.horizon >= curve.horizon
            ]  # fmt: skip
            yield from told("finished", float(place), curve, others)


def small() -> Iterable[Told]:
    """Our own language model: each seed tells its own."""
    for peak in LIVE_PEAKS:
        for seed in LIVE_SEEDS:
            every = load("characters", peaks=[peak], seeds=[seed])
            for curve in every:
                lengths = [times * curve.horizon for times in (1, 2, 4)]
                others = [
                    Ahead(o.plan, peak, o.rates, o.final) for o in every if o.horizon in lengths and o is not curve
                ]
                if curve.horizon in (300, 1200):
                    yield from told("finished", peak, curve, others)
                if curve.horizon in (600, 2400):
                    yield from prefixes(curve, peak)


def rows(where: Path | None) -> list[dict[str, Any]]:
    """By model, by what is told, and by how the run stands."""
    models = {"our own small model": small()}
    if where is not None:
        models = {"llama 124M": large(where), "multipower 25M, 100M": multi(where), **models}
    found = []
    for model, errors in models.items():
        groups: dict[tuple[str, str], list[Told]] = defaultdict(list)
        for one in errors:
            groups[one.source, one.kind].append(one)
        for (source, kind), some in sorted(groups.items()):
            sizes, peaks = [one.size for one in some], [one.peak for one in some]
            several = len(set(peaks)) > 1
            shares = sorted(abs(one.share) for one in some)
            found.append({
                "model": model, "source": source, "kind": kind, "losses": len(some), "factor": calibrated(sizes),
                "as_pairs": sum(size <= 1 for size in sizes) / len(some),
                "left_out": covered_leaving_out(sizes, peaks)[0].share if several else None,
                "error_80": shares[min(len(shares) - 1, math.ceil(0.8 * (len(shares) + 1)) - 1)],
                "largest": shares[-1],
            })  # fmt: skip
    return found
