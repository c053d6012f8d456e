"""A worker process: loads the train function once, then makes one run after another.

Started by `local` as `python -m calando.lab.executors.worker FD COORDINATOR TRAIN`, in a process group
of its own, with its output on a log file. It dies with its coordinator, however that one ends.
"""

import faulthandler
import os
import queue
import random
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from calando.core.codec import from_json
from calando.core.schedule import Schedule
from calando.errors import BadFile, CalandoError
from calando.lab.declare import declared_by
from calando.lab.executors.wire import Inbox, send
from calando.lab.run import Run
from calando.lab.sources import loaded_sources
from calando.lab.stop import BROKEN, StopRun
from calando.lab.trainref import TrainRef, name_train

__all__ = ["main"]

LOG_LIMIT = 1_000_000  # bytes of a run's own printing that are kept, about
TRACEBACK_LIMIT = 20_000
PR_SET_PDEATHSIG = 1


class Worker:
    """One end of the socket, the train function, and the run under way."""

    def __init__(self, end: socket.socket, ref: TrainRef) -> None:
        self._end = end
        self._ref = ref
        self._pid = os.getpid()
        self._folder = Path.cwd()
        self._environ = dict(os.environ)
        self._tasks: queue.Queue[dict[str, Any]] = queue.Queue()

    def serve(self) -> None:
        """Load, say what was found, then work until told to stop."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            train = self._ref.load()
        except BaseException:  # noqa: BLE001 - a user's file may raise anything; it is told
            self._say({"op": "unloadable", "traceback": _traceback()})
            return
        declared = declared_by(train)
        facts = {name: getattr(declared, name) for name in declared.__slots__}
        sources = loaded_sources(self._ref)
        self._say({"op": "ready", "declared": facts, "packages": _packages(), "sources": sources})
        while (task := self._tasks.get())["op"] == "run":
            self._run(train, task)

    def _listen(self) -> None:
        inbox = Inbox()
        while data := _receive(self._end):
            for message, _ in inbox.feed(data):
                self._tasks.put(message)
        os.killpg(os.getpgid(0), signal.SIGKILL)  # the coordinator is gone: take every child along

    def _say(self, header: dict[str, Any], columns: Any = None) -> None:
        if os.getpid() != self._pid:
            os._exit(0)  # a child that the train function forked and let run on
        send(self._end, header, columns)

    def _run(self, train: Any, task: dict[str, Any]) -> None:
        key = task["key"]
        self._clean(task["log"])
        run = Run(
            _schedule(task["schedule"]),
            seed=task["seed"],
            peak=task["peak"],
            label=task["candidate"],
            evals=task["evals"],
            metric=task["metric"],
            mode=task["mode"],
            tick=lambda run: self._tick(key, run),
        )
        _seed(run.seed)
        began, started = time.monotonic(), time.time()
        self._say({"op": "tick", "key": key, "steps": 0})
        status, reason, trace, final = _make(train, run)
        _flush()
        header = {
            "op": "ended",
            "key": key,
            "status": status,
            "reason": reason,
            "traceback": trace,
            "final": final,
            "steps": run.done,
            "seconds": time.monotonic() - began,
            "started": started,
            "notes": run.notes,
        }
        self._say(header, run.drain())

    def _clean(self, log: str) -> None:
        """Undo what the run before may have done to the process, as far as that is cheap."""
        with suppress(OSError):
            os.chdir(self._folder)
        if dict(os.environ) != self._environ:
            os.environ.clear()
            os.environ.update(self._environ)
        signal.alarm(0)
        _flush()
        with suppress(OSError):
            fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            os.close(fd)
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115

    def _tick(self, key: str, run: Run) -> None:
        _bound_log()
        self._say({"op": "tick", "key": key, "steps": run.done}, run.drain())


def _schedule(text: str) -> Schedule:
    schedule = from_json(text)
    if not isinstance(schedule, Schedule):
        raise BadFile(
            given="a plan", allowed="a bound schedule", where="worker", fix="report this: it is our own fault"
        )
    return schedule


def _make(train: Any, run: Run) -> tuple[str, str, str, float | None]:
    try:
        train(run)
    except StopRun as stop:
        return stop.status, stop.reason, "", None
    except BaseException as error:  # noqa: BLE001 - every exception is a recorded result, even one that asks to leave
        if run.stopped is not None:  # the run was over; what came of going on is no news
            return run.stopped.status, run.stopped.reason, _traceback(), None
        if isinstance(error, CalandoError):
            ours = error.where.startswith("run.")  # a call of the run's own: no candidate is to blame
            told = f"{BROKEN}: {error.given}; {error.fix}" if ours else f"{type(error).__name__}: {error.given}"
            return "failed", told, _traceback(), None
        first = (traceback.format_exception_only(error)[-1].splitlines() or [""])[0]
        return "failed", first[:300], _traceback(), None
    status, reason, final = run.outcome()
    return status, reason, "", final


def _traceback() -> str:
    text = traceback.format_exc()
    return text if len(text) <= TRACEBACK_LIMIT else text[:2000] + "\n[...]\n" + text[2000 - TRACEBACK_LIMIT :]


def _seed(seed: int) -> None:
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)


def _packages() -> dict[str, str]:
    """Versions of the distributions that are loaded here, as far as they are known by import name."""
    from importlib import metadata

    found = {}
    for name in sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names):
        version = getattr(sys.modules.get(name), "__version__", None)
        if isinstance(version, str) and not name.startswith("_"):
            found[name] = version
    with suppress(metadata.PackageNotFoundError):
        found["calando"] = metadata.version("calando")
    return found


def _bound_log() -> None:
    """Keep the log of a run that prints without end from filling the disk: start it over."""
    try:
        if os.fstat(1).st_size > LOG_LIMIT:
            _flush()
            os.ftruncate(1, 0)
            os.write(1, b"[calando: what was printed before was dropped, it was over a megabyte]\n")
    except OSError:
        pass


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


def _die_with(coordinator: int) -> None:
    """Let Linux end this process with its coordinator, even while a C call holds the interpreter."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != coordinator:
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Serve on the inherited socket until told to stop."""
    fd, coordinator, train = arguments
    _die_with(int(coordinator))
    faulthandler.enable()
    end = socket.socket(fileno=int(fd))
    os.set_inheritable(end.fileno(), False)
    # What the coordinator can import, the train function's source can, too.
    sys.path += [entry for entry in os.environ.get("CALANDO_PATH", "").split(os.pathsep) if entry not in sys.path]
    ref = name_train(train)
    sys.argv = [str(Path(ref.source))]
    Worker(end, ref).serve()
    _flush()
    os._exit(0)  # threads and atexit handlers of the train function do not hold the study up


if __name__ == "__main__":
    main(sys.argv[1:])
