"""A worker process: loads the train function once, then makes one run after another.

Started by `local` as `python -m calando.lab.executors.worker FD COORDINATOR TRAIN`, in a process group
of its own, with its output on a log file. It dies with its coordinator, however that one ends.
"""

import faulthandler
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from calando.lab.declare import declared_by
from calando.lab.executors.base import Task
from calando.lab.executors.surroundings import Surroundings, flush
from calando.lab.executors.wire import Columns, Inbox, send
from calando.lab.executors.working import make, told
from calando.lab.sources import Watch
from calando.lab.trainref import TrainRef, name_train
from calando.records.plain import decode

__all__ = ["main", "packages"]

PR_SET_PDEATHSIG = 1


class Worker:
    """One end of the socket, the train function, and the run under way."""

    def __init__(self, end: socket.socket, ref: TrainRef) -> None:
        self._end = end
        self._ref = ref
        self._pid = os.getpid()
        self._around = Surroundings()
        self._tasks: queue.Queue[dict[str, Any]] = queue.Queue()

    def serve(self) -> None:
        """Load, say what was found, then work until told to stop."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            train = self._ref.load()
        except BaseException:  # noqa: BLE001 - a user's file may raise anything; it is told
            self._say({"op": "unloadable", "traceback": told()})
            return
        declared = declared_by(train)
        facts = {name: getattr(declared, name) for name in declared.__slots__}
        watch = Watch(self._ref)
        self._say({"op": "ready", "declared": facts, "packages": packages(), "sources": watch.news()})

        def tell(header: dict[str, Any], columns: Columns) -> None:
            if header["op"] in ("reached", "ended") and (news := watch.news()):
                self._say({"op": "loaded", "sources": news})
            self._say(header, columns)

        while (task := self._tasks.get())["op"] == "run":
            make(train, decode(Task, task["task"], "worker"), tell, self._around)

    def _listen(self) -> None:
        inbox = Inbox()
        while data := _receive(self._end):
            for message, _ in inbox.feed(data):
                self._tasks.put(message)
        os.killpg(os.getpgid(0), signal.SIGKILL)  # the coordinator is gone: take every child along

    def _say(self, header: dict[str, Any], columns: Columns | None = None) -> None:
        if os.getpid() != self._pid:
            os._exit(0)  # a child that the train function forked and let run on
        send(self._end, header, columns)


def packages() -> dict[str, str]:
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
    flush()
    os._exit(0)  # threads and atexit handlers of the train function do not hold the study up


if __name__ == "__main__":
    main(sys.argv[1:])
