"""Laws that hold for every plan, tried on random ones from every constructor and combinator."""

import math
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calando
from tests.growers import SIZES
from tests.oracles import evaluate
from tests.oracles.tree import Node
from tests.plans import build
from tests.strategies import Grown, grow, pairs, plans

CLOSED = plans(listeners=False)


def clock_of(horizon: int) -> evaluate.Clock:
    return evaluate.Clock(horizon, *(Fraction(size) for size in SIZES.values()))


STEP = st.integers(0, 10**6)


def bound(grown: Grown) -> Any:
    return build(grown.tree).bind(grown.horizon, **SIZES)


def sampled(horizon: int, count: int = 40) -> list[int]:
    """Both ends and steps in between."""
    return sorted({*range(0, horizon + 1, max(1, horizon // count)), 1, horizon - 1, horizon})


# --- every schedule ------------------------------------------------------------------------------------------------


def agrees(grown: Grown, count: int) -> None:
    """The library's plan and the oracle's say the same at `count` steps."""
    schedule = bound(grown)
    for t in sampled(grown.horizon, count):
        exact = evaluate.value_at(grown.tree, t, grown.horizon, **SIZES)
        # composition adds up roundings: the strict bound for each shape is in test_precision
        close = pytest.approx(float(exact.number), rel=1e-13 * (1 + exact.exponent), abs=1e-300)
        assert schedule(t) == close, f"{grown} at {t}"


@given(plans())
def test_the_library_agrees_with_the_exact_oracle(grown: Grown) -> None:
    agrees(grown, 12)


@pytest.mark.parametrize("seed", range(10))
def test_the_library_agrees_with_the_exact_oracle_on_forests_of_every_kind(seed: int) -> None:
    chance = Random(seed)
    for _ in range(60):
        agrees(grow(chance), 15)


@given(plans())
def test_values_are_finite_and_never_negative(grown: Grown) -> None:
    values = bound(grown)(np.arange(grown.horizon + 1))
    assert np.isfinite(values).all()
    assert (values >= 0.0).all()


@given(plans(), st.integers(0, 10**15))
def test_past_the_horizon_the_value_there_is_held_for_ever(grown: Grown, further: int) -> None:
    schedule = bound(grown)
    assert schedule(grown.horizon + further) == schedule(grown.horizon)


@given(plans())
def test_numpy_gives_what_plain_floats_give(grown: Grown) -> None:
    schedule = bound(grown)
    steps = sampled(grown.horizon + 5, 200)
    arrays = schedule(np.array(steps))
    assert arrays.shape == (len(steps),)
    np.testing.assert_allclose(arrays, [schedule(t) for t in steps], rtol=2e-13, atol=1e-300)


@given(plans(), st.permutations(range(50)))
def test_a_value_does_not_depend_on_what_was_asked_before(grown: Grown, order: list[int]) -> None:
    forwards, shuffled = bound(grown), bound(grown)
    expected = {t: forwards(t) for t in range(50)}
    assert {t: shuffled(t) for t in order} == expected
    grid = np.array(order).reshape(5, 10)
    np.testing.assert_allclose(shuffled(grid), [[expected[t] for t in row] for row in grid.tolist()], rtol=2e-13)


@given(plans())
def test_whole_steps_of_any_kind_are_the_same_step(grown: Grown) -> None:
    schedule = bound(grown)
    for kind in (np.int64, np.int32, np.uint16):
        assert float(schedule(kind(7))) == pytest.approx(schedule(7), rel=2e-13)
    narrow = np.array([0, 100, 199], dtype=np.uint8)
    np.testing.assert_allclose(schedule(narrow), [schedule(int(t)) for t in narrow], rtol=2e-13)


@given(plans())
def test_equal_plans_are_equal_values_with_equal_hashes(grown: Grown) -> None:
    one, two = build(grown.tree), build(grown.tree)
    assert one == two
    assert hash(one) == hash(two)
    assert one.bind(grown.horizon, **SIZES) == two.bind(grown.horizon, **SIZES)
    assert hash(one.bind(grown.horizon, **SIZES)) == hash(two.bind(grown.horizon, **SIZES))
    assert one.bind(grown.horizon, **SIZES) != one.bind(grown.horizon, **SIZES, strict=True)
    assert one != "something else"


@given(plans())
def test_plans_and_schedules_are_frozen(grown: Grown) -> None:
    plan = build(grown.tree)
    for value in (plan, plan.bind(grown.horizon, **SIZES)):
        with pytest.raises((calando.CalandoError, AttributeError, TypeError)):
            value.anything = 1


@given(plans(), st.integers(1, 300))
def test_bind_fits_or_raises_our_error(grown: Grown, horizon: int) -> None:
    try:
        schedule = build(grown.tree).bind(horizon, **SIZES)
    except calando.errors.DoesNotFit:
        return
    assert schedule.horizon == horizon
    values = [schedule(t) for t in range(horizon + 1)]
    assert all(math.isfinite(v) and v >= 0 for v in values)


@given(plans())
def test_the_facts_are_those_of_the_curve(grown: Grown) -> None:
    schedule = bound(grown)
    values = schedule(np.arange(grown.horizon))
    facts = schedule.facts
    assert facts.peak == pytest.approx(values.max(), rel=1e-12)
    assert schedule(facts.peak_step) == pytest.approx(values.max(), rel=1e-12)
    assert facts.end == schedule(grown.horizon)
    assert facts.last == schedule(grown.horizon - 1)
    assert facts.mean == pytest.approx(facts.area / grown.horizon, rel=1e-12)
    assert facts.area == pytest.approx(values.sum(), rel=1e-9 if facts.exact else 0.05, abs=1e-12)


# --- composition ---------------------------------------------------------------------------------------------------


def pieces(draw: st.DrawFn) -> tuple[list[Any], list[int]]:
    """Three fixed plans and their lengths."""
    lengths = draw(st.lists(st.integers(1, 60), min_size=3, max_size=3))
    shapes = [
        calando.constant(draw(st.floats(0, 2)), length=lengths[0]),
        calando.linear_decay(start=draw(st.floats(0, 2)), end=draw(st.floats(0, 2)), length=lengths[1]),
        calando.cosine(end=draw(st.floats(0, 1)), length=lengths[2]),
    ]
    return shapes, lengths


THREE = st.composite(pieces)()


@given(THREE)
def test_pieces_are_half_open_and_count_from_their_own_start(three: tuple[list[Any], list[int]]) -> None:
    plans_, lengths = three
    schedule = calando.then(*plans_).bind(sum(lengths))
    start = 0
    for plan, length in zip(plans_, lengths, strict=True):
        alone = plan.bind(length)
        assert [schedule(start + t) for t in range(length)] == [alone(t) for t in range(length)]
        start += length
    assert schedule(start) == plans_[-1].bind(lengths[-1])(lengths[-1])


@given(THREE)
def test_then_is_associative(three: tuple[list[Any], list[int]]) -> None:
    (a, b, c), _ = three
    assert (a | b) | c == a | (b | c) == calando.then(a, b, c)
    assert str((a | b) | c) == str(a | (b | c))


@given(THREE)
def test_product_minimum_and_maximum_are_associative(three: tuple[list[Any], list[int]]) -> None:
    (a, b, c), lengths = three
    for join in (calando.product, calando.minimum, calando.maximum):
        left, right = join(join(a, b), c).bind(max(lengths)), join(a, join(b, c)).bind(max(lengths))
        assert [left(t) for t in range(max(lengths))] == pytest.approx([right(t) for t in range(max(lengths))])


@given(pairs())
def test_product_minimum_and_maximum_are_pointwise(two: tuple[Grown, Grown]) -> None:
    a, b, horizon = build(two[0].tree), build(two[1].tree), two[0].horizon
    fa, fb = a.bind(horizon, **SIZES), b.bind(horizon, **SIZES)
    by_name = {calando.product: lambda x, y: x * y, calando.minimum: min, calando.maximum: max}
    for join, pointwise in by_name.items():
        joined = join(a, b).bind(horizon, **SIZES)
        for t in sampled(horizon, 20):
            assert joined(t) == pytest.approx(pointwise(fa(t), fb(t)), rel=1e-14)  # products regroup


@given(CLOSED, st.floats(0, 3))
def test_scale_multiplies(grown: Grown, by: float) -> None:
    plan, plain = build(grown.tree), bound(grown)
    for scaled in (plan * by, by * plan, calando.scale(plan, by)):
        schedule = scaled.bind(grown.horizon, **SIZES)
        assert all(schedule(t) == plain(t) * by for t in sampled(grown.horizon))


@given(CLOSED, st.floats(0, 1), st.floats(0, 1))
def test_clip_keeps_every_value_between_its_bounds(grown: Grown, low: float, span: float) -> None:
    plain, schedule = (
        bound(grown),
        calando.clip(build(grown.tree), low=low, high=low + span).bind(grown.horizon, **SIZES),
    )
    assert all(schedule(t) == min(max(plain(t), low), low + span) for t in sampled(grown.horizon))


@given(st.sampled_from(["cosine()", "linear_decay(end=0.1)", "one_cycle()", "multistep(milestones=[3, 9])"]),
       st.integers(1, 50))  # fmt: skip
def test_shift_is_the_plan_later(text: str, by: int) -> None:
    plan = calando.parse(text)
    plain, later = plan.bind(100), calando.shift(plan, by).bind(100 + by)
    assert [later(t) for t in range(by)] == [plain(0)] * by
    assert [later(by + t) for t in range(101)] == [plain(t) for t in range(101)]


@given(CLOSED)
def test_reverse_runs_backwards_and_twice_is_the_plan_itself(grown: Grown) -> None:
    plan, plain = build(grown.tree), bound(grown)
    back = calando.reverse(plan).bind(grown.horizon, **SIZES)
    twice = calando.reverse(calando.reverse(plan)).bind(grown.horizon, **SIZES)
    open_ = evaluate.extent(grown.tree, clock_of(grown.horizon)) is None
    for t in sampled(grown.horizon):
        if open_:
            assert back(t) == plain(grown.horizon - t)
            assert twice(t) == plain(t)


@given(st.integers(2, 60), st.integers(1, 5))
def test_stretch_by_a_whole_number_reads_the_plan_at_a_slower_clock(length: int, by: int) -> None:
    for text in (f"cosine(length={length})", f"linear_decay(end=0.1, length={length})", f"warmup({length})"):
        plan = calando.parse(text)
        plain, slow = plan.bind(length), calando.stretch(plan, by).bind(length * by)
        for t in range(length + 1):
            assert slow(t * by) == pytest.approx(plain(t), rel=1e-13, abs=1e-16)


@given(st.integers(2, 40), st.integers(1, 5), st.floats(0, 1))
def test_repeat_is_the_plan_again_and_again_and_lower(length: int, times: int, decay: float) -> None:
    plan = calando.cosine(end=0.1, length=length)
    plain = plan.bind(length)
    schedule = calando.repeat(plan, times=times, decay=decay).bind(length * times)
    for cycle in range(times):
        for t in range(length):
            assert schedule(cycle * length + t) == pytest.approx(plain(t) * decay**cycle, rel=1e-13)
    assert schedule(length * times) == pytest.approx(plain(length) * decay ** (times - 1), rel=1e-13)


@given(st.integers(2, 20), st.integers(1, 4))
def test_repeat_with_growth_is_warm_restarts(first: int, growth: int) -> None:
    waves = calando.repeat(calando.cosine(length=first), growth=growth).bind(300)
    restarts = calando.warm_restarts(first=first, growth=growth).bind(300)
    assert [waves(t) for t in range(301)] == pytest.approx([restarts(t) for t in range(301)], rel=1e-13, abs=1e-16)


@given(CLOSED, st.integers(1, 60))
def test_hold_changes_only_at_the_ends_of_its_epochs(grown: Grown, epoch: int) -> None:
    plain, held = bound(grown), calando.hold(build(grown.tree), every=epoch).bind(grown.horizon, **SIZES)
    values = [held(t) for t in range(grown.horizon + 1)]
    assert all(values[t] == values[t - 1] for t in range(1, grown.horizon + 1) if t % epoch)
    assert all(values[t] == plain(t) for t in range(0, grown.horizon + 1, epoch))


@given(st.floats(0, 1), st.integers(1, 200))
def test_named_decays_never_rise_and_end_where_they_say(end: float, horizon: int) -> None:
    for make in (calando.cosine, calando.linear_decay, lambda end: calando.polynomial_decay(power=2.5, end=end)):
        schedule = make(end=end).bind(horizon)
        values = [schedule(t) for t in range(horizon + 5)]
        assert all(a >= b * (1 - 3e-16) for a, b in zip(values, values[1:], strict=False))  # but for a rounding
        assert values[0] == 1.0
        assert values[horizon] == end


@given(pairs())
def test_a_bundle_is_several_quantities_on_one_clock(two: tuple[Grown, Grown]) -> None:
    lr, momentum, horizon = build(two[0].tree), build(two[1].tree), two[0].horizon
    both = calando.bundle(lr, momentum=momentum).bind(horizon, **SIZES)
    assert both.quantities == ("lr", "momentum")
    first, second = lr.bind(horizon, **SIZES), momentum.bind(horizon, **SIZES)
    for t in sampled(horizon, 20):
        assert both(t) == first(t)
        assert both.at(t) == {"lr": first(t), "momentum": second(t)}


@given(plans(), STEP)
def test_the_first_quantity_is_the_learning_rate(grown: Grown, t: int) -> None:
    schedule = bound(grown)
    assert schedule.quantities[0] == "lr"
    assert schedule.at(t)["lr"] == schedule(t)
    assert tuple(schedule.at(t)) == schedule.quantities


def test_triangular2_falls_out_of_repeat_with_decay() -> None:
    triangle = calando.linear_decay(start=0.2, end=1, length=5) | calando.linear_decay(end=0.2, start=1, length=5)
    waves = calando.repeat(triangle, decay=0.5, floor=0.2).bind(50)
    named = calando.cyclical(low=0.2, half=5, mode="triangular2").bind(50)
    assert [waves(t) for t in range(51)] == pytest.approx([named(t) for t in range(51)], rel=1e-13)


def test_no_node_of_the_oracle_is_missing() -> None:
    from calando import catalog

    known = set(evaluate.LEAVES) | set(evaluate.COMBINATORS) | {"function"}
    assert known == {entry.name for entry in catalog.entries()}
    assert Node("cosine").depth == 1
