"""The study file's tables, and how a file is known to be ours."""

import sqlite3
import sys
import zlib
from array import array
from pathlib import Path

from calando.errors import BadFile
from calando.records.run import Curve

__all__ = ["APPLICATION", "VERSION", "check", "create", "migrate", "pack", "seal", "unpack", "version_of"]

APPLICATION = 0x43414C41  # "CALA" in the file's header
VERSION = 2

_FIRST = """
CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL);
CREATE TABLE session (
    id INTEGER PRIMARY KEY, command TEXT NOT NULL, pid INTEGER NOT NULL, workers INTEGER NOT NULL,
    started REAL NOT NULL, ended REAL, environment TEXT NOT NULL
);
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, session INTEGER NOT NULL REFERENCES session(id),
    pid INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
    outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attempt_key ON attempt(key);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, candidate TEXT NOT NULL, plan TEXT NOT NULL,
    peak REAL, seed INTEGER NOT NULL, horizon INTEGER NOT NULL, phase TEXT NOT NULL,
    status TEXT NOT NULL, final REAL, record TEXT NOT NULL
);
CREATE TABLE curve (
    run INTEGER NOT NULL REFERENCES run(id), name TEXT NOT NULL, steps BLOB NOT NULL, vals BLOB NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE verdict (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL);
"""

_SECOND = """
CREATE TABLE stage (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, run TEXT NOT NULL, parent TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, snapshot TEXT, record TEXT NOT NULL
);
CREATE TABLE stretch (
    stage INTEGER NOT NULL REFERENCES stage(id), name TEXT NOT NULL, steps BLOB NOT NULL, vals BLOB NOT NULL,
    seal INTEGER NOT NULL, PRIMARY KEY (stage, name)
) WITHOUT ROWID;
CREATE TABLE decision (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE attempt ADD COLUMN trained INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE curve ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
"""

_STEPS = {2: _SECOND}
"""What a file of the version before lacks."""


def create(path: Path) -> None:
    """Write an empty study file beside `path` and move it there whole.

    A kill at any moment leaves either no file or a complete one.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        tables = "".join((_FIRST, *(_STEPS[version] for version in range(2, VERSION + 1))))
        script = f"BEGIN; {tables} PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}; COMMIT;"
        connection.executescript(script)
    finally:
        connection.close()
    fresh.replace(path)


def version_of(connection: sqlite3.Connection) -> int:
    """The version that a study file was written in."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an older study file to this version, in place and in one transaction: killed, it is what it was."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(version_of(connection) + 1, VERSION + 1):
            for statement in _STEPS[version].split(";")[:-1]:
                connection.execute(statement)
            if version == 2:
                curves = connection.execute("SELECT run, name, steps, vals FROM curve").fetchall()
                rows = [(seal(*curve[1:]), *curve[:2]) for curve in curves]
                connection.executemany("UPDATE curve SET seal = ? WHERE run = ? AND name = ?", rows)
            connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check(connection: sqlite3.Connection, path: Path, *, thorough: bool = False) -> None:
    """Refuse a file that is broken, foreign, or newer than this calando; raises BadFile."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if thorough else "ok"
    except sqlite3.DatabaseError as error:
        raise BadFile(
            given=f"a file that SQLite cannot read ({error})",
            allowed="a calando study file",
            where=str(path),
            fix="restore it from a copy, or name another study folder; nothing was written to it",
        ) from error
    if application != APPLICATION:
        raise BadFile(
            given="an SQLite file of another program",
            allowed="a calando study file",
            where=str(path),
            fix="name another study folder; nothing was written to it",
        )
    if not 1 <= version <= VERSION:
        raise BadFile(
            given=f"a study file of version {version}",
            allowed=f"versions 1 to {VERSION}",
            where=str(path),
            fix="use the newer calando that wrote it, or name another study folder",
        )
    later = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('stage', 'stretch')").fetchone()[0]
    if version == 1 and later:
        sound = "it says version 1 and holds tables of version 2"
    if sound != "ok":
        raise BadFile(
            given=f"a damaged study file ({sound})",
            allowed="a sound SQLite file",
            where=str(path),
            fix="restore it from a copy, or name another study folder; nothing was written to it",
        )


def pack(curve: Curve) -> tuple[bytes, bytes]:
    """Steps as little-endian int64, values as little-endian float64.

    >>> [len(column) for column in pack(Curve((0, 1), (0.5, 0.25)))]
    [16, 16]
    """
    steps, values = array("q", curve.steps), array("d", curve.values)
    if sys.byteorder == "big":
        steps.byteswap()
        values.byteswap()
    return steps.tobytes(), values.tobytes()


def seal(name: str, steps: bytes, values: bytes) -> int:
    """The checksum of a stored curve: CRC-32 of its name, steps and values, one after the other.

    >>> seal("lr", b"", b"")
    916072004
    """
    return zlib.crc32(values, zlib.crc32(steps, zlib.crc32(name.encode())))


def unpack(steps: bytes, values: bytes) -> Curve:
    """The curve that `pack` wrote.

    Raises:
        BadFile: when the two columns do not match.

    >>> unpack(*pack(Curve((0, 1), (0.5, 0.25))))
    Curve(steps=(0, 1), values=(0.5, 0.25))
    """
    left, right = array("q"), array("d")
    left.frombytes(steps)
    right.frombytes(values)
    if len(left) != len(right):
        raise BadFile(
            given=f"{len(left)} steps and {len(right)} values",
            allowed="as many values as steps",
            where="a curve of the study file",
            fix="restore the study file from a copy",
        )
    if sys.byteorder == "big":
        left.byteswap()
        right.byteswap()
    return Curve(tuple(left), tuple(right))
