"""from_keras: Keras' own schedules equal the plans: to 1e-12 in float64, to 1e-6 of the peak in float32."""

import json
import math
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from calando import parse
from calando.errors import BadFile, BadName, BadValue, Unconvertible
from calando.peers import from_keras
from tests.peers.living import Answer, answers
from tests.peers.measured import schedules, worst, worst_of_top

STEPS = 200
KINDS = ("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
         "PolynomialDecay")  # fmt: skip
NAN = "Keras gives NaN"


def settings(kind: str, r: Random) -> dict[str, Any]:
    """Random arguments of one of Keras' schedules."""
    rate = r.choice([0.1, 3e-4, 1.0])
    over: float = r.choice([r.randint(5, 150), r.randint(5, 150), r.uniform(5, 150)])
    if kind == "PiecewiseConstantDecay":
        marks = sorted(r.sample(range(150), r.randint(1, 5)))
        return {"boundaries": marks, "values": [r.uniform(0, 1) for _ in range(len(marks) + 1)]}
    made: dict[str, Any] = {"initial_learning_rate": rate, "decay_steps": over}
    if kind == "CosineDecay":
        made["alpha"] = r.choice([0.0, 0.1, r.random()])
        if r.random() < 0.6:
            made |= {"warmup_target": rate * 2, "warmup_steps": r.randint(0, 60), "initial_learning_rate": rate / 3}
        return made
    if kind == "CosineDecayRestarts":
        grows = r.choice([1.0, 2.0, 2.0, 3.0, 1.5, 0.5])
        first = r.randint(5, 60) if grows < 1.2 else over
        return {"initial_learning_rate": rate, "first_decay_steps": first, "t_mul": grows,
                "m_mul": r.choice([1.0, 0.9, 0.5]), "alpha": r.choice([0.0, 0.1])}  # fmt: skip
    if kind == "PolynomialDecay":
        made |= {"end_learning_rate": rate * r.choice([0.0, 0.1, 0.5]), "power": r.choice([1.0, 2.0, 0.5, 0.9])}
        return made | ({"cycle": True, "decay_steps": r.randint(5, 60)} if r.random() < 0.4 else {})
    made["decay_rate"] = r.choice([0.96, 0.5, r.random(), 1.0])
    return made | ({"staircase": True, "decay_steps": r.randint(5, 60)} if r.random() < 0.4 else {})


def cases() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for kind in KINDS:
        r = Random(kind)
        same = {"class": kind, "steps": STEPS, "importer": {"horizon": STEPS}}
        made += [same | {"settings": settings(kind, r)} for _ in range(20)]
    return made


CASES = cases()


@pytest.fixture(scope="module", params=["float64", "float32"])
def stepped(request: pytest.FixtureRequest) -> tuple[str, list[Answer]]:
    pytest.importorskip("keras")
    asked = [case | {"doubles": request.param == "float64"} for case in CASES]
    return request.param, answers("keras", asked, KERAS_BACKEND="numpy")


def missed_restarts(case: dict[str, Any], answer: Answer) -> tuple[int, ...]:
    """The first steps of cycles that Keras' logarithm still counts to the cycle before: it is at the floor there."""
    if case["class"] != "CosineDecayRestarts" or "refused" in answer:
        return ()
    first, growth = case["settings"]["first_decay_steps"], case["settings"]["t_mul"]
    if growth == 1.0:
        return ()
    begins = [first * (growth**i - 1) / (growth - 1) for i in range(1, 40)]
    starts = {math.ceil(b) for b in begins if b < STEPS} | {round(b) for b in begins if b < STEPS}
    floor = case["settings"]["alpha"] * case["settings"]["initial_learning_rate"]
    top = case["settings"]["initial_learning_rate"]
    return tuple(t for t in starts if abs(answer["rows"][t][0] - floor) < 1e-4 * top)


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_random_settings_of_each_are_equal_at_every_one_of_200_steps(
    kind: str, stepped: tuple[str, list[Answer]]
) -> None:
    precision, found = stepped
    mine = [(case, answer) for case, answer in zip(CASES, found, strict=True) if case["class"] == kind]
    assert len(mine) == 20
    refused = [answer["refused"] for _, answer in mine if "refused" in answer]
    assert all(NAN in allowed for _, allowed, _, _ in refused)
    assert len(refused) <= 5
    for case, answer in mine:
        if "refused" in answer:
            continue
        besides = missed_restarts(case, answer)
        assert len(besides) <= 8
        assert not besides or any("logarithm" in text for text in answer["differences"])
        if precision == "float64":
            assert worst(answer, STEPS, besides) < 1e-12, (case, schedules(answer, STEPS))
        else:
            assert worst_of_top(answer, STEPS, besides) < 1e-6, (case, schedules(answer, STEPS))


