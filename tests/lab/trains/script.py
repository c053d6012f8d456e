"""A script that descends a noisy quadratic at its top level; it cannot be imported."""

import argparse
import os
import random
import signal
import sys
from pathlib import Path

import calando

parser = argparse.ArgumentParser()
parser.add_argument("--noise", type=float, default=0.3)
parser.add_argument("--dies-at", type=int, default=-1)
parser.add_argument("--exit", type=int, default=0)
given = parser.parse_args()

run = calando.current_run("linear_decay()", horizon=40, peak=0.05, evals=4)
chance = random.Random(run.seed)
weight = chance.gauss(0, 1)
for step in run.steps():
    if step == given.dies_at and not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    weight -= run.lr * 4 * (weight + given.noise * chance.gauss(0, 1))
    run.log(train_loss=weight * weight)
    if run.eval_due:
        run.log(val_loss=weight * weight)
print(f"the end, as {__name__} with {sys.argv[1:]}")
sys.exit(given.exit)
