"""The rivals, replayed: they spend every step that they take and never more than the budget."""

import math
import random
from dataclasses import replace

import pytest

from bench.tuning.grid import EVALS, SEEDS, STEPS, WORKLOADS, budget, cells, run
from bench.tuning.recorded import Recorded, load
from bench.tuning.recording import key_of
from bench.tuning.regret import choices as stored_choices
from bench.tuning.rivals import RIVALS, SCREEN, SHARES, Purse, replays, reports
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
    for record in list(runs.values()):
        short = replace(record.spec, horizon=horizon // SCREEN)
        runs[key_of(short)] = RunRecord(short, "done", final=record.final or 9.0, steps=short.horizon)
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
    monkeypatch.setattr(Purse, "run", lambda purse, cell, *rest: begun.append(cell) or make(purse, cell, *rest))
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
                assert len(stored_choices(told)) >= 200


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_is_stored_of_a_seed_is_what_the_rival_chooses_now(name: str) -> None:
    """The first five; without those by Optuna's samplers, which another version may change."""
    import json

    from bench.tuning.recorded import HERE

    stored, recorded = json.loads((HERE / "rivals.json").read_text())["workloads"][name], load(name)
    assert set(stored) == set(RIVALS)
    for rival, budgets in stored.items():
        if "successive" in rival or "TPE" in rival:
            continue
        found = replays(recorded, rival, 5)
        for number, share in enumerate(SHARES):
            assert [one[number].cell for one in found] == stored_choices(budgets[str(share)])[:5]


def test_paired_rivals_keep_one_seed_and_the_screen_looks_at_a_quarter_first(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[RunRecord] = []
    make = Purse.run

    def noted(purse: Purse, *asked: object) -> RunRecord:
        begun.append(make(purse, *asked))  # type: ignore[arg-type]
        return begun[-1]

    monkeypatch.setattr(Purse, "run", noted)
    for rival in ("random search, one seed", "screen at T/4, one seed"):
        begun.clear()
        purse = Purse(load(NAME), random.Random(5), (budget(NAME, 0.15),))
        RIVALS[rival](purse, 5)
        assert len({run.spec.seed for run in begun}) == 1
        short = [run for run in begun if run.spec.horizon < STEPS[NAME]]
        assert len(short) == (36 if "screen" in rival else 0)
        if short:
            assert {run.spec.horizon for run in short} == {STEPS[NAME] // 4}
            best = sorted(short, key=lambda run: math.inf if run.final is None else run.final)
            whole = [run.spec.plan for run in begun[len(short) :]]
            assert whole == [run.spec.plan for run in best[: len(whole)]]
            assert len(whole) >= 9
