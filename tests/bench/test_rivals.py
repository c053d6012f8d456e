"""The rivals, replayed: they spend every step that they take and never more than the budget."""

import math
import random

import pytest

from bench.tuning.grid import EVALS, SEEDS, STEPS, budget, cells, run
from bench.tuning.recorded import Recorded, load
from bench.tuning.recording import key_of
from bench.tuning.rivals import RIVALS, SHARES, Purse, replays, reports
from calando.records import Curve, RunRecord

NAME = "weather"


def made_up(diverging: float = 0.0) -> Recorded:
    """A grid whose losses fall to a known end, best at the first shape's middle peak; the highest peaks may diverge."""
    runs = {}
    horizon = STEPS[NAME]
    every = horizon // EVALS
    for number, cell in enumerate(cells(NAME)):
        for seed in SEEDS:
            spec, end = run(cell, seed, horizon), 1.0 + 0.1 * abs(number - 2) + 0.001 * seed
            if number % 5 == 4 and diverging:
                curves = {"val_loss": Curve((every - 1,), (9.0,))}
                record = RunRecord(spec, "diverged", curves=curves, steps=int(diverging * horizon))
            else:
                steps = tuple(every * i - 1 for i in range(1, EVALS + 1))
                curve = Curve(steps, tuple(end * (3 - 2 * i / EVALS) for i in range(1, EVALS + 1)))
                record = RunRecord(spec, "done", final=end, curves={"val_loss": curve}, steps=horizon)
            runs[key_of(spec)] = record
    return Recorded(NAME, {}, runs)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("diverging", [0.0, 0.3], ids=["sound", "some diverge"])
def test_no_rival_spends_more_than_its_budget(rival: str, diverging: float) -> None:
    for choices in replays(made_up(diverging), rival, 3):
        spent = [choice.spent for choice in choices]
        assert spent == sorted(spent)
        for choice, share in zip(choices, SHARES, strict=True):
            assert 0.8 * budget(NAME, share) < choice.spent <= budget(NAME, share)
            assert choice.cell in cells(NAME)


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_replayed_with_the_same_seed_chooses_the_same(rival: str) -> None:
    assert replays(made_up(), rival, 2) == replays(made_up(), rival, 2)


def test_pruned_runs_cost_what_they_took_so_that_more_are_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    make = Purse.run
    monkeypatch.setattr(Purse, "run", lambda purse, cell: begun.append(cell) or make(purse, cell))
    (choices,) = replays(made_up(), "TPE + successive halving", 1)
    assert len(begun) > 1.5 * choices[-1].spent / STEPS[NAME]
    begun.clear()
    (choices,) = replays(made_up(), "random search", 1)
    assert len(begun) - 1 == choices[-1].spent / STEPS[NAME]


def test_every_step_of_a_run_is_reported_once_and_a_diverged_one_ends_infinite() -> None:
    for record in (load(NAME).plain(run(cells(NAME)[0], 0, STEPS[NAME])), *list(made_up(0.3).runs.values())[12:13]):
        assert record is not None
        told = list(reports(record))
        assert sum(steps for _, steps, _ in told) == record.steps
        assert math.isinf(told[-1][2]) is (record.status == "diverged")


def test_a_purse_closes_each_budget_with_what_was_believed_before() -> None:
    purse = Purse(made_up(), random.Random(0), (10, 20))
    cell, other = cells(NAME)[:2]
    assert purse.pay(8)
    purse.finish(cell, 0.5)
    assert purse.pay(9)
    purse.finish(other, 0.4)
    assert not purse.pay(5)
    assert [(choice.cell, choice.spent) for choice in purse.close()] == [(cell, 8), (other, 17)]


def test_a_rival_that_finishes_nothing_has_chosen_nothing() -> None:
    purse = Purse(made_up(), random.Random(0), (10,))
    assert not purse.pay(11)
    assert [choice.cell for choice in purse.close()] == [None]


def test_the_best_finished_run_is_what_random_search_believes_in() -> None:
    recorded = made_up()
    for choices in replays(recorded, "random search", 5):
        assert choices[-1].cell is not None
    finals = [recorded.final(cell, 0, STEPS[NAME]) for cell in cells(NAME)]
    best = cells(NAME)[finals.index(min(final for final in finals if final is not None))]
    many = [one[-1].cell for one in replays(recorded, "random search", 60)]
    assert many.count(best) == max(many.count(cell) for cell in cells(NAME))


def test_a_run_that_nobody_recorded_is_no_answer() -> None:
    with pytest.raises(LookupError, match="was never recorded"):
        Purse(Recorded(NAME, {}, {}), random.Random(0), (10,)).run(("cosine()", 0.1))


def test_the_recorded_rivals_kept_their_budgets() -> None:
    import json

    from bench.tuning.recorded import HERE

    for name, methods in json.loads((HERE / "rivals.json").read_text())["workloads"].items():
        for budgets in methods.values():
            for share, told in budgets.items():
                assert told["most"] <= told["budget"] == budget(name, float(share))
                assert sum(told["choices"].values()) >= 200
