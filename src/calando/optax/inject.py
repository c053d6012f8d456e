"""Several quantities of one optimizer on one clock."""

import inspect as _inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from calando.core.formula import Array
from calando.core.schedule import Schedule
from calando.errors import BadName, BadValue, did_you_mean, shown
from calando.optax.count import Count
from calando.optax.follow import Pace
from calando.optax.plateau import Heard

__all__ = ["InjectState", "inject"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "lr": ("learning_rate",),
    "momentum": ("momentum", "b1"),
    "beta1": ("b1",),
    "beta2": ("b2",),
}


class InjectState(NamedTuple):
    """The state of `inject`.

    Args:
        clock: updates taken so far, a `Count`; the one clock of all quantities.
        hyperparams: the values that the last update used, by the names of the optimizer's arguments (before the
            first: those that it will use), a dict as in optax.
        heard: where the feedback rule stands, an object of kind Heard, or () without one.
        inner_state: the state of the optimizer itself, an object.
    """

    clock: Count
    hyperparams: dict[str, Array]
    heard: Heard | tuple[()]
    inner_state: Any


def inject(
    factory: Callable[..., optax.GradientTransformation],
    schedule: Schedule,
    peak: float,
    *,
    average: int = 1,
    **fixed: Any,
) -> optax.GradientTransformationExtraArgs:
    """An optimizer whose learning rate, momentum, weight decay, ... follow one schedule on one clock.

    Formula: update t is made by factory(learning_rate=peak * lr(t) * scale, other=other(t), ..., **fixed).

    Quantities of a bundle besides "lr" are absolute values. "momentum" is the argument of that name, or `b1` where
    there is none; "beta1" and "beta2" are `b1` and `b2`; any other goes to the argument of its own name. The values
    that the last update used stand in `state.hyperparams`; assigning to them changes nothing. Rates are float32 (or
    float64 under x64) whatever the parameters are; updates and states keep their own types.

    A schedule that listens is told by `optimizer.update(grads, state, params, value=metric)`, as in `follow`.

    Args:
        factory: a function such as optax.adamw, or one of your own with an argument `learning_rate`.
        schedule: a bound plan or bundle.
        peak: learning rate of factor 1, a finite number > 0.
        average: how many metrics are heard as one, their mean, >= 1.
        fixed: the other arguments of the factory, objects that are handed on as they are.

    Raises:
        BadName: for a quantity or an argument that the factory does not take.
        BadValue: for what is both fixed and scheduled, a plan that is not bound, a number outside its range, or a
            factory that makes no optimizer, or one whose rate is read by `init` alone, such as optax.rprop.

    Example:
        >>> import optax, calando.optax
        >>> plan = calando.bundle(calando.cosine(), weight_decay=calando.linear_decay(start=0.1, end=0.01))
        >>> optimizer = calando.optax.inject(optax.adamw, plan.bind(1000), 3e-4, b2=0.95)

    Source: optax.inject_hyperparams, which keeps one count for each quantity, in the type of the parameters.
    """
    pace = Pace(schedule, peak, average, "inject")
    arguments = _places(factory, pace.schedule.quantities, fixed)

    def made(values: Mapping[str, Array]) -> optax.GradientTransformationExtraArgs:
        optimizer = factory(**fixed, **values)
        if not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
            raise _no_factory(f"a factory that made {shown(optimizer)} ({type(optimizer).__name__})")
        return optax.with_extra_args_support(optimizer)

    if _is_deaf(made, dict.fromkeys(arguments.values(), 0.5), arguments["lr"]):
        raise BadValue(
            given=f"{shown(getattr(factory, '__name__', factory))}, which reads its learning rate in init alone",
            allowed="an optimizer whose updates depend on the learning rate", where="inject.factory",
            fix="take another optimizer, or scale its updates: optax.chain(optimizer, optax.scale_by_schedule(...))",
        )  # fmt: skip

    def values(count: Count, heard: Heard | tuple[()]) -> dict[str, Array]:
        found = pace.values(count, heard)
        return {arguments[name]: jnp.asarray(value) for name, value in found.items()}

    def init(params: Any) -> InjectState:
        count, heard = Count.at(0), pace.heard()
        first = values(count, heard)
        return InjectState(count, first, heard, made(first).init(params))

    def update(
        updates: Any, state: InjectState, params: Any = None, *, value: Array | None = None, **extra: Any
    ) -> tuple[Any, InjectState]:
        heard = pace.hear(state.heard, value)
        now = _opaque(values(state.clock, heard), state.clock)
        if value is not None:
            extra["value"] = value
        moved, inner = made(now).update(updates, state.inner_state, params, **extra)
        inner = jax.tree.map(_as, state.inner_state, inner)
        return jax.tree.map(_as, updates, moved), InjectState(state.clock.advance(), now, heard, inner)

    return optax.GradientTransformationExtraArgs(init, update)


