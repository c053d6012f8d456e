"""Plans as readers want them."""

import re

import pytest
from hypothesis import given

import calando
from calando.core.text import write
from calando.errors import NotSerialisable
from calando.forecast.spelling import spelled
from tests.plans import build
from tests.strategies import Grown, plans


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("wsd()", "wsd(cooldown=20%)"),
        ("wsd(300)", "wsd(300, cooldown=20%)"),
        ("wsd(300, 10%)", "wsd(300, 10%)"),
        ("wsd(warmup=5%, cooldown_shape=1-sqrt)", "wsd(warmup=5%, cooldown=20%, cooldown_shape=1-sqrt)"),
        ("wsd(cooldown=60%)", "wsd(cooldown=60%)"),
        ("scale(wsd(), by=0.5)", "scale(wsd(cooldown=20%), by=0.5)"),
        ("product(wsd(end=0.1), wsd(5))", "product(wsd(cooldown=20%, end=0.1), wsd(5, cooldown=20%))"),
        ("warmup(5%) | cosine()", "warmup(5%) | cosine()"),
    ],
)
def test_a_default_cooldown_is_written_out(plan: str, told: str) -> None:
    assert spelled(plan) == told
    assert calando.parse(told) == calando.parse(plan)


@given(plans())
def test_it_reads_back_as_an_equal_plan(grown: Grown) -> None:
    plan = build(grown.tree)
    try:
        write(plan)
    except NotSerialisable:
        return
    told = spelled(plan)
    assert calando.parse(told) == plan
    assert all("cooldown=" in part for part in re.findall(r"\bwsd\(([^()]*)\)", told))
