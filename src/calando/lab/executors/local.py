"""The executor of this machine: spawned worker processes, each in a process group of its own."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from calando.errors import LabError
from calando.lab.declare import Declared
from calando.lab.executors.base import Ended, Event, Loaded, Ready, Task, Unloadable
from calando.lab.executors.machine import threads_for
from calando.lab.executors.process import WorkerProcess
from calando.lab.executors.wire import Columns
from calando.lab.trainref import TrainRef

__all__ = ["LocalExecutor"]

LOADING = 60.0  # seconds that importing may take whatever a step may: frameworks load slowly on a busy machine
RUNAWAY = 20_000_000  # bytes of printing without a single step


class LocalExecutor:
    """Up to `workers` processes here, started when needed and used for many runs.

    Args:
        ref: the train function.
        workers: processes at a time, >= 1; each gets cores / workers threads and one GPU slot.
        logs: folder for what workers print.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0; loading the train
            function may take a minute whatever it is.
        isolate: whether every run gets a process of its own.
        threads: threads of each worker, >= 1, instead of cores / workers.
        retries: how often a worker that died while it was loading is started again, >= 0.
    """

    def __init__(
        self,
        ref: TrainRef,
        workers: int,
        logs: Path,
        timeout: float = 600.0,
        *,
        isolate: bool = False,
        threads: int | None = None,
        retries: int = 1,
    ) -> None:
        if not hasattr(os, "killpg"):
            raise LabError(
                given=f"the platform {sys.platform}",
                allowed="Linux or macOS",
                where="calando.compare",
                fix="run the study under WSL or in a container",
            )
        self._ref = ref
        self._workers = workers
        self._logs = logs
        self._timeout = timeout
        self._isolate = isolate
        self._threads = threads or threads_for(workers)
        self._retries = retries
        self._stillborn = 0
        self._running: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()

    @property
    def free(self) -> int:
        """How many more tasks may be submitted now."""
        return self._workers - sum(process.task is not None for process in self._running)

    def warm(self) -> None:
        """Begin to start one worker."""
        if not self._running:
            self._spawn()

    def submit(self, task: Task) -> int:
        """Start a task on an idle worker, or on a new one; gives its process id."""
        idle = [process for process in self._running if process.task is None]
        idle.sort(key=lambda process: not process.ready)
        process = idle[0] if idle else self._spawn()
        process.start(task)
        return process.popen.pid

    def poll(self, seconds: float) -> Sequence[Event]:
        """What happened; waits up to so long for something to happen."""
        events: list[Event] = []
        for chosen, _ in self._selector.select(seconds):
            events += self._hear(chosen.data)
        for process in [p for p in self._running if p.popen.poll() is not None]:
            events += self._bury(process)
        now = time.monotonic()
        for process in [p for p in self._running if p.task is not None or not p.ready]:
            silent = now - process.heard
            allowed = self._timeout if process.ready else max(self._timeout, LOADING)
            if silent > allowed:
                events += self._stop(process, f"no step for {allowed:g} seconds: killed")
            elif silent > 1 and process.written() > RUNAWAY:
                events += self._stop(process, f"printed over {RUNAWAY // 10**6} MB without a step: killed")
        return events

    def close(self) -> None:
        """Kill every worker and wait until they are gone."""
        for process in list(self._running):
            self._drop(process)
        self._selector.close()

    def _spawn(self) -> WorkerProcess:
        taken = {process.slot for process in self._running}
        slot = next(number for number in range(self._workers + 1) if number not in taken)
        log = self._logs / f"worker-{slot}.log"
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)
            process = WorkerProcess(self._ref, slot, self._threads, log)
        except OSError as error:
            raise LabError(
                given=f"a worker process that cannot be started ({error})",
                allowed="room for one more process",
                where="executors.local",
                fix="free memory or use fewer --workers; the same command goes on",
            ) from error
        self._running.append(process)
        self._selector.register(process.end, selectors.EVENT_READ, process)
        return process

    def _drop(self, process: WorkerProcess) -> int:
        self._running.remove(process)
        self._selector.unregister(process.end)
        return process.end_now()

    def _hear(self, process: WorkerProcess) -> list[Event]:
        try:
            data = process.end.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            return self._died(process)
        process.heard = time.monotonic()
        events: list[Event] = []
        for message, columns in process.inbox.feed(data):
            events += self._understand(process, message, columns)
        return events

    def _bury(self, process: WorkerProcess) -> list[Event]:
        """A worker is dead although its socket may be held open by a child: hear its last words."""
        events: list[Event] = []
        process.end.setblocking(False)
        while process in self._running:
            try:
                data = process.end.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                return events + self._died(process)
            for message, columns in process.inbox.feed(data):
                events += self._understand(process, message, columns)
        return events

    def _understand(self, process: WorkerProcess, message: dict[str, object], columns: Columns) -> list[Event]:
        kind = message.pop("op")
        if kind == "ready":
            process.ready = True
            declared: dict[str, object] = message["declared"]  # type: ignore[assignment]
            return [Ready(Declared(**declared), message["packages"], message["sources"])]  # type: ignore[arg-type]
        if kind == "loaded":
            return [Loaded(message["sources"])]  # type: ignore[arg-type]
        if kind == "unloadable":
            self._drop(process)
            return [Unloadable(str(message["traceback"]))]
        event = None if process.task is None else process.task.understand({**message, "op": kind}, columns)
        if event is None:
            return []
        if isinstance(event, Ended):
            process.tidy()
            if event.traceback or self._isolate:
                self._drop(process)  # whatever broke may have left the process unwell
        return [event]

    def _died(self, process: WorkerProcess) -> list[Event]:
        tail, task = process.tail(), process.task
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(2)  # its own last status, not that of our kill
        status = self._drop(process)
        how = f"by signal {-status} ({_signal_name(-status)})" if status < 0 else f"with exit status {status}"
        if task is None and not process.ready:
            self._stillborn += 1
            if self._stillborn > self._retries:
                return [Unloadable(f"the worker died {how} while it was loading\n{tail}")]
            self.warm()
        if task is None:
            return []
        return [task.lost("lost", f"the worker died {how} at step {task.steps}", tail)]

    def _stop(self, process: WorkerProcess, reason: str) -> list[Event]:
        tail, task = process.tail(), process.task
        self._drop(process)
        if task is None or not process.ready:
            return [Unloadable(f"loading the train function: {reason}\n{tail}")]
        return [task.lost("failed", f"hung at step {task.steps}: {reason}", tail)]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
