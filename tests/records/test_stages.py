"""Stages, decisions and facts: written whole, found again, and paid for once."""

import random
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records import Curve, Decision, RunSpec, SnapshotRef, Spent, StageRecord, Store, load
from calando.records.stage import joined
from calando.records.store import FILE
from tests.records.test_store import SPEC, a_run

TRUNK = RunSpec("c", "cosine()", 0.1, 0, 10)


def a_stage(start: int, stop: int, parent: str = "", size: int = 100, run: RunSpec = TRUNK) -> StageRecord:
    steps = tuple(range(start, stop))
    return StageRecord(
        f"{run.key}@{stop}", run.key, start, stop, 0.5, {"lr": Curve(steps, tuple(step / 8 for step in steps))},
        SnapshotRef(stop, f"snapshots/{stop}", "ab", size), parent, run, "{}", 4,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "a study") as store:
        store.save_spec(SPEC)
        yield store


def test_stages_are_read_back(store: Store) -> None:
    stage = a_stage(0, 4)
    store.finish_stage(0, stage)
    assert store.stages() == (replace(stage, curves={}),)
    assert load(store.folder).stages == store.stages()
    assert store.path_to(stage.key) == stage.curves


def test_a_past_is_put_together_from_its_stages(store: Store) -> None:
    first, second = a_stage(0, 4), a_stage(4, 7, parent=f"{TRUNK.key}@4")
    branch = a_stage(4, 9, parent=first.key, run=replace(TRUNK, candidate="b"))
    for stage in (first, second, branch):
        store.finish_stage(0, stage)
    assert store.path_to(branch.key)["lr"].steps == tuple(range(9))
    assert store.path_to(second.key)["lr"].steps == tuple(range(7))
    assert store.path_to("") == {}
    with pytest.raises(BadFile, match="the stage 'nowhere'"):
        store.path_to("nowhere")


def test_a_stage_that_is_there_is_not_written_again(store: Store) -> None:
    stage = a_stage(0, 4)
    attempts = [store.begin_attempt(1, TRUNK.key, 7) for _ in range(2)]
    for attempt in attempts:
        store.finish_stage(attempt, replace(stage, seconds=float(attempt)))
    (found,) = store.stages()
    assert found.seconds == 1.0
    assert [(start.trained, start.kept) for start in load(store.folder).attempts] == [(4, 4), (4, 0)]
    assert store.facts()["disk"]["snapshots"] == 1


def test_a_stage_that_lost_its_snapshot_is_written_whole_again(store: Store) -> None:
    first, second = a_stage(0, 4), a_stage(4, 7, parent=f"{TRUNK.key}@4")
    store.finish_stage(0, first)
    store.finish_stage(0, second)
    store.drop_snapshot(second.key)
    store.drop_snapshot(first.key)
    store.finish_stage(0, replace(a_stage(0, 7), snapshot=SnapshotRef(7, "elsewhere", "cd", 9)))
    assert store.path_to(second.key)["lr"].steps == tuple(range(7))
    assert [(s.start, s.stop, s.snapshot and s.snapshot.url) for s in store.stages()] == [
        (0, 4, None),
        (0, 7, "elsewhere"),
    ]


def test_curves_go_when_no_snapshot_stands_on_them(store: Store) -> None:
    first, second = a_stage(0, 4), a_stage(4, 7, parent=f"{TRUNK.key}@4")
    store.finish_stage(0, first)
    store.finish_stage(0, second)

    def stretches() -> int:
        return store._connection.execute("SELECT count(*) FROM stretch").fetchone()[0]

    store.drop_snapshot(first.key)
    assert store.path_to(second.key)["lr"].steps == tuple(range(7))
    store.drop_snapshot(second.key)
    assert stretches() == 0
    assert [stage.snapshot for stage in store.stages()] == [None, None]


def test_the_past_of_a_run_under_way_outlives_the_snapshots_that_it_stands_on(store: Store) -> None:
    first, second = a_stage(0, 4), a_stage(4, 7, parent=f"{TRUNK.key}@4")
    store.finish_stage(0, first)
    store.finish_stage(0, second)
    store.drop_snapshot(first.key, {second.key})
    store.drop_snapshot(second.key, {second.key})
    assert store.path_to(second.key)["lr"].steps == tuple(range(7))
    store.drop_snapshot(first.key, {first.key})
    assert store.path_to(first.key)["lr"].steps == tuple(range(4))
    assert store.path_to(second.key)["lr"].steps == tuple(range(4))
    store.drop_snapshot(first.key)
    assert store.path_to(first.key) == {}


def test_the_disk_is_accounted_for(store: Store) -> None:
    store.finish_stage(0, a_stage(0, 4, size=100))
    store.finish_stage(0, a_stage(4, 7, size=50))
    store.drop_snapshot(a_stage(0, 4).key)
    store.finish_stage(0, a_stage(7, 8, size=20))
    assert store.facts()["disk"] == {"now": 70, "peak": 150, "written": 170, "snapshots": 3}


