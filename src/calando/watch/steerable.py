"""Which of the things that a loop hands over can be steered, and why not where they cannot."""

import os
import sys
from typing import Any

from calando.core.schedule import Schedule
from calando.records.live import Recorder
from calando.watch.steer import Agree, Steers, steering_for

__all__ = ["driven_in", "processes", "steered_by"]


def steered_by(
    recorder: Recorder | None,
    scheduler: Any,
    schedule: Schedule | None,
    horizon: int | None,
    agree: Agree | None,
    at: int,
) -> Steers | None:
    """The steering of a run that a loop of one's own makes; None where this process has no say and follows nobody."""
    if recorder is None and agree is None:
        return None
    driven, refusal, alone = driven_in(scheduler), "", True
    if agree is None and processes() > 1:
        alone = False
        refusal = (
            f"{processes()} processes train together, and nothing makes them agree: open the watch in each of them "
            "with agree=calando.torch.agree()"
        )
    elif schedule is not None and not driven:
        what = "nothing" if scheduler is None else f"a {type(scheduler).__name__}"
        refusal = (
            f"the watch was given {what} that could follow another schedule: give it scheduler=, what "
            "calando.torch.attach or calando.keras.attach returned, or an object with change(schedule)"
        )
    return steering_for(
        recorder, schedule, driven, horizon=horizon, agree=agree, at=at, refusal=refusal, stoppable=alone
    )


def driven_in(scheduler: Any) -> list[Any]:
    """What can be given another schedule: the scheduler, or the one inside a host's wrapper.

    >>> driven_in(None)
    []
    """
    for _ in range(8):
        if callable(getattr(scheduler, "change", None)):
            return [scheduler]
        scheduler = getattr(scheduler, "scheduler", None)
    return []


def processes() -> int:
    """How many processes train together, as far as this one was told."""
    torch = sys.modules.get("torch")
    group = getattr(torch, "distributed", None)
    if group is not None and group.is_available() and group.is_initialized():
        return int(group.get_world_size())
    told = os.environ.get("WORLD_SIZE", "1").strip()
    return int(told) if told.isdigit() and told != "0" else 1
