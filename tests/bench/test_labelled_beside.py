"""How much a second run tells stays as it was measured."""

import math

import pytest

from bench.watch.labelled.beside import CONTROLS, folders, laid, spread
from bench.watch.labelled.recording import load
from bench.watch.labelled.scoring import table

HALF = "judge"


@pytest.fixture(scope="module")
def rows():
    pairs = list(laid(HALF, load(HALF)))
    return table([alone for alone, _ in pairs]), table([together for _, together in pairs])


@pytest.mark.parametrize("kind", CONTROLS)
def test_beside_another_run_nearly_all_is_found_and_what_is_said_is_right(kind, rows):
    alone, beside = rows
    assert beside[kind]["recall"] >= max(0.85, alone[kind]["recall"])
    assert beside[kind]["precision"] >= 0.9


def test_good_runs_raise_no_alarm_beside_others_either(rows):
    _, beside = rows
    assert beside["healthy"]["runs"] >= 40
    assert beside["healthy"]["recall"] >= 0.97


def test_all_runs_of_a_task_in_one_folder_say_more_of_each_other_and_nothing_of_the_good_ones(rows):
    alone, _ = rows
    together = table(list(folders(HALF, load(HALF))))
    assert together["LR too high"]["recall"] >= alone["LR too high"]["recall"] + 0.1
    assert together["LR too high"]["precision"] >= 0.9
    assert together["healthy"]["recall"] >= 0.97


def test_the_spread_of_repeats_is_what_the_rule_assumes():
    from calando.records.diagnosis.beside import SEEDS

    rows = [line.split(" | ") for line in spread({HALF: load(HALF)}) if line.startswith("| healthy")]
    half, most = float(rows[0][2]), float(rows[0][3])
    assert half < SEEDS
    assert math.isclose(most, SEEDS, rel_tol=1.0)
