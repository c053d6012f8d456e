"""One sitting at a study: what compare, find and tune share around the coordinator."""

import os
import re
import shutil
import signal
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from calando.errors import BadValue, LabError, shown
from calando.lab.coordinator import Coordinator
from calando.lab.environment import describe
from calando.lab.executors.base import Executor, Ready, Unloadable
from calando.lab.executors.local import LocalExecutor
from calando.lab.executors.machine import cores, threads_for
from calando.lab.guard import Guard
from calando.lab.live import View, view_for
from calando.lab.moves import Strategy
from calando.lab.question import real, whole
from calando.lab.shelf import DISK
from calando.lab.sources import on_disk, same_making
from calando.lab.trainref import TrainRef
from calando.lab.troubles import unloadable
from calando.records.result import Verdict
from calando.records.store import Store
from calando.records.study import Environment, Study, StudySpec

_SIZE = re.compile(r"\A\s*(?P<number>\d+(?:\.\d*)?)\s*(?P<unit>[kmgt]?i?b?)\s*\Z", re.IGNORECASE)
_UNITS = {"": 1, "b": 1} | {
    f"{letter}{rest}": base**power
    for power, letter in enumerate("kmgt", 1)
    for rest, base in (("", 1000), ("b", 1000), ("i", 1024), ("ib", 1024))
}

