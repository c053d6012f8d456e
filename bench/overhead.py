"""What a scheduler costs: `step()` against a floor, a million values, and the import.

    python bench/overhead.py            # prints
    python bench/overhead.py --write    # also records bench/results/overhead.md and .json

The floor computes one cosine and writes one `initial_lr * x` per group with a float learning rate. Every contestant is
timed in CPU time beside the floor of the same round, rounds are interleaved, and medians are told.
"""

import gc
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach

ROUNDS = 15
SIZES = (1, 100, 2000)
TARGET = 2.0  # x the floor, at 100 and 2000 groups
FASTER = 100.0  # x stepping PyTorch, over a million values
IMPORT_MS = 60.0
HORIZON = 1_000_000
SLICE = 0.01  # CPU seconds that one measurement takes, at least
RESULTS = Path(__file__).parent / "results"

Step = Callable[[], object]


def optimizer_of(groups: int) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.1 / (1 + i)} for i in range(groups)], momentum=0.9
    )


def floor(optimizer: torch.optim.Optimizer) -> Step:
    step = 0
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]

    def write() -> None:
        nonlocal step
        step += 1
        x = 0.5 * (1.0 + math.cos(math.pi * step / HORIZON))
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * x

    return write


def ours(text: str) -> Callable[[torch.optim.Optimizer], Step]:
    def build(optimizer: torch.optim.Optimizer) -> Step:
        return attach(optimizer, calando.parse(text).bind(HORIZON)).step

    return build


def sequential(optimizer: torch.optim.Optimizer) -> Step:
    parts = [peers.LinearLR(optimizer, 0.01, total_iters=1000), peers.CosineAnnealingLR(optimizer, HORIZON)]
    return peers.SequentialLR(optimizer, parts, milestones=[1000]).step


def chained(optimizer: torch.optim.Optimizer) -> Step:
    parts = [peers.LinearLR(optimizer, 0.01, total_iters=1000), peers.ExponentialLR(optimizer, 0.999999)]
    return peers.ChainedScheduler(parts).step


def one_cycle(optimizer: torch.optim.Optimizer) -> Step:
    return peers.OneCycleLR(optimizer, max_lr=0.1, total_steps=HORIZON).step


CONTESTANTS: dict[str, Callable[[torch.optim.Optimizer], Step]] = {
    "floor, once more": floor,
    "calando cosine": ours("cosine()"),
    "calando warmup | cosine": ours("warmup(5%) | cosine(end=0.1)"),
    "calando one_cycle": ours("one_cycle()"),
    "calando cosine with momentum": ours("bundle(cosine(), momentum=linear_decay(start=0.95, end=0.85))"),
    "calando cosine on a plateau": ours("reduce_on_plateau(cosine())"),
    "torch LambdaLR": lambda o: peers.LambdaLR(o, lambda t: 0.5 * (1.0 + math.cos(math.pi * t / HORIZON))).step,
    "torch CosineAnnealingLR": lambda o: peers.CosineAnnealingLR(o, HORIZON).step,
    "torch SequentialLR(Linear, Cosine)": sequential,
    "torch OneCycleLR": one_cycle,
    "torch CosineAnnealingWarmRestarts": lambda o: peers.CosineAnnealingWarmRestarts(o, 1000).step,
    "torch ChainedScheduler(2)": chained,
}


def cpu(step: Step, times: int) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - start) / times


def steps(groups: int) -> list[dict[str, Any]]:
    """Every contestant at one number of groups."""
    base_optimizer = optimizer_of(groups)
    base = floor(base_optimizer)
    optimizers = [optimizer_of(groups) for _ in CONTESTANTS]
    calls = [build(optimizer) for build, optimizer in zip(CONTESTANTS.values(), optimizers, strict=True)]
    for optimizer in optimizers:
        optimizer.step()  # PyTorch's classes warn of an order that does not matter here
    times = [max(20, int(SLICE / cpu(call, 20))) for call in calls]
    base_times = max(20, int(SLICE / cpu(base, 20)))
    ratios: list[list[float]] = [[] for _ in calls]
    seconds: list[list[float]] = [[] for _ in calls]
    floors = []
    gc.disable()
    for _ in range(ROUNDS):
        for i, call in enumerate(calls):
            floors.append(cpu(base, base_times))
            seconds[i].append(cpu(call, times[i]))
            ratios[i].append(seconds[i][-1] / floors[-1])
    gc.enable()
    print(f"\nstep() with {groups} groups: the floor takes {1e6 * median(floors):.2f} us")
    rows = []
    for name, ratio, second in zip(CONTESTANTS, ratios, seconds, strict=True):
        rows.append({"groups": groups, "who": name, "x_floor": median(ratio), "us": 1e6 * median(second)})
        print(f"  {name:36} {median(ratio):6.2f} x   {1e6 * median(second):9.2f} us")
    return rows


