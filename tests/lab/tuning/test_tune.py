"""`calando.tune` on a real train function in real workers: quickly, and to its end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from calando.cli import main
from calando.errors import BadValue, LabError
from calando.lab import resume, tune
from calando.lab.tune import tuned_of
from calando.records import Study, load

QUADRATIC = str(Path(__file__).parents[1] / "trains" / "quadratic.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tune") / "s"
    small(place, prove=0.5)
    return place


def small(place: Path, **changes: object) -> Study:
    given = {"steps": 160, "peaks": (0.02, 0.05), "humble": False, "live": False, "workers": 1, "baseline": "cosine()"}
    train = f"{QUADRATIC}:train"
    return tune(train, changes.pop("budget", "8runs"), ["wsd()"], study=place, **{**given, **changes})  # type: ignore[arg-type]


def test_a_search_ends_in_a_verdict_inside_its_budget(folder: Path) -> None:
    study = load(folder)
    tuned = tuned_of(study)
    assert tuned is not None
    assert study.verdict is not None
    assert tuned.winner in {"wsd()", "cosine()"}
    assert study.spent.trained <= 8 * 160
    assert study.verdict.headline.startswith("Use ")
    assert "not confirmed" in study.verdict.headline
    assert study.verdict.doubt
    assert study.decisions


def test_asking_again_trains_nothing(folder: Path) -> None:
    before = load(folder)
    again = resume(folder, live=False)
    assert [run.spec.key for run in again.runs] == [run.spec.key for run in before.runs]
    assert len(again.attempts) == len(before.attempts)
    assert again.verdict == before.verdict


def test_a_larger_budget_goes_on_and_confirms(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    before = {run.spec.key for run in load(copy).runs}
    study = small(copy, budget="16runs", prove=0.5)
    assert before < {run.spec.key for run in study.runs}
    fresh = [run.spec.seed for run in study.runs if run.spec.phase == "confirm"]
    assert len(set(fresh)) >= 3
    assert min(fresh) >= 1000
    assert study.spent.trained <= 16 * 160


def test_status_tells_how_far_it_is(folder: Path) -> None:
    told = CliRunner().invoke(main, ["status", str(folder), "--json"])
    state = json.loads(told.output)
    assert (state["verb"], state["state"]) == ("tune", "finished")
    assert state["trained"] <= state["budget"]["updates"] == 8 * 160
    assert state["runs"] == sum(one["runs"] for one in state["phases"].values())
    assert "8runs" in CliRunner().invoke(main, ["status", str(folder)]).output


def test_export_gives_what_the_study_recommends(folder: Path) -> None:
    verdict = load(folder).verdict
    assert verdict is not None
    told = CliRunner().invoke(main, ["export", str(folder), "--to", "python"])
    assert told.exit_code == 0, told.output
    assert (verdict.recommended or "").split("(")[0] in told.output
    assert "160" in told.output


def test_resume_of_what_is_no_study_is_refused_in_four_parts(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["resume", str(tmp_path / "nowhere")])
    assert told.exit_code == 2
    assert "no such study" in told.output


@pytest.mark.parametrize("budget", ["", "soon", "-3runs", "0", "20 apples", 0, True, 1.5, None])
def test_a_budget_that_is_none_is_refused(budget: object) -> None:
    with pytest.raises(BadValue, match="allowed: a time"):
        tune(f"{QUADRATIC}:train", budget, steps=100)  # type: ignore[arg-type]


def test_a_budget_below_one_run_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="one full run at least"):
        small(tmp_path / "s", budget="100 steps")
    assert not (tmp_path / "s").exists()


def test_a_compared_study_is_not_searched(tmp_path: Path) -> None:
    from calando.lab import compare

    compare(
        f"{QUADRATIC}:train", ["wsd()"], steps=20, peaks=[0.02], seeds=1, confirm_seeds=1, humble=False, live=False,
        study=tmp_path / "s", workers=1,
    )  # fmt: skip
    with pytest.raises(LabError, match="no search"):
        small(tmp_path / "s")