def test_the_bill_counts_what_was_trained_shared_and_lost(store: Store) -> None:
    asked = a_run(0).spec.key, a_run(1).spec.key, "k", replace(TRUNK, seed=9).key
    starts = [store.begin_attempt(1, key, 7) for key in asked]
    store.finish(starts[0], a_run(0))
    store.finish(starts[1], a_run(1, reused=6))
    store.end_attempt(starts[2], "lost", "killed", trained=5)  # no stage was finished: all of it is gone
    store.finish_stage(starts[3], a_stage(0, 4, run=replace(TRUNK, seed=9)))
    store.end_attempt(starts[3], "interrupted", trained=7)
    bill = load(store.folder).spent
    assert bill == Spent(
        trained=10 + 4 + 4, shared=6, lost=5 + 3, starts=4, stages=1, snapshots=1, disk=100, disk_peak=100
    )
    assert (bill.alone, bill.times) == (24, 24 / 18)


def test_a_stage_that_is_trained_twice_is_lost_once_however_its_run_ends(store: Store) -> None:
    stage, record = a_stage(0, 4, run=a_run(0).spec), a_run(0)
    first, second = (store.begin_attempt(1, record.spec.key, 7) for _ in range(2))
    store.finish_stage(first, stage)  # and killed together with its coordinator: this attempt is never ended
    assert load(store.folder).spent.trained == 4
    assert load(store.folder).spent.lost == 0
    store.drop_snapshot(stage.key)
    store.finish_stage(second, stage)
    assert (load(store.folder).spent.trained, load(store.folder).spent.lost) == (4, 4)
    store.finish(second, record, 10)
    assert (load(store.folder).spent.trained, load(store.folder).spent.lost) == (10, 4)


def test_stages_that_cover_the_same_updates_count_once(store: Store) -> None:
    attempt = store.begin_attempt(1, TRUNK.key, 7)
    store.finish_stage(attempt, a_stage(0, 4))
    store.finish_stage(attempt, a_stage(0, 7))
    assert (load(store.folder).spent.trained, load(store.folder).spent.lost) == (7, 4)


def test_snapshots_inside_the_folder_are_noted_relative_to_it(store: Store) -> None:
    home = store.folder.resolve()
    urls = [str(home / "snapshots" / "4-ab"), "/elsewhere/7-cd", "memory://x/9-ef"]
    for stop, url in zip((4, 7, 9), urls, strict=True):
        store.finish_stage(0, replace(a_stage(stop - 1, stop), snapshot=SnapshotRef(stop, url, "", 1)))
    assert [stage.snapshot and stage.snapshot.url for stage in store.stages()] == ["snapshots/4-ab", *urls[1:]]
    assert [store.resolved(stage.snapshot.url) for stage in store.stages() if stage.snapshot] == urls


def test_decisions_are_added_to_and_mended(store: Store) -> None:
    out, kept = Decision("short", "out: worse", "a", 3), Decision("short", "stays", "b", 3)
    store.save_decisions([out])
    store.save_decisions([out, kept])
    assert load(store.folder).decisions == (out, kept)
    store.save_decisions([kept])
    assert load(store.folder).decisions == (kept,)
    store.save_decisions([])
    assert load(store.folder).decisions == ()


def test_facts_are_any_plain_data(store: Store) -> None:
    store.save_fact("probe", {"seconds": 0.25, "kept": ["model"], "none": None, "wild": float("inf")})
    store.save_fact("stage", a_stage(0, 1))
    store.save_fact("probe", {"seconds": 0.5})
    assert store.facts()["probe"] == {"seconds": 0.5}
    assert load(store.folder).facts["stage"]["stop"] == 1


def test_stretches_of_curves_are_put_one_after_the_other() -> None:
    first = {"lr": Curve((0, 1), (0.1, 0.2)), "val": Curve((1,), (3.0,))}
    assert joined(first, {"lr": Curve((2,), (0.3,))}, {}) == {
        "lr": Curve((0, 1, 2), (0.1, 0.2, 0.3)),
        "val": Curve((1,), (3.0,)),
    }


WRITER = textwrap.dedent("""
    import sys
    from calando.records import *
    store = Store(sys.argv[1])
    store.save_spec(StudySpec("?", "t.py:t", 10, ()))
    run, parent = RunSpec("c", "cosine()", 0.1, 0, 1 << 30), ""
    attempt = store.begin_attempt(1, run.key, 1)
    for stop in range(10, 1_000_000, 10):
        key = f"{run.key}@{stop}"
        curve = Curve(tuple(range(stop - 10, stop)), (0.5,) * 10)
        ref = SnapshotRef(stop, "s", "", 1)
        stage = StageRecord(key, run.key, stop - 10, stop, 0.0, {"lr": curve}, ref, parent, run, "{}", 4)
        store.finish_stage(attempt, stage)
        if stop > 20:
            store.drop_snapshot(f"{run.key}@{stop - 20}")
        parent = key
""")


def test_a_writer_killed_at_any_moment_leaves_whole_stages(tmp_path: Path) -> None:
    chance = random.Random(5)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "s")])
        while not (tmp_path / "s" / FILE).exists():
            time.sleep(0.005)
        time.sleep(chance.uniform(0.1, 0.5))
        writer.kill()
        writer.wait()
        with Store(tmp_path / "s") as store:
            stages = store.stages()
            kept = [stage for stage in stages if stage.snapshot is not None]
            for stage in kept:
                assert store.path_to(stage.key)["lr"].steps == tuple(range(stage.stop))
            bill = store.facts().get("disk", {"now": 0})
            assert bill["now"] == len(kept)
        study = load(tmp_path / "s") if stages else None
        if study is not None:
            assert study.attempts[0].kept == stages[-1].stop
        shutil.rmtree(tmp_path / "s")
