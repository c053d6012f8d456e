"""What watching costs: one call of `log`, and a whole training loop with it beside the same loop without.

    python -m bench.watch.overhead            # prints
    python -m bench.watch.overhead --write    # also records bench/results/watch/overhead.md and .json

A call is timed in batches of a hundred, each call in a step of its own: two metrics (one a tensor that asks for a
gradient), the rate that was used, the rate that was asked, the line written, commands looked for. Loops are paired: one
loop is trained in turns of a few steps, in random order, that log or do not; the cost of a pair is the ratio of their
CPU times over all turns, and every pair is a loop made anew. What is told is the median over pairs with a bootstrap
interval of 95 %; the last row logs in no turn, and says what the instrument makes of nothing. The hook by which a run
under watch reads the rate is there in all turns; its cost is measured by itself and told beside. Clock times are told,
too, and mean little on a machine with other work.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import calando
from calando.torch import attach

RESULTS = Path(__file__).parents[1] / "results" / "watch"
TARGET_CALL = 20.0  # microseconds, the median of batches
TARGET_LOOP = 1.01
PAIRS = 80
TURN = 3
BATCHES = 150
HUNDRED = 100
CONTROL = "convolutional, neither is watched"
PLAN = "warmup(5%) | cosine(end=0.1)"


def call(folder: str) -> list[float]:
    """Microseconds of a call, a number for each batch; the update itself is not counted."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = attach(optimizer, calando.parse(PLAN).bind(10**6))
    watched = calando.watch("call", scheduler=scheduler, folder=folder)
    loss = (weight + 0.5).sum()
    told = []
    for _ in range(BATCHES):
        spent = 0
        for _ in range(HUNDRED):
            optimizer.step()
            scheduler.step()
            begun = time.process_time_ns()
            watched.log(train_loss=loss, accuracy=0.5)
            spent += time.process_time_ns() - begun
        told.append(spent / HUNDRED / 1000)
    watched.close()
    return told


def clock() -> float:
    """Microseconds that reading the clock twice costs, which stand in each call's time."""
    found = []
    for _ in range(2000):
        begun = time.process_time_ns()
        found.append((time.process_time_ns() - begun) / 1000)
    return statistics.median(found)


