"""An attached optimizer really uses every quantity of its step; its listener forgets nothing; it has one owner."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import calando
from calando.errors import BadFile, BadName, BadState, BadValue, CalandoError
from calando.keras import Follow, LearningRate, Scheduled, attach, rebind
from tests.keras.inside.helpers import BACKEND, Recording, asked, close, modes, rates_of, reader, train

PLATEAU = calando.reduce_on_plateau(calando.linear_decay(), factor=0.5, patience=1)

# ---- the values are the ones used: every update is computed again by hand, in float64


def sgd(w: Any, g: Any, _: int, now: dict[str, float], state: dict[str, Any]) -> Any:
    state["m"] = now["momentum"] * state.get("m", 0.0) - 0.05 * now["lr"] * g
    return w + state["m"]


def adamw(w: Any, g: Any, t: int, now: dict[str, float], state: dict[str, Any]) -> Any:
    lr, b1, b2 = 0.01 * now["lr"], now["beta1"], 0.999
    w = w - lr * now["weight_decay"] * w
    state["m"] = b1 * state.get("m", 0.0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0.0) + (1 - b2) * g * g
    return w - lr * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1)) * state["m"] / (np.sqrt(state["v"]) + 1e-7)


SGD = calando.bundle(calando.cosine(), momentum=calando.linear_decay(start=0.9, end=0.0))
ADAMW = calando.bundle(
    calando.warmup(4) | calando.cosine(),
    beta1=calando.linear_decay(start=0.95, end=0.8),
    weight_decay=calando.linear_decay(start=0.5, end=0.01),
)


@pytest.mark.parametrize("how", modes(), ids=str)
@pytest.mark.parametrize(
    ("make", "update", "plan"),
    [
        (lambda: keras.optimizers.SGD(0.05), sgd, SGD),
        (lambda: keras.optimizers.SGD(0.05, momentum=0.3), sgd, SGD),
        (lambda: keras.optimizers.AdamW(0.01), adamw, ADAMW),
        (lambda: keras.optimizers.Adam(0.01), adamw, ADAMW),
    ],
    ids=["SGD made without momentum", "SGD made with another", "AdamW", "Adam made without weight decay"],
)
def test_rate_momentum_and_weight_decay_of_every_update_are_the_schedule_s(
    make: Any, update: Any, plan: Any, how: dict[str, Any]
) -> None:
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(40, 3)), chance.normal(size=(40, 1))
    w = w0 = chance.normal(size=(3, 1))
    schedule = plan.bind(20)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].set_weights([w0])
    model.compile(attach(make(), schedule), loss="mse", **how)
    model.fit(x.astype("float32"), y.astype("float32"), batch_size=8, epochs=4, shuffle=False, verbose=0)
    state: dict[str, Any] = {}
    for t in range(20):
        rows = slice(t % 5 * 8, t % 5 * 8 + 8)
        w = update(w, 2 * x[rows].T @ (x[rows] @ w - y[rows]) / 8, t, schedule.at(t), state)
    np.testing.assert_allclose(model.layers[0].get_weights()[0], w, atol=3e-6)
    assert np.abs(w - w0).max() > 0.05
    assert model.optimizer.position == 20


def test_its_values_can_be_read_and_its_own_numbers_stay_its_own() -> None:
    inner = keras.optimizers.SGD(0.1, momentum=0.3)
    optimizer = attach(inner, SGD.bind(10))
    assert optimizer.values() == {"lr": 0.1, "momentum": 0.9}
    weight = keras.Variable(1.0)
    optimizer.build([weight])
    optimizer.apply([ops.ones(())], [weight])
    assert optimizer.position == 1
    assert optimizer.values()["momentum"] == pytest.approx(0.81)
    assert float(optimizer.learning_rate) == pytest.approx(0.1 * SGD.bind(10)(1))
    assert inner.momentum == 0.3
    assert inner.get_config()["momentum"] == 0.3


@pytest.mark.parametrize("scale", ["a loss scale that is too high", "a good one"])
def test_an_update_that_the_loss_scale_skipped_is_none(scale: str) -> None:
    recording = Recording(0.1)
    schedule = calando.linear_decay().bind(20)
    outer = keras.optimizers.LossScaleOptimizer(attach(recording, schedule), initial_scale=8.0)
    weight = keras.Variable(1.0)
    outer.build([weight])
    skipped = {2, 3, 7} if scale != "a good one" else set()
    for t in range(12):
        apply(outer, [ops.ones(()) * (float("inf") if t in skipped else 1.0)], [weight])
    close(rates_of(recording), asked(schedule, 0.1, 0, 12 - len(skipped)), top=0.1)


def apply(optimizer: Any, grads: list[Any], weights: list[Any]) -> None:
    """One update; on JAX as Keras makes it there, since its loss scale works no other way."""
    if BACKEND != "jax":
        optimizer.apply(grads, weights)
        return
    values = optimizer.stateless_apply([v.value for v in optimizer.variables], grads, [w.value for w in weights])
    for variables, news in zip((weights, optimizer.variables), values, strict=True):
        for variable, new in zip(variables, news, strict=True):
            variable.assign(new)


def test_mixed_precision_wraps_the_loss_scale_around_it_and_fit_uses_the_rates() -> None:
    schedule = calando.cosine().bind(16)
    recording = Recording(0.1)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = reader(attach(recording, schedule))
        train(model, 2)
    finally:
        keras.config.set_dtype_policy(policy)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    made = len(rates_of(recording))
    assert made > 8
    close(rates_of(recording), asked(schedule, 0.1, 0, made), top=0.1)


# ---- the listener


def test_a_listener_is_told_by_follow_and_the_next_update_has_its_scale() -> None:
    plan = calando.reduce_on_plateau(calando.linear_decay(), factor=0.5, patience=0, threshold=0.9)
    recording = Recording(0.2)
    model = reader(attach(recording, plan.bind(24)))
    heard = train(model, 3, callbacks=[Follow("loss")]).history["loss"]
    rule, state, scales = plan.rule, plan.rule.initial(), []
    for loss in heard:
        scales += [state.scale] * 8
        state = rule.update(state, loss)
    assert len(set(scales)) == 2
    close(rates_of(recording), np.asarray(scales) * asked(plan.bind(24), 0.2), top=0.2)
    assert model.optimizer.rule_state == state


@pytest.mark.parametrize("steps_per_execution", [1] if BACKEND == "torch" else [1, 2])
def test_a_listener_may_be_told_every_few_batches_of_the_whole_run(steps_per_execution: int) -> None:
    told: list[float] = []

    class Ear(Scheduled):
        def tell(self, metric: float) -> None:
            told.append(self.position)
            super().tell(metric)

    schedule = PLATEAU.bind(24)
    model = reader(Ear(keras.optimizers.SGD(0.2), schedule), steps_per_execution=steps_per_execution)
    train(model, 2, callbacks=[Follow("loss", every=6)])
    train(model, 3, initial_epoch=2, callbacks=[Follow("loss", every=6)])
    assert told == [6, 12, 18, 24]


def test_validation_that_is_not_run_every_epoch_is_waited_for_and_said() -> None:
    model = reader(attach(keras.optimizers.SGD(0.2), PLATEAU.bind(40)))
    x = np.zeros((8, 64), "float32"), np.zeros(8, "int32")
    with pytest.warns(UserWarning, match="validation_freq"):
        train(model, 4, callbacks=[Follow("val_loss")], validation_data=x, validation_freq=2)
    assert model.optimizer.rule_state.seen == 2


def test_the_state_of_the_rule_survives_every_way_of_keras_to_the_last_bit(tmp_path: Path) -> None:
    model = reader(attach(keras.optimizers.SGD(0.2), PLATEAU.bind(40)))
    train(model, 1)
    for metric in (1.0, 0.1 + 0.2, 1.0, 1.0, 1 / 3):
        model.optimizer.tell(metric)
    kept = model.optimizer.rule_state
    assert (kept.scale, kept.best, kept.bad) == (0.5, 0.1 + 0.2, 1)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "only.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.rule_state == kept
    assert loaded.optimizer.schedule == PLATEAU.bind(40)
    again = reader(attach(keras.optimizers.SGD(0.2), PLATEAU.bind(40)))
    again.load_weights(tmp_path / "only.weights.h5")
    for other in (loaded, again):
        assert other.optimizer.values() == model.optimizer.values()
        assert other.optimizer.position == 8
        assert other.optimizer.scale == 0.5


def test_keras_own_plateau_forgets_between_two_fits_and_ours_does_not() -> None:
    def reductions(model: Any, callback: Any) -> float:
        start = float(model.optimizer.learning_rate)
        for epoch in range(4):
            train(model, epoch + 1, initial_epoch=epoch, callbacks=[callback])
        return float(model.optimizer.learning_rate) / start

    theirs = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=1e9)
    assert reductions(reader(keras.optimizers.SGD(1e-9)), theirs) == 1.0
    plan = calando.reduce_on_plateau(
        calando.constant(), factor=0.5, patience=2, threshold=1e9, threshold_mode="absolute", convention="keras"
    )
    assert reductions(reader(attach(keras.optimizers.SGD(1e-9), plan.bind(32))), Follow("loss")) == 0.5


# ---- going on over another horizon


def test_weights_of_another_horizon_are_refused_unless_rebound(tmp_path: Path) -> None:
    plan = calando.cosine()
    model = reader(attach(keras.optimizers.SGD(0.2), plan.bind(40)))
    train(model, 1)
    model.save_weights(tmp_path / "a.weights.h5")

    def load(schedule: Any, **more: Any) -> Any:
        other = reader(attach(keras.optimizers.SGD(0.2), schedule, **more))
        other.load_weights(tmp_path / "a.weights.h5")
        return other.optimizer

    with pytest.raises(ValueError, match=r"(?s)horizon 40 -> 80.*resume='rebind'"):
        load(plan.bind(80))
    with pytest.raises(ValueError, match=r"peak 0\.2 -> 0\.1"):
        load(plan.bind(40), peak=0.1)
    with pytest.raises(ValueError, match="plan cosine"):
        load(calando.linear_decay().bind(40), resume="rebind")
    assert load(plan.bind(40)).values()["lr"] == 0.2 * plan.bind(40)(8)
    assert load(plan.bind(80), resume="rebind").values()["lr"] == 0.2 * plan.bind(80)(8)


@pytest.mark.parametrize("door", ["LearningRate", "attach"])
def test_rebind_goes_on_from_the_same_step_even_in_a_model_that_is_compiled(door: str) -> None:
    plan = calando.linear_decay()
    recording = Recording(LearningRate(plan.bind(16), 0.2)) if door == "LearningRate" else Recording(0.2)
    model = reader(recording if door == "LearningRate" else attach(recording, plan.bind(16)))
    train(model, 1)
    rebind(model, plan.bind(32))
    train(model, 2, initial_epoch=1)
    wanted = np.concatenate([asked(plan.bind(16), 0.2, 0, 8), asked(plan.bind(32), 0.2, 8, 16)])
    close(rates_of(recording), wanted, top=0.2)
    with pytest.raises(BadState, match="plan linear_decay"):
        rebind(model, calando.cosine().bind(32))
    with pytest.raises(BadValue, match="no old one to go on from"):
        rebind(reader(keras.optimizers.SGD(0.1)), plan.bind(32))


# ---- one owner


def test_two_owners_of_one_rate_are_refused() -> None:
    listener = PLATEAU.bind(40)
    rate = LearningRate(calando.cosine().bind(40), 0.1)
    driven = attach(keras.optimizers.SGD(0.1), listener)
    for optimizer in (keras.optimizers.SGD(rate), driven, keras.optimizers.SGD(lambda: 0.1)):
        with pytest.raises(BadValue, match="one owner of the learning rate"):
            attach(optimizer, listener)
    with pytest.raises(BadValue, match=r"LossScaleOptimizer\(calando.keras.attach"):
        attach(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), listener)
    with pytest.raises(BadValue, match="one owner"):
        driven.learning_rate = 0.5
    with pytest.raises(TypeError, match="not settable"):
        keras.optimizers.SGD(rate).learning_rate = 0.5
    model = reader(driven)
    for other in (
        Follow("loss"),
        keras.callbacks.ReduceLROnPlateau("loss"),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
    ):
        for callbacks in ([Follow("loss"), other], [other, Follow("loss")]):
            with pytest.raises(BadValue, match=r"fit\(callbacks\)"):
                train(model, 1, callbacks=callbacks)
    with pytest.raises(BadValue, match="one owner"):
        train(model, 1, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)])
    assert model.optimizer.position == 0


def test_two_optimizers_follow_two_schedules_on_two_clocks() -> None:
    fast, slow = Recording(0.1), Recording(0.2)
    one, two = calando.cosine().bind(12), calando.linear_decay().bind(6)
    pair = (attach(fast, one), attach(slow, two))
    weights = [keras.Variable(1.0), keras.Variable(1.0)]
    for optimizer, weight in zip(pair, weights, strict=True):
        optimizer.build([weight])
    for t in range(12):
        pair[0].apply([ops.ones(())], [weights[0]])
        if t % 2:
            pair[1].apply([ops.ones(())], [weights[1]])
    close(rates_of(fast), asked(one, 0.1), top=0.1)
    close(rates_of(slow), asked(two, 0.2), top=0.2)


# ---- configs and refusals


def test_it_survives_its_config() -> None:
    optimizer = attach(keras.optimizers.AdamW(0.01), ADAMW.bind(20), peak=0.5)
    config = json.loads(json.dumps(keras.optimizers.serialize(optimizer)))
    again = keras.optimizers.deserialize(config)
    assert isinstance(again, Scheduled)
    assert isinstance(again.inner_optimizer, keras.optimizers.AdamW)
    assert (again.schedule, again.peak) == (optimizer.schedule, 0.5)
    assert again.get_config() == optimizer.get_config()
    with pytest.raises(BadName, match="'peak'"):
        Scheduled.from_config({**optimizer.get_config(), "peek": 1})
    with pytest.raises(BadFile, match="inner_optimizer"):
        Scheduled.from_config({"peak": 1.0})


def bundled(**quantities: Any) -> Any:
    return calando.bundle(calando.cosine(), **quantities).bind(10)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: attach("sgd", PLATEAU.bind(9)), BadValue, "keras.optimizers.SGD(0.1)"),
        (lambda: attach(keras.optimizers.SGD(0.1), calando.cosine()), BadValue, "bind it to the run"),
        (lambda: attach(keras.optimizers.SGD(0.1), PLATEAU.bind(9), peak=-1), BadValue, "a number > 0"),
        (lambda: attach(keras.optimizers.SGD(0.1), PLATEAU.bind(9), resume="rebnd"), BadName, "'rebind'"),
        (lambda: attach(keras.optimizers.SGD(0.1), bundled(beta1=0.9)), BadName, "weight_decay"),
        (lambda: attach(keras.optimizers.Adam(0.1), bundled(dropout=0.9)), BadName, "schedule.at(step)"),
        (lambda: attach(keras.optimizers.Adam(0.1), bundled(momentum=0.9, beta1=0.9)), BadValue, "the same number"),
        (lambda: attach(built_without_momentum(), bundled(momentum=0.9)), BadValue, "momentum=0.9"),
        (lambda: attach(keras.optimizers.SGD(0.1), calando.cosine().bind(9)).tell(1.0), BadValue, "reduce_on_plateau"),
        (lambda: attach(keras.optimizers.SGD(0.1), PLATEAU.bind(9)).tell("low"), BadValue, "one number"),
        (lambda: Follow(""), BadValue, "val_loss"),
        (lambda: Follow("loss", every=0), BadValue, "batches >= 1"),
        (lambda: train(reader("sgd"), 1, callbacks=[Follow("loss")]), BadValue, "calando.keras.attach"),
        (lambda: train(listening(), 1, callbacks=[Follow("los")]), BadName, "'loss'"),
        (lambda: train(listening(), 1, callbacks=[Follow("val_loss", every=2)]), BadName, "once an epoch"),
    ],
)
def test_what_is_wrong_is_told_in_four_parts(make: Any, error: type[CalandoError], says: str) -> None:
    with pytest.raises(error) as raised:
        make()
    assert says in str(raised.value)
    assert str(raised.value).count("\n") == 2


def listening() -> Any:
    return reader(attach(keras.optimizers.SGD(0.1), PLATEAU.bind(9)))


def built_without_momentum() -> Any:
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([keras.Variable(1.0)])
    return optimizer


def test_a_checkpoint_that_is_broken_is_refused_and_told() -> None:
    optimizer = attach(keras.optimizers.SGD(0.1), PLATEAU.bind(9))
    optimizer.build([keras.Variable(1.0)])
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    words = next(key for key, value in store.items() if key != "schedule" and value.shape)
    for broken in (
        {**store, "schedule": np.frombuffer(b"junk", dtype="uint8")},
        {**store, "steered": np.frombuffer(b"junk", dtype="uint8")},
        {**store, words: np.full_like(store[words], 7)},
    ):
        with pytest.raises(BadState):
            optimizer.load_own_variables(broken)
    optimizer.load_own_variables(store)
    assert optimizer.rule_state == PLATEAU.rule.initial()
