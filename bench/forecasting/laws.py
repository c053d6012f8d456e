"""What the laws hold of what they promise: the published table, our own fits beside it, and what both cost.

    python -m bench.forecasting.laws            # prints the tables: a minute of one core, nothing is trained
    python -m bench.forecasting.laws --write    # also writes bench/results/forecast/laws.json and laws.md

The curves are the 25M and 100M models of the multi-power law's authors: fitted on their three training curves, on the
WSD curve alone and on the cosine alone, and judged on the six others (on five, where one of them was fitted). Seconds
are those of one core (thread time), so that they do not hang on what else the machine does. The published parameters
are judged with every update summed by itself; fits and predictions sum in blocks, whose error is told.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.forecasting import published, records
from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.fitting import Fit, fit, resample
from calando.forecast.laws import LAWS
from calando.forecast.laws import Path as Run

HERE = Path(__file__).resolve().parents[1] / "results" / "forecast"
SETS = {"three": published.TRAINING, "WSD alone": published.WSD, "cosine alone": ("cosine_24000",)}
BARS = {"mean": 0.0014, "worst": 0.0071, "25M": 0.0010, "100M": 0.0013}
SECONDS = 5.0
PLANS, STEPS = 1000, 50_000
AT_ONCE = 16  # points summed step by step at once: memory, not speed

Row = tuple[str, str, str, str, bool | None]


def exact(size: str, curve: LossCurve) -> Any:
    """The published law along a curve, every update summed by itself."""
    law, theta = LAWS["multi_power"], np.array(published.PARAMETERS[size])
    parts = np.array_split(curve.steps, -(-len(curve.steps) // AT_ONCE))
    return np.concatenate([law.losses(theta, law.prepare([Run(curve.rates, at)], 0.0)) for at in parts])


def in_blocks(size: str, curve: LossCurve) -> Any:
    """The same in blocks."""
    law = LAWS["multi_power"]
    return law.losses(np.array(published.PARAMETERS[size]), law.prepare([Run(curve.rates, curve.steps)]))


def reproduced(curves: dict[str, dict[str, LossCurve]]) -> list[dict[str, Any]]:
    """The published parameters on the test curves of both sizes."""
    found = []
    for size in published.PARAMETERS:
        began = time.thread_time()
        tested = list(published.test_curves(curves[size], ()).values())
        told = [exact(size, curve) for curve in tested]
        off = max(float(np.abs(one - in_blocks(size, c)).max()) for one, c in zip(told, tested, strict=True))
        score = published.score(tested, told)
        found.append({
            "size": size, **asdict(score), "rounded": score.rounded(), "printed": published.PRINTED[size],
            "blocks_off": off, "seconds": time.thread_time() - began,
        })  # fmt: skip
    return found


def fitted(curves: dict[str, dict[str, LossCurve]]) -> list[dict[str, Any]]:
    """Every law on every set of curves of both sizes."""
    found = []
    for name in LAWS:
        for told, trained in SETS.items():
            for size in published.PARAMETERS:
                result = fit([curves[size][one] for one in trained], name)
                tested = list(published.test_curves(curves[size], trained).values())
                score = published.score(tested, result.predict_at([(c.rates, c.steps) for c in tested]))
                found.append({
                    "law": name, "set": told, "size": size, **asdict(score), "seconds": result.seconds,
                    "draws_seconds": draws(result), "values": result.values, "reasons": list(result.reasons),
                })  # fmt: skip
    return found


def draws(result: Fit) -> float:
    """Seconds of a hundred draws."""
    began = time.thread_time()
    resample(result, 100)
    return time.thread_time() - began


def predicted(curves: dict[str, dict[str, LossCurve]]) -> list[dict[str, Any]]:
    """Seconds for the ends of a thousand plans, from their text on."""
    plans = [f"wsd(warmup={300 + i}, cooldown={10 + 80 * i / PLANS:.3f}%)" for i in range(PLANS // 2)]
    plans += [f"warmup({300 + i}) | cosine(end={i / PLANS:.3f})" for i in range(PLANS // 2)]
    began = time.thread_time()
    made = sum(len(plan_rates(plan, 3e-4, STEPS)) == STEPS for plan in plans)
    reading = time.thread_time() - began
    found = []
    for name in LAWS:
        result = fit([curves["25M"][one] for one in published.TRAINING], name)
        began = time.thread_time()
        ends = result.predict_ends(plan_rates(plan, 3e-4, STEPS) for plan in plans)
        seconds = time.thread_time() - began
        plain = {"law": name, "plans": min(made, ends.shape[1]), "steps": STEPS}
        found.append({**plain, "seconds": seconds, "of_it_rates": reading})
    return found


def measured() -> dict[str, Any] | None:
    """All of it; None where the curves are not."""
    where = records.folder()
    if where is None:
        return None
    curves = records.multipower(where)
    parts = {"published": reproduced(curves), "fits": fitted(curves), "predictions": predicted(curves)}
    return parts | {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}


def chosen(found: dict[str, Any], law: str, told: str) -> dict[str, dict[str, Any]]:
    """A law's fits on one set of curves, by size."""
    return {one["size"]: one for one in found["fits"] if (one["law"], one["set"]) == (law, told)}


