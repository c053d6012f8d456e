"""Which fits count, and what several say together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.errors import BadValue
from calando.forecast import fit
from calando.forecast.averaging import averaged, counted
from tests.forecast.worlds import runs


def test_a_fit_that_strays_much_more_does_not_count() -> None:
    one = fit(runs((4e-3,)), "bound")
    worse = replace(one, residuals=4 * one.residuals)
    assert counted([worse, one]) == (one,)
    near = replace(one, residuals=2 * one.residuals)
    assert counted([near, one]) == (near, one)
    with pytest.raises(BadValue, match="no fits"):
        counted([])


@given(st.lists(st.lists(st.floats(0.1, 9.0), min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_mean_lies_between_the_outermost_laws(rows: list[list[float]]) -> None:
    losses = np.array(rows)
    middle, apart = averaged(losses)
    assert (np.abs(losses - middle) <= 2 * apart + 1e-9).all()
    assert averaged(losses[::-1])[0] == pytest.approx(middle)
