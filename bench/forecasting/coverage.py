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
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from bench.forecasting import alone
from bench.forecasting.choosing import PAIR, lengths, one
from bench.forecasting.coverage_table import MODELS, observed, table
from bench.forecasting.live import load
from bench.forecasting.live.grids import HORIZONS, SEEDS, WAVES, shape_of
from bench.forecasting.records import NOT_RUN, Recorded, folder, llama
from bench.forecasting.spreads import FORMS, SHIPPED, Held, bucket, forms
from calando.forecast.asked import plan_text
from calando.forecast.bands import calibrated, covered_leaving_out, factor_at, interval
from calando.forecast.curve import LossCurve
from calando.forecast.doubts import doubts_of
from calando.forecast.forecasting import forecast

HERE = Path(__file__).parents[1] / "results" / "forecast"
LIVE_PEAKS = (0.008, 0.016, 0.032)
LIVE_PAIR = ("wsd 20 %", "wsd 80 %")
LONG = (15_000, 25_000, 35_000, 50_000)
LARGE, SMALL = MODELS
RISING_PEAKS, RISING_HORIZONS = (0.0125, 0.025, 0.05, 0.1, 0.2), (400, 1600)
RISING_PAIR = ("wsd 20 %", "wsd 50 %")


def measured() -> dict[str, Any]:
    """Both models by horizon ratio; None where the records are not here."""
    where = folder()
    theirs = large(llama(where)) if where is not None else None
    own = small()
    return {
        LARGE: by_ratio(theirs) if theirs is not None else None,
        SMALL: by_ratio(own),
        "forms": forms(theirs, own) if theirs is not None else None,
        "rising": rising(),
        "alone": alone.rows(where),
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
        share = math.log(curve.final / prediction.loss)
        found.append(Held(prediction.ratio, curve.peak, share, apart / prediction.loss, scatter))
    return found


def rising() -> list[dict[str, Any]]:
    """Image classifiers under rates that fall and that rise again, in bands as if all of them fell."""
    told: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
    for peak, length, seed in product(RISING_PEAKS, RISING_HORIZONS, range(3)):
        short = load("images", horizons=[length], peaks=[peak], shapes=RISING_PAIR, seeds=[seed])
        if doubts_of(short):
            continue
        for horizon in RISING_HORIZONS:
            every = load("images", horizons=[horizon], peaks=[peak], seeds=[seed])
            asked = [curve for curve in every if horizon > length or shape_of(curve.plan) not in RISING_PAIR]
            if horizon < length:
                continue
            for curve, each in zip(asked, held(short, asked, set()), strict=True):
                half = factor_at(each.ratio) * FORMS[SHIPPED](each)
                kind = "rise again" if shape_of(curve.plan) in WAVES else "fall"
                told[kind, each.ratio].append((each.share, half))
    return [
        {
            "plans": f"that {kind}", "ratio": ratio, "losses": len(some),
            "inside": sum(abs(error) <= half for error, half in some),
            "largest": max(abs(error) for error, _ in some), "half": median(half for _, half in some),
        }
        for (kind, ratio), some in sorted(told.items())
    ]  # fmt: skip


def by_ratio(errors: Iterable[Held]) -> list[dict[str, Any]]:
    """Calibrated and observed by ratio: those near 1, 2, 3.3 (or 4), 8, 16."""
    groups: dict[float, list[Held]] = defaultdict(list)
    for each in errors:
        groups[bucket(each.ratio)].append(each)
    rows = []
    for ratio in sorted(groups):
        these = groups[ratio]
        spreads = [FORMS[SHIPPED](one) for one in these]
        sizes = [one.share / spread for one, spread in zip(these, spreads, strict=True)]
        peaks = [one.peak for one in these]
        cover, by_peak = covered_leaving_out(sizes, peaks)
        shipped = sum(abs(size) <= factor_at(one.ratio) for size, one in zip(sizes, these, strict=True))
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


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str, bool | None]]:
    """For the one table: number, what, bar, measured, met."""
    bar = "the 95 % interval of the share inside contains 0.80"
    known = found[LARGE]
    if known is None:
        return [("6", "bands, 124M", bar, NOT_RUN, None)]
    told = [
        ("6", f"80 % bands at {row['ratio']:g} times the horizon, 124M, {row['losses']} losses", bar,
         observed(row), row["low"] <= 0.8 <= row["high"])
        for row in known
    ]  # fmt: skip
    for row in known:
        low, high = row["shipped_interval"]
        told.append((
            "6", f"the same as shipped (the wider of two models'), {row['ratio']:g} times", bar,
            observed({"share": row["shipped_share"], "low": low, "high": high}), low <= 0.8 <= high,
        ))  # fmt: skip
    return told


def text(found: dict[str, Any]) -> str:
    """The tables as Markdown."""
    return table(found, NOT_RUN)


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
