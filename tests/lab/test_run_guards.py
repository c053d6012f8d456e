"""What a run does not let pass: swallowed ends, losses out of scale, numbers and names that cannot be kept."""

import math
from contextlib import suppress

import pytest

from calando.errors import BadValue, LabError
from calando.lab import StopRun, standalone
from calando.lab.run import Run
from tests.lab.trains import host


def a_run(horizon: int = 10, **kwargs: object) -> Run:
    return standalone("linear_decay()", **{"horizon": horizon, "peak": 0.5, "quiet": True, **kwargs})  # type: ignore[arg-type]


def logged(*losses: float) -> Run:
    run = a_run(horizon=len(losses))
    for step in run.steps():
        run.log(train_loss=losses[step] * (run.lr >= 0))
    return run


def swallowed(run: Run, value: float, at: int) -> None:
    for step in run.steps():
        with suppress(BaseException):  # a bad habit, to be survived: a bare except
            run.log(train_loss=run.lr, val_loss=value if step == at else 0.5)


def test_an_end_that_the_train_function_swallows_comes_again_at_the_next_update() -> None:
    run = a_run()
    with pytest.raises(StopRun, match="val_loss is nan at step 3"):
        swallowed(run, math.nan, at=3)
    assert run.done == 4
    assert run.outcome() == ("diverged", "val_loss is nan at step 3", None)
    with pytest.raises(StopRun, match="at step 3"):
        next(run.steps())


def test_an_end_that_is_swallowed_at_the_last_update_is_no_result() -> None:
    run = a_run()
    swallowed(run, math.inf, at=9)
    assert run.done == 10
    assert run.outcome() == ("diverged", "val_loss is inf at step 9", None)


def test_a_broken_contract_that_is_swallowed_stays_broken() -> None:
    run = a_run(horizon=3)
    optimizer = host.Optimizer([0.1])
    run.attach(optimizer)

    def train() -> None:
        for _ in run.steps():
            with suppress(BaseException):
                optimizer.param_groups[0]["lr"] = 0.2
                optimizer.step()

    with pytest.raises(StopRun, match="update 0"):
        train()
    assert run.outcome()[0] == "failed"


@pytest.mark.parametrize(
    "losses",
    [
        (2.0, -500.0, -2100.0, -1e6),  # a likelihood that improves
        (-5.0, -6000.0, -5.0),
        (0.0, 5000.0, 5200.0, 4900.0),  # a term that begins at nothing
        (1e-3, 0.9, 1200.0, 1100.0, 4000.0),
        (2e5, 1e8, 3.0),
    ],
)
def test_a_loss_that_falls_or_stays_on_its_scale_does_not_explode(losses: tuple[float, ...]) -> None:
    assert logged(*losses).done == len(losses)


@pytest.mark.parametrize("losses", [(0.5, 1001.0), (-50.0, 60_000.0), (0.0, 5.0, 4.0, 5001.0), (0.0, 10.0, 1e4, 1e8)])
def test_a_loss_that_leaves_its_scale_upwards_explodes(losses: tuple[float, ...]) -> None:
    with pytest.raises(StopRun, match="exploded to"):
        logged(*losses)


@pytest.mark.parametrize("value", ["0.5", b"1", bytearray(b"2"), 10**400, 1j])
def test_text_and_numbers_that_no_float_holds_are_refused(value: object) -> None:
    with pytest.raises(BadValue, match="one number that a float can hold"):
        a_run().log(acc=value)


@pytest.mark.parametrize("name", ["a\ud800", "", "x" * 201, "a\x1b[31m", "two\nlines"])
def test_a_name_that_cannot_be_kept_is_refused(name: str) -> None:
    run = a_run()
    with pytest.raises(BadValue, match="printable characters"):
        run.log(**{name: 1.0})
    assert run.curves() == {}


def test_a_second_optimizer_under_a_peak_is_refused_with_its_reason() -> None:
    run = a_run()
    run.attach(host.Optimizer([0.001]))
    second = host.Optimizer([0.1])
    with pytest.raises(LabError, match="the ratio of their rates be lost") as caught:
        run.attach(second)
    assert "parameter group" in caught.value.fix
    assert second.param_groups[0]["lr"] == 0.1


def test_without_a_peak_two_optimizers_keep_their_own_rates() -> None:
    run = a_run(peak=None)
    both = host.Optimizer([0.001]), host.Optimizer([0.1])
    for optimizer in both:
        run.attach(optimizer)
    assert [optimizer.param_groups[0]["lr"] for optimizer in both] == [0.001, 0.1]


def test_an_attached_optimizer_that_never_updates_is_a_broken_contract() -> None:
    run = a_run()
    scheduler = run.attach(host.Optimizer([0.1]))
    for _ in run.steps():
        scheduler.step()
        run.log(train_loss=0.5, val_loss=0.5)
    status, reason, final = run.outcome()
    assert (status, final) == ("failed", None)
    assert reason.startswith("broken contract: the attached optimizer made no update")


def test_a_metric_that_was_never_logged_is_told_with_the_names_that_were() -> None:
    run = a_run(horizon=2)
    for _ in run.steps():
        run.log(train_loss=run.lr, acc=1.0)
    assert "val_loss was not logged at the end (logged: acc, lr, train_loss)" in run.outcome()[1]


def test_an_optimizer_of_jax_that_is_made_already_is_told_how_to_be_made() -> None:
    import optax

    with pytest.raises(BadValue, match=r"attach\(optax\.adamw, learning_rate=1e-3"):
        a_run().attach(optax.sgd(0.1))
