"""How many final losses that were held out lie in their bands, by horizon ratio.

    python -m bench.forecasting.coverage            # prints
    python -m bench.forecasting.coverage --write    # also records bench/results/forecast/coverage.json and .md

Two short runs at one peak (cooldown 20 % and 60 %; 20 % and 80 % for our own model) predict the final loss of every
other plan recorded at that peak, at the same horizon and at longer ones. A band's width is calibrated on all other
peaks, and judged on the one left out.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.forecasting.choosing import PAIR, lengths, one
from bench.forecasting.live import load
from bench.forecasting.live.grids import HORIZONS, SEEDS
from bench.forecasting.records import NOT_RUN, Recorded, folder, llama
from calando.forecast.asked import plan_text
from calando.forecast.bands import calibrated, covered_leaving_out, factor_at, interval, spread_of
from calando.forecast.curve import LossCurve
from calando.forecast.forecasting import forecast

HERE = Path(__file__).parents[1] / "results" / "forecast"
LIVE_PEAKS = (0.008, 0.016, 0.032)
LIVE_PAIR = ("wsd 20 %", "wsd 80 %")
LONG = (15_000, 25_000, 35_000, 50_000)


@dataclass(frozen=True)
class Held:
    """One loss that was held out: its error in units of the prediction's spread, and as a share of the loss."""

    ratio: float
    peak: float
    error: float
    share: float


def measured() -> dict[str, Any]:
    """Both models by horizon ratio; None where the records are not here."""
    where = folder()
    return {
        "llama 124M": by_ratio(large(llama(where))) if where is not None else None,
        "our own small model": by_ratio(small()),
    }


def large(logs: Sequence[Recorded]) -> list[Held]:
    """The recorded runs: on the losses along the way, whose level is that of the fitted curves."""
    found = []
    for peak, length in lengths(logs):
        short = [log for share in PAIR if (log := one(logs, peak, length, share)) is not None]
        if len(short) < len(PAIR):
            continue
        for horizon in LONG:
            others = [
                log for log in logs if (log.peak, log.horizon) == (peak, horizon) and log not in short
            ]  # replicates are runs of their own
            if horizon >= length and others:
                plans = {plan_text(log.plan) for log in short} if horizon == length else set()
                found += held([log.curve for log in short], [log.curve for log in others], plans)
    return found


def small() -> list[Held]:
    """Our own runs: each seed predicts its own."""
    found = []
    for peak in LIVE_PEAKS:
        for seed in SEEDS:
            every = load("characters", peaks=[peak], seeds=[seed])
            for length in HORIZONS[:-1]:
                short = load("characters", horizons=[length], peaks=[peak], shapes=LIVE_PAIR, seeds=[seed])
                known = {plan_text(curve.plan) for curve in short}
                for horizon in HORIZONS:
                    others = [curve for curve in every if curve.horizon == horizon >= length]
                    if others:
                        found += held(short, others, known if horizon == length else set())
    return found


def held(short: Sequence[LossCurve], others: Sequence[LossCurve], fitted: set[str]) -> list[Held]:
    """The errors of the predictions of all other runs of one horizon."""
    asked = [curve for curve in others if plan_text(curve.plan) not in fitted]
    if not asked:
        return []
    told = forecast(short, [curve.plan for curve in asked], asked[0].horizon)
    scatter = max(fit.scatter for fit in told.fits)
    by_plan = {prediction.plan: prediction for prediction in told.predictions}
    found = []
    for curve in asked:
        prediction = by_plan[plan_text(curve.plan)]
        laws = [loss for _, loss in prediction.by_law]
        apart = (max(laws) - min(laws)) / 2
        spread = float(spread_of([prediction.loss], [apart], [prediction.ratio], scatter)[0])
        share = math.log(curve.final / prediction.loss)
        found.append(Held(prediction.ratio, curve.peak, share / spread, share))
    return found


