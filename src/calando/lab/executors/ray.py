"""The executor of a cluster: Ray actors as worker slots. Ray is imported when one is made, and never otherwise."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calando.errors import LabError, MissingExtra, shown
from calando.lab.executors.base import Ended, Event, Progress, Ready, Task
from calando.lab.executors.machine import cores
from calando.lab.executors.slot import Heard, Home, Slot
from calando.lab.trainref import TrainRef

__all__ = ["RayExecutor"]

SHORT = 0.25  # seconds that one question to a slot may take
PATIENCE = 10.0  # seconds for the head of a cluster to answer
LEFT_OUT = (".git", ".venv", "studies", "__pycache__", "*.sqlite3")


@dataclass
class _Worker:
    """One slot as the coordinator's side sees it."""

    actor: Any
    sent: Any = None  # the last order, whose failure is heard with the next answer
    asked: Any = None  # the answer that is awaited
    task: Task | None = None
    ready: bool = False
    steps: int = 0
    began: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.time)


class RayExecutor:
    """Up to `workers` Ray actors, each with one worker process on its node, used for many runs.

    Every slot asks Ray for its share of the cluster's cores, and for one GPU (or its share of one, when there are
    fewer GPUs than workers). A slot that dies with its node or is killed gives a "lost" run, which the coordinator
    makes again from its last snapshot on another slot.

    Args:
        ref: the train function.
        workers: slots at a time, >= 1.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0.
        isolate: whether every run gets a process of its own.
        address: "auto" joins the cluster of this machine or starts a local one, "local" always starts one, else the
            address of a cluster, such as "10.0.0.1:6379".

    Raises:
        MissingExtra: without Ray.
        LabError: when the cluster cannot be reached.
    """

    def __init__(
        self, ref: TrainRef, workers: int, timeout: float = 600.0, *, isolate: bool = False, address: str = "auto"
    ) -> None:
        self._ray = _import_ray()
        self._ref = ref
        self._workers = workers
        self._timeout = timeout
        self._isolate = isolate
        self._slots: list[_Worker] = []
        home = _home(ref)
        self._ours = self._connect(address)
        self._home = home
        self._share = _share(self._ray.cluster_resources(), workers)

    @property
    def free(self) -> int:
        """How many more tasks may be submitted now."""
        return self._workers - sum(slot.task is not None for slot in self._slots)

    def warm(self) -> None:
        """Begin to start one worker."""
        if not self._slots:
            slot = self._start()
            slot.sent = slot.actor.warm.remote()
            self._ask(slot)

    def submit(self, task: Task) -> int:
        """Start a task on an idle slot, or on a new one; gives 0, for the process is not known here."""
        idle = sorted((slot for slot in self._slots if slot.task is None), key=lambda slot: not slot.ready)
        slot = idle[0] if idle else self._start()
        slot.task, slot.steps = task, 0 if task.start is None else task.start.step
        slot.began, slot.started = time.monotonic(), time.time()
        slot.sent = slot.actor.submit.remote(task)
        if slot.asked is None:
            self._ask(slot)
        return 0

    def poll(self, seconds: float) -> Sequence[Event]:
        """What happened; waits up to so long for something to happen."""
        asked = {slot.asked: slot for slot in self._slots if slot.asked is not None}
        if not asked:
            time.sleep(seconds)
            return []
        done, _ = self._ray.wait(list(asked), num_returns=1, timeout=seconds)
        if done and len(asked) > 1:
            done, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=0)
        events: list[Event] = []
        for answer in done:
            events += self._hear(asked[answer], answer)
        return events

    def close(self) -> None:
        """End every slot with its worker, and the cluster if it was started here."""
        closing = []
        for slot in self._slots:
            with suppress(Exception):  # a slot that is dead already
                closing.append(slot.actor.close.remote())
        with suppress(Exception):
            self._ray.wait(closing, num_returns=len(closing), timeout=2.0)
        for slot in self._slots:
            with suppress(Exception):
                self._ray.kill(slot.actor)
        self._slots.clear()
        if self._ours:
            self._ours = False
            with _signals_kept():
                self._ray.shutdown()

    def _start(self) -> _Worker:
        threads = max(1, int(self._share["num_cpus"]))
        actor = self._ray.remote(Slot).options(max_restarts=0, **self._share)
        slot = _Worker(actor.remote(self._home, threads, self._timeout, self._isolate))
        self._slots.append(slot)
        return slot

    def _ask(self, slot: _Worker) -> None:
        slot.asked = slot.actor.poll.remote(SHORT)

    def _hear(self, slot: _Worker, answer: Any) -> list[Event]:
        slot.asked = None
        try:
            self._ray.get(slot.sent)
            heard: Heard = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            return self._died(slot, error)
        except self._ray.exceptions.RayTaskError as error:
            self._forget(slot)
            cause = getattr(error, "cause", None)
            if not isinstance(cause, LabError):
                raise _unwell(error) from error
            raise LabError(given=cause.given, allowed=cause.allowed, where=cause.where, fix=cause.fix) from error
        for event in heard.events:
            if isinstance(event, Ready):
                slot.ready = True
            elif isinstance(event, Progress):
                slot.steps = event.steps
            elif isinstance(event, Ended) and slot.task is not None:
                _keep(slot.task.log, heard.printed)
                slot.task = None
        if slot.task is not None or not slot.ready:
            self._ask(slot)
        return list(heard.events)

    def _died(self, slot: _Worker, error: Exception) -> list[Event]:
        """A slot died, with its node or by itself: its run is lost, nothing else."""
        self._forget(slot)
        task = slot.task
        if task is None or "creation task" in str(error):
            raise _unwell(error)
        reason = f"the Ray actor died at step {slot.steps}: {_first_line(error)}"
        seconds = time.monotonic() - slot.began
        return [Ended(task.spec.key, "lost", reason, steps=slot.steps, seconds=seconds, started=slot.started)]

    def _forget(self, slot: _Worker) -> None:
        self._slots.remove(slot)
        with suppress(Exception):
            self._ray.kill(slot.actor)

    def _connect(self, address: str) -> bool:
        """Join a cluster or start one; gives whether it is ours to end."""
        ray = self._ray
        if ray.is_initialized():
            return False
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        with _signals_kept():
            if address != "local":
                try:
                    _knock(address)
                    ray.init(address=address, runtime_env=_shipped(self._ref), **quiet)
                except (OSError, RuntimeError, ValueError) as error:
                    if address != "auto" or not isinstance(error, ConnectionError):
                        raise _unreachable(address, error) from error
                else:
                    return True
            with _environment(RAY_USAGE_STATS_ENABLED="0"):
                ray.init(address="local", num_cpus=cores(), include_dashboard=False, **quiet)
        return True


