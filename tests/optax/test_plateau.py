"""A plateau rule as pure state is the rule in plain Python, metric for metric."""

import math
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.errors import BadValue
from calando.optax import Heard, Plateau, plateau


def listener(average: int = 1, peak: float = 1.0, **args: Any) -> Plateau:
    return plateau(calando.reduce_on_plateau(calando.constant(), **args).bind(1000), peak, average=average)


def settings(chance: Random) -> dict[str, Any]:
    return {
        "factor": chance.choice((0.1, 0.5, 0.9)),
        "patience": chance.randint(0, 4),
        "cooldown": chance.randint(0, 3),
        "threshold": chance.choice((0.0, 1e-4, 0.0137, 0.1173, 1.0)),
        "threshold_mode": chance.choice(("relative", "absolute")),
        "mode": chance.choice(("min", "max")),
        "min_scale": chance.choice((0.0, 0.01, 0.3)),
        "convention": chance.choice(("torch", "keras")),
    }


def metrics(chance: Random, length: int = 60) -> np.ndarray:
    """A float32 sequence that improves, stalls and worsens, of either sign, with gaps."""
    value, shift, out = 1.0, chance.choice((0.0, 0.5, 2.0)), []
    for _ in range(length):
        value *= chance.choice((0.5, 0.9, 0.99, 0.99999, 1.0, 1.0, 1.001, 1.1))
        gap = chance.random()
        out.append(math.nan if gap < 0.03 else math.inf if gap < 0.05 else -math.inf if gap < 0.06 else value - shift)
    return np.array(out, dtype="float32")


def by_hand(rule: Any, sequence: np.ndarray) -> list[Any]:
    """The states of the rule in plain Python."""
    state, out = rule.initial(), []
    for metric in sequence:
        state = rule.update(state, float(metric))
        out.append(state)
    return out


def compiled(rule: Plateau, sequence: np.ndarray) -> Heard:
    """The states of the pure rule in one compiled scan."""

    def hear(state: Heard, metric: Any) -> tuple[Heard, Heard]:
        state = rule.update(state, metric)
        return state, state

    def run(values: Any) -> Heard:
        return jax.lax.scan(hear, rule.init(), values)[1]

    return jax.jit(run)(sequence)


def same(states: Heard, wanted: list[Any], *, exactly: bool = False) -> bool:
    scales = [state.scale for state in wanted]
    best = [math.inf if state.best is None else state.best for state in wanted]
    near = np.array_equal if exactly else lambda a, b: np.allclose(a, b, rtol=1e-6)
    return (
        near(np.asarray(states.scale), scales)
        and np.array_equal(states.best, best)
        and all(
            np.array_equal(getattr(states, name), [getattr(state, name) for state in wanted])
            for name in ("bad", "cooling", "seen")
        )
    )


class WithNumbers(Plateau):
    """A rule whose numbers are traced, so that many rules are compiled as one."""

    @property
    def rule(self) -> Any:
        return self.schedule


@pytest.mark.parametrize("convention", ["torch", "keras"])
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    ("threshold_mode", "margin", "least_change"),
    [("relative", "size", 0.0), ("relative", "signed", 0.02), ("absolute", "size", 0.02)],
)
def test_it_is_the_rule_in_plain_python_on_40_random_rules_and_sequences_of_each_kind(
    convention: str, mode: str, threshold_mode: str, margin: str, least_change: float
) -> None:
    words: dict[str, Any] = {"convention": convention, "mode": mode, "threshold_mode": threshold_mode, "margin": margin}
    words["least_change"] = least_change
    chance = Random(repr(words))
    rules = [listener(**{**settings(chance), **words}).rule for _ in range(40)]
    sequences = np.stack([metrics(chance) for _ in rules])
    names = ("factor", "patience", "cooldown", "threshold", "min_scale")
    numbers = {name: jnp.asarray([getattr(rule, name) for rule in rules]) for name in names}

    def run(numbers: Any, sequence: Any) -> Heard:
        rule = WithNumbers(rules[0]._replace(**numbers), 1.0, 1)  # type: ignore[arg-type]
        return jax.lax.scan(lambda state, metric: (rule.update(state, metric),) * 2, rule.init(), sequence)[1]

    found = jax.jit(jax.vmap(run))(numbers, sequences)
    for i, (rule, sequence) in enumerate(zip(rules, sequences, strict=True)):
        assert same(Heard(*(leaf[i] for leaf in found)), by_hand(rule, sequence)), (i, rule)