def by_ratio(errors: Iterable[Held]) -> list[dict[str, Any]]:
    """Calibrated and observed by ratio: those near 1, 2, 3.3 (or 4), 8, 16."""
    groups: dict[float, list[Held]] = defaultdict(list)
    for each in errors:
        groups[bucket(each.ratio)].append(each)
    rows = []
    for ratio in sorted(groups):
        these = groups[ratio]
        sizes, peaks = [one.error for one in these], [one.peak for one in these]
        cover, by_peak = covered_leaving_out(sizes, peaks)
        shipped = sum(abs(one.error) <= factor_at(one.ratio) for one in these)
        shares = sorted(abs(one.share) for one in these)
        rows.append({
            "ratio": ratio, "losses": len(these), "factor": calibrated(sizes),
            "inside": cover.inside, "share": cover.share, "low": cover.low, "high": cover.high,
            "by_peak": {f"{peak:g}": f"{k} of {n}" for peak, (k, n) in by_peak.items()},
            "shipped_share": shipped / len(these), "shipped_interval": interval(shipped, len(these)),
            "mean_error": sum(one.share for one in these) / len(these),
            "error_80": shares[min(len(shares) - 1, math.ceil(0.8 * (len(shares) + 1)) - 1)],
        })  # fmt: skip
    return rows


def bucket(ratio: float) -> float:
    """The ratio that stands for others near it: 1, 2 (1.4 to 2.4), 3.3, 4, 8, 16."""
    known = (1.0, 2.0, 3.3, 4.0, 8.0, 16.0)
    if 1.3 < ratio < 2.5:
        return 2.0
    return min(known, key=lambda one: abs(math.log(one / ratio)))


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str, bool | None]]:
    """For the one table: number, what, bar, measured, met."""
    bar = "the 95 % interval of the share inside contains 0.80"
    known = found["llama 124M"]
    if known is None:
        return [("6", "bands, 124M", bar, NOT_RUN, None)]
    return [
        ("6", f"80 % bands at {row['ratio']:g} times the horizon, 124M, {row['losses']} losses", bar,
         f"{row['share']:.2f} ({row['low']:.2f} to {row['high']:.2f})", row["low"] <= 0.8 <= row["high"])
        for row in known
    ]  # fmt: skip


def text(found: dict[str, Any]) -> str:
    """The tables as Markdown."""
    lines = ["# Bands against final losses that were held out", ""]
    for name, rows in found.items():
        if rows is not None and not isinstance(rows, list):
            continue
        lines += [f"## {name}", ""]
        if rows is None:
            lines += [NOT_RUN, ""]
            continue
        lines += [
            "| ratio | losses | 80 % of errors below | mean error | factor | inside | interval | shipped |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for one_row in rows:
            cells = (
                f"{one_row['ratio']:g}", str(one_row["losses"]), f"{one_row['error_80']:.2%}",
                f"{one_row['mean_error']:+.2%}", f"{one_row['factor']:.2f}",
                f"{one_row['inside']} of {one_row['losses']} ({one_row['share']:.2f})",
                f"{one_row['low']:.2f} to {one_row['high']:.2f}", f"{one_row['shipped_share']:.2f}",
            )  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    lines += [
        "Nominal share 0.80. Inside: the band's factor was calibrated on all other peaks; interval: the exact 95 %",
        "binomial interval of that share. Shipped: the share inside bands of the shipped table, whose factor is for",
        "each ratio the larger of both models'. Errors at one peak hang together, so that the intervals are narrower",
        "than they ought to be. The form of the spread was chosen while looking at these records.",
        "",
        "Made by `python -m bench.forecasting.coverage --write`.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/coverage.json and .md")
    given = parser.parse_args()
    found = measured()
    told = text(found)
    print(told)
    if given.write:
        if folder() is None:
            raise SystemExit(f"{NOT_RUN}; nothing was written")
        HERE.mkdir(parents=True, exist_ok=True)
        kept = {"command": "python -m bench.forecasting.coverage --write"} | found
        (HERE / "coverage.json").write_text(json.dumps(kept, indent=1) + "\n")
        (HERE / "coverage.md").write_text(told)


if __name__ == "__main__":
    main()
