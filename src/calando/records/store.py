"""The study file: one SQLite file in the study folder is the only truth, with one writer."""

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from calando.errors import BadFile, shown
from calando.records.decision import Decision
from calando.records.lock import StudyLock
from calando.records.nearby import or_rather
from calando.records.plain import encode
from calando.records.reading import curves_of, facts_of, read, reader, stages_of, unwritable
from calando.records.result import Verdict
from calando.records.run import Curve, RunRecord
from calando.records.schema import VERSION, check, create, migrate, pack, seal, version_of
from calando.records.stage import StageRecord, joined
from calando.records.study import Environment, Study, StudySpec

__all__ = ["FILE", "Store", "load"]

FILE = "study.sqlite3"


class Store:
    """The one writer of a study folder; a finished run is written in one transaction.

    `folder` is made when it does not exist. Raises LabError when another process holds the study, and
    BadFile when the file in it is broken, foreign or newer; such a file is never touched. A sound file of an older
    calando is brought to this one's version in place.

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
            raise unwritable(self.folder, error) from error
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            if not self.path.exists():
                create(self.path)
            with closing(reader(self.path)) as looking:
                check(looking, self.path, thorough=True)
                read(looking, self.path)  # what cannot be read is not touched
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            if version_of(connection) < VERSION:
                migrate(connection)
            return connection
        except (sqlite3.Error, OSError) as error:
            raise unwritable(self.path, error) from error

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
            raise unwritable(self.path, error) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise unwritable(self.path, error) from error

    def study(self) -> Study | None:
        """Everything stored so far; None in a fresh file."""
        return read(self._connection, self.path)

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
            raise unwritable(self.folder, error) from error
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

    def save_environment(self, session: int, env: Environment) -> None:
        """Write anew what a sitting's runs are made with: they load more on their way."""
        with self._writing() as connection:
            connection.execute("UPDATE session SET environment = ? WHERE id = ?", (encode(env), session))

    def begin_attempt(self, session: int, key: str, pid: int) -> int:
        """Note that a run is started; gives the attempt's number."""
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO attempt (key, session, pid, started) VALUES (?, ?, ?, ?)",
                (key, session, pid, time.time()),
            )
            return int(cursor.lastrowid or 0)

    def end_attempt(self, attempt: int, outcome: str, reason: str = "", trained: int = 0) -> None:
        """Note how a start ended that left no finished run ("lost", "interrupted"), after how many updates of its own.

        What it trained beyond its last finished stage is lost work.
        """
        with self._writing() as connection:
            _end_attempt(connection, attempt, outcome, reason, trained)

    def finish(self, attempt: int, record: RunRecord, trained: int | None = None) -> None:
        """Write a finished run, its curves and the end of its attempt in one transaction.

        A run that is already there stays as it is: finished runs are never written twice. `trained` counts the
        updates that this very start took; `record.steps - record.reused` unless given.
        """
        spec, row = record.spec, replace(record, curves={})
        own = record.steps - record.reused if trained is None else trained
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
                _write_curves(connection, "curve", cursor.lastrowid, record.curves)
            _end_attempt(connection, attempt, record.status, record.reason, own, own if cursor.rowcount else 0)

    def finish_stage(self, attempt: int, stage: StageRecord) -> None:
        """Write a finished stage, its curves and its snapshot's place in one transaction, while its run goes on.

        A stage that is already there is written anew if it had lost its snapshot, and stays as it is otherwise.
        """
        row = encode(replace(stage, curves={}, snapshot=None))
        left = stage.snapshot
        ref = None if left is None else encode(replace(left, url=self._relative(left.url)))
        with self._writing() as connection:
            old = connection.execute("SELECT id, snapshot FROM stage WHERE key = ?", (stage.key,)).fetchone()
            steps = stage.stop - stage.start
            done = "UPDATE attempt SET trained = trained + ?, kept = kept + ? WHERE id = ?"
            connection.execute(done, (steps, 0 if old else steps, attempt))
            if old and old[1] is not None:
                return
            if old:  # its curves may have gone with its snapshot
                connection.execute("DELETE FROM stretch WHERE stage = ?", old[:1])
                change = (
                    "UPDATE stage SET run = ?, parent = ?, start = ?, stop = ?, snapshot = ?, record = ? WHERE id = ?"
                )
                connection.execute(change, (stage.run, stage.parent, stage.start, stage.stop, ref, row, old[0]))
                number = old[0]
            else:
                number = connection.execute(
                    "INSERT INTO stage (key, run, parent, start, stop, snapshot, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (stage.key, stage.run, stage.parent, stage.start, stage.stop, ref, row),
                ).lastrowid
            _write_curves(connection, "stretch", number, stage.curves)
            _weigh(connection, 0 if stage.snapshot is None else stage.snapshot.size)

    def resolved(self, url: str) -> str:
        """Where a snapshot of this study lies now: its place is noted relative to the folder where it lies inside."""
        return url if not url or "://" in url else str(self.folder.resolve() / url)

    def _relative(self, url: str) -> str:
        home = self.folder.resolve()
        return Path(url).relative_to(home).as_posix() if "://" not in url and home in Path(url).parents else url

    def drop_snapshot(self, key: str, leaned: Collection[str] = ()) -> None:
        """Note that the snapshot at the end of a stage is gone; curves that nothing stands on go with it.

        Args:
            key: of the stage.
            leaned: keys of stages that runs under way went on from; their past is kept without a snapshot too.
        """
        with self._writing() as connection:
            connection.execute("UPDATE stage SET snapshot = NULL WHERE key = ?", (key,))
            connection.execute(
                "WITH RECURSIVE held(key) AS (SELECT key FROM stage WHERE snapshot IS NOT NULL"
                " UNION SELECT value FROM json_each(?)"
                " UNION SELECT stage.parent FROM stage JOIN held ON stage.key = held.key)"
                " DELETE FROM stretch WHERE stage IN (SELECT id FROM stage WHERE key NOT IN (SELECT key FROM held))",
                (json.dumps(sorted(leaned)),),
            )
            _weigh(connection, 0)

    def stages(self) -> tuple[StageRecord, ...]:
        """Every finished stage in the order in which they finished, without curves."""
        with self._reading() as connection:
            return stages_of(connection, self.path)

    def path_to(self, key: str) -> dict[str, Curve]:
        """The curves of the whole past up to the end of a stage that has its snapshot, or is leaned on without.

        Raises:
            BadFile: when a part of that past is not in the file.
        """
        stretches: list[dict[str, Curve]] = []
        with self._reading() as connection:
            while key:
                found = connection.execute("SELECT id, parent FROM stage WHERE key = ?", (key,)).fetchone()
                if found is None:
                    raise BadFile(
                        given=f"the stage {shown(key)}, which is not there",
                        allowed="a stage that was finished",
                        where=str(self.path),
                        fix="begin the run anew",
                    )
                stretches.append(curves_of(connection, found[0]))
                key = found[1]
        return joined(*reversed(stretches))

    def save_decisions(self, decisions: Sequence[Decision]) -> None:
        """Write what a strategy decided so far; what stands there already is not written again."""
        texts = [encode(decision) for decision in decisions]
        with self._writing() as connection:
            old = [text for (text,) in connection.execute("SELECT record FROM decision ORDER BY id")]
            alike = next((i for i, pair in enumerate(zip(old, texts, strict=False)) if pair[0] != pair[1]), len(old))
            alike = min(alike, len(texts))
            connection.execute("DELETE FROM decision WHERE id > ?", (alike,))
            connection.executemany("INSERT INTO decision VALUES (?, ?)", enumerate(texts[alike:], start=alike + 1))

    def save_fact(self, name: str, value: object) -> None:
        """Note something by name, in place of an earlier value: any record, or plain JSON data."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, encode(value)))

    def facts(self) -> dict[str, Any]:
        """Everything noted by `save_fact`, as plain data; numbers that are not finite are text."""
        with self._reading() as connection:
            return facts_of(connection)

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
            given=f"no such study{or_rather(path)}",
            allowed=f"a study folder or the {FILE} inside it",
            where=str(path),
            fix="check the path; studies are written by `calando compare`",
        )
    with closing(reader(file)) as connection:
        check(connection, file)
        study = read(connection, file)
    if study is None:
        raise BadFile(
            given="a study file in which nothing stands yet",
            allowed="a study with a question",
            where=str(file),
            fix="run `calando compare` again",
        )
    return study


def _forget_failed(connection: sqlite3.Connection) -> int:
    failed = "(SELECT id FROM run WHERE status = 'failed')"
    connection.execute(f"DELETE FROM curve WHERE run IN {failed}")  # noqa: S608 - no text from outside
    dropped = connection.execute("DELETE FROM run WHERE status = 'failed'").rowcount
    connection.execute("UPDATE attempt SET outcome = 'lost, retried' WHERE outcome = 'lost'")
    if dropped:
        connection.execute("DELETE FROM verdict")
    return dropped


def _end_attempt(
    connection: sqlite3.Connection, attempt: int, outcome: str, reason: str, trained: int, kept: int = 0
) -> None:
    told = reason.encode(errors="backslashreplace").decode()  # half characters have no place in a file
    connection.execute(
        "UPDATE attempt SET ended = ?, outcome = ?, reason = ?, trained = max(trained, ?), kept = max(kept, ?)"
        " WHERE id = ?",
        (time.time(), outcome, told, trained, kept, attempt),
    )


def _write_curves(connection: sqlite3.Connection, table: str, owner: int | None, curves: Mapping[str, Curve]) -> None:
    packed = {name: pack(curve) for name, curve in curves.items()}
    rows = [(owner, name, *columns, seal(name, *columns)) for name, columns in packed.items()]
    connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608 - no text from outside


def _weigh(connection: sqlite3.Connection, written: int) -> None:
    """Note the bytes of all snapshots there are, the most there ever were, and all that was written."""
    (now,) = connection.execute("SELECT total(json_extract(snapshot, '$.size')) FROM stage").fetchone()
    old = connection.execute("SELECT value FROM fact WHERE name = 'disk'").fetchone()
    before = {"peak": 0, "written": 0, "snapshots": 0, **(json.loads(old[0]) if old else {})}
    disk = {
        **before,
        "now": int(now),
        "peak": max(int(now), before["peak"]),
        "written": before["written"] + written,
        "snapshots": before["snapshots"] + bool(written),
    }
    connection.execute("INSERT OR REPLACE INTO fact VALUES ('disk', ?)", (json.dumps(disk),))
