"""Files of an older calando are read as they are, brought up to date in one stroke, and never broken."""

import hashlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records import Curve, RunRecord, RunSpec, Store, load
from calando.records.schema import VERSION
from calando.records.store import FILE
from tests.records import version1
from tests.records.test_store import SPEC, a_run, filled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    version1.write(folder / FILE, SPEC, a_run())
    return folder


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def version(folder: Path) -> int:
    connection = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return found


def test_an_old_file_is_read_without_being_written(folder: Path) -> None:
    before = digest(folder)
    study = load(folder)
    assert digest(folder) == before
    assert study.spec == SPEC
    assert study.runs == (a_run(),)
    assert [attempt.outcome for attempt in study.attempts] == ["done", ""]
    assert (study.stages, study.decisions, study.facts) == ((), (), {})
    assert study.spent.trained == a_run().steps


def test_an_old_file_is_brought_up_to_date_by_who_will_write_it(folder: Path) -> None:
    old = load(folder)
    with Store(folder) as store:
        assert store.study() == old
        store.save_fact("answer", 42)
        store.finish(0, a_run(1))
    assert version(folder) == VERSION
    assert load(folder).runs == (a_run(), a_run(1))
    assert load(folder).facts == {"answer": 42}


def test_an_updated_file_has_the_tables_of_a_new_one(folder: Path, tmp_path: Path) -> None:
    Store(folder).close()
    filled(tmp_path / "new")

    def tables(place: Path) -> dict[str, list[tuple]]:
        connection = sqlite3.connect(place / FILE)
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        connection.close()
        return found

    assert tables(folder) == tables(tmp_path / "new")


def test_an_old_file_that_is_damaged_is_refused_and_left_alone(folder: Path) -> None:
    hand = sqlite3.connect(folder / FILE)
    hand.execute("DROP TABLE attempt")
    hand.commit()
    hand.close()
    before = (folder / FILE).read_bytes()
    for act in (Store, load):
        with pytest.raises(BadFile):
            act(folder)
        assert (folder / FILE).read_bytes() == before
    assert version(folder) == 1


@pytest.mark.parametrize("wrong", [0, VERSION + 1])
def test_a_file_of_an_unknown_version_is_left_alone(folder: Path, wrong: int) -> None:
    hand = sqlite3.connect(folder / FILE)
    hand.execute(f"PRAGMA user_version = {wrong}")
    hand.close()
    before = (folder / FILE).read_bytes()
    for act in (Store, load):
        with pytest.raises(BadFile, match=f"version {wrong}"):
            act(folder)
        assert (folder / FILE).read_bytes() == before


DIES = textwrap.dedent("""
    import os, signal, sqlite3, sys
    folder, nth = sys.argv[1], int(sys.argv[2])
    count = 0

    class Dies(sqlite3.Connection):
        def execute(self, statement, *more):
            global count
            told = ("PRAGMA user_version", "CREATE", "ALTER", "BEGIN IMM", "COMMIT")
            if statement.strip().startswith(told):
                count += 1
                if count == nth:
                    if statement == "COMMIT":
                        super().execute("PRAGMA cache_spill=1")
                    os.kill(os.getpid(), signal.SIGKILL)
            return super().execute(statement, *more)

    plain = sqlite3.connect
    sqlite3.connect = lambda *given, **named: plain(*given, factory=Dies, **named)
    from calando.records import Store
    Store(folder).close()
""")


def test_killed_at_any_statement_of_the_update_the_file_is_whole(folder: Path, tmp_path: Path) -> None:
    old, versions = load(folder), set()
    for nth in range(1, 40):
        copy = tmp_path / f"killed-{nth}"
        shutil.copytree(folder, copy)
        ended = subprocess.run([sys.executable, "-c", DIES, str(copy), str(nth)], check=False).returncode
        found = load(copy)
        assert (found.spec, found.runs, len(found.attempts)) == (old.spec, old.runs, len(old.attempts))
        versions.add(version(copy))
        with Store(copy) as store:
            study = store.study()
        assert study is not None
        assert study.runs == old.runs
        assert version(copy) == VERSION
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert ended == 0, "the update has more statements than this test knows of"
    assert versions == {1, VERSION}


def test_a_file_that_claims_to_be_older_than_its_tables_is_refused_as_damaged(tmp_path: Path) -> None:
    filled(tmp_path)
    hand = sqlite3.connect(tmp_path / FILE)
    hand.execute("PRAGMA user_version = 1")
    hand.close()
    before = (tmp_path / FILE).read_bytes()
    for act in (Store, load):
        with pytest.raises(BadFile, match="damaged study file") as caught:
            act(tmp_path)
        assert "restore it from a copy" in caught.value.fix
        assert (tmp_path / FILE).read_bytes() == before


def flipped(file: Path, table: str) -> None:
    hand = sqlite3.connect(file)
    (values,) = hand.execute(f"SELECT vals FROM {table}").fetchone()  # noqa: S608
    hand.execute(f"UPDATE {table} SET vals = ?", (bytes([values[0], values[1] ^ 8, *values[2:]]),))  # noqa: S608
    hand.commit()
    hand.close()


def test_one_flipped_bit_of_a_curve_is_noticed(tmp_path: Path, folder: Path) -> None:
    filled(tmp_path)
    Store(folder).close()  # a file that was of version 1 has checksums from then on, too
    for place in (tmp_path, folder):
        flipped(place / FILE, "curve")
        for act in (Store, load):
            with pytest.raises(BadFile, match=r"damaged curve .* checksum"):
                act(place)


def test_one_flipped_bit_of_a_stage_is_noticed_before_a_run_goes_on_from_it(tmp_path: Path) -> None:
    from tests.records.test_stages import a_stage

    with Store(tmp_path) as store:
        store.save_spec(SPEC)
        store.finish_stage(0, a_stage(0, 4))
    flipped(tmp_path / FILE, "stretch")
    with Store(tmp_path) as store, pytest.raises(BadFile, match="damaged curve lr"):
        store.path_to(a_stage(0, 4).key)


def test_a_long_old_file_keeps_every_curve(tmp_path: Path) -> None:
    long = RunRecord(
        RunSpec("c", "cosine()", 0.1, 0, 10), "done", final=1.0, curves={"x": Curve(range(5000), (0.5,) * 5000)}
    )
    version1.write(tmp_path / FILE, SPEC, long)
    Store(tmp_path).close()
    assert load(tmp_path).runs[0].curve("x").values == (0.5,) * 5000
