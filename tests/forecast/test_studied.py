"""The runs of a study as loss curves: only those a law may be fitted to, with the rates that they had."""

from dataclasses import replace

import pytest

from calando.core.text import parse
from calando.forecast.studied import LOSSES, curve_of_run, usable_runs
from calando.records import Curve, RunRecord, RunSpec
from tests.lab.made import spec


def run(plan: str = "cosine()", seed: int = 0, final: float = 1.0, losses: int = 10, **changes: object) -> RunRecord:
    asked = replace(RunSpec(plan, plan, 0.1, seed, 100), **changes)  # type: ignore[arg-type]
    at = tuple(range(9, 100, 100 // losses))[-losses:]
    curve = Curve(at, tuple(final * (2 - step / 99) for step in at))
    return RunRecord(asked, "done", final=final, curves={"val_loss": curve}, steps=100)


def test_schedules_take_turns_so_that_the_first_few_runs_are_of_all_of_them() -> None:
    runs = [run(plan, seed) for plan in ("cosine()", "wsd()") for seed in (0, 1, 2)]
    assert [one.spec.plan for one in usable_runs(spec(), runs)[:2]] != ["cosine()", "cosine()"]
    assert len(usable_runs(spec(), runs)) == 6


@pytest.mark.parametrize(
    "odd",
    [
        run(seed=1, losses=LOSSES - 3),
        run(seed=1, horizon=50),
        run(seed=1, final=4.5),
        run(seed=1, params='{"decay":0.1}'),
        run(seed=1, peak=None),
        run("reduce_on_plateau(cosine())", 1),
        replace(run(seed=1), status="diverged", final=None),
    ],
    ids=["few losses", "short", "far off", "other values", "no peak", "listens", "diverged"],
)
def test_what_no_law_is_made_for_is_left_out(odd: RunRecord) -> None:
    good = run()
    assert usable_runs(spec(), [good, odd]) == [good]


def test_where_higher_is_better_nothing_is_a_loss() -> None:
    assert usable_runs(spec(mode="max"), [run()]) == []


def test_lengths_in_epochs_are_those_of_the_study() -> None:
    plan = "multistep(milestones=[3ep])"
    curve = curve_of_run(run(plan), "val_loss", 20)
    schedule = parse(plan).bind(100, steps_per_epoch=20)
    assert curve.rates.tolist() == [0.1 * schedule(step) for step in range(100)]
    assert curve.steps.tolist() == list(range(10, 101, 10))
