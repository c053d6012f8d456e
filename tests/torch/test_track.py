"""A run on another horizon: what is left of every quantity is spread, and errors speak of the run itself."""

from typing import Any

import pytest

from calando.errors import OutOfRange
from calando.torch import attach
from calando.torch.track import Continued
from tests.torch.helpers import bound, optimizer_of, rates, through_disk, update

BUNDLE = "bundle(linear_decay(), momentum=linear_decay(start=0.95, end=0.85), weight_decay=cosine(start=0.2, end=0.1))"


def extended(text: str, at: int, horizon: int, to: int, **options: Any) -> tuple[Any, Any]:
    """An optimizer and scheduler that go on, to another horizon, with a run saved at a step."""
    first = attach(optimizer_of(0.1, momentum=0.9), bound(text, horizon, **options))
    first.step(epoch=at)
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text, to, **options), resume="extend")
    scheduler.load_state_dict(through_disk(first.state_dict()))
    return optimizer, scheduler


def test_every_quantity_goes_on_without_a_jump_and_ends_where_it_would_have_ended() -> None:
    optimizer, scheduler = extended(BUNDLE, 20, 50, 80)
    old = bound(BUNDLE)
    for step in range(20, 81):
        place = 20 + (step - 20) // 2
        before, after = old.at(place), old.at(min(place + 1, 50))
        share = 0.5 if step % 2 else 0.0
        for name in ("momentum", "weight_decay"):
            wanted = before[name] + (after[name] - before[name]) * share
            assert optimizer.param_groups[0][name] == pytest.approx(wanted, rel=1e-12), (name, step)
        update(optimizer)
        scheduler.step()
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.85)
    assert optimizer.param_groups[0]["weight_decay"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("step", "momentum"), [(20, 0.91), (21, 0.909), (23, 0.907), (50, 0.88), (79, 0.851), (80, 0.85)]
)
def test_momentum_between_two_steps_of_the_old_run_lies_between_its_values(step: int, momentum: float) -> None:
    optimizer, scheduler = extended(BUNDLE, 20, 50, 80)
    scheduler.step(epoch=step)
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(momentum, rel=1e-12)


def test_past_its_end_a_strict_extended_run_speaks_of_its_own_step_and_horizon() -> None:
    optimizer, scheduler = extended("cosine()", 5, 10, 20, strict=True)
    for _ in range(15):
        scheduler.step()
    assert (scheduler.last_epoch, rates(optimizer)) == (20, [0.0])
    for _ in range(2):
        with pytest.raises(OutOfRange, match="step 21; allowed: 0 to 20\n"):
            scheduler.step()
    assert scheduler.last_epoch == 20


def test_a_strict_extended_run_ends_at_its_horizon_even_where_that_came_nearer() -> None:
    _, scheduler = extended("bundle(cosine(), momentum=constant(0.5))", 5, 30, 10, strict=True)
    scheduler.step(epoch=10)
    with pytest.raises(OutOfRange, match="step 11; allowed: 0 to 10\n"):
        scheduler.step()
    with pytest.raises(OutOfRange, match="step 11; allowed: 0 to 10\n"):
        scheduler.tracks[0].schedule.at(11)


def test_an_extended_run_that_is_not_strict_holds_its_last_value() -> None:
    longer = Continued(bound("linear_decay(end=0.25)", 10), ()).stretched(at=5, horizon=20)
    assert [longer(20), longer(21), longer(10**6)] == [0.25] * 3
    with pytest.raises(OutOfRange, match="step -1"):
        longer(-1)


def test_past_the_end_of_a_strict_schedule_the_clock_stays_where_it_was() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("linear_decay(end=0.5)", 2, strict=True))
    for _ in range(2):
        scheduler.step()
    before = scheduler.state_dict()
    for jump in (None, 3, 1000):
        with pytest.raises(OutOfRange):
            scheduler.step(jump)
    assert scheduler.state_dict() == before
    assert "at step 2" in repr(scheduler)
    assert rates(optimizer) == [0.05]


def test_groups_move_together_or_not_at_all() -> None:
    optimizer = optimizer_of(0.1, 0.1)
    scheduler = attach(optimizer, bound("linear_decay()", 10), groups={1: bound("linear_decay()", 5, strict=True)})
    for _ in range(5):
        scheduler.step()
    with pytest.raises(OutOfRange):
        scheduler.step()
    assert rates(optimizer) == [0.05, 0.0]


def test_a_rate_that_goes_by_steps_still_does_beside_other_quantities() -> None:
    text = "bundle(multistep(milestones=[30], factor=0.1), momentum=linear_decay(start=0.95, end=0.85))"
    optimizer, scheduler = extended(text, 20, 50, 80)
    seen = []
    for _ in range(20, 80):
        seen += [round(rate, 12) for rate in rates(optimizer)]
        scheduler.step()
    assert seen == [0.1] * 20 + [0.01] * 40
