"""What a user may get wrong at the edges: words, paces and factories that are none, and states of many kinds."""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.errors import BadState, BadValue
from calando.optax import Count, clock_of, follow, inject, learning_rate, plateau, tell, with_clock

LINE = calando.linear_decay().bind(100)
LISTENER = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0).bind(100)
RATE = learning_rate(LINE, 0.1)
PARAMS = {"w": jnp.ones(3)}


# ---- counts


@pytest.mark.parametrize("by", [-1, 2**31, "x", None, 1.5, float("nan"), True, np.array([-1]), jnp.float32(1), [1]])
def test_a_count_is_advanced_by_whole_numbers_alone(by: Any) -> None:
    with pytest.raises(BadValue, match=r"0 to 2\^31 - 1(.|\n)*Count\.advance"):
        Count.at(5).advance(by)
    assert int(Count.at(5).advance(np.int64(2**31 - 1))) == 2**31 + 4


@pytest.mark.parametrize("step", [np.arange(3), jnp.arange(3), jnp.float32(2), np.array(["a"])])
def test_many_steps_are_no_step_of_one_count(step: Any) -> None:
    with pytest.raises(BadValue, match=r"Count\.at"):
        Count.at(step)
    with pytest.raises(BadValue, match=r"Count\.at"):
        jax.jit(Count.at)(3)


WORDS = [("a", "b"), (None, None), (np.int32(-1), np.int32(5)), (0, 2**32), (0.0, 5.0), (False, True), (0, jnp.ones(2))]


@pytest.mark.parametrize("words", WORDS)
def test_what_is_no_word_is_refused_wherever_it_is_read(words: Any) -> None:
    for read in (RATE, LINE, int, Count.advance, clock_of):
        with pytest.raises(BadValue, match="two words"):
            read(Count(*words))


@pytest.mark.parametrize("kind", [int, np.uint32, np.int64, np.asarray])
def test_words_may_be_plain_numbers_or_of_numpy(kind: Any) -> None:
    clock = Count(kind(1), kind(5))
    far = calando.linear_decay().bind(2**33)
    assert float(far(clock)) == np.float32(far(2**32 + 5))
    assert int(clock) == clock_of(clock) == 2**32 + 5
    assert int(clock.advance(2**31 - 1)) == 2**32 + 5 + 2**31 - 1
    assert int(Count(kind(0), kind(2**32 - 1)).advance()) == 2**32
    assert float(jax.jit(lambda: far(clock))()) == np.float32(far(2**32 + 5))


def test_a_count_of_four_bits_is_one() -> None:
    assert float(learning_rate(calando.linear_decay().bind(6))(jnp.int4(3))) == 0.5
    with pytest.raises(BadValue, match="stops at 7"):
        RATE(jnp.int4(3))


# ---- peaks and averages


@pytest.mark.parametrize("peak", [10**400, 1e39, 1e-50, np.complex64(1), b"1"])
def test_a_peak_that_float32_does_not_hold_is_refused(peak: Any) -> None:
    for make in (lambda: learning_rate(LINE, peak), lambda: inject(optax.sgd, LINE, peak)):
        with pytest.raises(BadValue, match="peak"):
            make()


@pytest.mark.parametrize("average", [-5, 0, True, 1.5])
def test_an_average_is_checked_where_nothing_listens_too(average: Any) -> None:
    for make in (lambda: inject(optax.sgd, LINE, 0.1, average=average), lambda: follow(LINE, average=average)):
        with pytest.raises(BadValue, match="a whole number >= 1"):
            make()


@pytest.mark.parametrize("metric", [np.array(True), jnp.array(True), np.bool_(True), [True]])
def test_a_truth_value_is_no_metric_in_whatever_it_comes(metric: Any) -> None:
    listener = plateau(LISTENER)
    with pytest.raises(BadValue, match="one number"):
        listener.update(listener.init(), metric)


# ---- factories


@pytest.mark.parametrize("factory", [dict, int, type, max, object, None, 3])
def test_what_makes_no_optimizer_is_refused(factory: Any) -> None:
    with pytest.raises(calando.errors.CalandoError) as told:
        inject(factory, LINE, 0.1).init(PARAMS)
    assert told.value.where.startswith("inject")


@pytest.mark.parametrize("made", [None, 3, optax.sgd])
def test_a_factory_that_makes_something_else_is_refused(made: Any) -> None:
    def factory(learning_rate: Any) -> Any:
        return made

    with pytest.raises(BadValue, match="a factory that made"):
        inject(factory, LINE, 0.1)


def test_an_argument_that_a_factory_needs_is_asked_for_by_name() -> None:
    with pytest.raises(BadValue, match="dpsgd' without noise_multiplier"):
        inject(optax.contrib.dpsgd, LINE, 0.1, l2_norm_clip=1.0)


