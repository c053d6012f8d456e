"""A noisy quadratic that can be snapshot, leaves a line for each update, and waits where it is to be killed."""

import os
import random
import time
from contextlib import suppress
from pathlib import Path

import calando

SCALES = (1, 2, 4, 8, 16)


@calando.declare(steps=60, evals=6)
def train(run: calando.Run) -> None:
    chance = random.Random(run.seed)
    held = run.hold(weights=[chance.gauss(0, 1) for _ in SCALES])
    run.keep(chance=chance)
    trace = os.open("trace.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for step in run.steps():
        os.write(trace, f"{run._label} {run.peak} {run.seed} {step}\n".encode())
        rate = run.lr
        held.weights = [w - rate * s * (w + chance.gauss(0, 0.3)) for s, w in zip(SCALES, held.weights, strict=True)]
        loss = sum(s * w * w for s, w in zip(SCALES, held.weights, strict=True)) / 2
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
        if step == 55:
            wait_for_a_kill()
    os.close(trace)


def wait_for_a_kill() -> None:
    """Take the first `kill-WHAT` that lies here and wait; nothing when there is none (any more)."""
    for mark in sorted(Path().glob("kill-*")):
        with suppress(OSError):  # another worker took it
            mark.rename(f"{mark.name.replace('kill', 'killed')}-{os.getpid()}")
            time.sleep(60)
