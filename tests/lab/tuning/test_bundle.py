"""Runs that share a trunk: bought for what they tell, not because they are cheap; and the last run of a search."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from calando.lab.tuning.acquire import alone, pick, together
from calando.lab.tuning.bundle import bundle
from calando.lab.tuning.model import Belief
from calando.lab.tuning.rounds import best_row
from calando.records import RunSpec
from tests.lab.tuning.surface import FULL, Surface, searched


def belief(told: Sequence[float], noise: float = 0.1) -> Belief:
    """Rows level with one another; run i teaches of row i alone, its part of the row's variance being `told[i]`."""
    count = len(told)
    link = np.diag(np.sqrt(np.array(told)))
    cov = np.block([[np.eye(count), link], [link, np.eye(count)]])
    nothing = np.zeros(count)
    return Belief(nothing, cov, count, nothing + noise, np.ones(count), (0.0, 0.0), 1.0, np.zeros(1), 1.0)


def bought(told: Sequence[float], shared: int, left: int = 10_000, worth: float | None = None) -> list[tuple[int, int]]:
    """Which of the runs of one trunk, 100 updates each, are bought, and for how many updates."""
    plans = [f"plan {i}" for i in range(len(told))]
    asked: Any = SimpleNamespace(
        choices=[(i, 0) for i in range(len(told))], ask=lambda row, place: RunSpec(plans[row], plans[row], 0.1, 0, 100)
    )
    now = belief(told)
    best = pick(now, np.full(len(told), 100))[1] if worth is None else worth
    found = bundle(asked, now, left, lambda run, others: shared, best)
    return [(one.row, one.steps) for one in found]


def test_a_branch_that_tells_as_much_for_less_is_bought_with_its_trunk() -> None:
    assert bought([0.9, 0.8], shared=80) == [(0, 100), (1, 20)]
    assert bought([0.8, 0.9], shared=80) == [(1, 100), (0, 20)], "the trunk begins with what tells most"


def test_a_cheap_branch_that_tells_nothing_is_not_bought() -> None:
    assert bought([0.9, 0.0], shared=80) == []
    assert bought([0.9, 0.8, 0.0], shared=80) == [(0, 100), (1, 20)]
    assert bought([0.9, 0.8, 0.0], shared=94) == [(0, 100), (1, 6)]


def test_what_hardly_shares_costs_too_much_or_is_worth_less_than_another_run_is_not_bundled() -> None:
    assert bought([0.9, 0.8], shared=4) == []
    assert bought([0.9, 0.8], shared=80, left=110) == []
    assert bought([0.9, 0.8], shared=80, worth=1.0) == []


def test_what_a_run_alone_is_worth_is_the_same_by_either_way_of_reckoning() -> None:
    now = belief([0.9, 0.4, 0.0])
    drawn = [together(now, [index], 1) for index in range(3)]
    assert alone(now) == pytest.approx(drawn, rel=0.15, abs=0.01)
    assert alone(now)[2] == 0


@pytest.mark.parametrize("task", [1, 8])
def test_the_last_run_that_can_be_paid_for_goes_to_what_is_believed_best(task: int) -> None:
    strategy, made = searched(9, Surface(task).answer, share=True)
    full = [run.spec for run in made.runs if run.spec.horizon == FULL]
    assert strategy.rounds[-1].phase == "confirmation"
    last = next(one for one in reversed(strategy.rounds) if one.phase == "full horizon")
    assert last.runs[-1].key == full[-1].key
    now = strategy._look()
    best = best_row(now, seen=False)
    assert best is not None
    assert any(index == best for index, _ in now.made), "the best of all was never run, so it could not be chosen"
