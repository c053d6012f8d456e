"""What a schedule costs inside Keras and optax, beside their own: one call, one compiled step, 100,000 values.

    python bench/frameworks.py                 # prints
    python bench/frameworks.py --write         # also records bench/results/frameworks.md and .json
    python bench/frameworks.py --quick optax   # one round of one of them

Each framework is measured in a process of its own, one thread, CPU time. Ours and theirs describe the same curve,
which is checked first; they take turns, and the median of the rounds' ratios is told with the least and the largest.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"
WHERE = ("Keras on tensorflow", "Keras on jax", "Keras on torch", "optax")
HORIZON, PEAK = 100_000, 0.1
LOOP = 1_000  # steps of a compiled loop
ROUNDS = 9
SLICE = 0.02  # CPU seconds that one measurement takes, at least
FEW, SLOW = 50, 0.01  # calls of what knows no arrays and is looped over and scaled; a tenth where one takes so long

Call = Callable[[], object]


class Curve(NamedTuple):
    """One curve as we write it, and a peer's own schedule for it."""

    name: str
    text: str
    theirs: Any


class Way(NamedTuple):
    """How a framework calls a schedule."""

    integer: Callable[[int], Any]
    integers: Callable[[Any], Any]
    compiled: Callable[[Callable[[Any], Any]], tuple[Call, int]]
    wait: Callable[[Any], object]


def keras_curves() -> list[Curve]:
    from keras.optimizers import schedules as peers

    warm = peers.CosineDecay(0.0, HORIZON - 1000, alpha=0.1, warmup_target=PEAK, warmup_steps=1000)
    drops = [29_999, 59_999, 79_999]  # Keras drops one step later than the boundary it is told
    return [
        Curve("cosine", "cosine(end=0.1)", peers.CosineDecay(PEAK, HORIZON, alpha=0.1)),
        Curve("warm-up, cosine", "warmup(1000) | cosine(end=0.1)", warm),
        Curve("exponential", "exponential_decay(factor=0.96, every=1000)", peers.ExponentialDecay(PEAK, 1000, 0.96)),
        Curve(
            "drops",
            "multistep(milestones=[30000, 60000, 80000], factor=0.1)",
            peers.PiecewiseConstantDecay(drops, [PEAK, PEAK * 0.1, PEAK * 0.01, PEAK * 0.001]),
        ),
    ]


def optax_curves() -> list[Curve]:
    import optax as peers

    return [
        Curve("cosine", "cosine(end=0.1)", peers.cosine_decay_schedule(PEAK, HORIZON, 0.1)),
        Curve(
            "warm-up, cosine",
            "warmup(1000) | cosine(end=0.1)",
            peers.warmup_cosine_decay_schedule(0.0, PEAK, 1000, HORIZON, PEAK * 0.1),
        ),
        Curve("exponential", "exponential_decay(factor=0.96, every=1000)", peers.exponential_decay(PEAK, 1000, 0.96)),
        Curve(
            "drops",
            "multistep(milestones=[30000, 60000, 80000], factor=0.1)",
            peers.piecewise_constant_schedule(PEAK, {30_000: 0.1, 60_000: 0.1, 80_000: 0.1}),
        ),
        Curve(
            "one cycle",
            f"one_cycle(peak_at=30%, start=0.04, end={0.04 / 1e4})",
            peers.cosine_onecycle_schedule(HORIZON, PEAK, 0.3, 25.0, 1e4),
        ),
    ]


def on_tensorflow() -> Way:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    def loop(rate: Callable[[Any], Any]) -> tuple[Call, int]:
        def run() -> Any:
            start = (tf.constant(0, tf.int64), tf.constant(0.0))
            return tf.while_loop(lambda t, _: t < LOOP, lambda t, total: (t + 1, total + rate(t)), start)[1]

        return tf.function(run, autograph=False), LOOP

    return Way(
        lambda t: tf.constant(t, tf.int64),
        lambda t: tf.constant(t, tf.int64),
        loop,
        lambda x: x.numpy() if tf.is_tensor(x) else x,
    )


def on_jax() -> Way:
    import jax

    def loop(rate: Callable[[Any], Any]) -> tuple[Call, int]:
        def run(start: Any) -> Any:
            return jax.lax.fori_loop(0, LOOP, lambda t, total: total + rate(t), start)

        jitted, zero = jax.jit(run), jax.numpy.float32(0.0)
        return lambda: jitted(zero), LOOP

    def integer(t: Any) -> Any:
        return jax.numpy.asarray(t, dtype="int32")

    return Way(integer, integer, loop, jax.block_until_ready)


def on_torch() -> Way:
    import torch

    torch.set_num_threads(1)

    def one(rate: Callable[[Any], Any]) -> tuple[Call, int]:
        compiled, step = torch.compile(lambda t: rate(t) * 1.0), torch.tensor(70_000)
        return lambda: compiled(step), 1

    return Way(torch.tensor, torch.as_tensor, one, lambda x: x)


def cpu(call: Call, times: int, wait: Callable[[Any], object]) -> float:
    """CPU seconds of one call."""
    last: object = None
    start = time.process_time()
    for _ in range(times):
        last = call()
    wait(last)
    return (time.process_time() - start) / times


def turns(ours: Call, theirs: Call, way: Way, rounds: int, most: int = 10**6) -> dict[str, Any]:
    """Both in turn: seconds of each, and the ratio with its spread."""
    times = []
    for call in (ours, theirs):
        cpu(call, 1, way.wait)
        times.append(max(1, min(most, int(SLICE / max(cpu(call, 1, way.wait), 1e-7)))))
    mine, other = [], []
    for _ in range(rounds):
        mine.append(cpu(ours, times[0], way.wait))
        other.append(cpu(theirs, times[1], way.wait))
    ratios = [b / a for a, b in zip(mine, other, strict=True)]
    return {
        "ours": median(mine), "theirs": median(other),
        "faster": median(ratios), "least": min(ratios), "most": max(ratios),
    }  # fmt: skip


