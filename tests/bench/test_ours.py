"""`tune` in the bench: answered from the records, inside the budget, on the footing of its rivals."""

import json
from typing import Any

import pytest

from bench.tuning import ours
from bench.tuning.choosing import AT
from bench.tuning.grid import STEPS, WORKLOADS, budget, cells
from bench.tuning.recorded import HERE, load
from bench.tuning.regret import choices


def stored(kind: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((HERE / f"{kind}.json").read_text())["workloads"]
    return found


@pytest.mark.parametrize("share", [0.10, 0.15])
def test_tune_replayed_chooses_a_recorded_cell_inside_the_budget(share: float) -> None:
    recorded = load("characters")
    cell, spent = ours.replayed(recorded, share, seed=3)
    assert cell is not None
    assert recorded.final(cell, 0, STEPS["characters"]) is not None
    assert 0.5 * budget("characters", share) < spent <= budget("characters", share)
    assert ours.replayed(recorded, share, seed=3) == (cell, spent)


def test_study_seeds_of_one_kind_are_one_search() -> None:
    first = next(seed for seed in range(2, 60) if ours.kind(seed) == ours.kind(1))
    recorded = load("text")
    assert ours.replayed(recorded, 0.10, 1) == ours.replayed(recorded, 0.10, first)
    assert len({ours.kind(seed) for seed in range(60)}) == 12


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize(("kind", "shared"), [("replays", False), ("shared", True)])
def test_what_is_stored_of_a_study_seed_is_what_the_strategy_chooses_now(name: str, kind: str, shared: bool) -> None:
    """The one seed; where the file only counts choices, the choice is among them."""
    told = stored(kind)[name][str(AT)]
    cell, spent = ours.replayed(load(name), AT, 1, shared)
    assert cell == choices(told)[1] if "by_seed" in told else cell in choices(told)
    assert spent <= told["most"]


def test_what_is_stored_of_tune_kept_its_budget() -> None:
    for kind, least in (("replays", 50), ("shared", 30), ("live", 3)):
        for name, budgets in stored(kind).items():
            for share, told in budgets.items():
                assert told["most"] <= told["budget"] == budget(name, float(share))
                assert len(choices(told)) >= least
                assert kind == "live" or set(choices(told)) <= set(cells(name))


def test_what_is_stored_says_of_which_code_it_was_made() -> None:
    for kind in ("replays", "shared", "live"):
        made = json.loads((HERE / f"{kind}.json").read_text())["made"]
        assert set(made) == set(WORKLOADS)
        for each in made.values():
            assert "source" in each or "was not recorded" in each["commit"]
