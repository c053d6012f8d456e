"""What the coordinator asks of an executor, and what it hears back. The strategy knows no more than this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from calando.lab.declare import Declared
from calando.records.run import Curve, RunSpec, Status
from calando.records.stage import Knob, SnapshotRef

__all__ = ["Ended", "Event", "Executor", "Loaded", "Opened", "Progress", "Reached", "Ready", "Task", "Unloadable"]


@dataclass(frozen=True, slots=True)
class Task:
    """One run to make, from the beginning or a snapshot: the spec, the bound schedule as calando JSON, its judge.

    `start` is the snapshot to go on from (None: from the beginning). `keep_at` are the steps, as counts of
    updates taken, at which a snapshot is to be written, ascending, each above the start and below the horizon;
    `every` asks for one every so many seconds besides (0: none). They go below `place`, a folder or an fsspec
    URL. `digest` asks for a digest of everything kept at the very end.
    """

    spec: RunSpec
    schedule: str
    evals: int
    metric: str
    mode: str
    log: str = ""
    start: SnapshotRef | None = None
    keep_at: tuple[int, ...] = ()
    every: float = 0.0
    place: str = ""
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has loaded the train function."""

    declared: Declared
    packages: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run has imported more of the train function's own modules; told before its next stage, and before its end."""

    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unloadable:
    """The train function could not be loaded."""

    traceback: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The loop of a run began: the names of what it keeps (none: it cannot be snapshot, and `unkept` says why), the
    knobs it declared, and whether the train function looked at its horizon (`looked`: then only runs of one horizon
    share), or at its schedule or label (`alone`: then no two candidates share).

    `start` is the step it really goes on from: 0, and the reason in `refused`, where the snapshot it was given does
    not fit or cannot be read. Snapshots are possible after multiples of `grain` updates only.
    """

    key: str
    kept: tuple[str, ...] = ()
    knobs: tuple[Knob, ...] = ()
    looked: bool = False
    start: int = 0
    refused: str = ""
    grain: int = 1
    unkept: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """A run passed a step at which a snapshot was asked for, and the snapshot is whole.

    `curves` hold everything logged since the step at which the task opened. `snapshot` is None where it could not be
    made; `reason` then says why. `looked` and `alone` as in `Opened`, by now.
    """

    key: str
    step: int
    snapshot: SnapshotRef | None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    looked: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A run is under way: updates taken, the newest value of every curve, and what was logged since it was last told.

    `fresh` has steps and values by name; empty where nobody can look on.
    """

    key: str
    steps: int
    latest: Mapping[str, float]
    fresh: Mapping[str, tuple[Sequence[int], Sequence[float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run came to an end. "lost" means that the worker died and nobody knows why, "full" that a disk had no room,
    "refused" that its snapshot turned out not to fit when half of it was in place: none of them is a result.

    `curves` hold everything logged since the step at which the task opened, `steps` counts all updates of the run's
    past.
    """

    key: str
    status: Status | Literal["lost", "full", "refused"]
    reason: str = ""
    traceback: str = ""
    final: float | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    started: float = 0.0
    notes: tuple[str, ...] = ()
    digest: str = ""


Event = Ready | Loaded | Unloadable | Opened | Progress | Reached | Ended


class Executor(Protocol):
    """Runs tasks somewhere, several at a time."""

    @property
    def free(self) -> int:
        """How many more tasks may be submitted now."""

    def warm(self) -> None:
        """Begin to start one worker, so that the train function is loaded and described by a `Ready`."""

    def submit(self, task: Task) -> int:
        """Start a task; gives the process id that will run it."""

    def poll(self, seconds: float) -> Sequence[Event]:
        """What happened; waits up to so long for something to happen."""

    def close(self) -> None:
        """End every worker at once and wait until they are gone."""
