"""from_optax: optax's own schedules equal the plans: to 1e-12 with x64, to 1e-6 of the peak in float32."""

from random import Random
from typing import Any

import pytest

from calando import parse
from calando.errors import Unconvertible
from calando.peers import from_optax
from tests.peers.living import Answer, answers
from tests.peers.measured import schedules, worst, worst_of_top

STEPS = 200
KINDS = (
    "constant_schedule", "linear_schedule", "polynomial_schedule", "cosine_decay_schedule", "exponential_decay",
    "piecewise_constant_schedule", "piecewise_interpolate_schedule", "linear_onecycle_schedule",
    "cosine_onecycle_schedule", "warmup_constant_schedule", "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule", "sgdr_schedule", "join_schedules",
)  # fmt: skip
FALLS = ("linear_schedule", "polynomial_schedule", "cosine_decay_schedule", "exponential_decay", "constant_schedule")


def settings(kind: str, r: Random) -> dict[str, Any]:
    """Random arguments of one of optax's functions."""
    rate, over, begin = r.choice([0.1, 3e-4, 1.0]), r.randint(5, 150), r.choice([0, 0, r.randint(1, 40)])
    low = rate * r.choice([0.0, 0.1, r.random()])
    marks = [[at, r.uniform(0.1, 1.5)] for at in sorted(r.sample(range(1, 180), r.randint(0, 4)))]
    decay = {"transition_steps": over, "decay_rate": r.choice([0.5, 0.96, 1.05, r.random()]),
             "transition_begin": begin, "staircase": r.random() < 0.4}  # fmt: skip
    if r.random() < 0.3:
        decay["end_value"] = rate * (0.3 if decay["decay_rate"] < 1 else 1.7)
    rise = {"init_value": low, "peak_value": rate, "warmup_steps": r.randint(0, 50)}
    return {
        "constant_schedule": {"value": rate},
        "linear_schedule": {"init_value": rate, "end_value": low, "transition_steps": r.choice([0, over, over]),
                            "transition_begin": begin},
        "polynomial_schedule": {"init_value": rate, "end_value": low, "power": r.choice([1, 2, 1.5, 0]),
                                "transition_steps": over, "transition_begin": begin},
        "cosine_decay_schedule": {"init_value": rate, "decay_steps": over, "alpha": r.choice([0.0, 0.1]),
                                  "exponent": r.choice([1.0, 1.0, 2.0, 0.5])},
        "exponential_decay": {"init_value": rate} | decay,
        "piecewise_constant_schedule": {"init_value": rate, "boundaries_and_scales": marks},
        "piecewise_interpolate_schedule": {"interpolate_type": r.choice(["linear", "cosine"]), "init_value": rate,
                                           "boundaries_and_scales": marks or [[50, 0.5]]},
        "linear_onecycle_schedule": {"transition_steps": over, "peak_value": rate, "pct_start": r.uniform(0.05, 0.8)},
        "cosine_onecycle_schedule": {"transition_steps": over, "peak_value": rate, "pct_start": r.uniform(0.05, 0.8)},
        "warmup_constant_schedule": rise,
        "warmup_cosine_decay_schedule": rise | {"decay_steps": r.randint(60, 180), "end_value": low / 2,
                                                "exponent": r.choice([1.0, 1.0, 2.0])},
        "warmup_exponential_decay_schedule": rise | decay,
    }[kind]  # fmt: skip


def made(kind: str, r: Random) -> list[Any]:
    """A call of optax: its name and its arguments, nested where schedules are."""
    if kind == "sgdr_schedule":
        cycles = [settings("warmup_cosine_decay_schedule", r) for _ in range(r.randint(1, 3))]
        return [kind, {"cosine_kwargs": [c | {"warmup_steps": r.randint(0, 9), "exponent": 1.0} for c in cycles]}]
    if kind == "join_schedules":
        parts = [made(r.choice(FALLS), r) for _ in range(3)]
        if r.random() < 0.4:
            parts[1] = made("warmup_cosine_decay_schedule", r)
        return [kind, {"schedules": parts, "boundaries": sorted(r.sample(range(1, 190), 2))}]
    return [kind, settings(kind, r)]


CASES = [
    {"class": kind, "make": made(kind, r), "steps": STEPS} for kind in KINDS for r in [Random(kind)] for _ in range(20)
]


@pytest.fixture(scope="module", params=["1", "0"], ids=["float64", "float32"])
def stepped(request: pytest.FixtureRequest) -> tuple[bool, list[Answer]]:
    pytest.importorskip("optax")
    return request.param == "1", answers("optax", CASES, JAX_ENABLE_X64=request.param)


