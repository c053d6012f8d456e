"""What find's benches claim is what they stored, and what they stored can be trained again."""

import json
import math
import statistics

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("torch_lr_finder")

from bench import find, find_unseen
from bench.finding.tasks import SEEN, SET_ASIDE
from calando.records import RunSpec


def stored(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((find.HERE / f"{name}.json").read_text())
    return loaded


@pytest.mark.parametrize(("name", "page"), [("find", find.page), ("find_unseen", find_unseen.page)])
def test_the_page_is_what_the_stored_numbers_say(name: str, page: object) -> None:
    told = stored(name)
    assert callable(page)
    assert page(told["results"], told["about"]) == (find.HERE / f"{name}.md").read_text()


def test_every_task_is_there_and_no_search_cost_more_than_one_full_run() -> None:
    results = stored("find_unseen")["results"]
    assert isinstance(results, dict)
    assert set(results) == {task.name for task in (*SEEN, *SET_ASIDE)}
    shares = [row["share"] for result in results.values() for row in result["searches"]]
    assert 0 < max(shares) <= 1


def test_a_cell_of_the_grid_trained_again_is_the_same() -> None:
    task = next(task for task in SET_ASIDE if task.name == "wine")
    results = stored("find_unseen")["results"]
    assert isinstance(results, dict)
    mine = results["wine"]
    peak = mine["best"]
    ends = find_unseen.finals(task, [peak])[peak]
    assert statistics.fmean(end or math.nan for end in ends) == pytest.approx(mine["grid"][str(peak)], rel=0.02)


def test_a_run_that_breaks_is_a_record_of_where_it_broke() -> None:
    task = next(task for task in SEEN if task.name == "function, few, SGD")
    good, bad = find_unseen.made(task, [RunSpec("", "constant()", peak, 0, 30) for peak in (0.01, 1e4)], 3)
    assert (good.status, good.steps, len(good.curve("val_loss"))) == ("done", 30, 3)
    assert good.final == good.curve("val_loss").values[-1]
    assert (bad.status, bad.final) == ("diverged", None)
    assert bad.steps < 30
    assert all(map(math.isfinite, bad.curve("train_loss").values))
