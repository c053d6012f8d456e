"""Regret: paired, on seeds that nobody chose by, in units of the seed standard deviation."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from bench.tuning import table
from bench.tuning.grid import SEEDS, STEPS, WORKLOADS, cells, run
from bench.tuning.recorded import HERE, Recorded, load
from bench.tuning.recording import key_of
from bench.tuning.regret import FRESH, by_seed, choices, fresh_specs, spread_of_shapes, truth, worth_training
from calando.records import Curve, RunRecord

NAME = "weather"
SD = 0.1


def made_up(seeds: tuple[int, ...], noise: int, spread: float = 0.3) -> Recorded:
    """Losses 1, 1, 1 + spread, 1 + 2 x spread, ... of the cells in order; what a seed adds is the same for all."""
    chance = random.Random(noise)
    shift = {seed: SD * chance.gauss(0, 1) for seed in seeds}
    own = random.Random(noise + 1)
    runs = {}
    for number, cell in enumerate(cells(NAME)):
        for seed in seeds:
            loss = 1 + spread * max(0, number - 1) + shift[seed] + 0.01 * own.gauss(0, 1)
            spec = run(cell, seed, STEPS[NAME])
            runs[key_of(spec)] = RunRecord(
                spec, "done", final=loss, curves={"val_loss": Curve((1,), (loss,))}, steps=STEPS[NAME]
            )
    return Recorded(NAME, {}, runs)


def made_truth() -> tuple[Recorded, table.Truth]:
    grid = made_up(SEEDS, 1)
    fresh = made_up(FRESH, 2)
    near = {key_of(spec) for spec in fresh_specs(NAME, cells(NAME)[:6])}
    return grid, truth(grid, Recorded(NAME, {}, {key: run for key, run in fresh.runs.items() if key in near}))


def test_the_best_cell_has_no_regret_and_others_have_what_they_lose() -> None:
    _, real = made_truth()
    assert real.best in cells(NAME)[:2]
    assert real.regret([real.best] * 5).mean == 0
    four = real.regret([cells(NAME)[4]] * 5)
    assert four.mean == pytest.approx(0.9 / real.sd, rel=0.05)
    assert four.low <= four.mean <= four.high


def test_the_tie_set_holds_what_cannot_be_told_from_the_best() -> None:
    _, real = made_truth()
    assert real.best in real.tied
    assert cells(NAME)[4] not in real.tied
    assert real.regret([real.best, cells(NAME)[4]]).inside == 0.5


def test_pairing_takes_out_what_a_seed_adds_to_every_cell() -> None:
    _, real = made_truth()
    told = real.regret([cells(NAME)[3]] * 50)
    assert told.high - told.low < 0.3 * SD / real.sd  # unpaired, ten seeds would give 4 x SD / sqrt(10)


def test_two_searches_are_compared_on_the_same_seeds() -> None:
    _, real = made_truth()
    more, low, high = real.apart([cells(NAME)[2]] * 20, [cells(NAME)[4]] * 20)
    assert more == pytest.approx(0.6 / real.sd, rel=0.05)
    assert low <= more <= high
    assert high - low < 0.3 * SD / real.sd
    assert real.apart([cells(NAME)[3]], [cells(NAME)[3]]) == (0, 0, 0)


def test_a_choice_that_was_not_trained_afresh_counts_by_the_grid() -> None:
    _, real = made_truth()
    far = cells(NAME)[30]
    assert far not in real.losses
    assert real.regret([far]).mean == pytest.approx(29 * 0.3 / real.sd, rel=0.05)
    assert real.regret([None]).mean == pytest.approx(max(real.far.values()) / real.sd)


def test_cells_near_the_best_and_chosen_ones_beside_the_grid_are_trained_afresh() -> None:
    grid = made_up(SEEDS, 1, spread=0.05)
    beside = ("cosine()", 0.0123)
    among = worth_training(grid, [beside, cells(NAME)[0]])
    assert beside in among
    assert set(cells(NAME)[:5]) <= set(among)
    assert cells(NAME)[30] not in among
    assert len(among) == len(set(among))


def test_the_choice_of_each_seed_is_stored_and_read_back() -> None:
    found = [cells(NAME)[3], None, cells(NAME)[3], cells(NAME)[7]]
    assert choices(json.loads(json.dumps(by_seed(found)))) == found
    assert by_seed(found)["by_seed"] == "0 1 0 2"


@pytest.mark.parametrize(
    ("mean", "more", "low", "words"),
    [
        (0.3, 0.2, 0.1, "met"),
        (0.2, 0.07, -0.04, "below the best rival, but not separated from it"),
        (0.6, 0.2, 0.1, "not met: not below 0.5"),
        (0.35, -0.09, -0.5, "not met: not below the best rival"),
        (1.17, -0.13, -1.4, "not met: not below 0.5 and not below the best rival"),
    ],
)
def test_the_goal_is_met_only_where_an_interval_says_so(mean: float, more: float, low: float, words: str) -> None:
    assert table.verdict(mean, more, low) == words


def test_replayed_and_live_are_judged_apart_and_a_missed_goal_is_said() -> None:
    goals = {"text": {"tune": ("met", "0.1"), "tune, live": ("not met: not below 0.5", "0.9")}}
    lines = "\n".join(table.goal_lines(goals))
    assert "**tune**: met on text." in lines
    assert "**tune, live**: not met on text." in lines
    assert "- text: 0.9: not met: not below 0.5" in lines


def test_the_table_in_the_repository_judges_live_searches_by_their_own_regret() -> None:
    told = table.text()
    for name in WORKLOADS:
        _, found = table.measured(name)
        line = next(line for line in told.partition("**tune, live**: ")[2].splitlines() if line.startswith(f"- {name}"))
        mean = found["tune, live"]["0.15"].mean
        assert line.startswith(f"- {name}: {mean:.2f} (")
        others = [budgets["0.15"].mean for method, budgets in found.items() if not method.startswith("tune")]
        assert ("not met" in line) is (mean >= table.GOAL or mean >= min(others))


def test_equal_shapes_are_within_the_noise_and_others_are_not() -> None:
    for spread, tie in ((0.0, True), (0.3, False)):
        _, gap, sd = spread_of_shapes(made_up(SEEDS, 3, spread))
        assert (gap <= table.EQUAL * sd) is tie


@pytest.mark.parametrize("name", WORKLOADS)
def test_fresh_seeds_chose_nothing_and_are_whole(name: str) -> None:
    assert not set(FRESH) & set(SEEDS)
    recorded, fresh = load(name), load(name, kind="fresh")
    real = truth(recorded, fresh)
    assert all(len(losses) == len(FRESH) >= 10 and np.isfinite(losses).all() for losses in real.losses.values())
    assert set(worth_training(recorded, [])) <= set(real.losses)


def test_the_table_is_what_the_stored_results_make_of_it() -> None:
    assert (HERE / "table.md").read_text() == table.text()


def test_another_choice_makes_another_table(tmp_path: Path) -> None:
    for file in HERE.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = (tmp_path / "table.md").read_text()
    stored = json.loads((tmp_path / "rivals.json").read_text())
    for methods in stored["workloads"].values():
        for budgets in methods.values():
            for told in budgets.values():
                told |= {"cells": ["none"], "by_seed": " ".join("0" * 200)}
    (tmp_path / "rivals.json").write_text(json.dumps(stored))
    assert table.text(tmp_path) != before
