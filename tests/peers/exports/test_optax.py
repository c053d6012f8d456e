"""optax's own schedules, built by the code that is handed out, asked at every update."""

from typing import Any

import pytest

import calando
from calando.errors import Unconvertible
from calando.peers.exports import to_optax
from tests.peers.exports.likely import exported, hold_equal, likely

jax = pytest.importorskip("jax")
pytest.importorskip("optax")


EACH = (
    "warmup(10) | cosine()", "warmup(9) | linear_decay(end=0.1)", "polynomial_decay(power=2)",
    "step_decay(9, factor=0.5)", "multistep([9, 20])", "one_cycle()", "warm_restarts(11)",
)  # fmt: skip


def bound(text: str) -> calando.Schedule:
    return calando.parse(text).bind(60)


def built(code: str) -> Any:
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["learning_rate"]


@pytest.mark.slow
def test_what_is_said_is_equal_at_every_step() -> None:
    said = exported([*likely(8, 30), *map(bound, EACH)], to_optax)[-16:]  # XLA compiles a kernel in 0.1 s
    assert len(said) == 16
    words = " ".join(str(code) for _, code in said)
    wanted = ("warmup_cosine_decay_schedule", "linear_schedule", "polynomial_schedule", "join_schedules")
    wanted += ("exponential_decay", "piecewise_constant_schedule", "cosine_decay_schedule", "piecewise_interpolate")
    assert [name for name in wanted if name not in words] == []
    for schedule, code in said:
        rates = jax.vmap(built(str(code)))(jax.numpy.arange(200))  # one shape for all, so that little is compiled
        hold_equal(schedule, rates[: schedule.horizon], 1e-6)


def test_what_is_said_runs_under_jit() -> None:
    schedule = calando.parse("warmup(10) | cosine(end=0.1)").bind(50)
    hold_equal(schedule, map(jax.jit(built(to_optax(schedule, 0.3))), range(50)), 1e-6)


def test_what_optax_lacks_is_refused() -> None:
    with pytest.raises(Unconvertible, match="nothing alike"):
        to_optax(calando.inverse_sqrt(warmup=10).bind(100), 0.3)


def test_a_run_that_float32_cannot_count_is_refused() -> None:
    with pytest.raises(Unconvertible, match="2\\^24"):
        to_optax(calando.cosine().bind(2**24 + 1), 0.3)
