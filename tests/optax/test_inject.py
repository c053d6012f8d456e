"""One clock drives every quantity: the update made by hand with the schedule's values is the one that was made."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.errors import BadName, BadValue
from calando.optax import Count, follow, inject, learning_rate

PLAN = calando.bundle(
    calando.parse("warmup(3) | linear_decay(end=0.1)"),
    beta1=calando.linear_decay(start=0.95, end=0.85),
    weight_decay=calando.linear_decay(start=0.1, end=0.01),
)
SCHEDULE = PLAN.bind(12)
PEAK, B2, EPS = 0.05, 0.99, 1e-8


def run(optimizer: Any, params: Any, grads: Any, updates: int, **extra: Any) -> tuple[list[Any], list[Any]]:
    """Parameters and states after every compiled update."""
    step = jax.jit(lambda params, state: optimizer.update(grads, state, params, **extra))
    state, passed, states = optimizer.init(params), [], []
    for _ in range(updates):
        change, state = step(params, state)
        params = optax.apply_updates(params, change)
        passed.append(params)
        states.append(state)
    return passed, states


def adamw_by_hand(weight: float, grad: float, updates: int) -> list[float]:
    """Loshchilov and Hutter's AdamW with the values of update t taken from schedule.at(t)."""
    first = second = 0.0
    out = []
    for t in range(updates):
        at = SCHEDULE.at(t)
        b1 = at["beta1"]
        first = b1 * first + (1 - b1) * grad
        second = B2 * second + (1 - B2) * grad * grad
        step = (first / (1 - b1 ** (t + 1))) / ((second / (1 - B2 ** (t + 1))) ** 0.5 + EPS)
        weight -= PEAK * at["lr"] * (step + at["weight_decay"] * weight)
        out.append(weight)
    return out


def test_adamw_by_hand_with_the_schedules_values_is_what_was_done() -> None:
    optimizer = inject(optax.adamw, SCHEDULE, PEAK, b2=B2, eps=EPS)
    passed, states = run(optimizer, jnp.float32(2.0), jnp.float32(0.3), 14)
    assert np.allclose(passed, adamw_by_hand(2.0, 0.3, 14), rtol=1e-5)
    for t, state in enumerate(states):
        at = SCHEDULE.at(t)
        wanted = {"learning_rate": PEAK * at["lr"], "b1": at["beta1"], "weight_decay": at["weight_decay"]}
        assert {name: float(value) for name, value in state.hyperparams.items()} == pytest.approx(wanted, rel=1e-6)
        assert int(state.clock) == t + 1


def test_sgd_with_momentum_by_hand() -> None:
    schedule = calando.cyclical(low=0.1, half=5).with_momentum().bind(20)
    passed, _ = run(inject(optax.sgd, schedule, 0.1), jnp.float32(1.0), jnp.float32(0.5), 20)
    weight, trace, wanted = 1.0, 0.0, []
    for t in range(20):
        at = schedule.at(t)
        trace = at["momentum"] * trace + 0.5
        weight -= 0.1 * at["lr"] * trace
        wanted.append(weight)
    assert np.allclose(passed, wanted, rtol=1e-5)


def test_momentum_is_b1_where_the_optimizer_has_no_momentum() -> None:
    state = inject(optax.adam, calando.bundle(calando.cosine(), momentum=0.8).bind(5), 0.1).init(jnp.zeros(()))
    assert float(state.hyperparams["b1"]) == pytest.approx(0.8)


def test_the_first_value_is_used_and_the_state_says_so_before() -> None:
    optimizer = inject(optax.sgd, calando.linear_decay(start=1, end=9).bind(8), 1.0)
    state = optimizer.init(jnp.zeros(()))
    assert float(state.hyperparams["learning_rate"]) == 1.0
    passed, _ = run(optimizer, jnp.float32(0.0), jnp.float32(1.0), 3)
    assert [float(value) for value in passed] == [-1.0, -3.0, -6.0]


def test_it_equals_optaxs_own_injection_of_the_same_rate() -> None:
    schedule = calando.cosine().bind(10)
    theirs = optax.inject_hyperparams(optax.adam)(learning_rate=learning_rate(schedule, 0.1), b1=0.8)
    ours = inject(optax.adam, schedule, 0.1, b1=0.8)
    grads, params = {"w": jnp.arange(3.0)}, {"w": jnp.ones(3)}
    for a, b in zip(run(ours, params, grads, 8)[0], run(theirs, params, grads, 8)[0], strict=True):
        assert np.allclose(a["w"], b["w"], rtol=1e-5)


