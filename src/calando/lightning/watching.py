"""The callback through which a Lightning Trainer's run is watched and steered."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from calando.core.watchable import check_watched, no_host

__all__ = ["watching"]


def watching(watched: Any, *, loss: str = "loss") -> Any:
    """A Callback that hands the training loss and what else is logged to a watched run, and stops it when it is over.

    The training loss of every update is written down, with the rate that it used; the numbers of `self.log` after each
    validation and each epoch. Where a scheduler of ours drives the first optimizer (`configure`), the run can be
    steered; an extended run goes on where the Trainer's own limits (max_epochs, max_steps) allow.

    Args:
        watched: object that `calando.watch("name")` gave, without a scheduler.
        loss: name of the loss in what `training_step` returns, where that is a dict.

    Raises:
        MissingExtra: without Lightning.
        BadValue: for what is no watched run.

    Example:
        >>> watching("runs/first")
        Traceback (most recent call last):
            ...
        calando.errors.BadValue: 'runs/first' (str); allowed: what calando.watch gave
          at: calando.lightning.watching
          do: pass calando.watch("first") itself

    Source: lightning.pytorch.Callback.
    """

    check_watched(watched, "calando.lightning.watching")

    class Watching(_callback()):  # type: ignore[misc]  # one of two packages, which share the class's name
        def __init__(self) -> None:
            self.watched = watched
            self._made = -1
            self._loss: Any = None
            self._seen: dict[str, float] = {}

        def on_train_start(self, trainer: Any, module: Any) -> None:
            self._made = int(trainer.global_step)
            if not watched.follows:
                configs = trainer.lr_scheduler_configs
                total = trainer.estimated_stepping_batches
                watched.follow(
                    scheduler=configs[0].scheduler if configs else None,
                    optimizer=trainer.optimizers[0] if trainer.optimizers else None,
                    horizon=int(total) if math.isfinite(total) and total >= 1 else None,
                    begun=self._made,
                )

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
            value = outputs.get(loss) if isinstance(outputs, Mapping) else outputs
            if value is not None:  # Lightning divides each by the number of batches that make an update
                self._loss = value if self._loss is None else self._loss + value
            made = int(trainer.global_step)
            if made == self._made:
                return  # gradients are being accumulated
            watched.log({} if self._loss is None else {"train_loss": self._loss})
            self._made, self._loss = made, None
            if watched.over and made < trainer.estimated_stepping_batches:
                trainer.should_stop = True

        def on_validation_end(self, trainer: Any, module: Any) -> None:
            if not trainer.sanity_checking:
                self._tell(trainer)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            self._tell(trainer)

        def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
            stopped = isinstance(exception, KeyboardInterrupt)
            watched.close("interrupted" if stopped else "failed", f"{type(exception).__name__}: {exception}"[:300])

        def on_train_end(self, trainer: Any, module: Any) -> None:
            self._tell(trainer)
            watched.close()

        def _tell(self, trainer: Any) -> None:
            """Hand on what was logged since the last time."""
            now = {name: float(value) for name, value in trainer.callback_metrics.items() if name != "train_loss"}
            news = {name: value for name, value in now.items() if self._seen.get(name) != value}
            self._seen = now
            if news and watched.ending is None:
                watched.log(news)

    return Watching()


def _callback() -> Any:
    """The class of the package that is in use; the newer one where none is."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        if name in sys.modules:
            return sys.modules[name].Callback
    try:
        from lightning.pytorch import Callback
    except ImportError as error:
        raise no_host("Lightning", "lightning", "calando.lightning.watching") from error
    return Callback
