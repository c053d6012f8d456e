"""The executor of this machine: spawned worker processes, each in a process group of its own."""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from calando.errors import LabError
from calando.lab.declare import Declared
from calando.lab.executors.base import Ended, Event, Progress, Ready, Task, Unloadable
from calando.lab.executors.wire import Columns, Inbox, send
from calando.lab.trainref import TrainRef
from calando.records.run import Curve

__all__ = ["LocalExecutor", "cores", "gpus", "threads_for"]

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
RUNAWAY = 20_000_000  # bytes of printing without a single step


def cores() -> int:
    """Cores that this process may use.

    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(workers: int) -> int:
    """Threads for each of so many workers: cores / workers, at least 1.

    >>> threads_for(10**6)
    1
    """
    return max(1, cores() // workers)


def gpus() -> list[str]:
    """The GPUs that workers share out: what CUDA_VISIBLE_DEVICES lists, else what the driver shows."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device for device in visible.split(",") if device.strip()]
    driver = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []


class _Process:
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
        self.task: Task | None = None
        self.heard = self.began = time.monotonic()
        self.started = time.time()
        self.steps = 0
        self.curves: dict[str, tuple[array[int], array[float]]] = {}

    def start(self, task: Task) -> None:
        self.task, self.steps, self.curves = task, 0, {}
        self.heard = self.began = time.monotonic()
        self.started = time.time()
        spec = task.spec
        message = {
            "op": "run",
            "key": spec.key,
            "schedule": task.schedule,
            "seed": spec.seed,
            "peak": spec.peak,
            "candidate": spec.candidate,
            "evals": task.evals,
            "metric": task.metric,
            "mode": task.mode,
            "log": task.log,
        }
        with suppress(OSError):  # a worker that is dead already: the next poll says so
            send(self.end, message)

    def take(self, columns: Columns) -> None:
        for name, (steps, values) in columns.items():
            mine = self.curves.setdefault(name, (array("q"), array("d")))
            mine[0].extend(steps)
            mine[1].extend(values)

    def frozen(self) -> dict[str, Curve]:
        return {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in self.curves.items()}

    def end_now(self) -> int:
        """Kill the whole group, children included, and reap; gives the exit status."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.end.close()
        return self.popen.wait()

    def written(self) -> int:
        path = Path(self.task.log) if self.task is not None and self.task.log else self.log
        try:
            return path.stat().st_size
        except OSError:
            return 0

    def tail(self) -> str:
        path = Path(self.task.log) if self.task is not None and self.task.log else self.log
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                return file.read().decode(errors="replace")
        except OSError:
            return ""


class LocalExecutor:
    """Up to `workers` processes here, started when needed and used for many runs.

    Args:
        ref: the train function.
        workers: processes at a time, >= 1; each gets cores / workers threads and one GPU slot.
        logs: folder for what workers print.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0.
        isolate: whether every run gets a process of its own.
    """

    def __init__(
        self, ref: TrainRef, workers: int, logs: Path, timeout: float = 600.0, *, isolate: bool = False
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
        self._running: list[_Process] = []
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
            if silent > self._timeout:
                events += self._stop(process, f"no step for {self._timeout:g} seconds: killed")
            elif silent > 1 and process.written() > RUNAWAY:
                events += self._stop(process, f"printed over {RUNAWAY // 10**6} MB without a step: killed")
        return events

    def close(self) -> None:
        """Kill every worker and wait until they are gone."""
        for process in list(self._running):
            self._drop(process)
        self._selector.close()

    def _spawn(self) -> _Process:
        taken = {process.slot for process in self._running}
        slot = next(number for number in range(self._workers + 1) if number not in taken)
        log = self._logs / f"worker-{slot}.log"
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)
            process = _Process(self._ref, slot, threads_for(self._workers), log)
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

    def _drop(self, process: _Process) -> int:
        self._running.remove(process)
        self._selector.unregister(process.end)
        return process.end_now()

    def _hear(self, process: _Process) -> list[Event]:
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

    def _bury(self, process: _Process) -> list[Event]:
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

    def _understand(self, process: _Process, message: dict[str, object], columns: Columns) -> list[Event]:
        kind = message.pop("op")
        if kind == "ready":
            process.ready = True
            declared: dict[str, object] = message["declared"]  # type: ignore[assignment]
            return [Ready(Declared(**declared), message["packages"])]  # type: ignore[arg-type]
        if kind == "unloadable":
            self._drop(process)
            return [Unloadable(str(message["traceback"]))]
        if process.task is None or message["key"] != process.task.spec.key:
            return []
        process.take(columns)
        key = process.task.spec.key
        if kind == "tick":
            process.steps = int(message["steps"])  # type: ignore[call-overload]
            return [Progress(key, process.steps, {n: v[-1] for n, (_, v) in process.curves.items()})]
        message["notes"] = tuple(message["notes"])  # type: ignore[arg-type]
        ended = Ended(curves=process.frozen(), **message)  # type: ignore[arg-type]
        self._tidy(process)
        if ended.traceback or self._isolate:
            self._drop(process)  # whatever broke may have left the process unwell
        return [ended]

    def _tidy(self, process: _Process) -> None:
        log = Path(process.task.log) if process.task is not None and process.task.log else None
        process.task = None
        if log is not None and log.exists() and log.stat().st_size == 0:
            log.unlink()

    def _died(self, process: _Process) -> list[Event]:
        tail, task = process.tail(), process.task
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(2)  # its own last status, not that of our kill
        status = self._drop(process)
        how = f"by signal {-status} ({_signal_name(-status)})" if status < 0 else f"with exit status {status}"
        if task is None:
            return [] if process.ready else [Unloadable(f"the worker died {how} while it was loading\n{tail}")]
        return [self._ended(process, task, "lost", f"the worker died {how} at step {process.steps}", tail)]

    def _stop(self, process: _Process, reason: str) -> list[Event]:
        tail, task = process.tail(), process.task
        self._drop(process)
        if task is None or not process.ready:
            return [Unloadable(f"loading the train function: {reason}\n{tail}")]
        return [self._ended(process, task, "failed", f"hung at step {process.steps}: {reason}", tail)]

    def _ended(self, process: _Process, task: Task, status: str, reason: str, tail: str) -> Ended:
        return Ended(
            task.spec.key,
            status,  # type: ignore[arg-type]
            reason,
            traceback=tail,
            curves=process.frozen(),
            steps=process.steps,
            seconds=time.monotonic() - process.began,
            started=process.started,
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