def rows(where: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Every measurement of one framework."""
    import numpy as np

    import calando

    if where == "optax":
        import calando.optax

        way, curves, door = on_jax(), optax_curves(), calando.optax.learning_rate
    else:
        import calando.keras

        make = {"tensorflow": on_tensorflow, "jax": on_jax, "torch": on_torch}[where.rpartition(" ")[2]]
        way, curves, door = make(), keras_curves(), calando.keras.LearningRate
    every = np.arange(HORIZON)
    spots = [0, 500, 1000, 29_999, 30_000, 70_001, 99_999]
    for curve in curves:
        schedule = calando.parse(curve.text).bind(HORIZON)
        rate = door(schedule, PEAK)
        for t in spots:
            mine, other = float(rate(way.integer(t))), float(curve.theirs(way.integer(t)))
            if abs(mine - other) > 2e-5 * abs(other) + 1e-8:
                raise SystemExit(f"{where}, {curve.name}: not the same curve at step {t}: {mine} and {other}")
        told = {"where": where, "curve": curve.name}
        step = way.integer(70_000)
        yield told | {"what": "one call"} | turns(lambda: rate(step), lambda: curve.theirs(step), way, rounds)  # noqa: B023
        (mine_loop, n), (their_loop, _) = way.compiled(rate), way.compiled(curve.theirs)
        found = turns(mine_loop, their_loop, way, rounds)
        yield told | {"what": "compiled step"} | found | {"ours": found["ours"] / n, "theirs": found["theirs"] / n}
        array, looped = way.integers(every), 0
        try:
            curve.theirs(array)
            theirs: Call = lambda: curve.theirs(array)  # noqa: B023, E731
        except Exception:  # noqa: BLE001 - each peer refuses arrays in its own way, some from deep inside
            looped = FEW if cpu(lambda: curve.theirs(step), 3, way.wait) < SLOW else FEW // 10  # noqa: B023
            few = [way.integer(t) for t in range(0, HORIZON, HORIZON // looped)]
            theirs = lambda: [curve.theirs(t) for t in few][-1]  # noqa: B023, E731
        found = turns(lambda: PEAK * schedule(every), theirs, way, rounds, most=50)  # noqa: B023
        if looped:
            found |= {name: found[name] * HORIZON / looped for name in ("theirs", "faster", "least", "most")}
        how = f"looped over {looped}, scaled" if looped else "at once"
        yield told | {"what": "100,000 values", "how": how} | found


def measured(where: str, rounds: int) -> list[dict[str, Any]]:
    """The rows of one framework, from a process of its own."""
    backend = where.rpartition(" ")[2].replace("optax", "jax")
    quiet = {
        "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    }  # fmt: skip
    command = [sys.executable, __file__, "--work", where, str(rounds)]
    done = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{where}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def about() -> dict[str, str]:
    """Where and of what this was measured."""
    from importlib.metadata import version

    sys.path.insert(0, str(Path(__file__).parent))
    from overhead import about as about_here

    known = about_here() | {"command": "python bench/frameworks.py --write"}
    for name in ("keras", "jax", "optax", "tensorflow-cpu"):
        known[name] = version(name)
    return known | {"machine": platform.machine(), "seed": "none: nothing here is random"}


def seconds(value: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def line(row: dict[str, Any]) -> list[str]:
    spread = f"{row['faster']:.2g} ({row['least']:.2g} to {row['most']:.2g})"
    how = row.get("how", "")
    return [row["what"], row["curve"], seconds(row["ours"]), seconds(row["theirs"]), spread, how]


def page(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["# What a schedule costs inside Keras and optax", ""]
    lines += [f"- {key}: `{value}`" for key, value in found["about"].items()]
    lines += [
        "",
        f"CPU time on one thread. The last number but one is how many times faster ours is (below 1: slower): the "
        f"median of {found['rounds']} interleaved rounds, the least and the largest in brackets. One call is eager, on "
        f"an integer of the backend; a compiled step is one of {LOOP} in a loop inside `tf.function` or `jax.jit`, the "
        "loop's own cost included (on PyTorch: one call of a `torch.compile`d function, its dispatch included); "
        "100,000 values are ours by NumPy and theirs on one array, or looped where they take none.",
    ]
    for where in dict.fromkeys(row["where"] for row in found["rows"]):
        lines += ["", f"## {where}", "", "| what | curve | ours | theirs | times faster | theirs, how |"]
        lines += ["| --- | --- | ---: | ---: | ---: | --- |"]
        lines += ["| " + " | ".join(line(row)) + " |" for row in found["rows"] if row["where"] == where]
    return "\n".join([*lines, ""])


def main(words: list[str]) -> None:
    if words[:1] == ["--work"]:
        for row in rows(words[1], int(words[2])):
            print(json.dumps(row), flush=True)
        return
    rounds = 1 if "--quick" in words else ROUNDS
    chosen = [where for where in WHERE if where in words] or list(WHERE)
    found: dict[str, Any] = {"about": about(), "rounds": rounds, "rows": []}
    for where in chosen:
        print(f"\n{where}: ours, theirs, times faster (least to most)")
        for row in measured(where, rounds):
            found["rows"].append(row)
            what, curve, ours, theirs, spread, how = line(row)
            print(f"  {what:16} {curve:16} {ours:>9} {theirs:>9}   {spread:24} {how}")
    if "--write" in words:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "frameworks.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "frameworks.md").write_text(page(found))


if __name__ == "__main__":
    main(sys.argv[1:])
