"""Knobs: what a train function lets a study choose besides the schedule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import calando
from calando.errors import BadValue, LabError
from calando.lab.run import Run
from calando.records.stage import Knob


def a_run(**params: Any) -> Run:
    return Run(calando.constant().bind(10), params=params)


def test_outside_of_a_search_the_default_stands_else_the_middle_or_the_first_choice() -> None:
    run = a_run()
    assert run.suggest("decay", 1e-4, 1e-2, log=True) == pytest.approx(1e-3)
    assert run.suggest("dropout", 0.0, 0.5) == 0.25
    assert run.suggest("layers", 2, 7) == 4
    assert run.suggest("width", 16, 1024, log=True) == 128
    assert run.suggest("kind", ["relu", "gelu"]) == "relu"
    assert run.suggest("norm", [True, False], default=False) is False
    assert run.suggest("beta", 0.9, 0.999, default=0.95) == 0.95


def test_in_a_search_the_studys_values_win() -> None:
    run = a_run(decay=0.5, layers=3.0, kind="gelu")
    assert run.suggest("decay", 0.0, 1.0) == 0.5
    assert type(run.suggest("layers", 2, 7)) is int
    assert run.suggest("kind", ["relu", "gelu"]) == "gelu"


def test_what_was_declared_can_be_read() -> None:
    run = a_run()
    run.suggest("decay", 1e-4, 1e-2, log=True, default=0.001)
    run.suggest("kind", ["relu", 3])
    run.suggest("layers", 2, 7)
    assert run.knobs == (
        Knob("decay", 1e-4, 1e-2, log=True, default="0.001"),
        Knob("kind", choices=('"relu"', "3"), default='"relu"'),
        Knob("layers", 2.0, 7.0, whole=True, default="4"),
    )


def test_the_same_call_again_is_the_same_knob_and_another_range_is_refused() -> None:
    run = a_run()
    assert run.suggest("decay", 0.0, 1.0) == run.suggest("decay", 0.0, 1.0)
    assert len(run.knobs) == 1
    with pytest.raises(LabError, match="decay suggested twice"):
        run.suggest("decay", 0.0, 2.0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1.0, 1.0), {}), ((2.0, 1.0), {}), ((0.0, 1.0), {"log": True}), ((float("nan"), 1.0), {}),
        ((0.0, float("inf")), {}), (("a", "b"), {}), ((True, False), {}), (([],), {}), (([object()],), {}),
        ((0.0, 1.0), {"default": 2.0}), ((0, 5), {"default": 2.5}), ((["a"],), {"default": "b"}), ((3,), {}),
        ((0.0, 1.0), {"default": True}),
    ],
)  # fmt: skip
def test_a_range_that_holds_nothing_is_refused(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        a_run().suggest("knob", *arguments, **named)


@given(low=st.integers(1, 1000), more=st.integers(1, 10**6), log=st.booleans())
def test_whole_numbers_stay_whole_and_inside(low: int, more: int, log: bool) -> None:
    value = a_run().suggest("n", low, low + more, log=log)
    assert type(value) is int
    assert low <= value <= low + more