def test_the_clock_goes_on_where_optaxs_own_stops() -> None:
    horizon = 2**31 + 6
    schedule = calando.multistep([2**31 - 1, 2**31, 2**31 + 2], factor=0.5).bind(horizon)
    for optimizer in (inject(optax.sgd, schedule, 1.0), optax.chain(follow(schedule, 1.0))):
        state = jax.tree.map(lambda leaf: leaf, optimizer.init(jnp.float32(0)))
        state = calando.optax.with_clock(state, 2**31 - 3)
        step = jax.jit(lambda state, optimizer=optimizer: optimizer.update(jnp.float32(1), state))
        used = []
        for _ in range(7):
            change, state = step(state)
            used.append(-float(change))
        assert used == [1.0, 1.0, 0.5, 0.25, 0.25, 0.125, 0.125]
        assert calando.optax.clock_of(state) == 2**31 + 4


def test_a_run_is_traced_once() -> None:
    optimizer, traces = inject(optax.adamw, SCHEDULE, PEAK), []

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        traces.append(1)
        change, state = optimizer.update(jnp.ones(2), state, params)
        return optax.apply_updates(params, change), state

    params = jnp.ones(2)
    state = optimizer.init(params)
    for _ in range(5):
        params, state = step(params, state)
    assert len(traces) == 1


def test_it_runs_in_a_scan() -> None:
    optimizer = inject(optax.adamw, SCHEDULE, PEAK)

    def step(carry: Any, _: None) -> Any:
        params, state = carry
        change, state = optimizer.update(jnp.float32(0.3), state, params)
        return (optax.apply_updates(params, change), state), state.hyperparams["learning_rate"]

    params = jnp.float32(2.0)
    _, used = jax.jit(lambda params: jax.lax.scan(step, (params, optimizer.init(params)), None, length=14))(params)
    assert np.allclose(used, [PEAK * SCHEDULE(t) for t in range(14)], rtol=1e-6)


def test_low_precision_parameters_keep_their_types_and_the_rate_keeps_its_own() -> None:
    optimizer = inject(optax.adamw, SCHEDULE, PEAK)
    params = {"w": jnp.ones(3, dtype="bfloat16")}
    state = optimizer.init(params)
    change, after = optimizer.update({"w": jnp.ones(3, dtype="bfloat16")}, state, params)
    assert change["w"].dtype == "bfloat16"
    assert jax.tree.map(lambda a, b: a.dtype == b.dtype, state, after) == jax.tree.map(lambda _: True, state)
    assert after.hyperparams["learning_rate"].dtype == "float32"


def test_a_listener_is_told_with_the_update_and_holds_from_there_on() -> None:
    schedule = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0).bind(100)
    for optimizer in (inject(optax.sgd, schedule, 1.0), optax.chain(optax.identity(), follow(schedule, 1.0))):
        state = optimizer.init(jnp.float32(0))
        heard = jax.jit(lambda state, value, o=optimizer: o.update(jnp.float32(1), state, jnp.float32(0), value=value))
        deaf = jax.jit(lambda state, o=optimizer: o.update(jnp.float32(1), state, jnp.float32(0)))
        used = []
        for metric in (1.0, None, 1.0, None, 0.5, float("nan"), None):
            change, state = deaf(state) if metric is None else heard(state, metric)
            used.append(-float(change))
        assert used == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_multi_steps_counts_updates_not_batches() -> None:
    schedule = calando.linear_decay(start=1, end=9).bind(8)
    optimizer = optax.MultiSteps(inject(optax.sgd, schedule, 1.0), every_k_schedule=3)
    state, moved = optimizer.init(jnp.float32(0)), []
    step = jax.jit(lambda state: optimizer.update(jnp.float32(1), state))
    for _ in range(9):
        change, state = step(state)
        moved.append(-float(change))
    assert moved == [0, 0, 1, 0, 0, 2, 0, 0, 3]
    assert calando.optax.clock_of(state) == 3


def test_an_update_that_was_not_finite_is_not_counted() -> None:
    optimizer = optax.apply_if_finite(inject(optax.sgd, calando.linear_decay(start=1, end=9).bind(8), 1.0), 5)
    state, moved = optimizer.init(jnp.float32(0)), []
    step = jax.jit(lambda grad, state: optimizer.update(grad, state))
    for grad in (1.0, float("nan"), 1.0, float("inf"), 1.0):
        change, state = step(jnp.float32(grad), state)
        moved.append(-float(change))
    assert moved == [1, 0, 2, 0, 3]


