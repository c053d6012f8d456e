"""`tune` in the bench: answered from the records, inside the budget, on the footing of its rivals."""

import json

import pytest

from bench.tuning import ours
from bench.tuning.grid import STEPS, budget, cells
from bench.tuning.recorded import HERE, load


@pytest.mark.parametrize("share", [0.10, 0.15])
def test_tune_replayed_chooses_a_recorded_cell_inside_the_budget(share: float) -> None:
    recorded = load("characters")
    cell, spent = ours.replayed(recorded, share, seed=3)
    assert cell is not None
    assert recorded.final(cell, 0, STEPS["characters"]) is not None
    assert 0.5 * budget("characters", share) < spent <= budget("characters", share)
    assert ours.replayed(recorded, share, seed=3) == (cell, spent)


def test_what_is_stored_of_tune_kept_its_budget() -> None:
    for kind, least in (("replays", 50), ("live", 3)):
        for name, budgets in json.loads((HERE / f"{kind}.json").read_text())["workloads"].items():
            for share, told in budgets.items():
                assert told["most"] <= told["budget"] == budget(name, float(share))
                assert sum(told["choices"].values()) >= least
                beside = set(told["choices"]) - {f"{plan} @ {peak:.9g}" for plan, peak in cells(name)}
                assert kind == "live" or not beside
