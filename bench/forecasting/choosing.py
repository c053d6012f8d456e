"""Choosing for the long run from short ones, judged by what the long runs really gave.

    python -m bench.forecasting.choosing            # prints
    python -m bench.forecasting.choosing --write    # also records bench/results/forecast/choosing.json and .md

One peak: two runs of a 124M language model with contrasting cooldowns choose among all plans recorded at that peak.
Several peaks: two runs at each of two or three peaks choose peak and plan, on that model and on our own small one.
Regret is the final loss of what is chosen above the best candidate's, seeds averaged.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.forecasting.choosing_table import table
from bench.forecasting.live import load, recorded
from bench.forecasting.live.grids import SEEDS
from bench.forecasting.records import NOT_RUN, Recorded, folder, llama
from bench.forecasting.storing import stored
from calando.forecast.asked import plan_text
from calando.forecast.choosing import Choice, choose
from calando.forecast.curve import LossCurve

HERE = Path(__file__).parents[1] / "results" / "forecast"
FULL = 50_000
FLOOR = 0.004
PAIR = (0.2, 0.6)
PAIRS = (PAIR, (0.1, 0.6), (0.1, 0.8), (0.2, 0.8), (0.2, 0.9), (0.4, 0.9))
ASKED = ((1e-4, 25_000), (5e-4, 15_000), (2e-3, 15_000))
LENGTHS = (15_000, 25_000, 35_000)
LIVE_PAIR = ("wsd 20 %", "wsd 50 %")
LIVE_HORIZONS = ((300, 1200), (300, 4800), (600, 2400), (1200, 4800))
LIVE_PEAKS = ((0.008, 0.032), (0.008, 0.016, 0.032))
LIVE_ONE_PEAK = (0.008, 0.016, 0.032)
DIGITS = 5

Setting = tuple[str, float]


@dataclass(frozen=True)
class Case:
    """Short runs, and what every candidate really gave: `short` are their final losses as they are judged."""

    name: str
    curves: tuple[LossCurve, ...]
    short: tuple[float, ...]
    horizon: int
    truth: dict[Setting, float]
    linear: dict[float, str]  # the plan of a linear cooldown of 60 % by peak, where it was recorded


def measured() -> dict[str, Any]:
    """Every part, each case with its choice; None where the records are not here."""
    where = folder()
    logs = llama(where) if where is not None else ()
    return {
        "one_peak": [row(case) for case in one_peak(logs, ASKED, [PAIR], [FULL])] if logs else None,
        "one_peak_more": [row(case) for case in one_peak(logs, lengths(logs), PAIRS, [25_000, 35_000, FULL])]
        if logs else None,
        "several_peaks": [row(case) for case in several_peaks(logs)] if logs else None,
        "live_one_peak": [row(case) for case in live_cases([(peak,) for peak in LIVE_ONE_PEAK], own=True)],
        "live_several_peaks": [row(case) for case in live_cases(LIVE_PEAKS)],
    }  # fmt: skip


def row(case: Case) -> dict[str, Any]:
    """What was chosen, beside the baselines: regrets in loss."""
    answer = choose(case.curves, case.horizon, candidates=list(case.truth))
    best = min(case.truth.values())
    kept = min(zip(case.short, case.curves, strict=True), key=lambda one: one[0])[1]
    linear = case.linear.get(kept.peak)
    regret = {setting: loss - best for setting, loss in case.truth.items()}
    return {
        "case": case.name,
        "horizon": case.horizon,
        "candidates": len(case.truth),
        "verdict": answer.verdict,
        "plan": answer.best.plan,
        "peak": answer.best.peak,
        "regret": regret[answer.best.plan, answer.best.peak],
        "tied": len(answer.tie),
        "best_is_tied": any(regret[one.plan, one.peak] == 0 for one in answer.tie),
        "keep": regret.get((plan_text(kept.plan), kept.peak)),
        "linear": regret.get((linear, kept.peak)) if linear else None,
        "fit_seconds": slowest(answer),
        "reasons": list(answer.reasons),
        "next": [f"{run.plan} @ {run.peak:g}, {run.horizon:,}" for run in answer.next_runs],
    }


def slowest(answer: Choice) -> float:
    """The longest fit, in seconds."""
    return max(one.seconds for one in answer.forecast.fits) if answer.forecast else 0.0


def truth(logs: Iterable[Recorded], horizon: int, peaks: Sequence[float] | None = None) -> dict[Setting, float]:
    """The final loss of every setting recorded at a horizon, replicates averaged."""
    found: dict[Setting, list[float]] = defaultdict(list)
    for log in logs:
        if log.horizon == horizon and (peaks is None or log.peak in peaks):
            found[plan_text(log.plan), log.peak].append(log.final)
    return {setting: fmean(losses) for setting, losses in found.items()}


def one(logs: Iterable[Recorded], peak: float, horizon: int, cooldown: float) -> Recorded | None:
    """The first recorded run with that linear cooldown."""
    same = (
        log for log in logs
        if (log.peak, log.horizon, log.kind, log.shape) == (peak, horizon, "wsd", "linear")
        and abs(log.cooldown - cooldown) < 1e-9
    )  # fmt: skip
    return next(same, None)


def case_of(name: str, logs: Sequence[Recorded], short: Sequence[Recorded], horizon: int, peaks: Any = None) -> Case:
    """A case among everything that was recorded at a horizon, at the given peaks or at all."""
    linear = {log.peak: plan_text(log.plan) for log in logs if log.shape == "linear" and abs(log.cooldown - 0.6) < 1e-9}
    curves, finals = tuple(log.curve for log in short), tuple(log.final for log in short)
    return Case(name, curves, finals, horizon, truth(logs, horizon, peaks), linear)


def lengths(logs: Sequence[Recorded]) -> list[tuple[float, int]]:
    """Every peak with every length at which it has short runs."""
    return [(peak, length) for peak in sorted({log.peak for log in logs}) for length in LENGTHS]


def one_peak(
    logs: Sequence[Recorded],
    asked: Iterable[tuple[float, int]],
    pairs: Iterable[tuple[float, float]],
    horizons: Sequence[int],
) -> list[Case]:
    """Two runs at one peak, for every longer horizon with candidates."""
    found = []
    for peak, length in asked:
        for pair in pairs:
            short = [log for share in pair if (log := one(logs, peak, length, share)) is not None]
            if len(short) < len(pair):
                continue
            for horizon in horizons:
                if horizon > length and truth(logs, horizon, [peak]):
                    shares = " and ".join(f"{100 * share:g} %" for share in pair)
                    found.append(case_of(f"{peak:g}, {length:,}, {shares}", logs, short, horizon, [peak]))
    return found


def several_peaks(logs: Sequence[Recorded]) -> list[Case]:
    """Two runs at every peak that has them, and at every pair of these peaks, among all settings at 50,000."""
    found = []
    for length in LENGTHS:
        peaks = [
            peak for peak in sorted({log.peak for log in logs})
            if all(one(logs, peak, length, share) is not None for share in PAIR)
        ]  # fmt: skip
        sets = {tuple(peaks)} | {(low, high) for low in peaks for high in peaks if low < high}
        for chosen in sorted(sets, key=lambda some: (-len(some), some)):
            short = [log for peak in chosen for share in PAIR if (log := one(logs, peak, length, share)) is not None]
            told = ", ".join(f"{peak:g}" for peak in chosen)
            found.append(case_of(f"{told}; {length:,}", logs, short, FULL))
    return found


@cache
def live_truth(horizon: int) -> dict[Setting, float]:
    """The final loss of every setting of our own task, seeds averaged."""
    found: dict[Setting, list[float]] = defaultdict(list)
    for curve in load("characters", horizons=[horizon]):
        found[plan_text(curve.plan), curve.peak].append(curve.final)
    return {setting: fmean(losses) for setting, losses in found.items()}


def live_cases(peaks: Iterable[Sequence[float]], own: bool = False) -> list[Case]:
    """Two runs at each peak, for each seed; `own`: among the plans at these peaks alone."""
    found = []
    for length, horizon in LIVE_HORIZONS:
        for some in peaks:
            for seed in SEEDS:
                short = load("characters", horizons=[length], peaks=some, shapes=LIVE_PAIR, seeds=[seed])
                every = live_truth(horizon)
                known = {key: loss for key, loss in every.items() if not own or key[1] in some}
                told = ", ".join(f"{peak:g}" for peak in some)
                name = f"{told}; {length:,}; seed {seed}"
                found.append(Case(name, tuple(short), tuple(curve.final for curve in short), horizon, known, {}))
    return found


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the answered cases, and how often the choice was better or worse than a baseline."""
    answered = [one for one in rows if one["verdict"] != "not enough"]
    inside = [one for one in answered if one["keep"] is not None]
    lined = [one for one in answered if one["linear"] is not None]

    def mean(values: Sequence[float]) -> float | None:
        return fmean(values) if values else None

    return {
        "cases": len(rows),
        "refused": len(rows) - len(answered),
        "regret": mean([one["regret"] for one in answered]),
        "worst": max((one["regret"] for one in answered), default=None),
        "keep": mean([one["keep"] for one in inside]),
        "better": sum(one["regret"] < one["keep"] for one in inside),
        "worse": sum(one["regret"] > one["keep"] for one in inside),
        "linear": mean([one["linear"] for one in lined]),
        "worse_than_linear": sum(one["regret"] > one["linear"] for one in lined),
        "best_is_tied": sum(one["best_is_tied"] for one in answered),
        "refused_regret": mean([one["regret"] for one in rows if one["verdict"] == "not enough"]),
        "refused_keep": mean(
            [one["keep"] for one in rows if one["verdict"] == "not enough" and one["keep"] is not None]
        ),
        "slowest_fit": max((one["fit_seconds"] for one in rows), default=None),
    }


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str, bool | None]]:
    """For the one table: number, what, bar, measured, met."""
    told: list[tuple[str, str, str, str, bool | None]] = []
    for one in found["one_peak"] or []:
        humble = min(value for value in (one["keep"], one["linear"]) if value is not None)
        told.append((
            "4", f"124M, one peak: {one['case']}; plan for {one['horizon']:,}",
            f"regret <= {FLOOR:g}, and <= both baselines ({humble:.4f})", f"{one['regret']:.4f}",
            one["regret"] <= FLOOR and one["regret"] <= humble,
        ))  # fmt: skip
    if found["one_peak"] is None:
        told.append(("4", "124M, one peak", f"regret <= {FLOOR:g}", NOT_RUN, None))
    asked = [one for one in found["several_peaks"] or [] if one["case"].endswith("15,000")]
    for name, part in (("124M, 15,000 updates at two peaks", asked), ("our own task", found["live_several_peaks"])):
        if not part:
            told.append(("5", name, "mean regret <= half of keep's, or refused", NOT_RUN, None))
            continue
        sums = summary(part)
        told.append((
            "5", f"peak and plan: {name}, {sums['cases']} cases, {sums['refused']} refused",
            f"mean regret <= {sums['keep'] / 2:.4f}, half of keep's", f"{sums['regret']:.4f}",
            sums["regret"] <= sums["keep"] / 2,
        ))  # fmt: skip
    return told


def text(found: dict[str, Any]) -> str:
    """The tables as Markdown."""
    return table(found, {part: summary(rows) for part, rows in found.items() if isinstance(rows, list)}, NOT_RUN)


def main() -> None:
    """Print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/choosing.json and .md")
    given = parser.parse_args()
    about = recorded("characters").about
    head = {"command": "python -m bench.forecasting.choosing --write", "live": about.get("commit")}
    kept = stored(head | measured(), DIGITS)
    told = text(json.loads(kept))
    print(told)
    if given.write:
        if folder() is None:
            raise SystemExit(f"{NOT_RUN}; nothing was written")
        HERE.mkdir(parents=True, exist_ok=True)
        (HERE / "choosing.json").write_text(kept)
        (HERE / "choosing.md").write_text(told)


if __name__ == "__main__":
    main()
