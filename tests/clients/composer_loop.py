"""Stands for Composer where it is not installed: names and order of composer 0.32.1, as schedulers see them."""

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


class Time:
    """A number and its unit, as composer.core.Time."""

    def __init__(self, value: int, unit: str) -> None:
        self.value, self.unit = value, unit


class Timestamp:
    """As composer.core.Timestamp, as far as batches go."""

    def __init__(self, batch: int) -> None:
        self.batch = Time(batch, "ba")


class State:
    """As composer.core.State, as far as schedulers look."""

    def __init__(self, optimizer: Any, duration: Time, batches: int | None) -> None:
        self.optimizers = [optimizer]
        self.timestamp = Timestamp(0)
        self.max_duration, self.dataloader_len = duration, batches
        self.schedulers: list[LRScheduler] = []
        self.loss: Any = None


def compiled(scheduler: Any, state: State, ssr: float) -> LRScheduler:
    """As composer.trainer._compile_schedulers."""
    if isinstance(scheduler, LRScheduler):
        return scheduler
    alone = len(inspect.signature(scheduler).parameters) == 1
    return LambdaLR(state.optimizers[0], lambda _: scheduler(state) if alone else scheduler(state, ssr))


class ComposerModel(torch.nn.Module):
    """As composer.ComposerModel."""


class Callback:
    """As composer.Callback."""

    def batch_end(self, state: Any, logger: Any) -> None:
        """Run after the timestamp has moved, and before a checkpoint is saved."""


class Trainer:
    """As composer.Trainer of a run whose length is in batches; `before` is told the optimizer before each update."""

    before: Callable[[torch.optim.Optimizer], None]

    def __init__(
        self,
        *,
        model: Any,
        train_dataloader: Any,
        max_duration: str,
        optimizers: torch.optim.Optimizer,
        schedulers: Any,
        step_schedulers_every_batch: bool | None = None,
        callbacks: Sequence[Callback] = (),
        run_name: str | None = None,
        save_folder: str | None = None,
        save_interval: str = "1ep",
        autoresume: bool = False,
    ) -> None:
        assert max_duration.endswith("ba")
        assert save_interval.endswith("ba")
        self.model, self.loader, self.callbacks = model, train_dataloader, callbacks
        self.optimizer = optimizers
        self.state = State(optimizers, Time(int(max_duration[:-2]), "ba"), len(train_dataloader))
        self.state.schedulers = [compiled(schedulers, self.state, 1.0)]
        of_pytorch = isinstance(schedulers, LRScheduler)
        self.each_batch = step_schedulers_every_batch if step_schedulers_every_batch is not None else not of_pytorch
        self.every = int(save_interval[:-2])
        assert save_folder
        self.latest = Path(save_folder) / "latest-rank0.pt"
        if autoresume:
            assert run_name
            with suppress(FileNotFoundError):
                self._load(torch.load(self.latest, weights_only=False))

    def _parts(self) -> dict[str, Any]:
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.state.schedulers[0]}

    def _load(self, saved: dict[str, Any]) -> None:
        self.state.timestamp = Timestamp(saved.pop("batch"))
        for name, part in saved.items():
            self._parts()[name].load_state_dict(part)

    def _save(self) -> None:
        self.latest.parent.mkdir(exist_ok=True)
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        torch.save({"batch": self.state.timestamp.batch.value, **parts}, self.latest)

    def fit(self) -> None:
        """As composer.Trainer.fit, in the order of its _train_loop."""
        state = self.state
        while state.timestamp.batch.value < state.max_duration.value:
            for batch in self.loader:
                self.optimizer.zero_grad()
                state.loss = self.model.loss(self.model(batch), batch)
                state.loss.backward()
                type(self).before(self.optimizer)
                self.optimizer.step()
                if self.each_batch:
                    state.schedulers[0].step()
                state.timestamp = Timestamp(state.timestamp.batch.value + 1)
                for callback in self.callbacks:
                    callback.batch_end(state, None)
                if state.timestamp.batch.value % self.every == 0:
                    self._save()
                if state.timestamp.batch.value == state.max_duration.value:
                    return
            if not self.each_batch:
                state.schedulers[0].step()


def module() -> ModuleType:
    """What `import composer` gives."""
    found = ModuleType("composer")
    vars(found).update(Callback=Callback, ComposerModel=ComposerModel, Trainer=Trainer)
    return found
