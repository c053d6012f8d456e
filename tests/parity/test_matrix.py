"""One definition means the same number in every framework: the parity matrix, with the real packages."""

from pathlib import Path

import numpy as np
import pytest

import calando
from calando.core import transition
from tests.parity import table
from tests.parity.exact import Exact
from tests.parity.plans import HORIZONS, SETTINGS, TEN_MILLION, TWO_THOUSAND, Case, bound, cases, steps
from tests.parity.worker import COLUMNS

ONE = Case("cosine", "cosine(end=0.1)", TWO_THOUSAND)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_plan_is_the_same_number_in_every_framework(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells, refusals = table.matrix(tuple(COLUMNS), tmp_path)
    with capsys.disabled():
        print("\nerror / allowed error against mpmath, the worst of all settings, horizons and steps:\n")
        print(table.rendered(cells))
    page = (table.ROOT / "docs/parity.md").read_text(encoding="utf-8")
    assert table.asked(cells) in page, "run python -m tests.parity --write"
    assert [str(cell) for cell in cells if not cell.excess <= 1.0] == []
    assert [label for label, refused in refusals.items() if not refused] == []
    asked = {cell.column for cell in cells}
    assert set(refusals) | {"float", "NumPy"} == asked
    for column in asked:
        seen = {cell.case.name for cell in cells if cell.column == column}
        assert set(SETTINGS) - seen <= ({"function"} if column in refusals else set()), column


def test_every_named_plan_is_in_the_matrix() -> None:
    assert set(SETTINGS) == {entry.name for entry in calando.catalog.entries()}
    assert [name for name, texts in SETTINGS.items() if len(texts) < 2] == ["function"]


def test_the_matrix_asks_every_step_of_a_short_run_and_the_edges_of_a_long_one() -> None:
    assert set(range(TWO_THOUSAND + 2)) <= set(steps(TWO_THOUSAND))
    assert max(steps(TEN_MILLION)) > TEN_MILLION
    assert {2**24 - 1, 2**24, 2**24 + 1} <= set(steps(HORIZONS[2]))
    assert {2**31 - 1, 2**31, 2**31 + 1} <= set(steps(HORIZONS[3]))


@pytest.mark.parametrize(("digits", "size"), [(64, 3e-15), (32, 2e-6)])
def test_one_wrong_value_among_two_thousand_is_found(digits: int, size: float) -> None:
    values = ONE.values(np.array(steps(TWO_THOUSAND)))
    assert table.cell("x", ONE, Exact(ONE), values, digits).excess <= 1.0
    values[1234] *= 1.0 + size
    found = table.cell("x", ONE, Exact(ONE), values, digits)
    assert found.excess > 1.0
    assert found.step == 1234


def test_a_value_that_is_no_number_is_found() -> None:
    values = ONE.values(np.array(steps(TWO_THOUSAND)))
    values[7] = np.nan
    assert table.cell("x", ONE, Exact(ONE), values, 32).excess == np.inf


def test_an_error_planted_in_a_formula_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = transition.squared_sine
    monkeypatch.setattr(transition, "squared_sine", lambda *given: right(*given) * (1.0 + 3e-15))
    bound.cache_clear()
    known = {case: Exact(case) for case in cases(TWO_THOUSAND) if case.name in ("cosine", "linear_decay")}
    wrong = {cell.case.name for cell in table.library(known) if cell.excess > 1.0}
    bound.cache_clear()
    assert wrong == {"cosine"}


def test_a_run_seen_one_step_late_is_found() -> None:
    values = ONE.values(np.maximum(np.array(steps(TWO_THOUSAND)) - 1, 0))
    assert table.cell("x", ONE, Exact(ONE), values, 32).excess > 100.0


def test_the_page_of_the_docs_has_a_line_for_every_plan() -> None:
    page = (table.ROOT / "docs/parity.md").read_text(encoding="utf-8")
    assert [name for name in SETTINGS if f"\n| {name} | " not in page] == []
