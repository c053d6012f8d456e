"""A steered schedule is an ordinary one: as it was up to each change, and as was asked from there on."""

from typing import Any

import numpy as np
import pytest

import calando
from calando.core.steering import Steered, read_change
from calando.errors import BadValue, CalandoError, DoesNotFit


def begun(text: str = "wsd(warmup=10, cooldown=20%)", horizon: int = 100, **sizes: Any) -> Steered:
    return Steered(calando.parse(text).bind(horizon, **sizes))


def made(steered: Steered, *asked: tuple[int, str]) -> Steered:
    for step, text in asked:
        steered = steered.apply(step, read_change(text))
    return steered


def values(steered: Steered) -> list[float]:
    return [float(steered.schedule(step)) for step in range(steered.horizon + 1)]


def test_before_a_change_nothing_is_another() -> None:
    plain = begun("warm_restarts(first=30)")
    for text in ("scale 0.5", "cooldown 20", "extend 50", "stop"):
        changed = made(plain, (60, text))
        assert values(changed)[:60] == values(plain)[:60]


def test_a_cooldown_begins_at_the_factor_in_force_and_ends_the_run() -> None:
    for shape, middle in (("linear", 0.5), ("cosine", 0.5), ("1-sqrt", 1 - 0.5**0.5)):
        cooled = made(begun(), (50, f"cooldown 20 {shape}"))
        assert cooled.horizon == 70
        assert cooled.schedule(50) == 1.0
        assert cooled.schedule(60) == pytest.approx(middle)
        assert cooled.schedule(70) == 0.0
    assert made(begun(), (50, "cooldown rest to 0.25")).schedule(100) == 0.25
    assert made(begun(steps_per_epoch=10), (50, "cooldown 2ep")).horizon == 70
    assert made(begun(), (50, "cooldown 10%")).horizon == 60


def test_scales_multiply_each_other() -> None:
    scaled = made(begun("constant()"), (10, "scale 0.5"), (20, "scale 0.5"))
    assert [scaled.schedule(step) for step in (9, 10, 20)] == [1.0, 0.5, 0.25]


def test_an_extension_is_the_same_plan_over_more_steps_where_it_was_the_same_so_far() -> None:
    longer = made(begun(), (60, "extend 100"))
    assert longer.schedule == calando.parse("wsd(warmup=10, cooldown=20%)").bind(200)


def test_an_extension_spreads_what_is_left_where_it_was_not() -> None:
    longer = made(begun("linear_decay()"), (50, "extend 50%"))
    assert [longer.schedule(step) for step in (49, 50, 100, 150)] == [0.51, 0.5, 0.25, 0.0]


def test_an_undo_goes_on_as_if_the_change_had_not_been_made() -> None:
    plain = begun("cosine()")
    back = made(plain, (20, "scale 0.5"), (40, "undo"))
    assert values(back)[40:] == values(plain)[40:]
    assert back.schedule(30) == 0.5 * plain.schedule(30)
    twice = made(plain, (20, "scale 0.5"), (30, "cooldown 30"), (40, "undo"), (50, "undo"))
    assert values(twice)[50:] == values(plain)[50:]
    assert values(twice)[40:50] == values(made(plain, (20, "scale 0.5")))[40:50]
    assert twice.revision == 4
    with pytest.raises(BadValue, match="undo without a change"):
        made(twice, (60, "undo"))


def test_a_run_that_is_stopped_ends_with_the_updates_made() -> None:
    stopped = made(begun("cosine()"), (33, "stop"))
    assert stopped.horizon == 33
    assert values(stopped)[:33] == values(begun("cosine()"))[:33]


def test_a_change_before_others_forgets_them() -> None:
    """As after a return to a snapshot."""
    plain = begun("cosine()")
    steered = made(plain, (20, "scale 0.5"), (40, "cooldown 10"), (30, "scale 0.5"))
    assert steered.schedule == made(plain, (20, "scale 0.5"), (30, "scale 0.5")).schedule
    assert steered.revision == 3
    assert steered.at(25).schedule == made(plain, (20, "scale 0.5")).schedule


