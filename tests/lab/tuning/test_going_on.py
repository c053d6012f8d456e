"""A search that is extended or asked again: one account, and nothing that was found is lost."""

import shutil
from pathlib import Path

import pytest

from calando.errors import LabError
from calando.lab.executors.replay import replay
from calando.lab.tune import tuned_of
from calando.lab.tuning.going_on import emptier
from calando.lab.tuning.strategy import TuneStrategy
from calando.records import Verdict, load
from tests.lab.tuning.surface import FULL, Surface, question, searched
from tests.lab.tuning.test_tune import small


def extended(first: float, then: float) -> tuple[TuneStrategy, dict, int]:
    """A search that was through with one budget and goes on with another; and what it trained in all."""
    before, _ = searched(first, prove=0.5)
    old = dict(before.results)
    paid = sum(run.steps - run.reused for run in old.values())
    spec, tune = question(then, prove=0.5)
    strategy = TuneStrategy(spec, tune, old, earlier=old)
    made = replay(strategy, Surface(0).answer, int(then * FULL) - paid, share=False)
    assert not made.skipped, "it wanted what it could not pay for"
    return strategy, old, paid + made.trained


@pytest.mark.parametrize(("first", "then"), [(13, 14), (13, 26), (13, 40)])
def test_an_extended_search_keeps_its_budget_and_still_confirms(first: float, then: float) -> None:
    strategy, _, trained = extended(first, then)
    assert trained == strategy.spent() == strategy.tuned().spent <= then * FULL
    assert sum(one.spent for one in strategy.tuned().spending) == trained
    assert sum(one.runs for one in strategy.tuned().spending) == len(strategy.results)
    assert strategy.pair is not None
    for one in strategy.pair:
        mine = [r for r in strategy.results.values() if r.spec.phase == "confirm" and r.spec.candidate == one.candidate]
        assert len([r for r in mine if r.spec.peak == one.peak]) >= 3


def test_an_extended_search_that_was_stopped_goes_on_as_if_it_was_not() -> None:
    whole, old, _ = extended(13, 26)
    more = [run for key, run in whole.results.items() if key not in old]
    spec, tune = question(26, prove=0.5)
    known = {**old, **{run.spec.key: run for run in more[: len(more) // 2]}}
    again, answer = TuneStrategy(spec, tune, known, earlier=old), Surface(0).answer
    while wanted := again.left():
        assert wanted[0].key not in known, "a finished run is wanted again"
        again.finished(answer(wanted[0]))
    assert again.tuned() == whole.tuned()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("on") / "s"
    small(place, budget="13runs", prove=0.5, seed=3)
    return place


def test_what_is_not_given_again_is_as_the_search_began(folder: Path) -> None:
    before = load(folder)
    again = small(folder, budget="13runs")
    assert again.verdict == before.verdict
    assert len(again.attempts) == len(before.attempts)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 4}, "seed was 3 and is 4"),
        ({"prove": 0.25}, "prove was 0.5 and is 0.25"),
        ({"search": False}, "search was True and is False"),
        ({"horizons": (30,)}, "horizons was"),
        ({"budget": "8runs"}, "it may only grow"),
        ({"budget": "10m"}, "time and updates cannot be exchanged"),
    ],
)
def test_what_contradicts_the_search_is_refused_and_its_verdict_stands(
    folder: Path, changes: dict[str, object], named: str
) -> None:
    before = load(folder)
    with pytest.raises(LabError, match=named):
        small(folder, **{"budget": "13runs", **changes})
    assert load(folder).verdict == before.verdict


def test_an_extended_study_tells_of_its_latest_sitting_alone(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    small(copy, budget="17runs")
    study = load(copy)
    tuned = tuned_of(study)
    assert tuned is not None
    assert study.verdict is not None
    assert tuned.spent == study.spent.trained == study.verdict.cost.steps <= 17 * 160
    last = [one for one in study.decisions if one.phase == "choice"]
    assert [one.about for one in last] == [tuned.winner]
    judged = {one.label: one for one in study.verdict.standings if one.values}
    assert len(judged) == 2
    for label, one in judged.items():
        mine = [r for r in study.runs if r.spec.phase == "confirm" and r.spec.candidate == label]
        now = {r.spec.seed: r.final for r in mine if r.spec.peak == one.peak}
        assert dict(one.values) == now


def test_a_verdict_is_not_replaced_by_an_emptier_one() -> None:
    full = Verdict("val_loss", "min", 0.95, 0.0, baseline="b", leader="a", tie_set=("a",))
    none = Verdict("val_loss", "min", 0.95, 0.0, baseline="b", leader=None, tie_set=())
    assert emptier(none, full)
    assert not emptier(full, none)
