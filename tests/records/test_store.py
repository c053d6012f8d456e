"""The study file: whole or not there, one writer, never overwritten when it is not ours."""

import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from calando.errors import BadFile, LabError
from calando.records import Candidate, Curve, Environment, RunRecord, RunSpec, Store, StudySpec, Verdict, load
from calando.records.store import FILE

SPEC = StudySpec("Which <b>one</b>?", "t.py:train", 10, (Candidate("c", "cosine()", peak=0.1),), baseline="c")


def a_run(seed: int = 0, **changes: object) -> RunRecord:
    given: dict = {
        "final": 0.25,
        "steps": 10,
        "seconds": 1.5,
        "curves": {"lr": Curve((0, 1), (0.1, 0.05)), "train_loss": Curve((0, 1), (2.0, math.inf))},
        "notes": ("a remark",),
    }
    return RunRecord(RunSpec("c", "cosine()", 0.1, seed, 10), "done", **{**given, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a study"


def filled(folder: Path) -> None:
    with Store(folder) as store:
        store.save_spec(SPEC)
        session = store.begin_session(("calando", "compare", "é"), 7, 2, Environment("3.11", packages={"torch": "2"}))
        store.finish(store.begin_attempt(session, a_run().spec.key, 99), a_run())
        store.end_session(session)


def test_what_was_written_is_read_back(folder: Path) -> None:
    filled(folder)
    study = load(folder)
    assert study.spec == SPEC
    assert study.runs == (a_run(),)
    assert study.command == ("calando", "compare", "é")
    assert study.environment.packages == {"torch": "2"}
    (attempt,) = study.attempts
    assert (attempt.key, attempt.pid, attempt.outcome) == (a_run().spec.key, 99, "done")
    assert study == load(folder / FILE)


def test_numbers_that_are_not_finite_survive(folder: Path) -> None:
    wild = a_run(1, curves={"x": Curve((0, 0, 5), (math.nan, -math.inf, 1e-308))}, final=None)
    with Store(folder) as store:
        store.save_spec(SPEC)
        store.finish(0, wild)
    (read,) = load(folder).runs
    values = read.curve("x").values
    assert math.isnan(values[0])
    assert values[1:] == (-math.inf, 1e-308)


def test_a_finished_run_is_never_written_twice(folder: Path) -> None:
    filled(folder)
    with Store(folder) as store:
        store.finish(0, a_run(final=99.0))
    (run,) = load(folder).runs
    assert run.final == 0.25


def test_a_changed_question_drops_the_old_verdict(folder: Path) -> None:
    verdict = Verdict("val_loss", "min", 0.95, 0.0, "c", None, ())
    with Store(folder) as store:
        store.save_spec(SPEC)
        store.save_verdict(verdict)
        store.save_spec(SPEC)
        study = store.study()
        assert study is not None
        assert study.verdict == verdict
        store.save_spec(StudySpec("Another?", "t.py:train", 10, SPEC.candidates))
        study = store.study()
        assert study is not None
        assert study.verdict is None


def test_one_file_is_left_when_the_writer_closes(folder: Path) -> None:
    filled(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["lock", FILE]


def test_two_writers_are_refused(folder: Path) -> None:
    with Store(folder), pytest.raises(LabError, match=f"pid {os.getpid()}"):
        Store(folder)
    Store(folder).close()


def test_a_study_is_readable_while_it_is_written(folder: Path) -> None:
    with Store(folder) as store:
        store.save_spec(SPEC)
        assert load(folder).spec == SPEC


def test_a_study_is_readable_where_nothing_may_be_written(folder: Path) -> None:
    filled(folder)
    (folder / FILE).chmod(0o444)
    folder.chmod(0o555)
    try:
        assert load(folder).runs == (a_run(),)
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 4096, b"x" * 100])
def test_a_broken_file_is_refused_and_left_alone(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    for act in (Store, load):
        with pytest.raises(BadFile):
            act(folder)
        assert (folder / FILE).read_bytes() == content


def test_a_file_that_was_cut_off_is_refused(folder: Path) -> None:
    filled(folder)
    whole = (folder / FILE).read_bytes()
    for share in (0.1, 0.5, 0.8):
        (folder / FILE).write_bytes(whole[: int(share * len(whole))])
        with pytest.raises((BadFile, LabError)):
            Store(folder)


def test_a_foreign_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / FILE) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(BadFile, match="another program"):
        Store(folder)


def test_a_newer_file_is_refused_by_name(folder: Path) -> None:
    filled(folder)
    with sqlite3.connect(folder / FILE) as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    for act in (Store, load):
        with pytest.raises(BadFile, match="version 7"):
            act(folder)


def test_rows_that_make_no_sense_are_refused(folder: Path) -> None:
    filled(folder)
    with sqlite3.connect(folder / FILE) as hand:
        hand.execute("UPDATE run SET record = '{\"spec\": 3}'")
    hand.close()
    with pytest.raises(BadFile):
        load(folder)


def test_what_is_no_study_is_told_so(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", tmp_path / "none.sqlite3"):
        with pytest.raises(BadFile, match="no such study"):
            load(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be used"):
        Store(tmp_path / "file" / "study")


def test_a_full_disk_is_told_and_what_was_written_stays(folder: Path) -> None:
    filled(folder)
    with Store(folder) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = a_run(5, curves={"x": Curve(tuple(range(10_000)), (0.5,) * 10_000)})
        with pytest.raises(LabError, match="full"):
            store.finish(0, big)
        study = store.study()
        assert study is not None
        assert study.runs == (a_run(),)
    assert load(folder).runs == (a_run(),)


WRITER = textwrap.dedent("""
    import sys
    from calando.records import *
    store = Store(sys.argv[1])
    store.save_spec(StudySpec("?", "t.py:t", 10, ()))
    session = store.begin_session(("x",), 1, 1, Environment())
    for seed in range(100_000):
        run = RunRecord(RunSpec("c", "cosine()", 0.1, seed, 10), "done", final=float(seed),
                        curves={"lr": Curve(tuple(range(50)), (float(seed),) * 50)})
        store.finish(store.begin_attempt(session, run.spec.key, 1), run)
""")


def test_a_writer_killed_at_any_moment_leaves_whole_runs(folder: Path) -> None:
    chance = random.Random(3)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)])
        while not (folder / FILE).exists():
            time.sleep(0.005)
        time.sleep(chance.uniform(0.05, 0.3))
        writer.kill()
        writer.wait()
        with Store(folder) as store:
            study = store.study()
        for run in study.runs if study else ():
            assert run.curve("lr").values == (run.final,) * 50
        shutil.rmtree(folder)
