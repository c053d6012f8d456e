"""A study file as calando wrote it before stages were known, made by that version's own tables."""

import sqlite3
from pathlib import Path

from calando.records.plain import encode
from calando.records.run import RunRecord
from calando.records.schema import APPLICATION, pack
from calando.records.study import Environment, StudySpec

TABLES = """
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


def write(file: Path, spec: StudySpec, run: RunRecord) -> None:
    """One question, one sitting, one finished run and one that was begun."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript(f"{TABLES} PRAGMA application_id={APPLICATION}; PRAGMA user_version=1;")
    connection.execute("INSERT INTO study VALUES (1, ?)", (encode(spec),))
    connection.execute(
        'INSERT INTO session VALUES (1, \'["calando", "compare"]\', 7, 2, 1.0, 2.0, ?)', (encode(Environment("3.11")),)
    )
    connection.execute("INSERT INTO attempt VALUES (1, ?, 1, 99, 1.0, 2.0, 'done', '')", (run.spec.key,))
    connection.execute("INSERT INTO attempt VALUES (2, 'feedfeedfeedfeed', 1, 99, 1.5, NULL, '', '')")
    # As it was written then: without what later versions added to a record.
    later = (', "reused": 0', ', "params": ""')
    record = encode(RunRecord(**{name: getattr(run, name) for name in run.__slots__ if name != "curves"}))
    for word in later:
        record = record.replace(word, "")
    asked = run.spec
    connection.execute(
        "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(asked.key, asked.candidate, asked.plan, asked.peak, asked.seed, asked.horizon, asked.phase),
            *(run.status, run.final, record),
        ),
    )
    for name, curve in run.curves.items():
        connection.execute("INSERT INTO curve VALUES (1, ?, ?, ?)", (name, *pack(curve)))
    connection.close()