def test_a_configuration_is_read_in_every_form_that_keras_writes(tmp_path: Path) -> None:
    config = {"initial_learning_rate": 0.1, "decay_steps": 100, "alpha": 0.1, "name": "CosineDecay",
              "warmup_target": None, "warmup_steps": 0}  # fmt: skip
    written = {"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": config}
    optimizer = {"class_name": "Adam", "config": {"learning_rate": written, "beta_1": 0.9}}
    path = tmp_path / "optimizer.json"
    path.write_text(json.dumps(optimizer), encoding="utf-8")
    found = from_keras(config)
    assert str(found.plan) == "cosine(end=0.1, length=100)"
    assert found == from_keras(written) == from_keras(optimizer) == from_keras(path) == from_keras(json.dumps(written))


def test_a_number_is_a_constant() -> None:
    assert from_keras(0.01).plan == parse("constant()")


def test_exponential_and_inverse_time_are_told_apart_by_class_or_by_name_and_never_guessed() -> None:
    config = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": False}
    assert from_keras(config | {"name": "InverseTimeDecay"}).plan == parse("inverse_time(rate=0.5, every=10)")
    assert from_keras(config | {"name": "ExponentialDecay"}).plan == parse("exponential_decay(factor=0.5, every=10)")
    with pytest.raises(BadValue, match="names no class"):
        from_keras(config | {"name": "mine"})