def _opaque(values: dict[str, Array], clock: Count) -> dict[str, Array]:
    """The values as numbers that a compiler cannot look behind.

    It would put a constant, or a schedule's formula, together with the update, which then rounds otherwise: runs with
    the same rates so far would differ in their last bits.
    """
    if any(isinstance(word, jax.core.Tracer) for word in jax.tree.leaves(clock)):
        values = jax.lax.optimization_barrier(values)  # type: ignore[no-untyped-call]
    return values


def _as(old: Array, new: Array) -> Array:
    """The new array in the type of the old one: a rate in float32 must not change what is kept in bfloat16."""
    return jnp.asarray(new).astype(jnp.result_type(old))


def _is_deaf(made: Callable[[Mapping[str, Any]], Any], values: Mapping[str, float], rate: str) -> bool:
    """Whether the rate goes into an optimizer's first state and into none of its updates: tried with two rates."""
    try:
        with jax.ensure_compile_time_eval():
            params, pair = jnp.ones(2), [made({**values, rate: jnp.float32(number)}) for number in (0.25, 0.5)]
            first, other = (one.init(params) for one in pair)
            if _equal(first, other):
                return False
            return _equal(*(one.update(params, first, params)[0] for one in pair))
    except BadValue:
        raise
    except Exception:  # noqa: BLE001  # an optimizer that wants other parameters than ours cannot be tried
        return False


def _equal(a: Any, b: Any) -> bool:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(np.asarray(one), np.asarray(two), equal_nan=True) for one, two in pairs)


def _no_factory(given: str) -> BadValue:
    return BadValue(
        given=given, allowed="a function that makes an optimizer", where="inject.factory",
        fix="pass the function itself, such as optax.adamw, and its arguments by name",
    )  # fmt: skip


def _places(factory: object, quantities: tuple[str, ...], fixed: Mapping[str, Any]) -> dict[str, str]:
    """The argument of the factory that takes each quantity."""
    if not callable(factory):
        raise _no_factory(f"{shown(factory)} ({type(factory).__name__})")
    try:
        given = _inspect.signature(factory).parameters
    except (TypeError, ValueError):  # of many a function and class of Python's own
        raise _no_factory(f"{shown(factory)}, whose arguments cannot be told") from None
    names = [name for name, one in given.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    anything = any(one.kind is one.VAR_KEYWORD for one in given.values())
    places: dict[str, str] = {}
    for quantity in quantities:
        wanted = _NAMES.get(quantity, (quantity,))
        found = [name for name in (*wanted, quantity) if name in names] or ([wanted[0]] if anything else [])
        if not found:
            raise _unknown(f"a schedule of {quantity!r}", wanted[0], names, factory)
        if found[0] in fixed:
            raise BadValue(
                given=f"{found[0]}={shown(fixed[found[0]])} beside a schedule of {quantity!r}",
                allowed="one of them", where=f"inject.{found[0]}", fix="leave the argument out; the schedule gives it",
            )  # fmt: skip
        if found[0] in places.values():
            raise BadValue(
                given=f"two quantities for {found[0]!r}: {', '.join(quantities)}", allowed="one quantity per argument",
                where="inject.schedule", fix="drop one of them from the bundle",
            )  # fmt: skip
        places[quantity] = found[0]
    empty = _inspect.Parameter.empty
    missing = [name for name in names if given[name].default is empty and name not in {*places.values(), *fixed}]
    if missing:
        raise BadValue(
            given=f"{shown(getattr(factory, '__name__', factory))} without {', '.join(missing)}",
            allowed="all arguments that it has no value for", where=f"inject.{missing[0]}",
            fix=f"give it by name: inject(..., {missing[0]}=...)",
        )  # fmt: skip
    for name in fixed:
        if name not in names and not anything:
            raise _unknown(f"the argument {name!r}", name, names, factory)
    return places


def _unknown(given: str, name: str, names: list[str], factory: object) -> BadName:
    told = shown(getattr(factory, "__name__", factory))
    return BadName(
        given=f"{given} for {told}, which takes no {name}{did_you_mean(name, names)}",
        allowed=", ".join(names) or "no arguments", where="inject",
        fix="name it as the factory does, or write a function of that argument around your chain",
    )  # fmt: skip
