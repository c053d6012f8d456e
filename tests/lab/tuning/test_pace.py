"""A budget by the clock: measured as it goes, used up, and read the same by who goes on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from calando.lab.tuning.pace import Pace, Reading, readings_of
from calando.lab.tuning.strategy import TuneStrategy
from calando.records import RunRecord, RunSpec
from tests.lab.tuning.surface import FULL, PLANS, Surface, question

START_UP = 4.0


class Clock:
    """Wall time in which the first run of a worker takes longer and every step takes its time."""

    def __init__(self, seconds: float, step: float) -> None:
        self.seconds, self.step, self.now, self.warm = seconds, step, 1.0, False
        self.stored: list[Reading] = []

    def pace(self) -> Pace:
        return Pace(self.seconds, lambda: max(0.0, self.seconds - self.now), 1, self.stored, self.keep)

    def keep(self, readings: object) -> None:
        self.stored = list(readings)  # type: ignore[call-overload]

    def answer(self, run: RunSpec) -> RunRecord:
        took = run.horizon * self.step + (0.0 if self.warm else START_UP)
        self.warm = True
        self.now += took + 0.05
        if run.phase == "probe":
            return RunRecord(run, "done", final=1.0, steps=run.horizon, seconds=took)
        return replace(Surface(0).answer(run), seconds=took)


def played(clock: Clock, answer: Callable[[RunSpec], RunRecord]) -> TuneStrategy:
    spec, tune = question(1, probe=True, prove=0.25)
    strategy = TuneStrategy(spec, replace(tune, steps=None, seconds=clock.seconds), pace=clock.pace())
    while (wanted := strategy.left()) and clock.now < clock.seconds:
        strategy.finished(answer(wanted[0]))
    return strategy


@pytest.mark.parametrize(("seconds", "step"), [(60.0, 0.002), (300.0, 0.01)])
def test_most_of_the_time_is_used_and_the_choice_is_confirmed(seconds: float, step: float) -> None:
    clock = Clock(seconds, step)
    tuned = played(clock, clock.answer).tuned()
    assert 0.7 * seconds < clock.now <= seconds
    assert tuned.confirmed
    assert tuned.spent <= tuned.budget


def test_time_for_a_few_short_runs_is_used_too() -> None:
    clock = Clock(20.0, 0.02)
    tuned = played(clock, clock.answer).tuned()
    assert tuned.winner in PLANS
    assert 14 < clock.now <= 20


def test_a_search_by_the_clock_goes_on_with_the_readings_it_has_kept() -> None:
    clock = Clock(40.0, 0.002)
    whole = played(clock, clock.answer)
    kept, made = list(clock.stored), dict(whole.results)

    def never(run: RunSpec) -> RunRecord:
        raise AssertionError(f"{run} was made before")

    other = Clock(40.0, 99.0)
    other.stored = kept
    spec, tune = question(1, probe=True, prove=0.25)
    again = TuneStrategy(spec, replace(tune, steps=None, seconds=40.0), made, pace=other.pace())
    assert again.left() == []
    assert again.tuned() == whole.tuned()
    assert other.stored == kept


def test_more_time_is_read_anew_where_the_search_had_ended() -> None:
    clock = Clock(20.0, 0.002)
    first = played(clock, clock.answer)
    fact = {"seconds": 20.0, "readings": [[r.budget, r.longest, r.trained, r.elapsed, r.rate] for r in clock.stored]}
    assert readings_of(fact, 20.0) == clock.stored
    longer = Clock(60.0, 0.002)
    longer.now, longer.warm, longer.stored = clock.now, True, readings_of(fact, 60.0)
    assert longer.stored == []
    spec, tune = question(1, probe=True, prove=0.25)
    strategy = TuneStrategy(
        spec, replace(tune, steps=None, seconds=60.0), first.results, None, longer.pace(), tuple(first.results)
    )
    while (wanted := strategy.left()) and longer.now < 60:
        strategy.finished(longer.answer(wanted[0]))
    assert 42 < longer.now <= 60
    assert len(strategy.results) > len(first.results)


def test_a_run_that_cannot_end_in_time_is_not_begun() -> None:
    pace = Pace(100.0, lambda: 10.0, 4)
    record = RunRecord(RunSpec("probe", "constant()", None, 0, 20, "probe"), "done", steps=20, seconds=2.0)
    reading = pace.read(20, [record], FULL)
    assert reading.longest == 95
    assert reading.budget > reading.longest