def test_a_change_at_the_same_step_takes_the_place_of_the_one_before() -> None:
    both = made(begun("constant()"), (40, "scale 0.5"), (40, "scale 0.5"))
    assert both.schedule == made(begun("constant()"), (40, "scale 0.25")).schedule


def test_a_listener_stays_around_it_and_other_quantities_go_on_as_they_were_made() -> None:
    plan = "bundle(reduce_on_plateau(cosine(), patience=3), momentum=linear_decay(start=0.9, end=0.8))"
    plain = begun(plan)
    for text in ("scale 0.5", "cooldown 20", "stop"):
        changed = made(plain, (50, text)).schedule
        assert changed.rule == plain.schedule.rule
        assert [changed.at(t)["momentum"] for t in range(changed.horizon)] == [
            plain.schedule.at(t)["momentum"] for t in range(changed.horizon)
        ]
    longer = made(plain, (50, "extend 100")).schedule
    assert longer.at(200)["momentum"] == pytest.approx(0.8)
    assert longer.at(125)["momentum"] == pytest.approx(0.825)


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        ("cosine()", (50, "scale 0"), "scale 0"),
        ("cosine()", (50, "scale 5"), "the factor reaches 2.5"),
        ("cosine()", (100, "scale 0.5"), "at step 100"),
        ("cosine()", (150, "cooldown 10"), "at step 150"),
        ("cosine()", (100, "extend 50"), "at step 100"),
        ("cosine()", (0, "stop"), "before the first update"),
        ("cosine()", (50, "cooldown 10 to 0.5"), "cooldown 10 to 0.5"),
        ("constant(0)", (50, "cooldown 10"), "from a factor of 0"),
        ("cosine()", (50, "cooldown 0"), "no step"),
        ("cosine()", (50, "extend 0%"), "no step"),
        ("cosine()", (50, "undo"), "undo without a change"),
        ("cosine()", (99, "extend 1000000"), "1 steps to spread over 1000001"),
    ],
)
def test_what_is_unsafe_is_refused_with_the_reason(text: str, asked: tuple[int, str], words: str) -> None:
    with pytest.raises(CalandoError) as caught:
        made(begun(text), asked)
    assert words in caught.value.given


def test_a_unit_without_its_size_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="tokens_per_step"):
        made(begun(), (50, "cooldown 3tok"))


def test_what_is_more_than_twice_of_all_that_was_tried_needs_force() -> None:
    raised = made(begun("constant()"), (50, "scale 2"))
    assert raised.schedule(50) == 2.0
    again = made(raised, (60, "scale 2"))  # 2 was tried by now
    assert again.schedule(60) == 4.0
    assert made(begun("constant()"), (50, "scale 5 force")).schedule(50) == 5.0


def test_an_undo_whose_end_lies_behind_is_refused() -> None:
    longer = made(begun("linear_decay()"), (90, "extend 100"))
    with pytest.raises(BadValue, match="the run ended at step 100"):
        made(longer, (120, "undo"))


def test_hundreds_of_changes_are_made_in_milliseconds_each_and_then_no_more() -> None:
    import time

    steered = begun("cosine(end=0.5)", 100_000)
    took = []
    for i in range(200):
        began = time.process_time()
        steered = made(steered, (100 * i + 1, "scale 0.9" if i % 2 else "undo" if i % 4 and i > 4 else "scale 1.1"))
        took.append(time.process_time() - began)
    assert sorted(took)[100] < 0.2
    assert calando.from_json(steered.schedule.to_json()) == steered.schedule
    steps = np.arange(0, 30_000, 7)
    assert (steered.schedule(steps) == np.array([steered.schedule(int(step)) for step in steps])).all()
    with pytest.raises(BadValue, match="at most 200"):
        made(steered, (30_000, "scale 0.9"))