__all__ = [
    "How",
    "Sitting",
    "command_line",
    "not_inside_a_worker",
    "read_folder",
    "read_how",
    "read_size",
    "sitting",
    "study_folder",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a study is made, as opposed to what it asks; see `read_how` for what each value may be.

    >>> How(workers=2).retries
    1
    """

    workers: int
    timeout: float = 600.0
    retries: int = 1
    isolate: bool = False
    fresh: bool = False
    mixed: bool = False
    live: bool | None = None
    command: tuple[str, ...] = ()
    share: bool | None = None
    disk: int = DISK
    ray: str | None = None
    place: str | None = None


def read_how(
    *,
    workers: int | None = None,
    timeout: float = 600.0,
    retries: int = 1,
    isolate: bool = False,
    fresh: bool = False,
    mixed: bool = False,
    live: bool | None = None,
    command: Sequence[str] | None = None,
    share: bool | None = None,
    disk: int | str = DISK,
    ray: str | None = None,
    place: str | Path | None = None,
    verb: str = "compare",
) -> How:
    """How the study is to be made, every value checked.

    Args:
        workers: runs at a time, 1 to 1024; as many as cores up to 2 unless given.
        timeout: seconds without a step after which a run is killed, > 0.
        retries: how often a run is started again after its worker died, 0 to 10.
        isolate: True gives every run a process of its own.
        fresh: True sets an existing study aside.
        mixed: True goes on with other packages, another Python or another number of threads.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.
        share: whether runs share stages; None where that saves at least 5 % of the steps.
        disk: bytes that snapshots may use together, as a number or as "2GB"; 0 for none.
        ray: text, the address of a Ray cluster to work on, "auto" for the one of this machine or a local one;
            None: this machine, without Ray.
        place: folder or fsspec URL for snapshots, reachable by every worker; None: in the study's folder.
        verb: the one that errors name.

    Raises:
        BadValue: for a value outside its range.

    >>> read_how(workers=3, command=["calando", "compare"]).workers
    3
    """
    return How(
        workers=whole(workers if workers is not None else min(2, cores()), "workers", 1, 1024, verb=verb),
        timeout=real(timeout, "timeout", 0.0, 1e9, ends=False, verb=verb),
        retries=whole(retries, "retries", 0, 10, verb=verb),
        isolate=isolate,
        fresh=fresh,
        mixed=mixed,
        live=live,
        command=tuple(command) if command is not None else command_line(),
        share=share,
        disk=read_size(disk, f"{verb}.disk"),
        ray=ray,
        place=None if place is None else str(place),
    )


def read_size(given: int | str, where: str = "disk") -> int:
    """Bytes from a number or from text with a unit (kB, MB, GB, TB; KiB, MiB, GiB, TiB).

    Raises:
        BadValue: for anything else.

    >>> read_size("2GB"), read_size("1.5 MiB"), read_size(0)
    (2000000000, 1572864, 0)
    """
    match = _SIZE.match(str(given)) if not isinstance(given, bool) else None
    name = where.rpartition(".")[2]
    size = float(match["number"]) * _UNITS[match["unit"].lower()] if match else -1.0
    if not 0 <= size <= 2**60:
        raise BadValue(
            given=f"{name}={shown(given)}",
            allowed="a size from 0 to 1 EiB, such as 500MB or 2GB",
            where=where,
            fix=f"give for example {name}=2GB",
        )
    return int(size)


class Sitting:
    """The study's store held for writing, an executor with a worker that has loaded the train function, a view.

    Made by `sitting`. The order of a study: `adopt` (what is there), `begin` (the question is written), `work`
    (runs are made, once or several times), `end` (the verdict is written).
    """

    def __init__(self, store: Store, ref: TrainRef, how: How, executor: Executor, view: View, ready: Ready) -> None:
        self.store = store
        self.how = how
        self.view = view
        self.ready = ready
        self.environment: Environment = describe(ready.packages, threads_for(how.workers), ready.sources)
        self._ref = ref
        self._executor = executor
        self._spec: StudySpec | None = None
        self._session = 0

    def adopt(self) -> Study | None:
        """What the folder holds already; None for nothing, also after an old study was set aside for a fresh one."""
        if self.how.fresh and (aside := self.store.set_aside()) is not None:
            shutil.rmtree(aside / "snapshots", ignore_errors=True)  # nobody goes on from there
            self.view.say(f"the old study is kept in {aside}")
        return self.store.study()

    def hold(self, old: Study, *, more: bool) -> None:
        """Hold how runs are made now against how the finished ones were made; see `same_making`.

        Modules that were imported only inside runs are looked up on the disk.

        Raises:
            LabError: when they differ.
        """
        if old.runs or old.stages:
            sources = self.environment.sources
            unseen = on_disk(self._ref, old.environment.sources.keys() - sources.keys())
            self.environment = replace(self.environment, sources={**unseen, **sources})
        same_making(old, self.environment, more=more, mixed=self.how.mixed)

    def begin(self, spec: StudySpec, *, retry_failed: bool = False) -> None:
        """Write the question and note that a sitting begins."""
        self.store.save_spec(spec, retry_failed=retry_failed)
        self._spec = spec
        self._session = self.store.begin_session(self.how.command, os.getpid(), self.how.workers, self.environment)

    def work(self, strategy: Strategy, guard: Guard | None = None) -> Coordinator:
        """Make every run that the strategy wants, or as many as the guard lets; gives the finished coordinator.

        Raises:
            LabError: as `Coordinator.work`, or before `begin`.
        """
        if self._spec is None:
            raise LabError(
                given="work before its question",
                allowed="begin, then work",
                where="Sitting.work",
                fix="call Sitting.begin(spec) first",
            )
        how = self.how
        coordinator = Coordinator(
            self.store,
            self._spec,
            strategy,
            self._executor,
            self.view,
            self._session,
            how.workers,
            how.retries,
            guard,
            share=how.share,
            place=self._place(),
            disk=how.disk,
        )
        coordinator.work()
        return coordinator

    def _place(self) -> str:
        """Where this study's snapshots go; below a place that is shared they have a folder of their own."""
        if not self.how.place:
            return ""
        facts, here = self.store.facts(), str(self.store.folder.resolve())
        if "place" not in facts or facts.get("place of") != here:  # a copy leaves alone what the original still needs
            place = self.how.place if "://" in self.how.place else str(Path(self.how.place).resolve())
            facts["place"] = f"{place.rstrip('/')}/calando-{uuid.uuid4().hex[:12]}"
            self.store.save_fact("place of", here)
            self.store.save_fact("place", facts["place"])
        return str(facts["place"])

    def end(self, verdict: Verdict | None) -> None:
        """Write the answer, if there is one, and note that the sitting ended in an orderly way."""
        if verdict is not None:
            self.store.save_verdict(verdict)
        self.store.end_session(self._session)


@contextmanager
def sitting(ref: TrainRef, folder: Path, how: How, executor: Executor | None = None) -> Iterator[Sitting]:
    """Hold a study's folder and an executor, this machine's unless one is given, and close both at the end.

    Raises:
        LabError: when another process holds the study, or the train function cannot be loaded.
        BadFile: when the study's file is broken, foreign or newer.
    """
    view = view_for(how.live)
    with Store(folder) as store, terminable():
        chosen = executor or _executor(ref, folder, how, view)
        try:
            view.say(f"starting a worker and loading {ref.text} ...")
            ready = _first_worker(chosen, ref)
            yield Sitting(store, ref, how, chosen, view, ready)
        finally:
            chosen.close()


def _executor(ref: TrainRef, folder: Path, how: How, view: View) -> Executor:
    if how.ray is None:
        logs = folder.resolve() / "logs"
        return LocalExecutor(ref, how.workers, logs, how.timeout, isolate=how.isolate, retries=how.retries)
    from calando.lab.executors.ray import RayExecutor

    view.say(f"joining Ray ({how.ray}) ...")
    return RayExecutor(ref, how.workers, how.timeout, isolate=how.isolate, address=how.ray)


def _first_worker(executor: Executor, ref: TrainRef) -> Ready:
    """Wait until a worker has loaded the train function and says what it declares."""
    executor.warm()
    while True:
        for event in executor.poll(0.2):
            if isinstance(event, Unloadable):
                raise unloadable(ref.text, event.traceback)
            if isinstance(event, Ready):
                return event


def not_inside_a_worker(verb: str) -> None:
    """Refuse a study that would be started by a worker while it loads the train function.

    Raises:
        LabError: inside a worker.
    """
    if os.environ.get("CALANDO_WORKER"):
        raise LabError(
            given=f"calando.{verb} called while a worker was loading the train function",
            allowed="a file that can be imported without starting a study",
            where=f"calando.{verb}",
            fix='put the call under `if __name__ == "__main__":`',
        )


def study_folder(ref: TrainRef, verb: str = "compare") -> Path:
    """Where a study lives unless the user says so: `studies/<file>`, or `studies/<file>-<function>`.

    A verb other than `compare` stands behind it: two questions about one file never meet in one folder.

    >>> study_folder(TrainRef("examples/digits_torch.py", "train")).as_posix()
    'studies/digits_torch'
    >>> study_folder(TrainRef("examples/digits_torch.py", "small"), "tune").as_posix()
    'studies/digits_torch-small-tune'
    """
    stem = Path(ref.source).stem if ref.is_file else ref.source.replace(".", "-")
    parts = [stem, *([] if ref.name == "train" else [ref.name]), *([] if verb == "compare" else [verb])]
    return Path("studies") / "-".join(parts)


def read_folder(study: str | Path | None, ref: TrainRef, *, fresh: bool = False, where: str = "compare.study") -> Path:
    """The study's folder, as given to the verb that `where` begins with.

    Raises:
        LabError: for an empty name, or for --fresh on a folder that cannot move.
    """
    if study is None:
        return study_folder(ref, where.partition(".")[0])
    if not str(study).strip():
        raise LabError(
            given="an empty name for the study's folder",
            allowed="a folder",
            where=where,
            fix=f"give --study FOLDER, or leave it out for {study_folder(ref, where.partition('.')[0]).as_posix()}",
        )
    folder = Path(study)
    here, there = Path.cwd(), folder.resolve()
    if fresh and (there == here or there in here.parents):
        raise LabError(
            given=f"{shown(str(study))} with --fresh: you are inside it, and it would be moved aside",
            allowed="a folder that holds nothing but a study",
            where=where,
            fix="name another folder by --study",
        )
    return folder


def command_line() -> tuple[str, ...]:
    """The words that started this process, as people would type them."""
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    if program.endswith(".py"):
        return ("python", *sys.argv)
    return (program, *sys.argv[1:])


@contextmanager
def terminable() -> Iterator[None]:
    """Let a polite kill end the study like Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
