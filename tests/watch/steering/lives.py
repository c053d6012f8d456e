"""A run that dies and goes on, driven update by update: a real scheduler, a real record, checkpoints in between."""

import json
from pathlib import Path
from typing import Any

import torch

import calando
import calando.torch
from calando.records.live import Answered, read_answered, send
from calando.watch import steer

BASE = 0.1


class Killed(BaseException):
    """The end of a process, at a place where no one catches it."""


class Run:
    """One run through all its lives: what each update really used, and the latest checkpoint."""

    def __init__(self, folder: Path, plan: str, horizon: int, **sizes: Any) -> None:
        self.folder, self.text, self.horizon, self.sizes = folder, plan, horizon, sizes
        self.used: dict[int, float] = {}
        self.checkpoint: tuple[int, str] | None = None
        self.watched: Any = None

    @property
    def place(self) -> Path:
        """The folder of the run."""
        return self.folder / "run"

    def begin(self, *, watch_first: bool) -> None:
        """A process begins: a fresh optimizer, the checkpoint loaded, the watch opened, in either order."""
        parameter = torch.nn.Parameter(torch.zeros(1))
        self.optimizer = torch.optim.SGD([parameter], lr=BASE)
        schedule = calando.parse(self.text).bind(self.horizon, **self.sizes)
        self.scheduler = calando.torch.attach(self.optimizer, schedule)
        at = 0 if self.checkpoint is None else self.checkpoint[0]
        if watch_first:
            self._watch(at)
        if self.checkpoint is not None:
            self.scheduler.load_state_dict(json.loads(self.checkpoint[1]))
        if not watch_first:
            self._watch(at)

    def _watch(self, at: int) -> None:
        resume = at if (self.place / "record.jsonl").exists() else None
        self.watched = calando.watch("run", scheduler=self.scheduler, folder=self.folder, resume=resume)

    def update(self) -> None:
        """One update of the loop, logged."""
        step = self.scheduler.position()
        self.used[step] = self.optimizer.param_groups[0]["lr"]
        self.optimizer.step()
        self.scheduler.step()
        self.watched.log(train_loss=1.0)

    def save(self) -> None:
        """A checkpoint, as its text."""
        self.checkpoint = (self.scheduler.position(), json.dumps(self.scheduler.state_dict()))

    def die(self) -> None:
        """What a kill leaves: the record as it is, its lock free, nothing said."""
        watched, self.watched = self.watched, None
        watched._recorder.close()
        watched.ending = "failed"  # so that it says nothing when it is collected

    def ask(self, text: str, **more: Any) -> str:
        """Somebody sends a command; its name."""
        return send(self.place, text, **more).id

    def answered(self) -> Answered:
        """What the record says."""
        return read_answered(self.place)


def rates_under(schedule: calando.Schedule, steps: int) -> list[float]:
    """What a fresh run under a schedule uses at each update."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    scheduler = calando.torch.attach(optimizer, schedule)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def at_once(monkeypatch: Any) -> None:
    """Commands are looked for after every update, however fast they come."""
    monkeypatch.setattr(steer, "PAUSE", 0.0)
