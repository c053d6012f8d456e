"""Virtual cooldown against real ones: how far averaged weights, and the law, are from what a cooldown really gives.

    python -m bench.watch.virtual --write         # some minutes of one core; bench/results/watch/virtual.md and .json
    python -m bench.watch.virtual --tasks images --seeds 1
    python -m bench.watch.virtual --tables        # the tables again, from the stored rows

Errors are shares of the real cooldown's held-out loss: (virtual - real) / real; above 0 the cooldown is better than the
average told. Bands are judged on a task from the errors on the other tasks.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from bench.forecasting.storing import stored
from bench.watch.labelled.tasks import TASKS
from bench.watch.virtual_runs import LENGTHS, POINTS, WARMUP, WINDOWS, Branched, committed, jax_run, rate_at, torch_run

RESULTS = Path(__file__).parents[1] / "results" / "watch"
SHARE = 0.95


def rows_of(framework: str, task: str, seed: int) -> Iterable[dict[str, Any]]:
    """One row for each branch point and length."""
    from calando.watch.foretell import foretell

    began = time.process_time()
    if framework == "jax":
        found: Branched = jax_run(task, seed)
    else:
        found = torch_run(task, seed, normalised=framework == "torch, batch norms")
    seconds = time.process_time() - began
    for done in POINTS:
        part = sum(at <= done for at in found.at)
        rates = [rate_at(step, TASKS[task].peak) for step in range(done)]
        told = foretell(
            [at - 1 for at in found.at[:part]], found.losses[:part], rates=rates, cooled=LENGTHS, guesses=True
        )
        for place, share in enumerate(LENGTHS):
            law = told.cooled[place] if told.cooled else None
            yield {
                "framework": framework, "task": task, "seed": seed, "done": done, "length": share,
                "now": found.losses[part - 1], "real": found.cooled[done, share],
                **{f"average {window:g}": found.averaged[done][window] for window in WINDOWS},
                **{f"anew {window:g}": value for window, value in found.recalibrated.get(done, {}).items()},
                **({"law": law.value, "low": law.low, "high": law.high} if law else {"refused": told.refused}),
                **(
                    {f"decayed {window:g}": value for window, value in found.decayed.items()}
                    if (done, share) == (POINTS[1], LENGTHS[-1]) else {}
                ),
                "cpu": seconds,
            }  # fmt: skip


def errors(rows: Sequence[dict[str, Any]], told: str) -> np.ndarray:
    """(virtual - real) / real of the rows that have it."""
    return np.array([row[told] / row["real"] - 1 for row in rows if told in row])


def spread(values: np.ndarray) -> str:
    """Median, and the middle 80 %."""
    if not len(values):
        return "–"
    low, middle, high = (100 * float(x) for x in np.quantile(values, [0.1, 0.5, 0.9]))
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"


def band(values: np.ndarray) -> tuple[float, float]:
    """real / virtual between which the middle 95 % lie: that holds 80 % and more of the cooldowns of other tasks."""
    low, high = np.quantile(1 / (1 + values), [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)


def covered(rows: Sequence[dict[str, Any]], told: str) -> float:
    """Share of the rows within the band that the other tasks give."""
    inside = []
    for task in dict.fromkeys(row["task"] for row in rows):
        others = errors([row for row in rows if row["task"] != task], told)
        if not len(others):
            continue
        low, high = band(others)
        inside += [low <= row["real"] / row[told] <= high for row in rows if row["task"] == task and told in row]
    return float(np.mean(inside)) if inside else float("nan")


def tables(rows: list[dict[str, Any]]) -> str:
    """What was measured, as Markdown."""
    plain = [row for row in rows if "batch norms" not in row["framework"]]
    tells = ["now", *(f"average {window:g}" for window in WINDOWS), "law"]
    heads = (
        {"now": "as it is"} | {f"average {w:g}": f"average of the last {100 * w:g} %" for w in WINDOWS} | {"law": "law"}
    )
    text = [
        "Errors in per cent of the real cooldown's loss: median (middle 80 %). Above 0: the cooldown is better.",
        "", "## By framework and task", "",
        "| framework | task | cooldown | " + " | ".join(heads[one] for one in tells) + " | law refused |",
        "| --- | --- | --- | " + "---: | " * (len(tells) + 1),
    ]  # fmt: skip
    for framework in dict.fromkeys(row["framework"] for row in rows):
        for task in [*dict.fromkeys(row["task"] for row in rows), "all"]:
            for length in LENGTHS:
                some = [
                    row for row in rows
                    if row["framework"] == framework and task in (row["task"], "all") and row["length"] == length
                ]  # fmt: skip
                if some:
                    told = " | ".join(spread(errors(some, one)) for one in tells)
                    refused = sum("law" not in row for row in some)
                    text.append(f"| {framework} | {task} | {100 * length:g} % | {told} | {refused} of {len(some)} |")
    text += ["", "## By how long the run was (both frameworks, no batch norms)", ""]
    text += [
        "| updates | cooldown | " + " | ".join(heads[one] for one in tells) + " |",
        "| ---: | --- | " + "---: | " * len(tells),
    ]
    for done in POINTS:
        for length in LENGTHS:
            some = [row for row in plain if row["done"] == done and row["length"] == length]
            text.append(
                f"| {done} | {100 * length:g} % | " + " | ".join(spread(errors(some, one)) for one in tells) + " |"
            )
    text += [
        "",
        "## Bands",
        "",
        "`real / virtual` in the middle 95 %, and how many cooldowns of one task lie in the band that the others give:",
        "it is told as an 80 % band.",
        "",
    ]
    text += ["| virtual | cooldown | band | held |", "| --- | --- | --- | ---: |"]
    for told in tells[:-1]:
        for length in LENGTHS:
            some = [row for row in plain if row["length"] == length]
            low, high = band(errors(some, told))
            text.append(
                f"| {heads[told]} | {100 * length:g} % | {low:.3f} to {high:.3f} | {100 * covered(some, told):.0f} % |"
            )
    for length in LENGTHS:
        some = [row for row in plain if row["length"] == length and "law" in row]
        held = [row["low"] <= row["real"] <= row["high"] for row in some]
        text.append(f"| law, its own band | {100 * length:g} % | – | {sum(held)} of {len(held)} |")
    text += ["", "## Where it does not help", ""]
    text += ["What a real cooldown of 10 % gains (median), and the share of all those gains that averages show:", ""]
    for task in dict.fromkeys(row["task"] for row in plain):
        some = [row for row in plain if row["task"] == task and row["length"] == LENGTHS[0]]
        gain = sum(row["now"] - row["real"] for row in some)
        shares = ", ".join(
            f"{100 * sum(row['now'] - row[f'average {window:g}'] for row in some) / gain:.0f} %" for window in WINDOWS
        )
        text.append(f"- {task}: {100 * np.median(1 / (1 + errors(some, 'now')) - 1):+.1f} %; averages {shares}")
    text.append("")
    after = [row for row in rows if f"decayed {WINDOWS[0]:g}" in row]
    text += ["After a full decay (20 % from update 600), the averages' loss against the run's own, in per cent:", ""]
    for window in WINDOWS:
        ratio = np.array([row[f"decayed {window:g}"] / row["real"] - 1 for row in after])
        text.append(
            f"- average of the last {100 * window:g} %: {spread(ratio)}; "
            f"better in {int((ratio < 0).sum())} of {len(ratio)}"
        )
    some = [row for row in rows if f"anew {WINDOWS[0]:g}" in row]
    if some:
        text += [
            "",
            "With batch norms (PyTorch), errors before and after their statistics are taken anew from 30 batches:",
            "",
        ]
        for window in WINDOWS:
            text.append(
                f"- average of the last {100 * window:g} %: {spread(errors(some, f'average {window:g}'))} as they are, "
                f"{spread(errors(some, f'anew {window:g}'))} taken anew"
            )
    return "\n".join(text) + "\n"


def written(told: dict[str, Any]) -> str:
    """Rows and tables, stored."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = (
        f"# Virtual cooldown against real cooldowns\n\n- command: `{told['command']}`\n- commit: `{told['commit']}`\n"
    )
    text += f"- trunk: {told['trunk']}\n\n" + tables(told["rows"])
    (RESULTS / "virtual.json").write_text(stored(told, 6))
    (RESULTS / "virtual.md").write_text(text)
    return text


