"""The golden table, read by people: the oracles and the library all say what it says."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

import calando
from calando import catalog
from tests.oracles import evaluate, tree
from tests.oracles.write_golden import ROWS, STEPS_PER_EPOCH


class Row(NamedTuple):
    plan: str
    horizon: int
    t: int
    value: float


with Path(__file__).with_name("golden.csv").open(newline="") as _file:
    TABLE = [Row(row["plan"], int(row["horizon"]), int(row["t"]), float(row["value"])) for row in csv.DictReader(_file)]

BY_PLAN: dict[tuple[str, int], list[Row]] = defaultdict(list)
for _row in TABLE:
    BY_PLAN[_row.plan, _row.horizon].append(_row)

PLANS = pytest.mark.parametrize(("plan", "horizon"), list(BY_PLAN), ids=lambda v: str(v))


def test_the_table_covers_every_plan_of_the_catalog() -> None:
    in_table = {node.name for plan, _ in BY_PLAN for _, node in tree.read(plan).walk()}
    missing = {entry.name for entry in catalog.entries()} - in_table
    assert missing == {"bundle", "function"}, "a function has no text, a bundle no single value"


def test_the_table_is_the_one_that_its_writer_makes() -> None:
    made = [(plan, horizon, t) for plan, horizon, steps in ROWS for t in steps]
    assert made == [(row.plan, row.horizon, row.t) for row in TABLE]


@PLANS
def test_the_mpmath_oracle_agrees_with_the_table(plan: str, horizon: int) -> None:
    for row in BY_PLAN[plan, horizon]:
        value = evaluate.value_at(plan, row.t, horizon, steps_per_epoch=STEPS_PER_EPOCH)
        assert float(value.number) == row.value


@PLANS
def test_the_library_agrees_with_the_table(plan: str, horizon: int) -> None:
    schedule = calando.parse(plan).bind(horizon, steps_per_epoch=STEPS_PER_EPOCH)
    for row in BY_PLAN[plan, horizon]:
        assert schedule(row.t) == pytest.approx(row.value, rel=4e-15, abs=0.0), row