def _knock(address: str) -> None:
    """Raise OSError where nobody answers: Ray itself would go on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtra(
            given="no package ray",
            allowed="Ray for studies on a cluster",
            where="--ray",
            fix="pip install 'calando[ray]', or leave --ray out to use this machine",
        ) from error
    return ray


def _home(ref: TrainRef) -> Home:
    import sys

    name = Path(ref.source).name if ref.is_file else ref.source
    shipped = TrainRef(name, ref.name, ref.arguments)
    paths = tuple(str(Path(entry).resolve()) for entry in sys.path)
    return Home(str(Path.cwd()), ref, shipped, ref.fingerprint(), paths)


def _shipped(ref: TrainRef) -> dict[str, Any] | None:
    """What a cluster is sent: the folder of the train file. None inside a Ray job, which says so itself."""
    if not ref.is_file or "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return None
    return {"working_dir": str(ref.file().resolve().parent), "excludes": list(LEFT_OUT)}


def _share(resources: Mapping[str, float], workers: int) -> dict[str, float]:
    """The cores and GPUs of one slot, so that all slots fit; above one they are whole.

    >>> _share({"CPU": 16.0, "GPU": 4.0}, 4), _share({"CPU": 2.0}, 4), _share({"CPU": 8.0, "GPU": 1.0}, 2)
    ({'num_cpus': 4, 'num_gpus': 1}, {'num_cpus': 0.5, 'num_gpus': 0.0}, {'num_cpus': 4, 'num_gpus': 0.5})
    """
    cpu, gpu = resources.get("CPU", 0.0) / workers, resources.get("GPU", 0.0) / workers
    return {"num_cpus": int(cpu) if cpu >= 1 else round(cpu, 4), "num_gpus": 1 if gpu >= 1 else round(gpu, 4)}


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray puts handlers of its own; what a signal does to a study is ours to say."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            with suppress(ValueError):  # not in the main thread, where Ray could not put any either
                signal.signal(number, handler)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)


def _keep(log: str, printed: bytes) -> None:
    """What a run printed, where a run of this machine would have printed it."""
    if log and printed:
        with suppress(OSError):
            Path(log).write_bytes(printed)


def _unreachable(address: str, error: Exception) -> LabError:
    return LabError(
        given=f"a Ray cluster that cannot be joined ({_first_line(error)})",
        allowed="the address of a running cluster, or auto, or local",
        where=f"--ray {shown(address)}",
        fix="see docs/cluster.md; `ray status` on a node of the cluster tells whether it runs",
    )


def _unwell(error: Exception) -> LabError:
    return LabError(
        given=f"a worker slot that cannot be made on the cluster: {_first_line(error)}",
        allowed="nodes with Calando, the same Python, and what the train function imports",
        where="--ray",
        fix="install them on every node (docs/cluster.md); the same command goes on",
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
