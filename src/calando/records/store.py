"""The study file: one SQLite file in the study folder is the only truth, with one writer."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from calando.errors import BadFile, LabError
from calando.records.lock import StudyLock
from calando.records.plain import decode, encode
from calando.records.result import Verdict
from calando.records.run import Attempt, Curve, RunRecord
from calando.records.schema import check, create, pack, unpack
from calando.records.study import Environment, Session, Study, StudySpec

__all__ = ["FILE", "Store", "load"]

FILE = "study.sqlite3"


class Store:
    """The one writer of a study folder; a finished run is written in one transaction.

    `folder` is made when it does not exist. Raises LabError when another process holds the study, and
    BadFile when the file in it is broken, foreign or newer; such a file is never touched.

    >>> import tempfile
    >>> from calando.records import StudySpec
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Store(folder) as store:
    ...         store.save_spec(StudySpec("Which?", "train.py:train", 10, ()))
    ...     load(folder).spec.question
    'Which?'
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / FILE
        self._hold()

    def _hold(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = StudyLock(self.folder / "lock")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            if not self.path.exists():
                create(self.path)
            with closing(_reader(self.path)) as reader:
                check(reader, self.path, thorough=True)
                _read(reader, self.path)  # what cannot be read is not touched
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection
        except (sqlite3.Error, OSError) as error:
            raise _unwritable(self.path, error) from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Fold the log into the file and give the folder free."""
        try:
            # Out of WAL, so that whoever only reads the file leaves nothing beside it.
            self._connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error:
            pass  # a full disk, or a reader right now: the log stays beside the file and is read from there
        finally:
            self._connection.close()
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _unwritable(self.path, error) from error

    def study(self) -> Study | None:
        """Everything stored so far; None in a fresh file."""
        return _read(self._connection, self.path)

    def set_aside(self) -> Path | None:
        """Move a study that was begun to FOLDER.old-N and hold an empty one in its place; gives where it went.

        Raises:
            LabError: when the folder cannot be moved; then it stays as it is.
        """
        if self.study() is None:
            return None
        self.close()
        number = 1
        while (aside := self.folder.with_name(f"{self.folder.name}.old-{number}")).exists():
            number += 1
        try:
            self.folder.rename(aside)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._hold()
        return aside

    def save_spec(self, spec: StudySpec, *, retry_failed: bool = False) -> None:
        """Write or extend the question. The verdict of the old question is dropped when it changed.

        With `retry_failed` failed runs are dropped in the same transaction; see `_forget_failed`.
        """
        with self._writing() as connection:
            if retry_failed:
                _forget_failed(connection)
            old = connection.execute("SELECT spec FROM study").fetchone()
            new = encode(spec)
            if old and old[0] == new:
                return
            connection.execute("INSERT OR REPLACE INTO study VALUES (1, ?)", (new,))
            connection.execute("DELETE FROM verdict")

    def begin_session(self, command: tuple[str, ...], pid: int, workers: int, env: Environment) -> int:
        """Note that a sitting begins; gives its number."""
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO session (command, pid, workers, started, environment) VALUES (?, ?, ?, ?, ?)",
                (json.dumps(list(command)), pid, workers, time.time(), encode(env)),
            )
            return int(cursor.lastrowid or 0)

    def end_session(self, session: int) -> None:
        """Note that a sitting ended in an orderly way."""
        with self._writing() as connection:
            connection.execute("UPDATE session SET ended = ? WHERE id = ?", (time.time(), session))

    def begin_attempt(self, session: int, key: str, pid: int) -> int:
        """Note that a run is started; gives the attempt's number."""
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO attempt (key, session, pid, started) VALUES (?, ?, ?, ?)",
                (key, session, pid, time.time()),
            )
            return int(cursor.lastrowid or 0)

    def end_attempt(self, attempt: int, outcome: str, reason: str = "") -> None:
        """Note how a start ended that left no finished run ("lost", "interrupted")."""
        with self._writing() as connection:
            _end_attempt(connection, attempt, outcome, reason)

    def finish(self, attempt: int, record: RunRecord) -> None:
        """Write a finished run, its curves and the end of its attempt in one transaction.

        A run that is already there stays as it is: finished runs are never written twice.
        """
        spec, row = record.spec, replace(record, curves={})
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO run (key, candidate, plan, peak, seed, horizon, phase, status, final,"
                " record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(spec.key, spec.candidate, spec.plan, spec.peak, spec.seed, spec.horizon, spec.phase),
                    *(record.status, record.final, encode(row)),
                ),
            )
            if cursor.rowcount:
                for name, curve in record.curves.items():
                    packed = (cursor.lastrowid, name, *pack(curve))
                    connection.execute("INSERT INTO curve VALUES (?, ?, ?, ?)", packed)
            _end_attempt(connection, attempt, record.status, record.reason)

    def save_verdict(self, verdict: Verdict) -> None:
        """Write the answer, in place of an earlier one."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO verdict VALUES (1, ?)", (encode(verdict),))


def load(path: str | Path) -> Study:
    """Read a study from its folder or file, also while it runs and on a read-only disk.

    Raises BadFile when there is none, or when it is broken, foreign or newer.

    >>> load("nowhere")
    Traceback (most recent call last):
    calando.errors.BadFile: no such study; allowed: a study folder or the study.sqlite3 inside it
      at: nowhere
      do: check the path; studies are written by `calando compare`
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE
    if not file.is_file():
        raise BadFile(
            given="no such study",
            allowed=f"a study folder or the {FILE} inside it",
            where=str(path),
            fix="check the path; studies are written by `calando compare`",
        )
    with closing(_reader(file)) as connection:
        check(connection, file)
        study = _read(connection, file)
    if study is None:
        raise BadFile(
            given="a study file in which nothing stands yet",
            allowed="a study with a question",
            where=str(file),
            fix="run `calando compare` again",
        )
    return study


