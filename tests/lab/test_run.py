"""The run contract, kept and broken."""

import math
import random

import pytest

from calando.errors import BadValue, LabError
from calando.lab import StopRun, standalone
from calando.lab.run import Run
from tests.lab.trains import host


def a_run(plan: str = "linear_decay()", horizon: int = 10, peak: float | None = 0.5, **kwargs: object) -> Run:
    return standalone(plan, horizon=horizon, peak=peak, quiet=True, **kwargs)


def walk(run: Run, loader: object = None, *losses: float) -> None:
    for number, _ in enumerate(run.steps(loader)):  # type: ignore[arg-type]
        assert run.lr >= 0
        if number < len(losses):
            run.log(train_loss=losses[number])


def test_it_hands_out_batches_until_the_horizon_whatever_the_length_of_an_epoch() -> None:
    run = a_run(horizon=7)
    assert [batch for batch in run.steps("abc") if run.lr] == list("abcabca")
    assert run.done == 7


def test_a_loader_as_long_as_the_horizon_is_passed_over_once() -> None:
    passes = []

    class Loader:
        def __iter__(self):  # type: ignore[no-untyped-def]
            passes.append(1)
            return iter(range(5))

    run = a_run(horizon=5)
    assert len([run.lr for _ in run.steps(Loader())]) == 5
    assert passes == [1]


@pytest.mark.parametrize(("loader", "told"), [([], "is empty"), (iter([1, 2]), "cannot be iterated again")])
def test_a_loader_that_cannot_go_on_is_refused(loader: object, told: str) -> None:
    with pytest.raises(LabError, match=told):
        walk(a_run(), loader)


def test_a_loop_inside_the_loop_is_refused() -> None:
    run = a_run()
    next(run.steps())
    for _ in run.steps():
        with pytest.raises(LabError, match="drop the loop over epochs"):
            next(run.steps())
        break


def test_a_second_loop_goes_on_where_the_first_was_left() -> None:
    run = a_run()
    for step in run.steps():
        if run.lr and step == 3:
            break
    assert run.done == 3
    assert len(list(run.steps())) == 7


def test_evaluations_are_spread_evenly_and_one_is_at_the_very_end() -> None:
    run = a_run(horizon=10, evals=3)
    due = [run.step for _ in run.steps() if run.lr and run.eval_due]
    assert due == [2, 6, 9]
    assert not run.eval_due


def test_more_evaluations_than_steps_are_one_a_step() -> None:
    run = a_run(horizon=3, evals=50)
    assert [run.eval_due for _ in run.steps() if run.lr] == [True] * 3


def test_the_largest_base_becomes_the_peak_and_the_others_keep_their_ratio() -> None:
    run = a_run(peak=0.5)
    optimizer = host.Optimizer([0.01, 0.04])
    run.attach(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.5]


def test_without_a_peak_the_rates_of_the_optimizer_stand() -> None:
    optimizer = host.train(a_run("constant()", peak=None), rates=(0.01, 0.04))
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.04]


def test_the_rate_that_was_really_used_is_recorded_at_every_update() -> None:
    run = a_run(horizon=10, peak=0.5)
    optimizer = host.train(run)
    curve = run.curves()["lr"]
    assert curve.steps == tuple(range(10))
    assert list(curve.values) == optimizer.used == pytest.approx([0.5 * (1 - t / 10) for t in range(10)])
    assert run.outcome()[0] == "done"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("overwrites", "update 3 asked for the rate 0.35 and found 0.123; something else set it"),
        ("overwrites after", "update 1 asked for the rate 0.45 and found 0.456; something else set it"),
        ("never steps the scheduler", "call scheduler.step\\(\\) once after every update"),
        ("steps the scheduler twice", "the rate moved on too early"),
    ],
)
def test_a_rate_that_is_not_the_candidates_is_a_broken_contract(wrong: str, told: str) -> None:
    with pytest.raises(StopRun, match=told) as caught:
        host.train(a_run(), wrong=wrong)
    assert caught.value.status == "failed"
    assert caught.value.reason.startswith("broken contract")


def test_several_updates_in_one_turn_are_noted() -> None:
    run = a_run()
    host.train(run, wrong="steps the optimizer twice")
    assert run.notes[0] == "update 0: 2 updates of the optimizer in one turn of the loop"
    assert len(run.notes) == 3


def test_a_train_function_that_uses_no_schedule_is_a_broken_contract() -> None:
    run = a_run()
    with pytest.raises(StopRun, match="nothing uses the candidate"):
        for _ in run.steps():
            pass