def main() -> int:
    """Train, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    later = ("fresh", "last", "unseen", "blind", "final", "small")
    known = [name for name, task in TASKS.items() if task.half not in later]
    able = [name for name, task in TASKS.items() if task.body == "plain"]
    parser.add_argument("--tasks", nargs="+", default=known, choices=able)
    parser.add_argument("--frameworks", nargs="+", default=["jax", "torch", "torch, batch norms"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--tables", action="store_true")
    asked = parser.parse_args()
    if asked.tables:
        told: dict[str, Any] = json.loads((RESULTS / "virtual.json").read_text())
    else:
        commit = committed()
        told = {
            "command": f"python -m bench.watch.virtual {' '.join(sys.argv[1:])}".strip(),
            "commit": commit, "trunk": f"warm-up of {WARMUP}, then the peak; seeds 0 to {asked.seeds - 1}",
        }  # fmt: skip
        rows: list[dict[str, Any]] = []
        for framework in asked.frameworks:
            for task in asked.tasks:
                for seed in range(asked.seeds):
                    if "batch" in framework and (TASKS[task].table or seed > 1):
                        continue
                    rows += rows_of(framework, task, seed)
                    print(f"{framework}, {task}, seed {seed}: {rows[-1]['cpu']:.1f} s CPU", file=sys.stderr, flush=True)
                    if asked.write:
                        written(told | {"rows": rows})
        told["rows"] = rows
    text = written(told) if asked.write or asked.tables else tables(told["rows"])
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
