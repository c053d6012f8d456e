"""Logs become loss curves with the rates that they were trained under, or are refused with what to give."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calando.errors import BadFile, BadName, BadValue
from calando.forecast.curve import plan_rates
from calando.forecast.doubts import doubts_of
from calando.forecast.reading import Given, curves_of, given_of
from calando.records.logs import Column, Log, read_logs

STEPS = np.arange(10, 101, 10)


def a_log(name: str = "a", *, lr: str = "", **meta: object) -> Log:
    columns = {"loss": Column(STEPS, 2 + 1 / STEPS)}
    if lr:
        columns[lr] = Column(STEPS, plan_rates("linear_decay()", 0.1, 100)[STEPS - 1])
    return Log(name, f"{name}.csv", "csv", columns, loss="loss", lr=lr, meta=meta)  # type: ignore[arg-type]


def test_the_rates_are_those_that_were_logged() -> None:
    (curve,) = curves_of([a_log(lr="lr")]).curves
    assert curve.horizon == 100
    np.testing.assert_allclose(curve.rates[9:], plan_rates("linear_decay()", 0.1, 100)[9:])
    assert (curve.rates[:9] == curve.rates[9]).all()  # before the first that was logged


def test_a_warm_up_under_way_where_logging_begins_is_drawn_back_to_the_start() -> None:
    steps = np.arange(20, 101, 20)
    wanted = plan_rates("warmup(50) | linear_decay()", 0.1, 100)
    log = Log("a", "a.csv", "csv", {"loss": Column(steps, 2 + 1 / steps), "lr": Column(steps, wanted[steps - 1])},
              loss="loss", lr="lr")  # fmt: skip
    (curve,) = curves_of([log]).curves
    np.testing.assert_allclose(curve.rates[:40], wanted[:40], atol=1e-12)
    assert curve.warmup == 59  # as closely as rates logged every 20 updates tell


def test_a_plan_that_was_given_goes_before_what_was_logged() -> None:
    (curve,) = curves_of([a_log(lr="lr")], {"": Given("cosine()", 0.5, 200)}).curves
    np.testing.assert_array_equal(curve.rates, plan_rates("cosine()", 0.5, 200))
    assert (curve.plan, curve.peak, curve.finished) == ("cosine()", 0.5, False)


def test_a_plan_for_one_run_is_for_that_one_alone() -> None:
    found = curves_of([a_log("a"), a_log("b")], given_of(["cosine() @ 0.5", "b=wsd(cooldown=30%)"], peak=0.25)).curves
    assert [(curve.plan, curve.peak) for curve in found] == [("cosine()", 0.5), ("wsd(cooldown=30%)", 0.25)]


def test_an_equals_sign_within_a_plan_names_no_run() -> None:
    assert given_of(["wsd(cooldown=30%) @ 1e-3"]) == {"": Given("wsd(cooldown=30%)", 1e-3)}


def test_what_the_log_knows_of_its_plan_is_taken() -> None:
    (curve,) = curves_of([a_log(plan="cosine()", peak=0.5, horizon=120, seed=3)]).curves
    assert (curve.plan, curve.peak, curve.horizon, curve.seed) == ("cosine()", 0.5, 120, 3)


def test_where_a_listener_changed_the_rate_the_log_is_believed() -> None:
    log = a_log(lr="lr", plan="reduce_on_plateau(constant())", peak=0.1)
    (curve,) = curves_of([log]).curves
    assert curve.plan == ""
    assert curve.rates[-1] < 0.01


def test_a_peak_that_nobody_gave_is_the_highest_rate_that_was_logged() -> None:
    (curve,) = curves_of([a_log(lr="lr")], given_of(["linear_decay()"])).curves
    assert curve.peak == pytest.approx(0.091)


def test_a_log_without_rates_is_refused_with_what_to_give_and_the_others_are_read() -> None:
    found = curves_of([a_log("a"), a_log("b", lr="lr")])
    assert [curve.name for curve in found.curves] == ["b"]
    (error,) = found.refused
    assert isinstance(error, BadFile)
    assert "--plan" in error.fix


def test_a_plan_without_any_peak_says_how_to_give_one() -> None:
    (error,) = curves_of([a_log()], given_of(["cosine()"])).refused
    assert "--peak" in error.fix


def test_a_run_shorter_than_its_losses_is_refused() -> None:
    (error,) = curves_of([a_log()], {"": Given("cosine()", 0.5, 60)}).refused
    assert isinstance(error, BadValue)
    assert "--run-horizon" in error.fix


@pytest.mark.parametrize("end", [np.nan, np.inf, 0.0])
def test_a_run_that_diverged_is_refused_and_marks_the_edge(end: float) -> None:
    lost = np.r_[2 + 1 / STEPS[:6], np.full(4, end)]
    log = Log("b", "b.csv", "csv", {"loss": Column(STEPS, lost)}, loss="loss", meta={"plan": "cosine()", "peak": 0.5})
    found = curves_of([a_log("a", plan="cosine()", peak=0.25), log])
    assert [curve.name for curve in found.curves] == ["a"]
    assert "diverged" in found.refused[0].given
    assert "step 70" in found.refused[0].given
    assert (found.edge, found.below_edge(0.25), found.below_edge(0.5), found.below_edge(1.0)) == (
        0.5,
        True,
        False,
        False,
    )


@pytest.mark.parametrize("learned", [[1, 0.6, 0.3, 0.12, 0.05, 0.01, 0, 0, 0, 0], [0.9, 0.3, 0.08, *[0] * 7]])
def test_a_loss_of_zero_is_a_loss(learned: object) -> None:
    found = curves_of([a_log_of(learned)])
    assert (found.refused, found.edge) == ((), np.inf)
    assert len(found.curves[0].steps) == np.count_nonzero(learned)
    assert any("'train_loss' is 0" in line for line in found.told)


def test_a_validation_loss_of_zero_is_never_taken_for_one_that_is_no_number() -> None:
    held = np.r_[2 + 1 / STEPS[:6], np.zeros(4)]
    found = curves_of([a_log_of(3 - STEPS / 50, held)])
    assert (len(found.curves[0].steps), found.edge) == (6, np.inf)


def test_norms_of_the_gradient_tell_a_loss_of_zero_from_one_that_was_no_number() -> None:
    zeros = np.r_[2 + 1 / STEPS[:6], np.zeros(4)]
    for norm, edge in ((np.nan, 0.5), (1e-6, np.inf)):
        log = a_log_of(zeros)
        norms = Column(STEPS, np.r_[np.ones(6), np.full(4, norm)])
        log = replace(log, columns={**log.columns, "train/grad_norm": norms})
        assert curves_of([log]).edge == edge


def test_a_single_lost_value_is_no_divergence() -> None:
    values = 2 + 1 / STEPS
    values[4] = np.nan
    log = Log("b", "b.csv", "csv", {"loss": Column(STEPS, values)}, loss="loss", meta={"plan": "cosine()", "peak": 0.5})
    found = curves_of([log])
    assert len(found.curves[0].steps) == 9
    assert found.edge == np.inf


def a_log_of(train: object, held: object = ()) -> Log:
    columns = {"train_loss": Column(STEPS, np.array(train, dtype=float))}
    if len(np.array(held)):
        columns["eval_loss"] = Column(STEPS, np.array(held, dtype=float))
    return Log(
        "b", "b.csv", "csv", columns, loss="train_loss", val_loss="eval_loss" if len(columns) > 1 else "",
        meta={"plan": "cosine()", "peak": 0.5},
    )  # fmt: skip


def test_training_losses_that_are_rounded_to_zero_are_no_divergence() -> None:
    learned = np.r_[2.0 * np.exp(-np.arange(8.0)), 0.0, 0.0]
    found = curves_of([a_log_of(learned, 2 + 1 / STEPS)])
    assert (len(found.curves[0].steps), found.refused, found.edge) == (10, (), np.inf)
    alone = curves_of([a_log_of(learned)])
    assert (len(alone.curves[0].steps), alone.edge) == (8, np.inf)
    assert "saturated" in [doubt.name for doubt in doubts_of(alone.curves[0])]


def test_a_training_loss_that_breaks_off_while_the_fitted_loss_goes_on_is_no_divergence() -> None:
    broken = np.r_[2 + 1 / STEPS[:6], np.zeros(4)]
    assert curves_of([a_log_of(broken, 2 + 1 / STEPS)]).edge == np.inf
    both = np.r_[2 + 1 / STEPS[:6], np.full(4, np.nan)]
    assert curves_of([a_log_of(broken, both)]).edge == 0.5


def test_losses_below_zero_are_refused_for_what_they_are_and_bar_no_peak() -> None:
    found = curves_of([a_log_of(np.linspace(2, -1, 10))])
    assert (found.curves, found.edge) == ((), np.inf)
    assert "below 0" in found.refused[0].given
    assert "diverged" not in found.refused[0].given
    assert "--loss" in found.refused[0].fix
    assert len(curves_of([a_log_of(np.linspace(2, -1, 10), 2 + 1 / STEPS)]).curves) == 1


@pytest.mark.parametrize("name", ["a (2)", "cosine() peak 0.1 seed 0", "lr=1e-3"])
def test_a_run_may_be_named_whatever_signs_its_name_holds(name: str) -> None:
    given = given_of([f"{name}=cosine() @ 0.5", "wsd()"], 0.25, runs=[name, "other"])
    assert given == {name: Given("cosine()", 0.5), "": Given("wsd()", 0.25)}


@pytest.mark.parametrize(
    ("texts", "more"),
    [((), {"peak": 0.1}), ((), {"horizon": 100}), (("cosine()",), {"peak": -1.0}), (("cosine()",), {"horizon": 1}),
     (("cosine()",), {"horizon": 10**12})],
)  # fmt: skip
def test_peaks_and_lengths_that_are_none_or_have_no_plan_are_refused(texts: tuple[str, ...], more: dict) -> None:
    with pytest.raises(BadValue):
        given_of(texts, **more)


def test_a_column_that_counts_tokens_is_refused_before_memory_is_taken() -> None:
    log = a_log(plan="cosine()", peak=0.5, horizon=10**12)
    (error,) = curves_of([log]).refused
    assert "--step" in error.fix


def test_epochs_count_updates_once_their_size_is_known(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("epoch,loss,learning_rate\n" + "".join(f"{i},{3 - i / 10},{0.1 - i / 100}\n" for i in range(9)))
    assert "--steps-per-epoch" in curves_of(read_logs(file)).refused[0].fix
    (curve,) = curves_of(read_logs(file), steps_per_epoch=50).curves
    assert curve.horizon == 450


def test_a_run_that_no_log_has_is_named_with_a_near_one() -> None:
    with pytest.raises(BadName, match="did you mean"):
        curves_of([a_log("wsd-a")], given_of(["wsd-b=cosine() @ 1"]))


@pytest.mark.parametrize(
    "texts", [["cosine() @ x"], ["cosine() @ -1"], ["a=cosine()", "a=wsd()"], ["cosine()", "wsd()"]]
)
def test_what_says_nothing_clear_is_refused(texts: list[str]) -> None:
    with pytest.raises(BadValue):
        given_of(texts)


@pytest.mark.parametrize("name", ["reward", "val_accuracy", "rollout/ep_rew_mean"])
def test_nothing_is_fitted_to_what_is_better_when_higher(name: str) -> None:
    column = Column(np.arange(1, 30), np.linspace(1.0, 200.0, 29))
    (told,) = curves_of([Log("a", "a.csv", "csv", {name: column})], {"": Given("cosine()", 0.1)}, loss=name).refused
    assert "better when higher" in told.given
    assert curves_of([Log("a", "a.csv", "csv", {"reward_loss": column})], {"": Given("cosine()", 0.1)},
                     loss="reward_loss").curves  # fmt: skip
