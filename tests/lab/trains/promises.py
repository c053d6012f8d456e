"""Train functions that keep every promise of the run contract but one; the name says which."""

import os
import random
import time
from typing import Any

import calando
from tests.lab.trains.host import Optimizer

LEFT: list[float] = []


class Model:
    """Two numbers that an optimizer pulls to nothing, with noise from a generator of the run's own."""

    def __init__(self, seed: Any) -> None:
        self.chance = {"of the noise": random.Random(seed)}  # where nobody looks who is not told
        self.optimizer = Optimizer([0.1])
        self.optimizer.param_groups[0]["values"] = [self.dice.gauss(0, 1) + 2 for _ in range(2)]

    @property
    def dice(self) -> random.Random:
        return self.chance["of the noise"]

    def noise(self) -> float:
        return self.dice.gauss(0, 0.01)


def train(run: calando.Run, wrong: str = "") -> None:
    seed: Any = run.seed
    if wrong == "unseeded":
        seed = time.time_ns()
    if wrong == "one seed":
        seed = 7
    if wrong == "by process":
        seed = os.getpid()
    model = Model(seed)
    if wrong == "leftovers":
        model.optimizer.param_groups[0]["values"] += LEFT
        LEFT.append(0.5)
    scheduler = run.attach(model.optimizer) if wrong != "unattached" else None
    if wrong not in ("keeps nothing", "unattached"):
        kept = {} if wrong == "keeps too little" else {"chance": model.dice}
        run.keep(optimizer=model.optimizer, scheduler=scheduler, **kept)
    run.suggest("weight_decay", 1e-4, 1e-1, log=True, default=0.01)
    if wrong == "slow to start":
        time.sleep(1.0)
    for step in run.steps():
        if wrong == "crashes":
            raise ValueError("no luck")
        if wrong == "breaks off" and step == 5:
            return
        if wrong == "overwrites" and step == 5:
            model.optimizer.param_groups[0]["lr"] = 0.33
        model.optimizer.step()
        if scheduler is not None and not (wrong == "forgets" and step > 3):
            scheduler.step()
        loss = model.optimizer.loss() + model.noise()
        if wrong == "one loss":
            loss = 1.0
        if wrong != "silent":
            run.log(train_loss=loss)
        if wrong == "chatty":
            for i in range(4):
                run.log(**{f"value_{i}_{j}": loss for j in range(200)})
        due = run.eval_due and wrong != "never evaluates" and not (wrong == "skips" and step < run.horizon - 4)
        if due or wrong == "evaluates always":
            run.log(val_loss=model.optimizer.loss())


def unseeded(run: calando.Run) -> None:
    train(run, "unseeded")


def one_seed(run: calando.Run) -> None:
    train(run, "one seed")


def by_process(run: calando.Run) -> None:
    train(run, "by process")


def leftovers(run: calando.Run) -> None:
    train(run, "leftovers")


def unattached(run: calando.Run) -> None:
    train(run, "unattached")


def keeps_nothing(run: calando.Run) -> None:
    train(run, "keeps nothing")


def keeps_too_little(run: calando.Run) -> None:
    train(run, "keeps too little")


def slow_to_start(run: calando.Run) -> None:
    train(run, "slow to start")


def crashes(run: calando.Run) -> None:
    train(run, "crashes")


def breaks_off(run: calando.Run) -> None:
    train(run, "breaks off")


def overwrites(run: calando.Run) -> None:
    train(run, "overwrites")


def forgets(run: calando.Run) -> None:
    train(run, "forgets")


def one_loss(run: calando.Run) -> None:
    train(run, "one loss")


def silent(run: calando.Run) -> None:
    train(run, "silent")


def chatty(run: calando.Run) -> None:
    train(run, "chatty")


def never_evaluates(run: calando.Run) -> None:
    train(run, "never evaluates")


def evaluates_always(run: calando.Run) -> None:
    train(run, "evaluates always")


def skips(run: calando.Run) -> None:
    train(run, "skips")