def test_an_optimizer_that_reads_its_rate_in_init_alone_is_refused() -> None:
    """It would follow nothing while its state says that it does."""

    def mine(learning_rate: Any) -> Any:
        return optax.chain(optax.clip(1.0), optax.rprop(learning_rate))

    for factory in (optax.rprop, functools.partial(optax.rprop, eta_plus=1.1), mine):
        with pytest.raises(BadValue, match="in init alone"):
            inject(factory, LINE, 0.1)
        with pytest.raises(BadValue, match="in init alone"):
            jax.jit(lambda factory=factory: inject(factory, LINE, 0.1).init(PARAMS))()


def test_an_optimizer_whose_first_state_holds_the_rate_and_whose_updates_follow_it_is_taken() -> None:
    def remembers(learning_rate: Any) -> Any:
        sgd = optax.sgd(learning_rate)
        return optax.GradientTransformation(
            lambda _: jnp.asarray(learning_rate), lambda g, s, p: (sgd.update(g, sgd.init(p), p)[0], s)
        )

    optimizer = inject(remembers, LINE, 1.0)
    state = with_clock(optimizer.init(PARAMS), 50)
    assert optimizer.update(PARAMS, state, PARAMS)[0]["w"].tolist() == [-0.5] * 3


def test_an_optimizer_that_cannot_be_tried_beforehand_is_taken() -> None:
    def wants_a_dict(learning_rate: Any) -> Any:
        return optax.GradientTransformation(lambda params: params["w"] * learning_rate, lambda g, s, p: (g, s))

    assert inject(wants_a_dict, LINE, 0.1).init(PARAMS).inner_state.shape == (3,)


# ---- states


def ensemble(optimizer: Any) -> Any:
    return jax.vmap(optimizer.init)({"w": jnp.ones((4, 3))})


@pytest.mark.parametrize("optimizer", [inject(optax.adamw, LISTENER, 0.1), follow(LINE, 0.1), optax.adam(RATE)])
def test_the_clock_of_an_ensemble_is_set_and_read_whole(optimizer: Any) -> None:
    state = ensemble(optimizer)
    moved = with_clock(state, 30)
    assert jax.tree.map(jnp.shape, moved) == jax.tree.map(jnp.shape, state)
    assert clock_of(moved) == 30
    grads = {"w": jnp.ones((4, 3))}
    _, after = jax.vmap(optimizer.update)(grads, moved, grads)
    assert clock_of(after) == 31


def test_an_ensemble_that_stands_at_several_steps_is_told_so() -> None:
    state = ensemble(follow(LINE, 0.1))
    apart = state._replace(clock=Count(state.clock.high, jnp.arange(4, dtype="uint32")))
    with pytest.raises(BadState, match=r"clocks at \[0, 1, 2, 3\]"):
        clock_of(apart)


def test_every_rule_of_an_ensemble_hears_a_metric() -> None:
    optimizer = inject(optax.sgd, LISTENER, 1.0)
    state = ensemble(optimizer)
    told = tell(tell(state, LISTENER, 1.0), LISTENER, 1.0)
    assert told.heard.scale.tolist() == [0.5] * 4
    assert with_clock(told).heard.scale.tolist() == [1.0] * 4


def test_a_clock_that_is_traced_cannot_be_read() -> None:
    with pytest.raises(BadState, match="outside of jit"):
        jax.jit(clock_of)(follow(LINE).init(PARAMS))


@pytest.mark.parametrize("step", [3, 2**32 + 7])
def test_a_state_of_plain_numbers_as_json_and_msgpack_give_it_back_goes_on(step: int) -> None:
    far = calando.reduce_on_plateau(calando.linear_decay(), factor=0.5, patience=0).bind(2**33)
    optimizer = inject(optax.sgd, far, 1.0)
    state = tell(with_clock(optimizer.init(jnp.ones(())), step), far, 2.0)
    leaves, shape = jax.tree.flatten(state)
    plain = jax.tree.unflatten(shape, json.loads(json.dumps([np.asarray(leaf).item() for leaf in leaves])))
    assert clock_of(plain) == step
    assert clock_of(with_clock(plain, 9)) == 9
    assert with_clock(plain).heard.best == np.inf
    for other in (plain, state):
        heard = tell(other, far, 2.0)
        assert float(heard.heard.scale) == 0.5
        assert [leaf.dtype for leaf in jax.tree.leaves(heard.heard)] == [leaf.dtype for leaf in state.heard]
    (mine, _), (whole, _) = (optimizer.update(jnp.ones(()), one) for one in (plain, state))
    assert float(mine) == float(whole)
    assert clock_of(optimizer.update(jnp.ones(()), plain)[1]) == step + 1
    theirs = jax.tree.map(lambda leaf: np.asarray(leaf).item(), optax.sgd(RATE).init(jnp.ones(())))
    assert clock_of(with_clock(theirs, 7)) == 7
