"""One worker slot on whatever machine: an executor of one process there, and what it says."""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calando.lab.executors.base import Ended, Event, Task
from calando.lab.executors.local import LocalExecutor
from calando.lab.executors.surroundings import LOG_LIMIT
from calando.lab.trainref import TrainRef

__all__ = ["Heard", "Home", "Slot"]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a study was started, as far as another machine must know it.

    `folder` is the folder it was started in, `train` the train function as it is named there, `shipped` the same
    as it is named in a copy of its folder, `sha256` its fingerprint, `paths` what could be imported from.

    >>> Home("/data/me", TrainRef("lab/train.py", "train"), TrainRef("train.py", "train"), "1f").paths
    ()
    """

    folder: str
    train: TrainRef
    shipped: TrainRef
    sha256: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened in a slot, and what an ended run printed."""

    events: tuple[Event, ...]
    printed: bytes = b""


class Slot:
    """A worker slot: takes one task at a time; lives in a process of its own on some machine.

    Args:
        home: where the study was started.
        threads: threads of the worker, >= 1.
        timeout: seconds without a step after which a run is killed, > 0.
        isolate: whether every run gets a process of its own.
    """

    def __init__(self, home: Home, threads: int, timeout: float, isolate: bool) -> None:
        self._logs = Path(tempfile.mkdtemp(prefix="calando-slot-"))
        self._printed: Path | None = None
        sys.path += [entry for entry in home.paths if entry not in sys.path and Path(entry).is_dir()]
        ref = _at_hand(home)
        self._executor = LocalExecutor(ref, 1, self._logs, timeout, isolate=isolate, threads=threads)

    def warm(self) -> None:
        """Begin to start the worker."""
        self._executor.warm()

    def submit(self, task: Task) -> int:
        """Start a task; what it prints is kept on this machine until it has ended."""
        self._printed = self._logs / "run.log"
        return self._executor.submit(replace(task, log=str(self._printed)))

    def poll(self, seconds: float) -> Heard:
        """What happened; waits up to so long for something to happen."""
        events: Sequence[Event] = self._executor.poll(seconds)
        ended = any(isinstance(event, Ended) for event in events)
        return Heard(tuple(events), self._read() if ended else b"")

    def close(self) -> None:
        """End the worker and remove what it printed."""
        import shutil

        self._executor.close()
        shutil.rmtree(self._logs, ignore_errors=True)

    def _read(self) -> bytes:
        try:
            return b"" if self._printed is None else self._printed.read_bytes()[-LOG_LIMIT:]
        except OSError:
            return b""


def _at_hand(home: Home) -> TrainRef:
    """The train function in the study's own folder where this machine has it too, else in the copy of its folder."""
    folder = Path(home.folder)
    if not home.train.is_file:
        if folder.is_dir():
            os.chdir(folder)
        return home.train
    source = folder / home.train.source
    if source.is_file():
        here = Path.cwd()
        os.chdir(folder)
        if home.train.fingerprint() == home.sha256 or not (here / home.shipped.source).is_file():
            return home.train
        os.chdir(here)
    return home.shipped