def _reader(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    error: sqlite3.Error | None = None
    for options in ("mode=ro", "mode=ro&immutable=1"):
        try:
            connection = sqlite3.connect(f"{uri}?{options}", uri=True, isolation_level=None, timeout=30)
        except sqlite3.Error as problem:
            error = problem
            continue
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return connection
        except sqlite3.OperationalError as problem:  # a read-only disk has no room for the shared index
            connection.close()
            error = problem
        except sqlite3.DatabaseError:
            return connection  # `check` says what is wrong with it
    raise _unwritable(path, error or OSError("cannot be opened")) from error


def _read(connection: sqlite3.Connection, path: Path) -> Study | None:
    try:
        connection.execute("BEGIN")
        try:
            return _read_all(connection, path)
        finally:
            connection.execute("COMMIT")
    except (sqlite3.Error, ValueError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(
            given=f"a study file that cannot be read ({error})",
            allowed="a sound study file",
            where=str(path),
            fix="restore it from a copy, or name another study folder",
        ) from error


def _read_all(connection: sqlite3.Connection, path: Path) -> Study | None:
    def rows(query: str) -> list[Any]:
        return connection.execute(query).fetchall()

    spec = rows("SELECT spec FROM study")
    if not spec:
        return None
    curves: dict[int, dict[str, Curve]] = {}
    for run, name, steps, values in rows("SELECT run, name, steps, vals FROM curve ORDER BY run, name"):
        curves.setdefault(run, {})[name] = unpack(steps, values)
    runs = [
        replace(decode(RunRecord, text, f"{path}: run {number}"), curves=curves.get(number, {}))
        for number, text in rows("SELECT id, record FROM run ORDER BY id")
    ]
    sessions = [
        Session(number, tuple(json.loads(command)), pid, workers, started, ended, decode(Environment, text))
        for number, command, pid, workers, started, ended, text in rows(
            "SELECT id, command, pid, workers, started, ended, environment FROM session ORDER BY id"
        )
    ]
    attempts = [
        Attempt(*row)
        for row in rows("SELECT key, session, pid, started, ended, outcome, reason FROM attempt ORDER BY id")
    ]
    verdict = rows("SELECT record FROM verdict")
    return Study(
        spec=decode(StudySpec, spec[0][0], f"{path}: study"),
        sessions=tuple(sessions),
        runs=tuple(runs),
        attempts=tuple(attempts),
        verdict=decode(Verdict, verdict[0][0], f"{path}: verdict") if verdict else None,
        path=str(path),
    )


def _forget_failed(connection: sqlite3.Connection) -> int:
    failed = "(SELECT id FROM run WHERE status = 'failed')"
    connection.execute(f"DELETE FROM curve WHERE run IN {failed}")  # noqa: S608 - no text from outside
    dropped = connection.execute("DELETE FROM run WHERE status = 'failed'").rowcount
    connection.execute("UPDATE attempt SET outcome = 'lost, retried' WHERE outcome = 'lost'")
    if dropped:
        connection.execute("DELETE FROM verdict")
    return dropped


def _end_attempt(connection: sqlite3.Connection, attempt: int, outcome: str, reason: str) -> None:
    told = reason.encode(errors="backslashreplace").decode()  # half characters have no place in a file
    connection.execute(
        "UPDATE attempt SET ended = ?, outcome = ?, reason = ? WHERE id = ?",
        (time.time(), outcome, told, attempt),
    )


def _unwritable(path: Path, error: Exception) -> LabError:
    return LabError(
        given=f"a study folder that cannot be used ({error})",
        allowed="a folder with room that this user may write to",
        where=str(path),
        fix="make room or name another folder by --study; what is finished is kept, the same command goes on",
    )
