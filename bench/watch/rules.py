"""The early rescue: what it saves where the rate is far off, and what it costs where it is right.

    python -m bench.watch.rules --write           # some minutes of one core; bench/results/watch/rules.md and .json

Small trainings of 1,200 updates with a linear decay, at 1/16, 1/4, 1 and 4 times each task's peak; the same seed with
the rescue, with the rescue that evaluates, and without. Losses are held-out ones at the end.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import calando
import calando.torch
from bench.forecasting.storing import stored
from bench.watch.labelled.tasks import TASKS
from bench.watch.virtual_runs import Net, committed, loss_in_torch, order
from calando.records.live import Tail
from calando.watch.rules import rescue

RESULTS = Path(__file__).parents[1] / "results" / "watch"
HORIZON, TIMES, WAYS = 1200, (1 / 16, 1 / 4, 1.0, 4.0), ("plain", "rescue", "rescue, evaluating")
CHOSEN = ("text", "characters", "weather", "photographs")


def run(name: str, times: float, way: str, seed: int) -> dict[str, Any]:
    """One training: the loss at its end, and what the rule did."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    task = TASKS[name]
    inputs, targets, unseen, answers = task.data()
    rows = order(task, seed, len(inputs))
    model = Net(task, normalised=False)
    rate = times * task.peak
    if task.optimizer == "momentum":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(HORIZON))

    def held(where: slice) -> float:
        with torch.no_grad():
            return float(loss_in_torch(task, model(unseen[where]), answers[where]))

    half = len(unseen) // 2
    evaluate = (lambda: held(slice(half))) if way == WAYS[2] else None
    rules = [] if way == WAYS[0] else [rescue(model, optimizer, horizon=HORIZON, evaluate=evaluate)]
    with tempfile.TemporaryDirectory() as folder:
        with calando.watch("run", scheduler=scheduler, folder=folder, rules=rules) as watched:
            for step in range(HORIZON):
                loss = loss_in_torch(task, model(inputs[rows[step]]), targets[rows[step]])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                watched.log(train_loss=loss)
        tail = Tail(Path(folder) / "run")
        tail.poll()
        orders = [str(event.data["text"]) for event in tail.events if event.kind == "applied"]
        ended_at = watched.schedule(HORIZON - 1) * HORIZON if watched.schedule is not None else math.nan
    return {
        "task": name, "times": times, "way": way, "seed": seed, "loss": held(slice(half, None)),
        "kept": round(times * ended_at, 4), "orders": len(orders),
    }  # fmt: skip


def tables(rows: Sequence[dict[str, Any]]) -> str:
    """What was measured, as Markdown."""
    text = [
        "Mean held-out loss at the end; in brackets the rates that the rescue ended on, as multiples of the peak.", "",
        "| task | begun at | " + " | ".join(WAYS) + " |", "| --- | ---: |" + " ---: |" * len(WAYS),
    ]  # fmt: skip
    saved: dict[str, dict[float, list[float]]] = {way: {} for way in WAYS[1:]}
    for task in dict.fromkeys(row["task"] for row in rows):
        found = {}
        for times in TIMES:
            cells = []
            for way in WAYS:
                some = [row for row in rows if (row["task"], row["times"], row["way"]) == (task, times, way)]
                found[times, way] = float(np.mean([row["loss"] for row in some]))
                ends = "" if way == WAYS[0] else f" ({', '.join(format(row['kept'], 'g') for row in some)})"
                cells.append(f"{found[times, way]:.4f}{ends}")
            text.append(f"| {task} | {times:g} x | " + " | ".join(cells) + " |")
        best = min(found[times, WAYS[0]] for times in TIMES)
        for way in WAYS[1:]:
            for times in TIMES:
                gap = found[times, WAYS[0]] - best
                share = (found[times, WAYS[0]] - found[times, way]) / (gap if gap > 0.02 * best else best)
                saved[way].setdefault(times, []).append(share if gap > 0.02 * best else math.nan)
                saved[way].setdefault(-times, []).append(found[times, way] / found[times, WAYS[0]] - 1)
    text += [
        "",
        "Of the loss that the wrong rate cost, the rescue saved (per task; – where the rate cost less than 2 %):",
        "",
    ]
    for way in WAYS[1:]:
        for times in TIMES:
            each = ", ".join("–" if math.isnan(x) else f"{100 * x:.0f} %" for x in saved[way][times])
            change = ", ".join(f"{100 * x:+.1f} %" for x in saved[way][-times])
            text.append(f"- {way}, begun at {times:g} x: {each}; the loss changed by {change}")
    return "\n".join(text) + "\n"


def main() -> int:
    """Train, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [name for name, task in TASKS.items() if task.body == "plain"]
    parser.add_argument("--tasks", nargs="+", default=list(CHOSEN), choices=known)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows = []
    for task in asked.tasks:
        for times in TIMES:
            for way in WAYS:
                rows += [run(task, times, way, seed) for seed in range(asked.seeds)]
            print(task, times, file=sys.stderr, flush=True)
    command = f"python -m bench.watch.rules {' '.join(sys.argv[1:])}".strip()
    commit = committed()
    text = f"# The early rescue\n\n- command: `{command}`\n- commit: `{commit}`\n- seeds: 0 to {asked.seeds - 1}\n\n"
    text += tables(rows)
    print(text)
    if asked.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "rules.json").write_text(stored({"command": command, "commit": commit, "rows": rows}, 6))
        (RESULTS / "rules.md").write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
