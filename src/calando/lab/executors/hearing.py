"""What a worker told, put together again on the coordinator's side."""

import time
from array import array
from collections.abc import Mapping
from typing import Any

from calando.lab.executors.base import Ended, Event, Opened, Progress, Reached, Task
from calando.lab.executors.wire import Columns
from calando.records.run import Curve
from calando.records.stage import Knob, SnapshotRef

__all__ = ["Heard"]


class Heard:
    """One task under way, as far as its worker told of it; knows nothing of how messages travel.

    Args:
        task: what was asked for.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.key = task.spec.key
        self.steps = 0 if task.start is None else task.start.step
        self._curves: dict[str, tuple[array[int], array[float]]] = {}
        self._told: dict[str, int] = {}
        self._began, self._started = time.monotonic(), time.time()

    def understand(self, header: Mapping[str, Any], columns: Columns) -> Event | None:
        """The event that a message stands for; None for one of another task."""
        if header.get("key") != self.key:
            return None
        for name, (steps, values) in columns.items():
            mine = self._curves.setdefault(name, (array("q"), array("d")))
            mine[0].extend(steps)
            mine[1].extend(values)
        told = {name: value for name, value in header.items() if name != "op"}
        kind = header["op"]
        if kind == "tick":
            self.steps = int(told["steps"])
            latest = {name: values[-1] for name, (_, values) in self._curves.items()}
            return Progress(self.key, self.steps, latest, self._fresh())
        if kind == "opened":
            self.steps = int(told["start"])
            told["kept"] = tuple(told["kept"])
            told["knobs"] = tuple(Knob(**{**knob, "choices": tuple(knob["choices"])}) for knob in told["knobs"])
            return Opened(**told)
        if kind == "reached":
            snapshot = told.pop("snapshot")
            ref = None if snapshot is None else SnapshotRef(**snapshot)
            return Reached(snapshot=ref, curves=self.curves(), **told)
        told["notes"] = tuple(told["notes"])
        return Ended(curves=self.curves(), **told)

    def _fresh(self) -> "dict[str, tuple[array[int], array[float]]]":
        """What came since the last time this was asked."""
        found = {}
        for name, (steps, values) in self._curves.items():
            told = self._told.get(name, 0)
            if len(steps) > told:
                found[name] = (steps[told:], values[told:])
                self._told[name] = len(steps)
        return found

    def lost(self, status: str, reason: str, tail: str = "") -> Ended:
        """The end of a task whose worker did not tell of it."""
        return Ended(
            self.key,
            status,  # type: ignore[arg-type]
            reason,
            traceback=tail,
            curves=self.curves(),
            steps=self.steps,
            seconds=time.monotonic() - self._began,
            started=self._started,
        )

    def curves(self) -> dict[str, Curve]:
        """Everything logged since the task opened."""
        return {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in self._curves.items()}
