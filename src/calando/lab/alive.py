"""Runs of a study while they are under way, written down for whoever looks on; the store alone counts."""

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from calando.errors import CalandoError
from calando.lab.executors.base import Progress
from calando.records.live import Event, Header, Inbox, Recorder
from calando.records.run import RunSpec
from calando.records.study import StudySpec

__all__ = ["FOLDER", "REFUSAL", "Alive"]

FOLDER = "live"
POINTS = 64
"""Points of a curve that are written down of what one message brought; the store has all of them."""
KEPT = 20
"""Runs that have ended and can still be looked at beside those under way."""
REFUSAL = (
    "the runs of a study are a fair comparison, so none of them is changed on its way; "
    "run the schedule by itself to steer it: calando.watch(...) in a loop of your own"
)


class Alive:
    """One record a run under way, in the study's folder; they are gone when the study has ended.

    What cannot be written is left out: no study fails because nobody can look on.

    Args:
        folder: folder of the study.
        spec: the question.
        schedule: a function that gives the bound schedule of a run as calando JSON.
    """

    def __init__(self, folder: Path, spec: StudySpec, schedule: Callable[[RunSpec], str]) -> None:
        self._folder, self._spec, self._schedule = folder / FOLDER, spec, schedule
        self._runs: dict[str, tuple[Recorder, Inbox] | None] = {}
        self._ended: list[Path] = []

    def progress(self, run: RunSpec, start: int, event: Progress) -> None:
        """Write down what a message brought.

        Args:
            run: whose it is.
            start: update that this leg of the run began from.
            event: a Progress; without fresh numbers nothing is done.
        """
        if not event.fresh:
            return
        with suppress(CalandoError, OSError):
            if run.key not in self._runs:
                self._runs[run.key] = None
                self._runs[run.key] = self._open(run, start)
            found = self._runs[run.key]
            if found is not None:
                recorder, inbox = found
                recorder.log_many(_rows(event.fresh))
                self._answer(recorder, inbox, event.steps)

    def again(self, key: str) -> None:
        """A run is begun anew, or from a snapshot: its record is gone on with from there."""
        found = self._runs.pop(key, None)
        if found is not None:
            found[0].close()

    def ended(self, key: str, status: str, reason: str, steps: int) -> None:
        """A run is over: say how, and let the oldest of those that are over go."""
        found = self._runs.pop(key, None)
        if found is None:
            return
        recorder, _ = found
        with suppress(CalandoError):
            recorder.event(Event(max(steps - 1, -1), "ended", {"status": status, "reason": reason[:1000]}))
        recorder.close()
        self._ended.append(recorder.folder)
        while len(self._ended) > KEPT:
            shutil.rmtree(self._ended.pop(0), ignore_errors=True)

    def close(self, *, finished: bool) -> None:
        """Nothing is under way any more; where the study is finished its records go."""
        for found in self._runs.values():
            if found is not None:
                found[0].close()
        self._runs.clear()
        if finished:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self, run: RunSpec, start: int) -> tuple[Recorder, Inbox]:
        peak = "" if run.peak is None else f" peak {run.peak:g}"
        header = Header(
            f"{run.candidate}{peak} seed {run.seed}",
            schedule=json.loads(self._schedule(run)),
            peak=run.peak,
            horizon=run.horizon,
            metric=self._spec.metric,
            mode=self._spec.mode,
            meta={"study": self._folder.parent.name, "candidate": run.candidate, "seed": run.seed, "steering": REFUSAL},
        )
        recorder = Recorder(self._folder / f"run-{run.key}", header)
        if recorder.resumed:
            recorder.event(Event(start - 1, "resumed", {"from": start}))
        inbox = Inbox(recorder.folder)
        while recorder.resumed and inbox.poll():
            pass  # what was asked of an earlier attempt
        return recorder, inbox

    def _answer(self, recorder: Recorder, inbox: Inbox, steps: int) -> None:
        for heard in inbox.poll():
            command = heard.command
            if isinstance(command, CalandoError):
                said: dict[str, Any] = {"id": None, "text": command.given[:200], "by": "", "reason": str(command)[:500]}
            else:
                said = {"id": command.id, "text": command.text[:200], "by": command.by, "reason": REFUSAL}
            recorder.event(Event(steps, "refused", said))


def _rows(fresh: Mapping[str, tuple[Any, Any]]) -> dict[int, dict[str, float]]:
    """Columns as lines, thinned evenly; the last point stays.

    >>> _rows({"loss": ([0, 1], [3.0, 2.0]), "lr": ([1], [0.1])})
    {0: {'loss': 3.0}, 1: {'loss': 2.0, 'lr': 0.1}}
    """
    rows: dict[int, dict[str, float]] = {}
    for name, (steps, values) in fresh.items():
        stride = -(-len(steps) // POINTS)
        for place in range((len(steps) - 1) % stride, len(steps), stride):
            rows.setdefault(steps[place], {})[name] = values[place]
    return dict(sorted(rows.items()))
