"""How long fits, predictions and bounds take: CPU seconds, since the machine may be shared.

python -m bench.forecasting.speed            # prints
python -m bench.forecasting.speed --write    # also records bench/results/forecast/speed.json
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.forecasting.live import load
from bench.forecasting.live.grids import SHAPES
from bench.forecasting.records import folder, llama
from calando.forecast import bound, choose, fit
from calando.forecast.asked import Candidate, plan_text
from calando.forecast.forecasting import ends_of, fitted
from calando.forecast.laws import LAWS

HERE = Path(__file__).parents[1] / "results" / "forecast"
PLANS, HORIZON, UPDATES = 1_000, 50_000, 1_000_000
FIT_GOAL, PLANS_GOAL, BOUND_GOAL = 5.0, 5.0, 0.1


def measured() -> dict[str, Any]:
    """CPU seconds of each, the best of three where it is short."""
    where = folder()
    logs = llama(where) if where is not None else ()
    short = [log.curve for log in logs if log.horizon == 15_000 and log.cooldown in (0.2, 0.6) and log.replicate == 0]
    small = load("characters", horizons=[1200], peaks=[0.008, 0.032], shapes=["wsd 20 %", "wsd 50 %"], seeds=[0])
    curves = short or small
    one_peak = [curve for curve in curves if curve.peak == curves[0].peak]
    fits, _ = fitted(one_peak)
    shares = np.linspace(1, 99, PLANS)
    plans = [plan_text(f"wsd(warmup=300, cooldown={share:.4f}%)") for share in shares]
    asked = [Candidate(plan, curves[0].peak, HORIZON) for plan in plans]
    factors = np.linspace(1.0, 0.0, UPDATES, endpoint=False)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "curves": "two runs of a 124M language model" if short else "runs of our own small model",
        "fits": {
            name: seconds(lambda name=name: fit(curves if "peak" in name else one_peak, name), 1) for name in LAWS
        },
        "thousand_plans": {one.law.name: seconds(lambda one=one: ends_of([one], asked), 1) for one in fits},
        "bound_of_a_million": seconds(lambda: bound(factors), 3),
        "choose_at_one_peak": seconds(lambda: choose(one_peak, 50_000, plans=list(SHAPES.values())[:9]), 1),
    }


def seconds(call: Callable[[], object], times: int) -> float:
    """The best of so many calls."""
    found = []
    for _ in range(times):
        began = time.process_time()
        call()
        found.append(time.process_time() - began)
    return min(found)


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str, bool | None]]:
    """For the one table: number, what, bar, measured, met."""
    slowest = max(found["fits"], key=found["fits"].get)
    plans = max(found["thousand_plans"].values())
    return [
        ("7", f"slowest fit ({slowest})", f"< {FIT_GOAL:g} s", f"{found['fits'][slowest]:.2f} s of CPU",
         found["fits"][slowest] < FIT_GOAL),
        ("7", "1,000 plans of 50,000 updates, the slower law", f"< {PLANS_GOAL:g} s", f"{plans:.2f} s of CPU",
         plans < PLANS_GOAL),
        ("7", "bound of a million updates", f"< {BOUND_GOAL:g} s", f"{found['bound_of_a_million']:.3f} s of CPU",
         found["bound_of_a_million"] < BOUND_GOAL),
    ]  # fmt: skip


def main() -> None:
    """Print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/speed.json")
    given = parser.parse_args()
    kept = json.dumps({"command": "python -m bench.forecasting.speed --write"} | measured(), indent=1) + "\n"
    print(kept)
    if given.write:
        (HERE / "speed.json").write_text(kept)


if __name__ == "__main__":
    main()