def test_groups_have_their_own_plans_peaks_and_weight_decay() -> None:
    head = calando.constant().bind(12)
    optimizer = optax.multi_transform(
        {"body": inject(optax.adamw, SCHEDULE, PEAK), "head": inject(optax.adamw, head, 0.5, weight_decay=0.0)},
        {"w": "body", "v": "head"},
    )
    params = {"w": jnp.ones(()), "v": jnp.ones(())}
    _, states = run(optimizer, params, params, 3)
    inner = states[-1].inner_states
    assert float(inner["body"].inner_state.hyperparams["learning_rate"]) == pytest.approx(PEAK * SCHEDULE(2), rel=1e-6)
    assert float(inner["head"].inner_state.hyperparams["learning_rate"]) == 0.5
    assert calando.optax.clock_of(states[-1]) == 3


def test_a_factory_of_your_own_takes_any_quantity() -> None:
    def noisy(learning_rate: Any, noise: Any) -> Any:
        return optax.chain(optax.stateless(lambda updates, _: updates + noise), optax.sgd(learning_rate))

    schedule = calando.bundle(calando.constant(), noise=calando.linear_decay()).bind(4)
    passed, _ = run(inject(noisy, schedule, 1.0), jnp.float32(0), jnp.float32(0), 4)
    assert [float(value) for value in passed] == [-1.0, -1.75, -2.25, -2.5]


def test_schedule_free_weighs_its_averages_by_the_rate_of_the_update_itself() -> None:
    """google-deepmind/optax PR#1744: its own count begins at 1, so that a schedule is read one step late."""
    seen: list[Any] = []

    def free(learning_rate: Any) -> Any:
        return optax.contrib.schedule_free(optax.sgd(learning_rate), learning_rate, b1=0.9)

    def reads(count: Any) -> Any:
        seen.append(int(count))
        return 0.1

    theirs = optax.contrib.schedule_free(optax.sgd(0.1), reads, b1=0.9)
    theirs.update(jnp.ones(()), theirs.init(jnp.ones(())), jnp.ones(()))
    assert seen == [1]
    schedule = calando.linear_decay(start=1, end=9).bind(8)
    _, states = run(inject(free, schedule, 0.1), jnp.float32(1), jnp.float32(1), 4)
    assert [float(state.inner_state.max_lr) for state in states] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_plan_with_a_python_function_works_with_and_without_jit() -> None:
    schedule = calando.function(lambda step: 1.0 + step).bind(10)
    optimizer = inject(optax.sgd, schedule, 1.0)
    passed, _ = run(optimizer, jnp.float32(0), jnp.float32(1), 3)
    assert [float(value) for value in passed] == [-1.0, -3.0, -6.0]
    change, _ = optimizer.update(jnp.float32(1), optimizer.init(jnp.float32(0)))
    assert float(change) == -1.0


def test_what_the_optimizer_does_not_take_is_refused_by_name() -> None:
    with pytest.raises(BadName, match="did you mean 'weight_decay'"):
        inject(optax.adamw, calando.bundle(calando.cosine(), weight_decy=0.1).bind(5), 0.1)
    with pytest.raises(BadName, match="did you mean 'b2'"):
        inject(optax.adamw, calando.cosine().bind(5), 0.1, b22=0.9)
    with pytest.raises(BadName, match="learning_rate"):
        inject(optax.scale_by_adam, calando.cosine().bind(5), 0.1)
    with pytest.raises(BadValue, match="leave the argument out"):
        inject(optax.adamw, calando.cosine().bind(5), 0.1, learning_rate=0.3)
    with pytest.raises(BadValue, match="two quantities"):
        inject(optax.adamw, calando.bundle(calando.cosine(), momentum=0.9, beta1=0.8).bind(5), 0.1)
    with pytest.raises(BadValue, match=r"such as optax\.adamw"):
        inject(optax.adamw(1e-3), calando.cosine().bind(5), 0.1)  # type: ignore[arg-type]
    with pytest.raises(BadValue, match="bind"):
        inject(optax.adamw, calando.cosine(), 0.1)  # type: ignore[arg-type]


def test_the_link_at_the_end_of_a_chain_is_optaxs_own_with_the_same_rate() -> None:
    schedule = calando.parse("warmup(2) | cosine()").bind(9)
    theirs = optax.chain(optax.scale_by_adam(), optax.scale_by_learning_rate(learning_rate(schedule, 0.1)))
    ours = optax.chain(optax.scale_by_adam(), follow(schedule, 0.1))
    params, grads = {"w": jnp.ones(3)}, {"w": jnp.arange(3.0)}
    (mine, states), (other, _) = run(ours, params, grads, 10), run(theirs, params, grads, 10)
    assert all(np.allclose(a["w"], b["w"], rtol=1e-6) for a, b in zip(mine, other, strict=True))
    used = [float(state[1].learning_rate) for state in states]
    assert used == pytest.approx([0.1 * schedule(t) for t in range(10)], rel=1e-6, abs=1e-8)
    assert isinstance(states[0][1].clock, Count)