def test_under_x64_it_is_equal_to_the_last_bit() -> None:
    with jax.enable_x64(True):
        for seed in range(6):
            chance = Random(500 + seed)
            rule = listener(**settings(chance))
            sequence = metrics(chance).astype("float64") * 1.1
            assert same(compiled(rule, sequence), by_hand(rule.rule, sequence), exactly=True), rule.rule


def test_outside_of_jit_it_is_the_same() -> None:
    rule = listener(factor=0.5, patience=1, cooldown=2)
    sequence = metrics(Random(3), 20)
    state = rule.init()
    for metric, wanted in zip(sequence, by_hand(rule.rule, sequence), strict=True):
        state = rule.update(state, metric)
        assert (float(state.scale), int(state.bad), int(state.cooling)) == (wanted.scale, wanted.bad, wanted.cooling)


def test_defect_optax_never_fires_on_a_constant_negative_metric_and_ours_does() -> None:
    theirs = optax.contrib.reduce_on_plateau(factor=0.5, patience=2)
    state = theirs.init(jnp.zeros(()))
    hear = jax.jit(lambda state: theirs.update(jnp.ones(()), state, value=-1.0)[1])
    for _ in range(20):
        state = hear(state)
    assert float(state.scale) == 1.0
    assert float(compiled(listener(factor=0.5, patience=2), np.full(20, -1.0)).scale[-1]) < 0.02


def test_the_mean_of_several_metrics_is_heard_as_one() -> None:
    sequence = np.repeat([4.0, 3.0, 3.0, 3.0, 2.0], 4) + np.tile([1.0, -1.0, 0.5, -0.5], 5)
    averaged = compiled(listener(average=4, factor=0.5, patience=0), sequence)
    plain = by_hand(listener(factor=0.5, patience=0).rule, np.array([4.0, 3.0, 3.0, 3.0, 2.0]))
    assert np.asarray(averaged.scale)[3::4].tolist() == [state.scale for state in plain] == [1.0, 1.0, 0.5, 0.25, 0.25]
    assert np.asarray(averaged.waiting).tolist() == [1, 2, 3, 0] * 5
    one_by_one = compiled(listener(factor=0.5, patience=0), sequence)
    assert float(one_by_one.scale[-1]) < 0.01


def test_the_rate_is_the_open_loop_times_the_scale() -> None:
    schedule = calando.reduce_on_plateau(calando.linear_decay(), factor=0.5, patience=0).bind(100)
    rule = plateau(schedule, 0.1)
    state = rule.update(rule.update(rule.init(), 1.0), 1.0)
    assert float(rule.learning_rate(state, 50)) == pytest.approx(0.1 * 0.5 * 0.5)
    assert float(jax.jit(rule.learning_rate)(state, jnp.int32(50))) == pytest.approx(0.1 * 0.5 * 0.5)


def test_float32_is_what_it_is() -> None:
    rule = listener(patience=0, factor=0.5, threshold=0.0)
    state = rule.update(rule.update(rule.init(), 1.0), 1.0 - 1e-9)
    assert float(state.scale) == 0.5  # the second metric is the first one in float32
    assert float(rule.update(rule.init(), 1e300).best) == math.inf


@pytest.mark.parametrize("metric", ["0.1", None, object(), True, 1j, np.ones(2), 10**400, [1.0, 2.0]])
def test_a_metric_that_is_no_number_is_refused(metric: Any) -> None:
    rule = listener()
    with pytest.raises(BadValue):
        rule.update(rule.init(), metric)


def test_what_hears_nothing_is_refused() -> None:
    with pytest.raises(BadValue, match="reduce_on_plateau"):
        plateau(calando.cosine().bind(10))
    for average in (0, -1, 1.5, True, "3"):
        with pytest.raises(BadValue):
            listener(average=average)  # type: ignore[arg-type]
