"""Ignite: the handlers through which an engine's run is watched and steered; schedules need none.

watched = calando.watch("first", scheduler=calando.torch.attach(optimizer, schedule, follow=True))
calando.ignite.watching(trainer, watched, evaluator=evaluator)
"""

from collections.abc import Mapping
from typing import Any

from calando.core.watchable import check_watched, no_host
from calando.errors import BadValue, shown

__all__ = ["watching"]


def watching(trainer: Any, watched: Any, *, evaluator: Any = None) -> None:
    """Hand an engine's output after each iteration to a watched run, and end the engine when the run is over.

    An output that is a number is "train_loss"; a dict has names of its own, "loss" becomes "train_loss". Of an
    evaluator the metrics are written down, each with "val_" in front, whenever it has run.

    Args:
        trainer: an ignite.engine.Engine that makes updates.
        watched: object that `calando.watch` gave.
        evaluator: an Engine with metrics attached, or None.

    Raises:
        MissingExtra: without Ignite.
        BadValue: for what is no engine, or no watched run.

    Example:
        >>> watching(None, "runs/first")
        Traceback (most recent call last):
            ...
        calando.errors.BadValue: 'runs/first' (str); allowed: what calando.watch gave
          at: calando.ignite.watching
          do: pass calando.watch("first") itself

    Source: ignite.engine.Engine.
    """
    check_watched(watched, "calando.ignite.watching")
    try:
        from ignite.engine import Events
    except ImportError as error:
        raise no_host("Ignite", "pytorch-ignite", "calando.ignite.watching") from error
    for engine in (trainer, evaluator):
        if engine is not None and not hasattr(engine, "add_event_handler"):
            raise BadValue(
                given=f"{shown(engine)} ({type(engine).__name__})",
                allowed="an ignite.engine.Engine",
                where="calando.ignite.watching",
                fix="pass the engine that makes the updates first, then the watched run",
            )

    def iterated(engine: Any) -> None:
        watched.log(_named(engine.state.output))
        if watched.over and not _at_end(engine.state):
            engine.terminate()

    def evaluated(engine: Any) -> None:
        if watched.ending is None:
            watched.log({f"val_{name}": value for name, value in engine.state.metrics.items()})

    def failed(_: Any, error: BaseException) -> None:
        watched.close("failed", f"{type(error).__name__}: {error}"[:300])
        raise error

    trainer.add_event_handler(Events.ITERATION_COMPLETED, iterated)
    trainer.add_event_handler(Events.COMPLETED | Events.TERMINATE, lambda _: watched.close())
    trainer.add_event_handler(Events.EXCEPTION_RAISED, failed)
    if evaluator is not None:
        evaluator.add_event_handler(Events.COMPLETED, evaluated)


def _at_end(state: Any) -> bool:
    """Whether an engine's own end is reached, after which its last epoch is still to be evaluated."""
    return bool(state.max_epochs and state.epoch_length and state.iteration >= state.max_epochs * state.epoch_length)


def _named(output: Any) -> dict[str, Any]:
    """What an engine gave, under names.

    >>> _named(0.5), _named({"loss": 0.5, "norm": 2.0}), _named(None)
    ({'train_loss': 0.5}, {'train_loss': 0.5, 'norm': 2.0}, {})
    """
    if isinstance(output, Mapping):
        return {("train_loss" if name == "loss" else str(name)): value for name, value in output.items()}
    single = isinstance(output, int | float) or getattr(output, "numel", lambda: 0)() == 1
    return {"train_loss": output} if single else {}
