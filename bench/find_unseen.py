"""Does `find` find the peak on tasks that it was not made on?

    python bench/find_unseen.py            # trains everything, about 5 CPU minutes; goes on where it was interrupted
    python bench/find_unseen.py --write    # also writes bench/results/find_unseen.json and find_unseen.md

Small dense networks, all peaks and seeds of one task in a single batch (bench/finding). For each task: a grid of ten
peaks a factor 2 apart at the full horizon on six fresh seeds, and four searches with seeds of their own, whose peaks
are trained on the same fresh seeds. The same searches are also read without the signs of overfitting.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

import calando
from bench.find import worth
from bench.finding.tasks import SEEN, SET_ASIDE, Task
from bench.lr_finders import suggestions
from calando.lab.finding import RangeTest
from calando.lab.finding.minis import tidy
from calando.lab.finding.strategy import FindStrategy, Question, asked
from calando.lab.finding.verdict import conclude
from calando.records import Curve, RunRecord, RunSpec

HERE = Path(__file__).resolve().parent / "results"
FRESH = tuple(range(1000, 1006))
SEARCHES = ((0, 1, 2), (100, 101, 102), (200, 201, 202), (300, 301, 302))
OFFSETS = range(-5, 5)
LONG = 100
RULES = ("find", "find, no signs", "fastai minimum", "fastai valley", "torch-lr-finder", "Lightning", "0.001")


def made(task: Task, specs: list[RunSpec], evals: int) -> list[RunRecord]:
    """Runs of one length, side by side, as records."""
    horizon = specs[0].horizon
    plans = [calando.parse(spec.plan).bind(horizon) for spec in specs]
    steps = np.arange(horizon)
    rates = np.stack([(s.peak or 1.0) * np.asarray(plan(steps)) for s, plan in zip(specs, plans, strict=True)], 1)
    ended = task.train(rates, [spec.seed for spec in specs], evals)
    found = []
    for i, spec in enumerate(specs):
        losses, seen = ended.training[i], ended.held_out[i]
        whole = bool(np.isfinite(losses).all() and np.isfinite(seen).all())
        count = horizon if whole else max(1, int(np.argmin(np.isfinite(losses))) or horizon)
        done = range(count)
        good = [(at - 1, float(v)) for at, v in zip(ended.at, seen, strict=True) if math.isfinite(v) and at <= count]
        curves = {
            "lr": Curve(tuple(done), tuple(rates[:count, i].tolist())),
            "train_loss": Curve(tuple(done), tuple(losses[:count].tolist())),
            "val_loss": Curve(tuple(at for at, _ in good), tuple(v for _, v in good)),
        }
        final = float(seen[-1]) if whole else None
        state: Any = "done" if whole else "diverged"
        found.append(RunRecord(spec, state, "" if whole else "not finite", final=final, curves=curves, steps=count))
    return found


def finals(task: Task, peaks: list[float]) -> dict[float, list[float | None]]:
    """Final losses of a linear decay over the full horizon, on the fresh seeds."""
    plan = "linear_decay()"
    specs = [RunSpec("", plan, peak, seed, task.horizon) for peak in peaks for seed in FRESH]
    ends = [record.final for record in made(task, specs, 1)]
    return {peak: ends[i * len(FRESH) : (i + 1) * len(FRESH)] for i, peak in enumerate(peaks)}


def searched(task: Task, seeds: tuple[int, ...]) -> dict[str, Any]:
    """One search, run by run as `calando find` wants them, and what other tools read off a test of 100 updates."""
    strategy = FindStrategy(asked(Question(task.name, task.horizon), seeds, (1e-6, 10.0)))
    while left := strategy.left():
        alike = [run for run in left if run.horizon == left[0].horizon]
        for record in made(task, alike, strategy.evals(left[0])):
            strategy.finished(record)
    found = conclude(strategy)
    plain = None
    if strategy.search is not None and (known := replace(strategy.search, comparable=False).known(found.minis)):
        plain = tidy(2**known.best)
    [long] = made(task, RangeTest(LONG, seeds[:1]).runs(), 1)
    rates, losses = (long.curve(name).values for name in ("lr", "train_loss"))
    others = suggestions(rates[: len(losses)], losses)
    rates_by = {"find": found.best, "find, no signs": plain, **others, "0.001": 1e-3}
    return {
        "seeds": list(seeds),
        "outcome": found.outcome,
        "low": found.low,
        "high": found.high,
        "overfit": found.overfit,
        "share": found.steps / task.horizon,
        "rates": {rule: rates_by[rule] for rule in RULES},
    }


def measured(task: Task) -> dict[str, Any]:
    """One task: its grid, its searches, and how much worse than the grid's best each rule's rate is, in seed SDs."""
    peaks = [task.middle * 2.0**offset for offset in OFFSETS]
    ends = {peak: [v for v in values if v is not None] for peak, values in finals(task, peaks).items()}
    sound = {peak: values for peak, values in ends.items() if len(values) == len(FRESH)}
    grid = {peak: statistics.fmean(values) for peak, values in sound.items()}
    order = sorted(grid, key=grid.__getitem__)
    sd = math.sqrt(statistics.fmean(statistics.variance(sound[peak]) for peak in order[:3]))
    rows = [searched(task, seeds) for seeds in SEARCHES]
    wanted = sorted({row["rates"][rule] for row in rows for rule in RULES[:2] if row["rates"][rule] is not None})
    tried = finals(task, wanted)
    for row in rows:
        row["regret"] = {}
        for rule, rate in row["rates"].items():
            mine = tried.get(rate, []) if rule in RULES[:2] else []
            if mine and None not in mine:
                row["regret"][rule] = (statistics.fmean(v for v in mine if v is not None) - grid[order[0]]) / sd
            else:
                got = None if rule in RULES[:2] else worth(grid, rate)
                row["regret"][rule] = None if got is None else (got - grid[order[0]]) / sd
        row["holds"] = row["low"] is not None and row["low"] <= order[0] <= row["high"]
    return {"horizon": task.horizon, "grid": grid, "best": order[0], "sd": sd, "searches": rows}


def table(results: dict[str, Any], names: list[str]) -> list[str]:
    """Of these tasks: the hits and the median by rule, then every task."""
    pairs = [row for name in names for row in results[name]["searches"]]
    lines = ["| rule | hits | share | median, in seed SDs | mean, none above 5 |", "|---|---|---|---|---|"]
    for rule in RULES:
        values = [math.inf if (v := row["regret"][rule]) is None else v for row in pairs]
        hits, mean = sum(v <= 1 for v in values), statistics.fmean(min(v, 5.0) for v in values)
        share = f"{hits / len(values):.0%}"
        lines.append(f"| {rule} | {hits} of {len(values)} | {share} | {statistics.median(values):.1f} | {mean:.1f} |")
    head = "| task | T | grid's best | find | without the signs | overfits | interval holds it |"
    lines += ["", head, "|---" * 7 + "|"]
    for name in names:
        mine = results[name]
        cells = [
            " ".join("-" if (v := row["regret"][rule]) is None else f"{v:.1f}" for row in mine["searches"])
            for rule in RULES[:2]
        ]
        signs = sum(bool(row["overfit"]) for row in mine["searches"])
        holds = sum(row["holds"] for row in mine["searches"])
        lines.append(
            f"| {name} | {mine['horizon']} | {mine['best']:.3g} | {cells[0]} | {cells[1]} |"
            f" {signs} of {len(SEARCHES)} | {holds} of {len(SEARCHES)} |"
        )
    return lines


def page(results: dict[str, Any], about: dict[str, Any]) -> str:
    """The tables as people read them, and where their numbers come from."""
    seen, aside = ([task.name for task in tasks] for tasks in (SEEN, SET_ASIDE))
    lines = [
        "# find on small tasks beside its four",
        "",
        f"Final loss above the grid's best, in seed SDs, on {len(FRESH)} fresh seeds; linear decay; {len(SEARCHES)}",
        "searches a task. At most 1 is a hit. Other finders read a test of 100 updates, interpolated on the grid.",
        "The same searches are read without the signs of overfitting, too.",
        "",
        "## Set aside while the rules were made",
        "",
        "All but the example's digits had been looked at twice before, in searches simulated on recorded runs.",
        "",
        *table(results, [name for name in aside if name in results]),
        "",
        "## Looked at while the rules were made",
        "",
        *table(results, [name for name in seen if name in results]),
        "",
        f"`{about['command']}` at commit {about['commit'][:12]}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train what is missing, then the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/find_unseen.json and find_unseen.md")
    parser.add_argument("--memory", type=Path, default=Path(tempfile.gettempdir()) / "calando-find-unseen.json")
    parser.add_argument("tasks", nargs="*", help="names of tasks; all unless given")
    given = parser.parse_args()
    torch.set_num_threads(1)
    known = json.loads(given.memory.read_text()) if given.memory.exists() else {}
    for task in (*SEEN, *SET_ASIDE):
        if task.name not in known and (not given.tasks or task.name in given.tasks):
            known[task.name] = measured(task)
            given.memory.write_text(json.dumps(known))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False)  # noqa: S607
    about = {
        "command": "python bench/find_unseen.py --write",
        "commit": commit.stdout.strip(),
        "seeds": {"fresh": list(FRESH), "searches": [list(seeds) for seeds in SEARCHES]},
    }
    text = page(known, about)
    print(text)
    if given.write:
        (HERE / "find_unseen.json").write_text(json.dumps({"about": about, "results": known}, indent=1) + "\n")
        (HERE / "find_unseen.md").write_text(text)


if __name__ == "__main__":
    main()
