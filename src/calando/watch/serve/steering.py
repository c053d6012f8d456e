"""Commands from the page: held against what the run may take before they are sent, and what they would bring."""

from typing import Any

import numpy as np

from calando.core.steering import Applied, Steered, Stop, read_change
from calando.errors import BadValue, CalandoError
from calando.records.live import send as send_
from calando.records.live.answered import schedule_of
from calando.watch.serve.shown import Live, Shown
from calando.watch.serve.told import steerable

__all__ = ["preview", "send"]

POINTS = 300


def send(run: Shown, text: str, revision: int | None) -> dict[str, Any]:
    """Ask something of a run under way; it answers in its record.

    Raises:
        BadValue: where nobody listens, or nothing but stop is taken.
        BadText: for what is no command.
    """
    change = read_change(text)
    can, why = steerable(run)
    if (
        not isinstance(run, Live)
        or run.folder is None
        or can == "nothing"
        or (can == "stop" and not isinstance(change, Stop))
    ):
        raise BadValue(
            given=f"{change} for this run", allowed="stop" if can == "stop" else "looking on", where="steer", fix=why
        )
    command = send_(run.folder, str(change), by="page", revision=revision)
    return {"id": command.id, "text": command.text}


def preview(run: Shown, text: str) -> dict[str, Any]:
    """The rates that a command would bring from the next update on, and where the run would end.

    Raises:
        BadValue: where it would be refused, or the run's schedule is not known.
        BadText: for what is no command.
    """
    change = read_change(text)
    peak, steered = run.facts.peak, _steered(run)
    if steered is None or peak is None:
        raise BadValue(given=f"{change} for a run whose schedule is not known", allowed="a run with one", where="steer",
                       fix="open it by calando.watch(..., scheduler=scheduler)")  # fmt: skip
    step = run.last + 1
    after = steered.apply(step, change).schedule
    steps = np.unique(np.linspace(step, max(after.horizon - 1, step), POINTS).astype(np.int64))
    rates = [float(peak * after(int(one))) for one in steps]
    return {
        "text": str(change),
        "step": step,
        "horizon": after.horizon,
        "before": steered.horizon,
        "x": steps.tolist(),
        "y": rates,
    }


def _steered(run: Shown) -> Steered | None:
    if not isinstance(run, Live):
        return None
    begun = schedule_of(run.begun)
    if begun is None:
        return None
    applied = []
    try:
        for event in run.events:
            if event.kind == "applied":
                applied.append(Applied(event.step, read_change(str(event.data.get("text", "")))))
            elif event.kind == "resumed":
                since = event.data.get("from")
                applied = [one for one in applied if type(since) is not int or one.step <= since]
        return Steered(begun, tuple(applied))
    except CalandoError:
        in_force = schedule_of(run.facts.schedule)  # what ruled before it cannot be told; it rules now
        return None if in_force is None else Steered(in_force)