def million() -> dict[str, Any]:
    """A million values of one curve: ours at once, PyTorch's stepped over a prefix and scaled."""
    schedule = calando.cosine().bind(HORIZON)
    positions = np.arange(HORIZON)
    prefix = 20_000
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(cpu(lambda: schedule(positions), 1))
        optimizer = optimizer_of(1)
        call = peers.CosineAnnealingLR(optimizer, HORIZON).step
        optimizer.step()
        theirs.append(cpu(call, prefix) * HORIZON)
    ratio = median(b / a for a, b in zip(mine, theirs, strict=True))
    print(f"\na million values: calando {1e3 * median(mine):.1f} ms, torch CosineAnnealingLR {median(theirs):.2f} s")
    print(f"  (stepped for {prefix} and scaled): {ratio:.0f} times faster")
    return {"calando_ms": 1e3 * median(mine), "torch_s": median(theirs), "prefix": prefix, "times_faster": ratio}


IMPORT = """
import json, sys, time
start, cpu = time.perf_counter(), time.process_time()
import calando
took, cpu = time.perf_counter() - start, time.process_time() - cpu
heavy = [name for name in ("numpy", "torch", "scipy", "matplotlib", "rich", "click") if name in sys.modules]
print(json.dumps([1e3 * took, 1e3 * cpu, heavy]))
"""


def imported() -> dict[str, Any]:
    """`import calando` inside interpreters that are already running."""
    tried = [
        json.loads(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    took, cpu, heavy = [ms for ms, _, _ in tried], median(ms for _, ms, _ in tried), tried[0][2]
    print(f"\nimport calando: best {min(took):.1f} ms, median {median(took):.1f} ms, of that CPU {cpu:.1f} ms")
    print(f"  loaded with it of what is heavy: {', '.join(heavy) or 'nothing'}")
    return {"best_ms": min(took), "median_ms": median(took), "cpu_ms": cpu, "heavy": heavy}


def about() -> dict[str, str]:
    """Where and of what this was measured."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)  # noqa: S607
        return done.stdout.strip()

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1] for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].strip() if names else model
    return {
        "command": "python bench/overhead.py --write",
        "commit": git("rev-parse", "--short", "HEAD"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": model,
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def page(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["# What a scheduler costs", ""]
    lines += [f"- {key}: `{value}`" for key, value in found["about"].items()]
    lines += [
        "",
        f"`step()` in CPU time against the floor of the same round, median of {ROUNDS} interleaved rounds; below 1 "
        "where reading a list of bases beats reading `initial_lr` out of each group.",
        "",
    ]
    lines += [
        "| x floor (us) | " + " | ".join(f"{n} group{'s' * (n > 1)}" for n in SIZES) + " |",
        "| --- |" + " ---: |" * len(SIZES),
    ]
    for name in CONTESTANTS:
        rows = [row for row in found["steps"] if row["who"] == name]
        lines.append(
            "| "
            + name.replace("|", "\\|")
            + " | "
            + " | ".join(f"{row['x_floor']:.2f} ({row['us']:.1f})" for row in rows)
            + " |"
        )
    values, load = found["million"], found["import"]
    lines += [
        "",
        f"A million values of a cosine: {values['calando_ms']:.1f} ms; torch's CosineAnnealingLR, stepped for "
        f"{values['prefix']} and scaled, {values['torch_s']:.2f} s: {values['times_faster']:.0f} times faster.",
        "",
        f"`import calando` in a running interpreter: best {load['best_ms']:.1f} ms, median {load['median_ms']:.1f} ms, "
        f"of that CPU {load['cpu_ms']:.1f} ms (a busy machine stretches the rest); "
        f"loaded with it of NumPy, torch, SciPy, matplotlib, rich, click: {', '.join(load['heavy']) or 'nothing'}.",
        "",
    ]
    return "\n".join(lines)


def missed(found: dict[str, Any]) -> list[str]:
    """The targets that were not met."""
    slow = [
        f"{row['who']} at {row['groups']} groups: {row['x_floor']:.2f} x the floor"
        for row in found["steps"]
        if row["groups"] >= 100 and row["who"].startswith("calando") and row["x_floor"] > TARGET
    ]
    if found["million"]["times_faster"] < FASTER:
        slow.append(f"a million values: only {found['million']['times_faster']:.0f} times faster")
    if found["import"]["best_ms"] > IMPORT_MS or found["import"]["heavy"]:
        slow.append("the import")
    return slow


def main() -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {"about": about(), "steps": [row for groups in SIZES for row in steps(groups)]}
    found |= {"million": million(), "import": imported()}
    if "--write" in sys.argv:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "overhead.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "overhead.md").write_text(page(found))
    for target in missed(found):
        print(f"MISSED: {target}")
    sys.exit(bool(missed(found)))


if __name__ == "__main__":
    main()
