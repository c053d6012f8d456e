"""A plan entered late: its values are those of the plan from that step on, and a cut piece keeps its length."""

import pytest

import calando
from calando.peers.ahead import ahead
from calando.peers.legs import drops

PLANS = {
    "stairs": lambda n: calando.step_decay(7, 0.5, length=n),
    "exponential": lambda n: calando.exponential_decay(factor=0.9, length=n),
    "restarts": lambda n: calando.warm_restarts(5, growth=2, end=0.1, length=n),
    "milestones": lambda n: calando.multistep([3, 8, 15], 0.5, length=n),
    "points": lambda n: drops([(3, 0.5), (8, 0.4), (15, 0.1)], 1.0, n),
    "level": lambda n: calando.constant(0.5, length=n),
    "cosine": lambda n: calando.cosine(length=n),
    "anneal": lambda n: calando.anneal(9.5, cycle="mirror", length=n),
    "function": lambda n: calando.function(lambda t: 1 / (1 + t), length=n),
}


@pytest.mark.parametrize("by", [1, 3, 7, 14, 15, 19])
@pytest.mark.parametrize("name", PLANS)
def test_a_piece_entered_late_keeps_its_values_and_what_is_left_of_its_length(name: str, by: int) -> None:
    whole, later = PLANS[name](20).bind(20), ahead(PLANS[name](20), by)
    found = calando.then(later, calando.constant(0.25)).bind(40)
    for t in range(20 - by):
        assert found(t) == pytest.approx(whole(t + by), rel=1e-13, abs=1e-15)
    assert found(20 - by) == 0.25
