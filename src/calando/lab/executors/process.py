"""One worker process as its coordinator sees it: how it starts, what it said so far, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from calando.lab.executors.base import Task
from calando.lab.executors.hearing import Heard
from calando.lab.executors.machine import gpus
from calando.lab.executors.wire import Inbox, send
from calando.lab.trainref import TrainRef
from calando.records.plain import encode

__all__ = ["WorkerProcess"]

THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
WORKER = "calando.lab.executors.worker"
TAIL = 4000  # characters of a dead worker's log that are kept with its run


class WorkerProcess:
    """One worker process as the coordinator sees it."""

    def __init__(self, ref: TrainRef, slot: int, threads: int, log: Path) -> None:
        ours, theirs = socket.socketpair()
        environment = dict(os.environ, CALANDO_WORKER="1", PYTHONUNBUFFERED="1", PYTHONHASHSEED="0")
        environment |= dict.fromkeys(THREADS, str(threads))
        environment["CALANDO_PATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        devices = gpus()
        if len(devices) > 1:
            environment["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
        command = [sys.executable, "-m", WORKER, str(theirs.fileno()), str(os.getpid()), ref.text]
        with theirs, log.open("ab") as out:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=environment,
            )
        self.slot = slot
        self.log = log
        self.end = ours
        self.inbox = Inbox()
        self.ready = False
        self.task: Heard | None = None
        self.heard = time.monotonic()

    def start(self, task: Task) -> None:
        self.task = Heard(task)
        self.heard = time.monotonic()
        with suppress(OSError):  # a worker that is dead already: the next poll says so
            send(self.end, {"op": "run", "task": encode(task)})

    def end_now(self) -> int:
        """Kill the whole group, children included, and reap; gives the exit status."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.end.close()
        return self.popen.wait()

    def written(self) -> int:
        try:
            return self._log().stat().st_size
        except OSError:
            return 0

    def tail(self) -> str:
        try:
            with self._log().open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def tidy(self) -> None:
        """The task is over; a log that nothing was printed to is taken away."""
        path, self.task = self._log(), None
        with suppress(OSError):
            if path != self.log and path.stat().st_size == 0:
                path.unlink()

    def _log(self) -> Path:
        return Path(self.task.task.log) if self.task is not None and self.task.task.log else self.log
