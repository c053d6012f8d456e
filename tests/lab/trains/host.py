"""A framework of its own: an optimizer with groups and hooks, a front door, and train functions that use them."""

from collections.abc import Callable
from typing import Any

import calando
from calando.core.hosts import register_door


class Optimizer:
    """Plain gradient descent on numbers, in the manner of PyTorch."""

    def __init__(self, rates: list[float]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"lr": rate, "values": [1.0, -1.0]} for rate in rates]
        self.hooks: list[Callable[..., None]] = []
        self.used: list[float] = []

    def register_step_pre_hook(self, hook: Callable[..., None]) -> None:
        self.hooks.append(hook)

    def step(self) -> None:
        for hook in self.hooks:
            hook(self, (), {})
        self.used.append(self.param_groups[0]["lr"])
        for group in self.param_groups:
            group["values"] = [value - group["lr"] * value for value in group["values"]]

    def state_dict(self) -> dict[str, Any]:
        return {"groups": [{"lr": g["lr"], "values": list(g["values"])} for g in self.param_groups]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for group, kept in zip(self.param_groups, state["groups"], strict=True):
            group.update(lr=kept["lr"], values=list(kept["values"]))

    def loss(self) -> float:
        return sum(value**2 for group in self.param_groups for value in group["values"])


class Scheduler:
    """Writes base x factor x scale; counts on step(), listens on step(metric)."""

    def __init__(self, optimizer: Optimizer, schedule: calando.Schedule) -> None:
        self.optimizer, self.schedule = optimizer, schedule
        self.bases = [group["lr"] for group in optimizer.param_groups]
        self.state = schedule.rule.initial() if schedule.rule else None
        self.at = 0
        self.write()

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.at = state["at"]
        self.write()

    def write(self) -> None:
        scale = 1.0 if self.state is None else self.state.scale
        for group, base in zip(self.optimizer.param_groups, self.bases, strict=True):
            group["lr"] = base * self.schedule(self.at) * scale

    def step(self, metric: float | None = None) -> None:
        if metric is None:
            self.at += 1
        else:
            self.state = self.schedule.rule.update(self.state, metric)
        self.write()


def attach(optimizer: Optimizer, schedule: calando.Schedule) -> Scheduler:
    return Scheduler(optimizer, schedule)


register_door(Optimizer.__module__.partition(".")[0], attach)


def train(run: calando.Run, rates: tuple[float, ...] = (0.1,), wrong: str = "") -> Optimizer:
    optimizer = Optimizer(list(rates))
    scheduler = run.attach(optimizer)
    for step in run.steps():
        if wrong == "overwrites" and step == 3:
            optimizer.param_groups[0]["lr"] = 0.123
        optimizer.step()
        if wrong == "steps the optimizer twice":
            optimizer.step()
        if wrong != "never steps the scheduler":
            scheduler.step()
        if wrong == "steps the scheduler twice":
            scheduler.step()
        if wrong == "overwrites after":
            optimizer.param_groups[0]["lr"] = 0.456
        run.log(train_loss=optimizer.loss())
        if run.eval_due:
            run.log(val_loss=optimizer.loss())
    return optimizer


def overwrites(run: calando.Run) -> None:
    train(run, wrong="overwrites")


def forgets_to_step(run: calando.Run) -> None:
    train(run, wrong="never steps the scheduler")
