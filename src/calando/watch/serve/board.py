"""All runs that are looked at: found below the named places, read on as they grow; who changed when."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from calando.errors import BadFile, CalandoError, counted, shown, tame
from calando.records.live import Found, Tail, discover
from calando.records.nearby import or_rather
from calando.records.store import FILE
from calando.watch.serve import still
from calando.watch.serve.shown import Live, Shown, Still

__all__ = ["LOOK", "MOST_RUNS", "Board"]

LOOK: Final = 0.2
"""Seconds between two looks at the records."""

SEARCH, ALIVE, REREAD = 3.0, 1.0, 2.0
RESTS: Final = 10
"""After a search or a reading of so many seconds, this many times as long is rested."""

OF_STUDY: Final = "run-"
"""How the folder of a study's run under way begins; the rest is the run's key."""

MOST_RUNS: Final = 500
MOST_POINTS: Final = 60_000_000
"""Points kept over all runs: about a gigabyte."""


class _Place:
    """A file or study that is read as a whole, again when it changed."""

    def __init__(self, path: Path, read: Callable[[Path], dict[str, Still]]) -> None:
        self.path, self.read = path, read
        self.due, self.stamp = 0.0, (0, 0)
        self.problem = ""

    def changed(self, now: float) -> bool:
        """Whether to read it (again) now; a file that takes long to read is looked at less often."""
        if now < self.due:
            return False
        self.due = now + REREAD
        path = self.path / FILE if self.path.is_dir() else self.path
        found = [one.stat() for name in (path, path.with_name(path.name + "-wal")) if (one := name).exists()]
        stamp = (max((s.st_mtime_ns for s in found), default=0), sum(s.st_size for s in found))
        fresh, self.stamp = stamp != self.stamp, stamp
        return fresh


class Board:
    """The runs at some places, as they stand.

    `poll()` reads on; `revision` grows with each change, and `changed[id]` says at which revision a run last did. What
    other threads read they read under `lock`. Runs are named by ids that say nothing of where they lie.

    Args:
        places: paths of runs, studies, logs, or folders with any of them below.
        logs: whether to look for other tools' logs in folders.
        wait: whether a place that is not there yet is waited for.

    Raises:
        BadFile: when a place is not there, and is not waited for.

    Example:
        >>> import tempfile
        >>> from calando.records.live import Header, Recorder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Recorder(Path(folder, "first"), Header("first")).close()
        ...     board = Board([folder])
        ...     [run.facts.name for run in board.runs.values()]
        ['first']
    """

    def __init__(self, places: Iterable[str | Path], *, logs: bool = True, wait: bool = False) -> None:
        self.places = tuple(Path(place) for place in places)
        self.lock = threading.RLock()
        self.revision = 0
        self.runs: dict[str, Shown] = {}
        self.changed: dict[str, int] = {}
        self.left_out = 0
        self.full = False
        self._logs = logs
        self._ids: dict[tuple[str, str], str] = {}
        self._given = 0
        self._wholes: dict[Path, _Place] = {}
        self._due = self._asked = -1e9
        self._closed: list[str] = []
        self._search(strict=not wait)

    @property
    def problems(self) -> list[str]:
        """Places that could not be read, and what was left out."""
        said = [*self._closed, *(tame(place.problem) for place in self._wholes.values() if place.problem)]
        if self.left_out:
            said.append(f"{counted(self.left_out, 'run')} more not shown: {MOST_RUNS:,} is the most")
        if self.full:
            said.append(f"more than {MOST_POINTS:,} points: what is longer was read no further")
        return said

    def poll(self) -> bool:
        """Look around and read what is new; whether there is more to read at once."""
        self.look()
        return self.read()

    def look(self) -> None:
        """Search for runs that began, and read anew the studies and logs that changed: this may take seconds."""
        if time.monotonic() >= self._due:
            began = time.monotonic()
            self._search()
            self._due = time.monotonic() + max(SEARCH, RESTS * (time.monotonic() - began))
        self._read_wholes(time.monotonic())

    def read(self) -> bool:
        """Read on in the records; whether there is more to read at once."""
        now = time.monotonic()
        ask = now - self._asked > ALIVE
        if ask:
            self._asked = now
        self.full = sum(run.points for run in list(self.runs.values())) > MOST_POINTS
        more = False
        for name, run in list(self.runs.items()):
            if not isinstance(run, Live):
                if ask and isinstance(run, Still) and run.look():
                    with self.lock:
                        self.mark(name)
                continue
            with self.lock:
                fresh = self._on(run) if not self.full else False
                if ((ask and not fresh and run.look()) or fresh) and self.runs.get(name) is run:
                    self.mark(name)
            if run.more:
                time.sleep(0)  # whoever waits for the lock comes first
                more = not self.full
        return more

    def _on(self, run: Live) -> bool:
        """Read on in one record; one that trips us stops no other."""
        try:
            return run.poll()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other runs are to be seen
            run.break_off(f"it is read no further: {type(error).__name__}, {shown(str(error))}")
            return True

    def mark(self, name: str) -> None:
        """Note that a run has changed; under the lock."""
        self.revision += 1
        self.changed[name] = self.revision

    def _search(self, *, strict: bool = False) -> None:
        found: list[Found] = []
        closed: list[str] = []
        for place in self.places:
            try:
                found += discover(place, logs=self._logs)
                if place.is_dir() and not os.access(place, os.R_OK | os.X_OK):
                    closed.append(tame(f"{place} may not be read by this user"))
            except BadFile:
                if strict:
                    raise
                awaited = "is not there yet; a run, study or log is shown as soon as one is"
                closed.append(tame(f"{place} {awaited}{or_rather(place)}"))
        if closed != self._closed:
            with self.lock:
                self._closed = closed
                self.revision += 1
        fresh = [one for one in found if one.kind == "run" and not self._known(one)]
        room = max(MOST_RUNS - len(self.runs), 0)
        self.left_out = max(len(fresh) - room, 0)
        keep = min(1_000_000, max(50_000, MOST_POINTS // (3 * max(len(self.runs) + len(fresh), 1))))
        for one in fresh[:room]:
            group = one.study.name if one.study is not None else ""
            self._put((str(one.path), ""), Live(Tail(one.path, keep), group, one.study is not None))
        for one in found:
            if one.kind != "run" and one.path not in self._wholes:
                self._wholes[one.path] = _Place(one.path, still.of_study if one.kind == "study" else still.of_log)
        there = {str(one.path) for one in found if one.kind == "run"}
        for (path, key), name in list(self._ids.items()):
            if not key and path not in there and not Path(path).exists():
                self._drop((path, key), name)

    def _read_wholes(self, now: float) -> None:
        for place in list(self._wholes.values()):
            try:
                if not place.changed(now):
                    continue
                began = time.monotonic()
                runs = place.read(place.path)
                place.problem = ""
            except CalandoError as error:
                place.problem = f"{error.given}, at {error.where}"
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, the other runs are to be seen
                place.problem = f"{place.path.name} cannot be read: {type(error).__name__}, {shown(str(error))}"
                continue
            place.due = time.monotonic() + max(REREAD, RESTS * (time.monotonic() - began))
            for key, run in runs.items():
                self._keep((str(place.path), key), run)

    def _known(self, one: Found) -> bool:
        """Whether a record is shown already, by itself or as a finished run of its study."""
        key = one.path.name.removeprefix(OF_STUDY)
        return (str(one.path), "") in self._ids or (one.study is not None and (str(one.study), key) in self._ids)

    def _keep(self, place: tuple[str, str], run: Still) -> None:
        name = self._ids.get(place)
        alive = str(Path(place[0], "live", OF_STUDY + place[1])), ""
        if name is None and alive not in self._ids:
            if len(self.runs) >= MOST_RUNS:
                self.left_out += 1
            else:
                self._put(place, run)
            return
        with self.lock:
            if name is None:  # its study has it now: it goes on under the same id
                name = self._ids[place] = self._ids.pop(alive)
                self.runs[name] = run
                self.mark(name)
                return
            known = self.runs[name]
            if isinstance(known, Still) and known.take(run):
                self.mark(name)

    def _put(self, place: tuple[str, str], run: Shown) -> None:
        with self.lock:
            self._given += 1
            name = f"r{self._given}"
            self._ids[place] = name
            self.runs[name] = run
            self.mark(name)

    def _drop(self, place: tuple[str, str], name: str) -> None:
        with self.lock:
            del self.runs[name]
            self._ids.pop(place)
            self.mark(name)

    def named(self, names: Iterable[str]) -> Iterator[tuple[str, Shown]]:
        """The runs of those ids that there are."""
        for name in names:
            if (run := self.runs.get(name)) is not None:
                yield name, run
