"""Recorded runs answer a strategy as an executor would, refuse what was not recorded, and count costs honestly."""

import time
from dataclasses import replace

import pytest

from calando.errors import LabError
from calando.lab.executors.base import Ended, Opened, Reached, Ready, Task
from calando.lab.executors.recorded import Recorded
from calando.lab.executors.replay import ReplayExecutor, replay
from calando.records import Curve, RunRecord, RunSpec
from tests.lab.executors.asking import Listed


def run(plan: str, peak: float = 0.1, seed: int = 0, horizon: int = 100) -> RunSpec:
    return RunSpec(plan, plan, peak, seed, horizon)


def made(spec: RunSpec, final: float = 0.5) -> RunRecord:
    steps = tuple(range(spec.horizon))
    curves = {"val_loss": Curve(steps, tuple(1.0 / (1 + step) for step in steps))}
    return RunRecord(spec, "done", final=final, curves=curves, steps=spec.horizon, seconds=10.0)


COOLDOWNS = [run(f"wsd(cooldown={n})") for n in (10, 20, 40)]
LIBRARY = Recorded([made(spec) for spec in [*COOLDOWNS, run("cosine()"), run("constant()")]])


def task(spec: RunSpec, **changes: object) -> Task:
    return replace(Task(spec, "", 1, "val_loss", "min"), **changes)


def test_a_recorded_run_is_found_by_another_spelling_label_and_phase() -> None:
    asked = RunSpec("other", "wsd(cooldown=20, warmup=0)", 0.1, 0, 100, "final")
    found = LIBRARY(asked)
    assert found is not None
    assert found.spec == asked
    assert LIBRARY.offers(asked)


def test_a_run_at_another_peak_seed_or_horizon_is_not_offered() -> None:
    others = [run("cosine()", peak=0.2), run("cosine()", seed=1), run("cosine()", horizon=50)]
    assert not any(LIBRARY.offers(other) for other in others)
    assert LIBRARY.seeds("cosine()", 0.1, 100) == (0,)


def test_two_different_records_of_one_run_are_refused() -> None:
    with pytest.raises(LabError, match="two different records of cosine"):
        Recorded([made(run("cosine()"), 0.5), made(run("cosine(end=0)"), 0.6)])


def test_the_executor_tells_of_a_leg_what_a_worker_would_tell() -> None:
    executor = ReplayExecutor(LIBRARY)
    executor.warm()
    executor.submit(task(COOLDOWNS[0], keep_at=(60, 80)))
    assert executor.free == 0
    ready, opened, first, second, ended = executor.poll(0)
    assert executor.free == 1
    assert isinstance(ready, Ready)
    assert isinstance(opened, Opened)
    assert opened.kept
    assert isinstance(first, Reached)
    assert first.snapshot is not None
    assert len(first.curves["val_loss"]) == 60
    assert isinstance(second, Reached)
    assert second.step == 80
    assert isinstance(ended, Ended)
    assert ended.steps == 100
    assert ended.seconds == 10.0
    executor.submit(task(COOLDOWNS[1], start=second.snapshot))
    _, rest = executor.poll(0)
    assert isinstance(rest, Ended)
    assert rest.curves["val_loss"].steps == tuple(range(80, 100))
    assert rest.seconds == pytest.approx(2.0)
    assert rest.steps == 100


def test_without_sharing_nothing_can_be_gone_on_with() -> None:
    executor = ReplayExecutor(LIBRARY, shares=False)
    executor.submit(task(COOLDOWNS[0], keep_at=(60,)))
    assert [type(event) for event in executor.poll(0)] == [Opened, Ended]


def test_a_run_that_was_not_recorded_is_refused_by_name() -> None:
    asked = run("cosine()", seed=7)
    with pytest.raises(LabError, match=r"not recorded: cosine\(\), peak 0.1, seed 7, 100 updates"):
        ReplayExecutor(LIBRARY).submit(task(asked))
    with pytest.raises(LabError, match="was not recorded"):
        replay(Listed([asked]), LIBRARY)


def test_a_trunk_is_paid_once() -> None:
    told = replay(Listed(COOLDOWNS), LIBRARY)
    # The second leaves the first one after step 80: the first step of a cooldown still has the factor 1.
    assert [record.reused for record in told.runs] == [0, 81, 61]
    assert (told.trained, told.alone) == (100 + 19 + 39, 300)
    assert told.decisions[-1].runs == 3
    assert replay(Listed(COOLDOWNS), LIBRARY, share=False).trained == 300


def test_what_is_wanted_only_later_finds_no_snapshot_of_its_own() -> None:
    told = replay(Listed(COOLDOWNS[:1], COOLDOWNS[1:]), LIBRARY)
    assert [record.reused for record in told.runs] == [0, 0, 61]


def test_other_seeds_and_peaks_share_nothing() -> None:
    runs = [run("wsd(cooldown=10)"), run("wsd(cooldown=20)", seed=1), run("wsd(cooldown=40)", peak=0.2)]
    assert replay(Listed(runs), Recorded(made(spec) for spec in runs)).trained == 300


def test_no_run_is_begun_that_would_pass_the_budget() -> None:
    order = [COOLDOWNS[2], run("cosine()"), COOLDOWNS[0]]
    told = replay(Listed(order), LIBRARY, budget=150)
    assert [record.spec for record in told.runs] == [COOLDOWNS[2], COOLDOWNS[0]]
    assert told.trained == 139 <= 150
    assert told.skipped == (run("cosine()"),)


def test_a_diverged_run_costs_what_it_took_and_shares_only_that() -> None:
    broken = replace(made(COOLDOWNS[0]), status="diverged", final=None, steps=30, curves={})
    library = Recorded([broken, made(COOLDOWNS[1])])
    assert replay(Listed(COOLDOWNS[:2]), library).trained == 130


def test_a_replay_of_48_runs_takes_less_than_50_milliseconds() -> None:
    runs = [
        run(f"wsd(cooldown={n})", peak, seed, 5000)
        for n in range(500, 4500, 500)
        for peak in (0.1, 0.2, 0.4)
        for seed in range(2)
    ]
    library = Recorded(RunRecord(spec, "done", final=0.5, steps=5000) for spec in runs)
    replay(Listed(runs), library)
    began = time.process_time()
    for _ in range(20):
        replay(Listed(runs), library)
    assert (time.process_time() - began) / 20 < 0.05