def network(kind: str) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A network and a batch for it."""
    torch.manual_seed(0)
    y = torch.randint(10, (64,))
    if kind == "dense":
        layers = [torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(256, 10)), torch.randn(64, 784), y
    if kind == "attention":
        layer = torch.nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)
        body = [torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), torch.nn.Flatten()]
        return torch.nn.Sequential(*body, torch.nn.Linear(32 * 128, 10)), torch.randn(16, 32, 128), y[:16]
    layers = [torch.nn.Conv2d(1, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, stride=2), torch.nn.ReLU()]
    body = [torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(512, 10)]
    return torch.nn.Sequential(*layers, *body), torch.randn(64, 1, 28, 28), y


class Loop:
    """A training loop that is watched throughout, and logs, once in so many steps, only where it is told to."""

    def __init__(self, kind: str, folder: str, every: int = 1) -> None:
        self.net, self.x, self.y = network(kind)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.scheduler = attach(self.optimizer, calando.parse(PLAN).bind(10**6))
        self.watched = calando.watch(kind, scheduler=self.scheduler, folder=folder)
        self.every, self.made = every, 0

    def run(self, steps: int, *, log: bool) -> None:
        """Make so many steps."""
        watched, every = self.watched, self.every
        for _ in range(steps):
            self.made += 1
            self.optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.net(self.x), self.y)
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            if log and self.made % every == 0:
                watched.log(train_loss=loss)
                if watched.over:
                    break


def timed(loop: Loop, steps: int, *, log: bool) -> tuple[float, float]:
    """CPU seconds and clock seconds of so many steps."""
    cpu, wall = time.process_time(), time.perf_counter()
    loop.run(steps, log=log)
    return time.process_time() - cpu, time.perf_counter() - wall


def paired(kind: str, steps: int, folder: str, every: int = 1, *, watch: bool = True) -> dict[str, Any]:
    """Turns of one loop that log beside turns of it that do not; every pair is a loop made anew.

    One loop and not two: where two copies lie in memory makes one of them a per cent or two faster than the other for
    as long as they live, and the cost of a log is less than that. A turn is as long as what is logged once in so many
    steps needs.
    """
    chance = np.random.default_rng(0)
    ratios, clocks, extra, alone = [], [], [], []
    turn = max(TURN, every)
    for pair in range(PAIRS):
        loop = Loop(kind, f"{folder}/{kind}-{every}-{watch}-{pair}", every)
        loop.run(2 * turn, log=watch)
        found = {"plain": np.zeros(2), "watched": np.zeros(2)}
        for _ in range(steps // turn):  # short turns, so that what else the machine does falls on both alike
            for name in chance.permutation(["plain", "watched"]).tolist():
                log = watch and name == "watched"
                loop.run(1, log=log)  # a log empties the caches of the step after it, whose cost is the log's
                found[name] += timed(loop, turn, log=log)
        loop.watched.close()
        ratios.append(found["watched"][0] / found["plain"][0])
        clocks.append(found["watched"][1] / found["plain"][1])
        extra.append((found["watched"][0] - found["plain"][0]) / steps * 1e6)
        alone.append(found["plain"][0] / steps * 1e3)
    return {
        "steps": steps,
        "pairs": PAIRS,
        "step_ms": statistics.median(alone),
        "ratio": statistics.median(ratios),
        "interval": interval(ratios),
        "extra_us": statistics.median(extra),
        "clock_ratio": statistics.median(clocks),
        "clock_interval": interval(clocks),
    }


def hook() -> float:
    """Microseconds by which an update of one number is longer where the run is watched, and so its rate read.

    The one thing that turns without a log share with those that log.
    """
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(PAIRS // 2):
            spent = []
            for watch in (False, True):
                weight = torch.nn.Parameter(torch.zeros(1))
                weight.grad = torch.zeros(1)
                optimizer = torch.optim.SGD([weight], lr=0.1)
                scheduler = attach(optimizer, calando.parse(PLAN).bind(10**6))
                watched = calando.watch("hook", scheduler=scheduler, folder=f"{folder}/{pair}") if watch else None
                found = []
                for _ in range(10):
                    begun = time.process_time_ns()
                    for _ in range(HUNDRED):
                        optimizer.step()
                    found.append((time.process_time_ns() - begun) / HUNDRED / 1000)
                spent.append(statistics.median(found))
                if watched is not None:
                    watched.close()
            told.append(spent[1] - spent[0])
    return statistics.median(told)


def interval(values: list[float]) -> list[float]:
    """A bootstrap interval of 95 % for the median."""
    drawn = np.random.default_rng(0).choice(values, (4000, len(values)))
    return [float(edge) for edge in np.percentile(np.median(drawn, axis=1), [2.5, 97.5])]


def measured() -> dict[str, Any]:
    """Everything."""
    with tempfile.TemporaryDirectory() as folder:
        calls = call(folder)
        loops = {
            kind: paired(kind, steps, folder)
            for kind, steps in (("dense", 60), ("convolutional", 18), ("attention", 18))
        }
        loops["dense, logged every tenth step"] = paired("dense", 240, folder, 10)
        loops[CONTROL] = paired("convolutional", 18, folder, watch=False)
    return {
        "command": "python -m bench.watch.overhead --write",
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "clock_us": clock(),
        "hook_us": hook(),
        "call_us": {
            "median": statistics.median(calls),
            "least": min(calls),
            "of_95_percent": float(np.percentile(calls, 95)),
            "calls": BATCHES * HUNDRED,
        },
        "loops": loops,
    }


def page(found: dict[str, Any]) -> str:
    """The same for readers."""
    head = [f"- {name}: `{found[name]}`" for name in ("command", "commit", "python", "torch", "cores", "load")]
    told = found["call_us"]
    verdict = "kept" if told["median"] < TARGET_CALL else "MISSED"
    lines = [
        "# What watching costs",
        "",
        *head,
        "",
        f"One call of `log` with two metrics and the rate: median {told['median']:.1f} us of CPU time (least "
        f"{told['least']:.1f}, 95 % of batches below {told['of_95_percent']:.1f}), of which {found['clock_us']:.1f} us "
        f"is reading the clock. Promised: below {TARGET_CALL:g} us, {verdict}.",
        "",
        f"Loops, turns that log over turns of the same loop that do not, {PAIRS} fresh loops; the median, and a 95 % "
        f"interval for it. Promised: at most {TARGET_LOOP:g}. Both kinds of turns hold the hook that reads the rate: "
        f"{found['hook_us']:.1f} us an update.",
        "",
        "| loop | a step (ms) | CPU time | clock | more a step (us) | promise |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for kind, one in found["loops"].items():
        cpu, wall = one["interval"], one["clock_interval"]
        kept = "-" if kind == CONTROL else _kept(one)
        lines.append(
            f"| {kind} | {one['step_ms']:.2f} | {one['ratio']:.4f} ({cpu[0]:.4f} to {cpu[1]:.4f}) | "
            f"{one['clock_ratio']:.4f} ({wall[0]:.4f} to {wall[1]:.4f}) | {one['extra_us']:.0f} | {kept} |"
        )
    lines += [
        "",
        "What a call adds to a loop is more than it takes by itself, above all on a machine that is busy: the update "
        "before has emptied the processor's caches. Steps shorter than a hundred times that are better logged every "
        "tenth time, as in the last row but one.",
    ]
    return "\n".join(lines) + "\n"


def _kept(one: dict[str, Any]) -> str:
    low, high = one["interval"]
    if high <= TARGET_LOOP:
        return "kept"
    return (
        "MISSED" if low > TARGET_LOOP else f"{'kept' if one['ratio'] <= TARGET_LOOP else 'MISSED'} by the median, open"
    )


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Measure, print, and record where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="record the result")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found = measured()
    print(page(found))
    if asked.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "overhead.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "overhead.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
