"""What the coordinator asks of an executor, and what it hears back. The strategy knows no more than this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from calando.lab.declare import Declared
from calando.records.run import Curve, RunSpec, Status

__all__ = ["Ended", "Event", "Executor", "Progress", "Ready", "Task", "Unloadable"]


@dataclass(frozen=True, slots=True)
class Task:
    """One run to make: the spec, the bound schedule as calando JSON, and how it is judged."""

    spec: RunSpec
    schedule: str
    evals: int
    metric: str
    mode: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has loaded the train function."""

    declared: Declared
    packages: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unloadable:
    """The train function could not be loaded."""

    traceback: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A run is under way: updates taken, and the newest value of every curve."""

    key: str
    steps: int
    latest: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run came to an end; "lost" means that the worker died and nobody knows why."""

    key: str
    status: Status | Literal["lost"]
    reason: str = ""
    traceback: str = ""
    final: float | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    started: float = 0.0
    notes: tuple[str, ...] = ()


Event = Ready | Unloadable | Progress | Ended


class Executor(Protocol):
    """Runs tasks somewhere, several at a time."""

    @property
    def free(self) -> int:
        """How many more tasks may be submitted now."""

    def warm(self) -> None:
        """Begin to start one worker, so that the train function is loaded and described."""

    def submit(self, task: Task) -> int:
        """Start a task; gives the process id that will run it."""

    def poll(self, seconds: float) -> Sequence[Event]:
        """What happened; waits up to so long for something to happen."""

    def close(self) -> None:
        """End every worker at once and wait until they are gone."""
