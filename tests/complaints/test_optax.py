"""Complaints about optax: where a schedule's count stands, and from where it starts."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import calando
from tests.complaints.apart import told_apart

optax = pytest.importorskip("optax")
jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from optax import contrib  # noqa: E402

import calando.optax  # noqa: E402

ONE = jnp.ones(1)


def updates(optimizer: Any, state: Any, count: int) -> tuple[list[float], Any]:
    """What plain SGD makes of a gradient of 1, sign turned: the learning rate of each update."""
    used = []
    for _ in range(count):
        step, state = optimizer.update(ONE, state, ONE)
        used.append(-float(step[0]))
    return used, state


def test_mesh_transformer_jax_25_optax_1036_a_fine_tune_starts_at_the_end_of_the_schedule_before() -> None:
    def theirs() -> list[float]:
        peer = optax.warmup_cosine_decay_schedule(0.2, 1.0, 5, 20)
        _, state = updates(optax.sgd(peer), optax.sgd(peer).init(ONE), 20)
        return updates(optax.sgd(peer), state, 3)[0]

    def ours() -> list[float]:
        schedule = calando.parse("warmup(5, start=0.2) | cosine()").bind(20)
        optimizer = calando.optax.inject(optax.sgd, schedule, 1.0)
        _, state = updates(optimizer, optimizer.init(ONE), 20)
        assert int(calando.optax.clock_of(state)) == 20
        return updates(optimizer, calando.optax.with_clock(state, 0), 3)[0]

    def check(fine_tune: Callable[[], list[float]]) -> None:
        used = fine_tune()
        assert used[0] > 0, "it starts where the run before had ended"
        assert used == pytest.approx([0.2, 0.36, 0.52])

    told_apart(check, living=theirs, ours=ours, because="where the run before had ended")


def test_optax_415_injected_values_start_at_the_second() -> None:
    class Old(NamedTuple):
        """inject_hyperparams as it was: it counted before it asked the schedule."""

        count: int = 0

        def update(self, schedule: Any) -> tuple[float, "Old"]:
            return float(schedule(self.count + 1)), Old(self.count + 1)

    decay = calando.linear_decay().bind(10)

    def theirs() -> list[float]:
        used, state = [], Old()
        for _ in range(3):
            rate, state = state.update(decay)
            used.append(rate)
        return used

    def ours() -> list[float]:
        optimizer = calando.optax.inject(optax.sgd, decay, 1.0)
        return updates(optimizer, optimizer.init(ONE), 3)[0]

    def check(injected: Callable[[], list[float]]) -> None:
        assert injected() == pytest.approx([1.0, 0.9, 0.8]), "the first value is skipped"

    told_apart(check, old=theirs, ours=ours, because="the first value is skipped")


def test_optax_1744_a_wrapper_counts_from_one() -> None:
    asked: list[int] = []

    def rate(count: Any) -> Any:
        asked.append(int(count))
        return 0.1

    def theirs() -> int:
        optimizer = contrib.schedule_free(optax.sgd(0.1), learning_rate=rate)
        updates(optimizer, optimizer.init(ONE), 1)
        return asked[0]

    def ours() -> int:
        optimizer = calando.optax.inject(optax.sgd, calando.linear_decay().bind(10), 1.0)
        (used,), _ = updates(optimizer, optimizer.init(ONE), 1)
        return round(10 * (1.0 - used))

    def check(first: Callable[[], int]) -> None:
        assert first() == 0, "the schedule is first asked for another step"

    told_apart(check, living=theirs, ours=ours, because="first asked for another step")


def test_optax_1767_a_plateau_is_never_seen_in_a_negative_metric() -> None:
    def theirs(metrics: list[float]) -> float:
        rule = contrib.reduce_on_plateau(factor=0.5, patience=2)
        state = rule.init(ONE)
        for metric in metrics:
            _, state = rule.update(ONE, state, value=metric)
        return float(state.scale)

    def ours(metrics: list[float]) -> float:
        plan = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=2)
        rule = calando.optax.plateau(plan.bind(100))
        state = rule.init()
        for metric in metrics:
            state = rule.update(state, metric)
        return float(rule.learning_rate(state, 0))

    def check(scale: Callable[[list[float]], float]) -> None:
        assert scale([-1.0] * 8) < 1.0, "never reduced"

    told_apart(check, living=theirs, ours=ours, because="never reduced")


def test_a_drop_after_sixteen_million_steps_comes_early_in_float32() -> None:
    late = 2**24 + 1  # the first whole number that float32 has not
    theirs = optax.exponential_decay(1.0, transition_steps=late, decay_rate=0.5, staircase=True)
    ours = calando.optax.learning_rate(calando.step_decay(every=late, factor=0.5).bind(2 * late))

    def check(rate: Callable[[Any], Any]) -> None:
        assert float(rate(jnp.int32(late - 1))) == 1.0, "it drops a step early"
        assert float(rate(jnp.int32(late))) == 0.5

    told_apart(check, living=theirs, ours=ours, because="it drops a step early")
    told_apart(check, living=theirs, ours=jax.jit(ours), because="it drops a step early")


def test_a_decay_of_no_steps_never_leaves_its_start_in_optax() -> None:
    theirs = optax.linear_schedule(1.0, 0.0, transition_steps=0)
    ours = calando.optax.learning_rate(calando.parse("linear_decay(length=0) | constant(0)").bind(10))

    def check(rate: Callable[[int], Any]) -> None:
        assert float(rate(5)) == 0.0, "it stays at its start"

    told_apart(check, living=theirs, ours=ours, because="it stays at its start")