def made(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": arguments}


def test_the_boundary_that_keras_takes_one_step_later_is_told() -> None:
    source = made("PiecewiseConstantDecay", boundaries=[30, 60], values=[1.0, 0.1, 0.01])
    assert from_keras(source).plan.bind(100)(30) == 1.0
    found = from_keras(source, quirks=False)
    assert found.plan == parse("multistep(milestones=[30, 60], factor=0.1)")
    assert "first at step 30, 1 in Keras and 0.1 here" in found.differences[0]


def test_boundaries_out_of_order_add_up_as_keras_adds_them() -> None:
    source = made("PiecewiseConstantDecay", boundaries=[60, 30], values=[1.0, 0.5, 0.25])
    exact = from_keras(source)
    assert [exact.plan.bind(100)(t) * exact.bases[0] for t in (0, 31, 61)] == [1.0, 1.25, 0.25]
    assert "do not rise" in from_keras(source, quirks=False).differences[0]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (made("ExponentialDecay", initial_learning_rate=1, decay_steps=10, decay_rate=0.5), "decay_rate=0.5 to 0"),
        (made("CosineDecay", initial_learning_rate=1, decay_steps=10), "pi to 3"),
        (made("PolynomialDecay", initial_learning_rate=1, decay_steps=10, end_learning_rate=0.1), "0.1 to 0"),
        (made("PiecewiseConstantDecay", boundaries=[5], values=[1, 0.5]), "int 1"),
        (made("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=10, t_mul=0.5), "NaN from step 20"),
        (made("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=9.5, t_mul=1.0, m_mul=0.5), "9.5"),
        (made("ExponentialDecay", initial_learning_rate=0.1, decay_steps=9.5, decay_rate=0.5, staircase=True), "9.5"),
        (made("PolynomialDecay", initial_learning_rate=0.1, decay_steps=9, end_learning_rate=1.0, power=2.0), "rise"),
        (made("PolynomialDecay", initial_learning_rate=0.1, decay_steps=9.5, cycle=True), "cycles"),
        (made("ExponentialDecay", initial_learning_rate=-0.1, decay_steps=9, decay_rate=0.5), "-0.1"),
        (object(), "object"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(source: Any, word: str) -> None:
    with pytest.raises(Unconvertible, match=word):
        from_keras(source)


def test_an_integer_rate_whose_numbers_are_all_whole_is_what_it_says() -> None:
    source = made("PolynomialDecay", initial_learning_rate=2, decay_steps=10, end_learning_rate=0, power=1)
    assert from_keras(source).plan.bind(10)(5) == 0.5


def test_without_quirks_an_integer_rate_means_what_is_written_and_says_so() -> None:
    source = made("ExponentialDecay", initial_learning_rate=1, decay_steps=10, decay_rate=0.5)
    found = from_keras(source, quirks=False)
    assert found.plan == parse("exponential_decay(factor=0.5, every=10)")
    assert "this plan is what is written" in found.differences[0]


@pytest.mark.parametrize(
    ("source", "error", "word"),
    [
        (made("CosineDecayy", initial_learning_rate=1.0, decay_steps=10), BadName, "CosineDecay'"),
        (made("CosineDecay", initial_learning_rate=1.0, steps=10), BadName, "steps"),
        (made("CosineDecay", initial_learning_rate=1.0), BadValue, "no decay_steps"),
        (made("CosineDecay", initial_learning_rate=1.0, decay_steps=0), BadValue, "decay_steps=0"),
        (made("CosineDecay", initial_learning_rate="much", decay_steps=10), BadValue, "much"),
        (
            made("CosineDecay", initial_learning_rate=1e308, decay_steps=9, warmup_target=0.1, warmup_steps=3),
            BadValue,
            "inf",
        ),
        (None, Unconvertible, "None"),
        ({"class_name": 3, "config": 4}, BadValue, "names no class"),
        ("{", BadFile, "JSON"),
        ("nowhere.json", BadFile, "nowhere"),
    ],
)
def test_what_is_wrong_is_one_of_our_errors(source: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        from_keras(source)


def plateau(**changed: Any) -> Any:
    """Stands for the callback, which a real model is compared with in tests/clients."""
    given = {"monitor": "val_loss", "mode": "auto", "factor": 0.5, "patience": 2, "cooldown": 1, "min_lr": 0.01,
             "min_delta": 1e-4} | changed  # fmt: skip
    return type("ReduceLROnPlateau", (SimpleNamespace,), {})(**given)


def test_the_plateau_callback_becomes_a_listener_in_keras_own_convention() -> None:
    found = from_keras(plateau(), lr=0.1)
    assert found.plan == parse(
        "reduce_on_plateau(constant(), factor=0.5, patience=2, cooldown=1, threshold=1e-4, threshold_mode=absolute,"
        " min_scale=0.1, convention=keras)"
    )
    assert any("forgets" in text for text in found.differences)


@pytest.mark.slow
def test_the_listener_reduces_when_keras_does() -> None:
    losses = [round(Random(7).uniform(0, 1), 2) for _ in range(3)] + [1.0, 1.0, 0.9, 0.95, 0.95, 0.95, 0.2] + [0.5] * 20
    done = keras_plateau(losses)
    rule = from_keras(plateau(), lr=0.1).plan.bind(100).rule
    state, ours = rule.initial(), []
    for loss in losses:
        state = rule.update(state, loss)
        ours.append(0.1 * state.scale)
    assert ours == pytest.approx(done, rel=1e-6)


def keras_plateau(losses: list[float]) -> list[float]:
    import os
    import subprocess
    import sys

    program = (
        "import json, sys, keras\n"
        "model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]); model.compile('sgd', 'mse')\n"
        "model.optimizer.learning_rate = 0.1\n"
        "call = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.01)\n"
        "call.set_model(model); call.on_train_begin(); out = []\n"
        "for i, loss in enumerate(json.loads(sys.argv[1])):\n"
        "    call.on_epoch_end(i, {'val_loss': loss}); out.append(float(model.optimizer.learning_rate))\n"
        "print(json.dumps(out))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(losses)], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rates: list[float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def test_a_plateau_asks_for_what_it_does_not_know() -> None:
    with pytest.raises(BadValue, match="no learning rate"):
        from_keras(plateau())
    with pytest.raises(BadName, match="val_accuracy"):
        from_keras(plateau(monitor="val_accuracy"), lr=0.1)
    assert "mode=max" in str(from_keras(plateau(monitor="val_accuracy"), lr=0.1, mode="max").plan)
    with pytest.raises(Unconvertible, match="min_lr"):
        from_keras(plateau(min_lr=1.0), lr=0.1)


def scheduler(call: Any) -> Any:
    return type("LearningRateScheduler", (SimpleNamespace,), {})(schedule=call)


def test_a_scheduler_s_function_is_asked_epoch_by_epoch_with_the_rate_before() -> None:
    halved = from_keras(scheduler(lambda epoch, rate: rate * 0.5 if epoch else rate), lr=0.1)
    assert [halved.plan.bind(9)(t) for t in (3, 0, 1)] == [0.125, 1.0, 0.5]
    plain = from_keras(scheduler(lambda epoch: 0.1 / (1 + epoch)), lr=0.1)
    assert plain.plan.bind(9)(3) == 0.25
    assert "a step of this plan is an epoch" in plain.differences[0]


def test_the_updates_at_which_keras_misses_a_restart_are_named() -> None:
    config = made("CosineDecayRestarts", initial_learning_rate=1.0, first_decay_steps=1, t_mul=3.0)
    (text,) = from_keras(config, horizon=200).differences
    assert "float64: 121" in text
    assert "the whole peak" in text
