"""Train functions that keep what a snapshot needs, without any framework; each update leaves a mark on the disk."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import calando

SCALES = (1, 2, 4, 8, 16)
Trap = tuple[int, Callable[[calando.Run], None]]


def descend(run: calando.Run, pause: float = 0.0, ballast: int = 0, trap: Trap | None = None, **bias: float) -> None:
    chance = random.Random(run.seed)
    state = run.hold(weights=[chance.gauss(0, 1) for _ in SCALES], ballast="x" * ballast)
    run.keep(chance=chance)
    traces = os.open("trace.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in run.steps():
        os.write(traces, f"{run._label}|{run.seed}|{run.step}\n".encode())
        if trap is not None and run.step == trap[0]:
            trap[1](run)
        rate = run.lr * (1 + bias.get("tilt", 0.0))
        if "late" in bias and run.step >= 8:
            rate *= 1 + 1e-3 * run.schedule(59)
        state.weights = [w - rate * s * (w + chance.gauss(0, 0.3)) for s, w in zip(SCALES, state.weights, strict=True)]
        loss = sum(s * w * w for s, w in zip(SCALES, state.weights, strict=True)) / 2
        time.sleep(pause)
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
    os.close(traces)


@calando.declare(steps=60, evals=3)
def train(run: calando.Run) -> None:
    descend(run)


def slow(run: calando.Run) -> None:
    descend(run, pause=float(Path("pause").read_text()) if Path("pause").exists() else 0.005)


def heavy(run: calando.Run) -> None:
    """Snapshots of four megabytes."""
    descend(run, ballast=4_000_000)


def talks(run: calando.Run) -> None:
    """Prints more than a small disk holds."""
    print("x" * 100_000)
    descend(run)


def forgetful(run: calando.Run) -> None:
    """Keeps nothing."""
    for _ in run.steps():
        loss = (run.seed % 7 + 1) * (1 - run.lr * (run.step + 1) / 60) ** 2
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)


def trips(run: calando.Run) -> None:
    """The longest trunk fails after it has left snapshots for others, and before it has left all."""
    descend(run, trap=(36, _raise) if run._label == "wsd(warmup=4, cooldown=10)" else None)


def dies_on_the_way(run: calando.Run) -> None:
    descend(run, trap=(36, _die_once) if run._label == "wsd(warmup=4, cooldown=10)" else None)


def spoils(run: calando.Run) -> None:
    """Whoever comes to the end of a trunk damages every snapshot there is."""
    descend(run, trap=(55, _spoil) if run._label == "wsd(warmup=4, cooldown=10)" else None)


def epochs(run: calando.Run) -> None:
    """Snapshots are possible after every eighth update only."""
    run.grain = 8
    descend(run)


def _raise(run: calando.Run) -> None:
    raise ValueError("here it ends")


def _die_once(run: calando.Run) -> None:
    mark = Path(f"died-{run.seed}")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _spoil(run: calando.Run) -> None:
    for path in Path("shared/snapshots").glob("*/snapshot.json"):
        path.write_text("{}")


def foresees(run: calando.Run) -> None:
    """Trains otherwise from the beginning where its schedule falls early."""
    early = run.schedule(30) < 1
    descend(run, tilt=1e-3 if early else 0.0)


def reads_its_label(run: calando.Run) -> None:
    descend(run, tilt=1e-3 * len(run.label))


def looks_late(run: calando.Run) -> None:
    """Looks at its schedule in the middle of the loop, after the first snapshots."""
    descend(run, late=True)
