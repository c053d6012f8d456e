"""Train functions on a noisy quadratic, without any framework; the rate is taken from run.lr."""

import asyncio
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import calando

SCALES = (1, 2, 4, 8, 16)


def descend(run: calando.Run, pause: float = 0.0) -> None:
    chance = random.Random(run.seed)
    weights = [chance.gauss(0, 1) for _ in SCALES]
    for _ in run.steps():
        rate = run.lr
        weights = [w - rate * s * (w + chance.gauss(0, 0.3)) for s, w in zip(SCALES, weights, strict=True)]
        loss = sum(s * w * w for s, w in zip(SCALES, weights, strict=True)) / 2
        time.sleep(pause)
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)


@calando.declare(steps=40, evals=4)
def train(run: calando.Run) -> None:
    descend(run)


def slow(run: calando.Run) -> None:
    descend(run, pause=0.002)


def crashes_on_wsd(run: calando.Run) -> None:
    if run.label == "wsd()":
        raise ValueError("no <b>wsd</b> here")
    descend(run)


def crashes(run: calando.Run) -> None:
    raise ZeroDivisionError("never works")


def kills_itself(run: calando.Run) -> None:
    if run.label == "wsd()":
        os.kill(os.getpid(), signal.SIGKILL)
    descend(run)


def dies_once(run: calando.Run) -> None:
    mark = Path(f"{run.label}-{run.peak}-{run.seed}.mark")
    if run.label == "wsd()" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    descend(run)


def leaves(run: calando.Run) -> None:
    if run.label == "wsd()":
        os._exit(3)
    descend(run)


def exits(run: calando.Run) -> None:
    if run.label == "wsd()":
        sys.exit("enough")
    descend(run)


def hangs(run: calando.Run) -> None:
    if run.label == "wsd()":
        time.sleep(3600)
    descend(run)


def shouts(run: calando.Run) -> None:
    print("x" * 1_500_000)
    print("\x1b[2J and <script>alert(1)</script>", file=sys.stderr)
    descend(run)


def forks(run: calando.Run) -> None:
    if os.fork() == 0:
        descend(run)
        return  # the child walks on into the worker's own code
    descend(run)


def leaves_a_child(run: calando.Run) -> None:
    child = subprocess.Popen(["sleep", "3600"], close_fds=False)
    Path(f"child-{child.pid}.pid").touch()
    descend(run)
    if run.label == "wsd()":
        os.kill(os.getpid(), signal.SIGKILL)


def swallows(run: calando.Run) -> None:
    for _ in run.steps():
        run.lr  # noqa: B018 - reading it is what puts the candidate in force
        try:
            run.log(train_loss=float("nan"))
        except Exception:  # noqa: BLE001, S112 - a bad habit, to be survived
            continue


def leaves_traces(run: calando.Run) -> None:
    """The first run makes a mess of its process; the next must not notice."""
    os.chdir("/")
    os.environ.clear()
    signal.alarm(1)
    random.seed()
    descend(run)
    print("so far so good")
    sys.stdout.close()
    os.close(2)


def cancels(run: calando.Run) -> None:
    if run.label == "wsd()":
        raise asyncio.CancelledError("as a \udcff half character")
    descend(run)


def holds_the_interpreter(run: calando.Run) -> None:
    if run.label == "wsd()":
        ctypes.PyDLL(None).sleep(3600)  # a C call that never lets another thread of this process run
    descend(run)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def is_unspeakable(run: calando.Run) -> None:
    if run.label == "wsd()":
        raise Unspeakable
    descend(run)


def ignores_its_seed(run: calando.Run) -> None:
    for _ in run.steps():
        run.log(train_loss=run.lr)
        if run.eval_due:
            run.log(val_loss=sum(run.curves()["train_loss"].values) + len(run.label))


def stops_early(run: calando.Run) -> None:
    for _ in run.steps():
        run.log(train_loss=run.lr)
        break


def forgets_the_metric(run: calando.Run) -> None:
    for _ in run.steps():
        run.log(train_loss=run.lr)


def logs_a_vector(run: calando.Run) -> None:
    for _ in run.steps():
        run.log(train_loss=[run.lr, run.lr])


def is_killed_with_its_coordinator(run: calando.Run) -> None:
    """Once, as when a machine asks everything to end; the coordinator hears of the worker first."""
    mark = Path(f"kills-{run.label}-{run.peak}-{run.seed}")
    kills = len(list(Path().glob(mark.name + "-*")))
    if run.label == "wsd()" and kills < 3:
        Path(f"{mark}-{kills}").touch()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    descend(run)


def closes_everything(run: calando.Run) -> None:
    if run.label == "wsd()":
        os.closerange(3, 4096)  # the line to the coordinator, too
    descend(run)


def leaves_a_stranger(run: calando.Run) -> None:
    """A child in a session of its own, which holds the output open and survives everything."""
    child = subprocess.Popen(["sleep", "3600"], start_new_session=True, close_fds=False)
    Path(f"child-{child.pid}.pid").touch()
    descend(run)


def forks_and_hangs(run: calando.Run) -> None:
    """Both go on: the child sleeps with all files open, the parent dies."""
    if run.label == "wsd()":
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(5)
    descend(run)


def reports_nothing_finite(run: calando.Run) -> None:
    for _ in run.steps():
        run.log(train_loss=run.lr)
        if run.eval_due:
            run.log(val_loss=float("nan") if run.label == "wsd()" else run.lr)