def test_a_listener_is_told_the_metric_and_the_rate_follows() -> None:
    run = a_run("reduce_on_plateau(constant(), factor=0.5, patience=0)", horizon=6, evals=6)
    optimizer = host.Optimizer([0.1])
    scheduler = run.attach(optimizer)
    for step in run.steps():
        optimizer.step()
        scheduler.step()
        run.log(train_loss=1.0, val_loss=1.0 if step else 2.0)
    assert optimizer.used == [0.5, 0.5, 0.5, 0.25, 0.125, 0.0625]
    assert list(run.curves()["lr"].values) == optimizer.used


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(value: float) -> None:
    with pytest.raises(StopRun, match=r"train_loss is .* at step 1") as caught:
        walk(a_run(), None, 2.0, value)
    assert caught.value.status == "diverged"


def test_a_loss_that_explodes_ends_the_run_as_diverged() -> None:
    with pytest.raises(StopRun, match=r"train_loss exploded to 2301 at step 2 \(it began at 2.3\)"):
        walk(a_run(), None, 2.3, 2299.0, 2301.0)


def test_other_numbers_may_be_anything() -> None:
    run = a_run(horizon=3)
    for _ in run.steps():
        run.log(grad_norm=math.inf, lr_seen=run.lr)
    assert run.curves()["grad_norm"].values == (math.inf,) * 3


def test_an_accuracy_that_grows_does_not_explode_but_must_be_finite() -> None:
    run = a_run(metric="score", mode="max")
    run.log(score=1e-9)
    run.log(score=1e9)
    with pytest.raises(StopRun, match="score is nan"):
        run.log(score=math.nan)


@pytest.mark.parametrize("value", ["high", None, [1, 2], object()])
def test_what_is_not_one_number_cannot_be_logged(value: object) -> None:
    with pytest.raises(BadValue, match="one number"):
        a_run().log(loss=value)


def test_the_rate_cannot_be_logged_over() -> None:
    with pytest.raises(BadValue, match="the run records the rate"):
        a_run().log(lr=0.1)


def test_what_nobody_can_keep_is_refused_by_name() -> None:
    run = a_run()
    run.keep(dice=random.Random(1), scaler=None)
    assert run.kept == ("dice", "scaler")
    with pytest.raises(LabError, match="model=<object object"):
        run.keep(model=object())


def test_the_metric_may_be_logged_after_the_loop() -> None:
    run = a_run(horizon=4)
    for _ in run.steps():
        run.log(train_loss=run.lr)
    run.log(val_loss=0.25)
    assert run.outcome() == ("done", "", 0.25)


def test_attaching_late_is_refused() -> None:
    run = a_run()
    for _ in run.steps():
        assert run.lr
        with pytest.raises(LabError, match="above the loop"):
            run.attach(host.Optimizer([0.1]))


@pytest.mark.parametrize("optimizer", [object(), None, 3])
def test_only_optimizers_are_attached(optimizer: object) -> None:
    with pytest.raises(LabError, match="param_groups"):
        a_run().attach(optimizer)


@pytest.mark.parametrize("rates", [[0.0], [math.nan], []])
def test_rates_that_no_peak_can_scale_are_refused(rates: list[float]) -> None:
    with pytest.raises(LabError, match="positive lr"):
        a_run().attach(host.Optimizer(rates))


@pytest.mark.alone
def test_logging_takes_less_than_twenty_microseconds() -> None:
    import time

    def seconds(count: int) -> float:
        run = a_run(horizon=count)
        batches = run.steps()
        next(batches)
        start = time.process_time()
        for _ in range(count):
            run.log(train_loss=1.5, accuracy=0.5)
        return (time.process_time() - start) / count

    taken = min(seconds(20_000) for _ in range(5))
    print(f"run.log of two numbers: {taken * 1e6:.2f} microseconds")
    assert taken < 20e-6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"horizon": None}, "horizon"),
        ({"horizon": 0}, "horizon"),
        ({"peak": -1.0}, "peak"),
        ({"peak": math.nan}, "peak"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"evals": 0}, "evals"),
        ({"schedule": 3}, "schedule"),
    ],
)
def test_a_standalone_run_refuses_wrong_arguments(change: dict, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        standalone(**{"schedule": "cosine()", "horizon": 10, "quiet": True, **change})


def test_a_standalone_run_prints_at_every_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    run = standalone("constant()", horizon=4, evals=2, peak=0.5)
    for _ in run.steps():
        run.log(train_loss=run.lr)
        if run.eval_due:
            run.log(val_loss=1.0)
    assert capsys.readouterr().out.splitlines() == [
        "step 2/4  lr 0.5  train_loss 0.5  val_loss 1",
        "step 4/4  lr 0.5  train_loss 0.5  val_loss 1",
    ]
