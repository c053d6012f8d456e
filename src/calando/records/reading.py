"""Reading a study file: every version that there was, and never writing to it."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from calando.errors import BadFile, LabError
from calando.records.decision import Decision
from calando.records.plain import decode
from calando.records.result import Verdict
from calando.records.run import Attempt, Curve, RunRecord
from calando.records.schema import seal, unpack, version_of
from calando.records.stage import SnapshotRef, StageRecord
from calando.records.study import Environment, Session, Study, StudySpec

__all__ = ["curves_of", "decisions_of", "facts_of", "read", "reader", "stages_of", "unwritable"]


def reader(path: Path) -> sqlite3.Connection:
    """A connection that never writes, also while others do and where nothing may be written."""
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
    raise unwritable(path, error or OSError("cannot be opened")) from error


def read(connection: sqlite3.Connection, path: Path) -> Study | None:
    """Everything in a study file, of whatever version, as it stood at one moment; None where no question is yet."""
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
    later = version_of(connection) >= 2
    sealed = "seal" if later else "NULL"
    for run, name, *stored in rows(f"SELECT run, name, steps, vals, {sealed} FROM curve ORDER BY run, name"):  # noqa: S608
        curves.setdefault(run, {})[name] = _opened(f"{path}: run {run}", name, *stored)
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
    first = "SELECT key, session, pid, started, ended, outcome, reason FROM attempt ORDER BY id"
    attempts = [Attempt(*row) for row in rows(first.replace("reason", "reason, trained, kept") if later else first)]
    verdict = rows("SELECT record FROM verdict")
    return Study(
        spec=decode(StudySpec, spec[0][0], f"{path}: study"),
        sessions=tuple(sessions),
        runs=tuple(runs),
        attempts=tuple(attempts),
        verdict=decode(Verdict, verdict[0][0], f"{path}: verdict") if verdict else None,
        path=str(path),
        stages=stages_of(connection, path) if later else (),
        decisions=decisions_of(connection, path) if later else (),
        facts=facts_of(connection) if later else {},
    )


def stages_of(connection: sqlite3.Connection, path: Path) -> tuple[StageRecord, ...]:
    """All finished stages, without their curves, in the order in which they finished."""
    return tuple(
        replace(
            decode(StageRecord, text, f"{path}: stage {number}"),
            snapshot=None if ref is None else decode(SnapshotRef, ref, f"{path}: snapshot of stage {number}"),
        )
        for number, ref, text in connection.execute("SELECT id, snapshot, record FROM stage ORDER BY id")
    )


def decisions_of(connection: sqlite3.Connection, path: Path) -> tuple[Decision, ...]:
    """All decisions, in order."""
    found = connection.execute("SELECT id, record FROM decision ORDER BY id")
    return tuple(decode(Decision, text, f"{path}: decision {number}") for number, text in found)


def facts_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """Everything noted by name."""
    return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM fact ORDER BY name")}


def curves_of(connection: sqlite3.Connection, stage: int) -> dict[str, Curve]:
    """The curves of one stage, by its number."""
    found = connection.execute("SELECT name, steps, vals, seal FROM stretch WHERE stage = ? ORDER BY name", (stage,))
    return {name: _opened(f"stage {stage}", name, *stored) for name, *stored in found}


def _opened(where: str, name: str, steps: bytes, values: bytes, sealed: int | None) -> Curve:
    """A stored curve, held against its checksum where it has one."""
    if sealed is not None and seal(name, steps, values) != sealed:
        raise BadFile(
            given=f"a damaged curve {name} (its checksum differs)",
            allowed="a curve as it was written",
            where=where,
            fix="restore the study file from a copy; nothing was written to it",
        )
    return unpack(steps, values)


def unwritable(path: Path, error: Exception) -> LabError:
    """The error for a study folder that cannot be used."""
    return LabError(
        given=f"a study folder that cannot be used ({error})",
        allowed="a folder with room that this user may write to",
        where=str(path),
        fix="make room or name another folder by --study; what is finished is kept, the same command goes on",
    )
