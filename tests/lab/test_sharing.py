"""What runs share changes no result, whatever happens to the run that trains it for others."""

from pathlib import Path
from typing import Any

import pytest

from calando.lab import compare
from calando.records import Study
from tests.lab.lost import CANDIDATES, KEPT, results, trace


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def study(function: str = "train", share: bool | None = True, **changes: Any) -> Study:
    given: dict[str, Any] = {"peaks": [0.05], "seeds": 1, "confirm_seeds": 2, "steps": 60, "evals": 3, "workers": 2}
    given |= {"humble": False, "live": False, "study": "shared" if share is not False else "alone", "share": share}
    return compare(f"{KEPT}:{function}", CANDIDATES, **{**given, **changes})


def trained(study: Study) -> int:
    return sum(run.steps - run.reused for run in study.runs)


def test_sharing_saves_a_third_of_the_steps_and_changes_no_result() -> None:
    shared = study()
    assert len(trace(Path())) == trained(shared) < 400
    assert sum(run.steps for run in shared.runs) == 600
    alone = study(share=False)
    assert trained(alone) == sum(run.steps for run in alone.runs)
    assert results(shared) == results(alone)
    assert shared.verdict == alone.verdict
    for run in shared.runs:
        assert run.curve("lr").steps == tuple(range(60))
    assert list(Path("shared/snapshots").iterdir()) == []
    assert shared.spent.disk == 0 < shared.spent.disk_peak


def test_it_is_shared_without_being_asked_for_where_it_is_worth_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(study(share=None, live=True)) < 400
    assert "sharing stages: 5 candidates x 2 seeds: " in capsys.readouterr().err


def test_a_train_function_that_keeps_nothing_shares_nothing_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = study("forgetful", live=True)
    assert trained(found) == 600
    told = capsys.readouterr().err
    assert told.count("nothing is shared: ") == 1
    assert "run.keep" in told


def test_a_trunk_that_fails_takes_nobody_with_it() -> None:
    shared, alone = study("trips"), study("trips", share=False)
    assert results(shared) == results(alone)
    assert {run.spec.candidate for run in shared.runs if run.status == "failed"} == {"wsd(warmup=4, cooldown=10)"}
    assert {run.reason for run in shared.runs if run.status == "failed"} == {"ValueError: here it ends"}


def test_a_trunk_whose_worker_dies_goes_on_from_its_last_stage() -> None:
    shared, steps = study("dies_on_the_way"), trace(Path())
    assert sum(a.outcome == "lost" for a in shared.attempts) == 2
    mine = [step for label, seed, step in steps if (label, seed) == ("wsd(warmup=4, cooldown=10)", 1000)]
    began = [step for before, step in zip([-1, *mine], mine, strict=False) if step != before + 1]
    assert len(began) == 1
    assert 0 < began[0] <= 36
    assert results(shared) == results(study("train", share=False))


def test_a_snapshot_that_cannot_be_read_costs_steps_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    shared = study("spoils", live=True)
    assert "a snapshot that cannot be read" in capsys.readouterr().err
    assert any(a.outcome == "refused" for a in shared.attempts)
    assert results(shared) == results(study("train", share=False))


def test_where_snapshots_are_possible_at_epoch_ends_only_runs_part_there() -> None:
    shared = study("epochs")
    assert {stage.stop % 8 for stage in shared.stages} == {0}
    assert trained(shared) < 600
    assert results(shared) == results(study("train", share=False))


@pytest.mark.parametrize(("disk", "most"), [(0, 600), ("1kB", 600), ("20kB", 599)])
def test_the_disk_that_snapshots_use_is_bounded(disk: int | str, most: int) -> None:
    shared = study(disk=disk)
    assert results(shared) == results(study(share=False, confirm_seeds=2))
    assert shared.spent.disk_peak <= (20_000 if disk == "20kB" else 0)
    assert trained(shared) <= most
    assert list(Path("shared/snapshots").glob("*")) == []


@pytest.mark.parametrize("function", ["foresees", "reads_its_label", "looks_late"])
def test_who_looked_at_its_candidate_shares_with_no_other(function: str, capsys: pytest.CaptureFixture[str]) -> None:
    shared = study(function, live=True)
    told = capsys.readouterr().err
    assert told.count("the train function reads run.label or run.schedule") == 1
    assert function == "looks_late" or "it begins anew" not in told, "a run was given a snapshot that it had to refuse"
    assert results(shared) == results(study(function, share=False))
