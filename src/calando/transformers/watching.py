"""The callback through which a Trainer's run is watched and steered."""

from collections.abc import Mapping
from typing import Any

from calando.core.watchable import check_watched, no_host

__all__ = ["watching"]

SUMMARY = "train_runtime"
"""Stands in what a Trainer logs when all is over, means of the whole run, and nowhere else."""


def watching(watched: Any) -> Any:
    """A TrainerCallback that hands what a Trainer logs to a watched run, and stops the Trainer when the run is over.

    The rate of every update is written down. "loss" becomes "train_loss", "eval_loss" "val_loss". Where the Trainer's
    scheduler is ours (`drive`, `pair`), the run can be steered; a run cannot be extended beyond what the Trainer's own
    arguments allow.

    Args:
        watched: object that `calando.watch("name")` gave, without a scheduler.

    Raises:
        MissingExtra: without transformers.
        BadValue: for what is no watched run.

    Example:
        >>> import calando, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> callback = watching(calando.watch("tiny", folder=folder.name))      # Trainer(callbacks=[callback])
        >>> callback.watched.follows
        False
        >>> folder.cleanup()

    Source: transformers.TrainerCallback.
    """
    check_watched(watched, "calando.transformers.watching")
    try:
        from transformers import TrainerCallback
    except ImportError as error:
        raise no_host("transformers", "transformers", "calando.transformers.watching") from error

    class Watching(TrainerCallback):
        def __init__(self) -> None:
            self.watched = watched

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if not watched.follows:
                scheduler, made = _inside(given.get("lr_scheduler"), "scheduler"), int(state.global_step)
                watched.follow(
                    scheduler=scheduler,
                    optimizer=given.get("optimizer"),
                    horizon=int(state.max_steps) if state.max_steps > 0 else None,
                    begun=made,
                )

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            watched.log()
            if watched.over and state.global_step < state.max_steps:
                control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
            if logs and SUMMARY not in logs:
                watched.log(_named(logs))

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            watched.close()

    return Watching()


def _inside(scheduler: Any, name: str) -> Any:
    """The scheduler inside Accelerate's wrapper."""
    inside = getattr(scheduler, name, None)
    return scheduler if inside is None or not hasattr(scheduler, "split_batches") else inside


def _named(logs: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a Trainer under the names that they have everywhere.

    >>> _named({"loss": 2.0, "learning_rate": 0.1, "epoch": 0.5, "eval_loss": 2.5, "eval_runtime": 3.0})
    {'train_loss': 2.0, 'val_loss': 2.5}
    """
    names = {"loss": "train_loss", "eval_loss": "val_loss"}
    left_out = {"learning_rate", "epoch", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second"}
    found = {names.get(name, name): value for name, value in logs.items() if name not in left_out}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}