def rows(found: dict[str, Any]) -> list[Row]:
    """The rows of the table of all parts."""
    same = all(tuple(one["rounded"]) == tuple(one["printed"]) for one in found["published"])
    three, alone = chosen(found, "multi_power", "three"), chosen(found, "multi_power", "WSD alone")
    mean = float(np.mean([one["pred_e"] for one in three.values()]))
    worst = max(one["worst_e"] for one in three.values())
    lone = {size: one["pred_e"] for size, one in alone.items()}
    slowest = max(found["fits"], key=lambda one: one["seconds"])
    longest = max(found["predictions"], key=lambda one: one["seconds"])
    table: list[Row] = [("1", "published multi-power table", "10 numbers", "the same" if same else "differ", same)]
    told = [("multi-power, own fits of 3 curves: mean PredE", BARS["mean"], mean)]
    told += [("multi-power, own fits of 3 curves: worst WorstE", BARS["worst"], worst)]
    told += [(f"multi-power, WSD curve alone, {size}: PredE", BARS[size], value) for size, value in lone.items()]
    table += [("1", what, f"<= {bar}", f"{value:.5f}", value <= bar) for what, bar, value in told]
    timed = [(f"slowest of {len(found['fits'])} fits ({slowest['law']})", slowest["seconds"])]
    timed += [(f"{PLANS:,} plans of {STEPS:,} steps, slowest law ({longest['law']})", longest["seconds"])]
    table += [("7", what, f"< {SECONDS:g} s", f"{value:.2f} s of one core", value < SECONDS) for what, value in timed]
    return table


def text(found: dict[str, Any]) -> str:
    """The page as Markdown."""
    lines = [
        "# Laws: the published table, our own fits, and what they cost", "",
        "`python -m bench.forecasting.laws --write`; curves of thu-yao-01-optimization/MultiPowerLaw (MIT).",
        "Averages over the test curves; `largest` is the largest relative error of any loss; seconds of one core.",
        "",
        "## The multi-power law with its published parameters, every update summed by itself", "",
        "| size | R2 | MAE | RMSE | PredE | WorstE | as printed | in blocks off by |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in found["published"]:
        same = "yes" if tuple(one["rounded"]) == tuple(one["printed"]) else "NO"
        lines.append(f"| {one['size']} | {numbers(one)} | {same} | {one['blocks_off']:.0e} |")
    for told, names in SETS.items():
        lines += ["", f"## Fitted on {', '.join(names)}", "",
                  "| law | size | R2 | MAE | RMSE | PredE | WorstE | largest | fit s | 100 draws s |",
                  "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
        for one in found["fits"]:
            if one["set"] == told:
                cost = f"{one['seconds']:.2f} | {one['draws_seconds']:.2f}"
                lines.append(f"| {one['law']} | {one['size']} | {numbers(one)} | {one['largest']:.4f} | {cost} |")
    lines += ["", f"## {PLANS:,} plans of {STEPS:,} steps, from their text to their final loss", "",
              "| law | s | of it the rates |", "|---|---|---|"]  # fmt: skip
    lines += [f"| {one['law']} | {one['seconds']:.2f} | {one['of_it_rates']:.2f} |" for one in found["predictions"]]
    return "\n".join([*lines, ""])


def numbers(one: dict[str, Any]) -> str:
    """The five numbers of a row."""
    five = (one["r2"], one["mae"], one["rmse"], one["pred_e"], one["worst_e"])
    return " | ".join(f"{value:.{digits}f}" for value, digits in zip(five, published.DIGITS, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/laws.json and laws.md")
    write = parser.parse_args().write
    found = measured()
    if found is None:
        print(records.NOT_RUN)
        return
    print(text(found))
    for _, what, bar, value, met in rows(found):
        print(f"{'met   ' if met else 'MISSED'} {what}: {value} ({bar})")
    if write:
        (HERE / "laws.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "laws.md").write_text(text(found))


if __name__ == "__main__":
    main()
