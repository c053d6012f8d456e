"""The coordinator drives any strategy over any executor: hard stops, decisions, stages that go on after a crash."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from calando.errors import LabError
from calando.lab.comparing import CompareStrategy
from calando.lab.coordinator import Coordinator
from calando.lab.executors.base import Ended, Event, Opened, Reached, Task
from calando.lab.executors.recorded import Recorded
from calando.lab.executors.replay import ReplayExecutor
from calando.lab.guard import Guard
from calando.lab.live import Quiet
from calando.lab.stages import Tree
from calando.records import Curve, Environment, RunRecord, RunSpec, Store, Study, StudySpec, load
from tests.lab.made import spec

PLANS = ("wsd(cooldown=20)", "wsd(cooldown=40)", "wsd(cooldown=60)")


def question(**changes: Any) -> StudySpec:
    given = {"peaks": (0.1,), "confirm_seeds": (1000, 1001), "horizon": 100, "evals": 5}
    return spec(*PLANS, **{**given, **changes})


def made(run: RunSpec) -> RunRecord:
    curve = Curve(tuple(range(run.horizon)), tuple(float(step) for step in range(run.horizon)))
    return RunRecord(run, "done", final=run.seed + len(run.plan), curves={"train_loss": curve}, steps=run.horizon)


def library(asked: StudySpec) -> Recorded:
    return Recorded(made(run) for run in CompareStrategy(asked, {}).left())


def begun(
    store: Store, asked: StudySpec, executor: ReplayExecutor, guard: Guard | None = None, **more: Any
) -> Coordinator:
    store.save_spec(asked)
    session = store.begin_session(("calando",), 1, 1, Environment())
    study = store.study()
    runs = {run.spec.key: run for run in study.runs} if study else {}
    return Coordinator(store, asked, CompareStrategy(asked, runs), executor, Quiet(), session, 1, 1, guard, **more)


def worked(folder: Path, asked: StudySpec, executor: ReplayExecutor, guard: Guard | None = None, **more: Any) -> str:
    with Store(folder) as store:
        coordinator = begun(store, asked, executor, guard, **more)
        coordinator.work()
        return coordinator.cut


def trained(study: Study) -> int:
    return sum(run.steps - run.reused for run in study.runs)


def tree_steps(asked: StudySpec) -> int:
    strategy, tree = CompareStrategy(asked, {}), Tree(looked=False)
    for run in strategy.left():
        tree.add(run, strategy.schedule(run), strategy.evals(run))
    return tree.saving(tree.plan(strategy.left())).steps_shared


def test_runs_that_share_are_trained_as_the_plan_says_and_have_whole_curves(tmp_path: Path) -> None:
    asked = question()
    assert worked(tmp_path, asked, ReplayExecutor(library(asked))) == ""
    study = load(tmp_path)
    assert trained(study) == tree_steps(asked) < 600 * 0.7
    assert {run.spec.key: (run.final, run.curves) for run in study.runs} == {
        run.key: (made(run).final, made(run).curves) for run in CompareStrategy(asked, {}).left()
    }


@pytest.mark.parametrize("budget", [0, 99, 100, 150, 250, 419, 10_000])
def test_no_leg_is_begun_that_could_pass_the_budget_in_steps(tmp_path: Path, budget: int) -> None:
    asked = question()
    cut = worked(tmp_path, asked, ReplayExecutor(library(asked)), Guard(steps=budget))
    study = load(tmp_path)
    assert trained(study) <= budget
    assert (cut == "") == (len(study.runs) == 6)
    assert (len(study.runs) > 0) == (budget >= 100)


def test_a_budget_counts_what_earlier_sittings_trained(tmp_path: Path) -> None:
    asked = question()
    for _ in range(3):
        assert worked(tmp_path, asked, ReplayExecutor(library(asked)), Guard(steps=150)) == "steps"
    assert trained(load(tmp_path)) <= 150


class Endless(ReplayExecutor):
    """Finishes the first run and none after it."""

    ends = 0
    closed = False

    def poll(self, seconds: float) -> Sequence[Event]:
        events = super().poll(seconds)
        if self.ends:
            self._pending = 1
            time.sleep(min(seconds, 0.05))
            return [event for event in events if not isinstance(event, Ended)]
        self.ends += any(isinstance(event, Ended) for event in events)
        return events

    def close(self) -> None:
        self.closed = True
        super().close()


def test_at_the_deadline_everything_is_killed_marked_and_what_is_finished_stays(tmp_path: Path) -> None:
    asked, began = question(), time.monotonic()
    executor = Endless(library(asked))
    assert worked(tmp_path, asked, executor, Guard(seconds=0.5)) == "time"
    assert 0.4 < time.monotonic() - began < 5
    assert executor.closed
    study = load(tmp_path)
    assert len(study.runs) == 1
    assert [(a.outcome, a.reason) for a in study.attempts[1:]] == [("interrupted", "the time of the budget is up")]
    assert worked(tmp_path, asked, ReplayExecutor(library(asked))) == ""
    assert len(load(tmp_path).runs) == 6


class Killed(ReplayExecutor):
    """Reaches the first snapshot of its first leg; then the power goes."""

    def _story(self, task: Task, record: RunRecord) -> list[Event]:
        told = super()._story(task, record)
        return [event for event in told if isinstance(event, Opened | Reached)][:2]

    def poll(self, seconds: float) -> Sequence[Event]:
        events = super().poll(seconds)
        if not events:
            raise KeyboardInterrupt
        self._pending = 1
        return events


def test_after_a_crash_a_run_goes_on_from_its_last_finished_stage(tmp_path: Path) -> None:
    asked, tasks = question(), []
    with pytest.raises(KeyboardInterrupt):
        worked(tmp_path, asked, Killed(library(asked)))
    (stage,) = load(tmp_path).stages
    assert stage.snapshot is not None

    class Watched(ReplayExecutor):
        def submit(self, task: Task) -> int:
            tasks.append(task)
            return super().submit(task)

    assert worked(tmp_path, asked, Watched(library(asked))) == ""
    study = load(tmp_path)
    again = next(task for task in tasks if task.spec.key == stage.run)
    assert again.start == stage.snapshot
    assert all(task.start is not None for task in tasks if task.spec.seed == again.spec.seed)
    assert trained(study) == tree_steps(asked)
    assert all(run.curves == made(run.spec).curves for run in study.runs)
    assert all(one.snapshot is None for one in study.stages)


def test_each_decision_is_in_the_store_when_it_falls(tmp_path: Path) -> None:
    asked = question(peaks=(0.1, 0.2), extend=0)
    answers: dict[str, RunRecord] = {}
    worked(tmp_path, asked, ReplayExecutor(lambda run: answers.setdefault(run.key, made(run))))
    decisions = load(tmp_path).decisions
    assert [decision.about for decision in decisions] == list(PLANS)
    assert all(decision.text.startswith("peak 0.1: the lowest mean val_loss") for decision in decisions)


def test_a_run_that_says_its_disk_was_full_stops_the_study_and_is_no_result(tmp_path: Path) -> None:
    class Full(ReplayExecutor):
        def _story(self, task: Task, record: RunRecord) -> list[Event]:
            return [Ended(task.spec.key, "full", "OSError: [Errno 28] No space left on device")]

    asked = question()
    with pytest.raises(LabError, match="a disk without room"):
        worked(tmp_path, asked, Full(library(asked)))
    study = load(tmp_path)
    assert study.runs == ()
    assert [a.outcome for a in study.attempts] == ["interrupted"]


def test_without_sharing_each_run_is_trained_whole(tmp_path: Path) -> None:
    asked = question()
    worked(tmp_path, asked, ReplayExecutor(library(asked)), share=False)
    assert trained(load(tmp_path)) == 600


class Refuses(ReplayExecutor):
    """Two slots; of the first two tasks with one snapshot the later one finds it no good, then the other ends."""

    refused = 0

    @property
    def free(self) -> int:
        return 2 - len(self._held)

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self._held: list[Task] = []

    def submit(self, task: Task) -> int:
        self._held.append(task)
        return 1

    def poll(self, seconds: float) -> Sequence[Event]:
        if len(self._held) == 2 and self._held[0].start == self._held[1].start is not None and not self.refused:
            self.refused += 1
            return [Ended(self._held.pop().spec.key, "refused", "a snapshot that cannot be read")]
        task = self._held.pop(0)
        record = self._answer(task.spec)
        assert record is not None
        return self._story(task, record)


def test_a_snapshot_that_one_run_cannot_read_takes_no_past_from_another_that_could(tmp_path: Path) -> None:
    asked = spec(
        "wsd(cooldown=20)", "wsd(cooldown=60)", "wsd(cooldown=60, cooldown_shape=cosine)",
        peaks=(0.1,), confirm_seeds=(1000,), horizon=100, evals=5,
    )  # fmt: skip
    executor = Refuses(library(asked))
    assert worked(tmp_path, asked, executor) == ""
    study = load(tmp_path)
    assert executor.refused == 1
    assert [a.outcome for a in study.attempts].count("refused") == 1
    assert len(study.runs) == 3
    assert all(run.curves == made(run.spec).curves for run in study.runs)