def late_drops(answer: Answer) -> tuple[int, ...]:
    """The steps at which a staircase of optax stands, in float32, where ours stood one step before."""
    (schedule,), (base,) = schedules(answer, STEPS), answer["bases"]
    inside = range(1, min(STEPS, answer["horizon"] or STEPS) + 1)
    return tuple(
        t for t in inside
        if schedule(t) < 0.999 * schedule(t - 1) and abs(answer["rows"][t][0] - schedule(t - 1) * base) < 1e-6 * base
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_random_settings_of_each_are_equal_at_every_one_of_200_steps(
    kind: str, stepped: tuple[bool, list[Answer]]
) -> None:
    doubles, found = stepped
    mine = [(case, answer) for case, answer in zip(CASES, found, strict=True) if case["class"] == kind]
    assert len(mine) == 20
    assert [answer["refused"] for _, answer in mine if "refused" in answer] == []
    for case, answer in mine:
        stairs = any("one step late" in text for text in answer["differences"])
        late = late_drops(answer) if stairs and not doubles else ()
        error, most = (worst(answer, STEPS), 1e-12) if doubles else (worst_of_top(answer, STEPS, late), 1e-6)
        assert error < most, (case, schedules(answer, STEPS))


@pytest.fixture
def optax() -> Any:
    return pytest.importorskip("optax")


def test_what_people_write_becomes_what_they_would_write_here(optax: Any) -> None:
    cosine = from_optax(optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 100, end_value=0.05))
    assert (str(cosine.plan), cosine.bases, cosine.horizon) == (
        "warmup(10) | cosine(end=0.5, length=90)", (0.1,), 100)  # fmt: skip
    steps = from_optax(optax.piecewise_constant_schedule(0.1, {30: 0.1, 60: 0.1}))
    assert str(steps.plan) == "multistep(milestones=[30, 60])"
    assert cosine.differences == ()
    assert steps.differences == ()


def test_a_number_is_a_constant() -> None:
    assert from_optax(0.01).plan == parse("constant()")


def test_a_function_that_optax_did_not_make_is_refused_and_told_what_to_do(optax: Any) -> None:
    for mine in (lambda count: 0.1 / (1 + count), len, lambda count: optax.linear_schedule(1, 0, 10)(count)):
        with pytest.raises(Unconvertible, match=r"calando\.function"):
            from_optax(mine)


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("polynomial_schedule", (0.1, 1.0, 2, 10), "rise"),
        ("polynomial_schedule", (1.0, 0.1, -1, 10), "power=-1"),
        ("polynomial_schedule", (0.1, -1.0, 1, 10), "-1"),
        ("exponential_decay", (0.1, 10, -0.5), "decay_rate=-0.5"),
        ("exponential_decay", (0.1, 9.5, 0.5, 0, True), "9.5"),
        ("cosine_decay_schedule", (0.1, 10, 2.0, 3.0), "exponent=3"),
        ("piecewise_interpolate_schedule", ("linear", 0.1, {-5: 0.5}), "boundaries"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(name: str, arguments: tuple[Any, ...], word: str, optax: Any) -> None:
    with pytest.raises(Unconvertible, match=word):
        from_optax(getattr(optax, name)(*arguments))


def test_boundaries_that_do_not_rise_are_refused(optax: Any) -> None:
    parts = [optax.constant_schedule(rate) for rate in (0.1, 0.2, 0.3)]
    with pytest.raises(Unconvertible, match="rise"):
        from_optax(optax.join_schedules(parts, [60, 30]))


def test_no_steps_at_all_hold_the_first_value_and_it_is_told(optax: Any) -> None:
    found = from_optax(optax.exponential_decay(0.1, 0, 0.5))
    assert found.plan == parse("constant()")
    assert "holds init_value for ever" in found.differences[0]


def test_injected_hyperparameters_become_a_bundle(optax: Any) -> None:
    made = optax.inject_hyperparams(optax.adamw)(
        learning_rate=optax.cosine_decay_schedule(0.1, 100), weight_decay=optax.linear_schedule(0.2, 0.02, 50), b1=0.9
    )
    found = from_optax(made)
    assert found.bases == (0.1,)
    schedule = found.plan.bind(100)
    assert schedule.at(25) == pytest.approx({"lr": 0.8535533905932737, "weight_decay": 0.11})
    assert from_optax(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5)).bases == (0.5,)
