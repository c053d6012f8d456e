"""The newest snapshots of one run outside a study, so that its script goes on by itself after a crash."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.errors import CalandoError, LabError, counted
from calando.lab.snapshot import Snapshot, listed, load, remove
from calando.records.stage import SnapshotRef

if TYPE_CHECKING:
    from calando.lab.run import Run

__all__ = ["Safety"]

KEPT = 2  # snapshots: the newest, and the one before should that be damaged


class Safety:
    """A folder with the newest snapshots of one run, and a list of them that is always whole.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Safety(folder, quiet=True).newest() is None
    True
    """

    def __init__(self, folder: str, quiet: bool) -> None:
        self._folder = Path(folder)
        self._list = self._folder / "newest.json"
        self._quiet = quiet
        self._refs = self._read()

    def newest(self) -> Snapshot | None:
        """The newest snapshot that is whole; None where there is none. What is torn is removed."""
        known = {ref.url for ref in self._refs}
        for url in listed(str(self._folder)):
            if url not in known:
                remove(url)
        for ref in self._refs:
            try:
                return load(ref)
            except CalandoError as error:
                self._tell(f"{error.where}: {error.given}; it is left out")
        return None

    def opened(self, run: "Run") -> None:
        """Say where the run begins; refuse one that keeps nothing.

        Raises:
            LabError: when there is nothing to write.
        """
        if not run.kept:
            raise LabError(
                given=f"snapshots of a run that keeps nothing{f' ({run.unkept})' * bool(run.unkept)}",
                allowed="a run with run.keep(model=..., optimizer=..., loader=...) above its loop",
                where="standalone.snapshots",
                fix="name what the run needs to go on by run.keep, or leave snapshots out",
            )
        if run.refused:
            self._tell(f"{self._folder} holds snapshots of another run ({run.refused}); this one begins at 0")
        elif run.began:
            self._tell(f"goes on after {counted(run.began, 'update')}, from {self._folder}")

    def reached(self, run: Any, step: int, ref: SnapshotRef | None, reason: str) -> None:
        """Put a new snapshot at the head of the list, and remove the oldest."""
        if ref is None:
            self._tell(f"no snapshot after {counted(step, 'update')}: {reason}")
            return
        fresh = [ref, *self._refs]
        try:
            self._write(fresh[:KEPT])
        except OSError as error:
            self._tell(f"no snapshot after {counted(step, 'update')}: {error}")
            remove(ref.url)
            return
        self._refs = fresh[:KEPT]
        for old in fresh[KEPT:]:
            remove(old.url)

    def _write(self, refs: list[SnapshotRef]) -> None:
        draft = self._list.with_suffix(".tmp")
        with draft.open("w", encoding="utf-8") as file:
            json.dump([asdict(one) | {"url": Path(one.url).name} for one in refs], file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._list)

    def _read(self) -> list[SnapshotRef]:
        try:
            told = json.loads(self._list.read_text(encoding="utf-8"))
            return [SnapshotRef(**one | {"url": str(self._folder / one["url"])}) for one in told]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError, OSError) as error:
            self._tell(f"{self._list} cannot be read ({type(error).__name__}); the run begins at 0")
            return []

    def _tell(self, text: str) -> None:
        if not self._quiet:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
