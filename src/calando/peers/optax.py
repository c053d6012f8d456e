"""What optax's schedules mean: closures, known by the function that made them and read from their cells."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from calando.core.algebra import clip
from calando.core.bundle import bundle
from calando.core.plan import Plan
from calando.core.shapes.exponential import exponential_decay
from calando.core.shapes.warmup import warmup
from calando.errors import Unconvertible
from calando.peers.asked import check_asked
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import chain, drops, leg, level, scaled, share, steps_of, table, whole

__all__ = ["from_optax"]

WHERE: Final = "from_optax(schedule)"
QUANTITIES: Final = {"b1": "beta1", "b2": "beta2"}


def from_optax(schedule: Any, *, quirks: bool = True, horizon: int | None = None) -> Converted:
    """An optax schedule as a plan, where it can be known.

    Formula: the one of optax's function of that name; the base is the largest value that it names.

    Args:
        schedule: a schedule made by optax's own functions, joined or not; a number; or a gradient transformation made
            by `optax.inject_hyperparams`, whose scheduled hyper-parameters become a bundle.
        quirks: equal optax at every step, or (False) the plan that was probably meant, all differences listed.
        horizon: steps of the run, >= 1, for schedules without an end of their own.

    Raises:
        Unconvertible: with the reason, for functions that optax did not make, and for what no plan of ours can say.

        BadValue: for another horizon.

    Example:
        >>> import optax
        >>> import calando
        >>> found = calando.peers.from_optax(optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 100))
        >>> str(found.plan), found.bases, found.horizon
        ('warmup(10) | cosine(length=90)', (0.1,), 100)

    Source: optax.schedules.
    """
    check_asked("from_optax", quirks=quirks, horizon=horizon)
    injected = _injected(schedule)
    if injected is not None:
        return _from_injected(*injected, quirks, horizon)
    if not callable(schedule):
        schedule = _Constant(number(schedule, WHERE, 0.0))
    plan, base, end = _converted(schedule)
    reasons = _reasons(schedule)
    return finish("optax", [Group(plan, plan, base)], quirks, horizon=end or horizon, notes=reasons)


def _converted(schedule: Any) -> tuple[Plan, float, int | None]:
    """The plan, its base, and the step from which the value is held (None: never)."""
    levels = _levels(schedule)
    base = max(levels)
    if min(levels) < 0.0 or not math.isfinite(base):
        raise _refused(f"a schedule with the values {', '.join(f'{v:g}' for v in levels)}", "finite values >= 0",
                       "mend the schedule")  # fmt: skip
    base = base or 1.0
    pieces, end = _pieces(schedule, base, None)
    return chain(*pieces), base, end


class _Constant:
    """A number that stands where a schedule may stand."""

    __qualname__ = "constant_schedule.<locals>.<lambda>"
    __module__ = "optax"

    def __init__(self, value: float) -> None:
        self.value = value


def _cells(schedule: Any) -> dict[str, Any]:
    if isinstance(schedule, _Constant):
        return {"value": schedule.value}
    return _closed_over(schedule)


def _closed_over(call: Any) -> dict[str, Any]:
    """The variables of a closure, by name; those that were never set are left out."""
    found = {}
    for name, cell in zip(call.__code__.co_freevars, call.__closure__ or (), strict=True):
        with suppress(ValueError):
            found[name] = cell.cell_contents
    return found


def _maker(schedule: Any) -> str:
    """The optax function that made a schedule.

    Raises:
        Unconvertible: for one that optax did not make.
    """
    if isinstance(schedule, _Constant):
        return "constant_schedule"
    made_by, _, inner = str(getattr(schedule, "__qualname__", "")).partition(".<locals>.")
    module = str(getattr(schedule, "__module__", ""))
    code = getattr(schedule, "__code__", None)
    if module.partition(".")[0] != "optax" or code is None or made_by not in MAKERS:
        name = f"{module}.{getattr(schedule, '__qualname__', type(schedule).__name__)}"
        raise _refused(
            f"the function {name}, which optax did not make", "schedules made by " + ", ".join(sorted(MAKERS)),
            "say the whole of it by a function: calando.function(lambda t: float(schedule(t)) / peak), peak its base",
        )  # fmt: skip
    return "constant_of_" + made_by if inner == "<lambda>" and made_by != "constant_schedule" else made_by


def _refused(given: str, allowed: str, fix: str) -> Unconvertible:
    return Unconvertible(given=given, allowed=allowed, where=WHERE, fix=fix)


def _read(schedule: Any, *names: str) -> list[float]:
    cells = _cells(schedule)
    return [number(cells[name], f"{WHERE}.{name}") for name in names]


def _levels(schedule: Any) -> list[float]:
    """The values that a schedule names."""
    made_by = _maker(schedule)
    if made_by == "join_schedules":
        if not _cells(schedule)["schedules"]:
            raise _refused("join_schedules of no schedules", "at least one", "join schedules")
        return [value for part in _cells(schedule)["schedules"] for value in _levels(part)]
    if made_by in ("piecewise_constant_schedule", "piecewise_interpolate_schedule"):
        return [value for _, value in _products(schedule)]
    if made_by == "cosine_decay_schedule":
        value, alpha = _read(schedule, "init_value", "alpha")
        return [value, value * alpha]
    if made_by == "polynomial_schedule":
        return _read(schedule, "init_value", "end_value")
    if made_by == "exponential_decay" and _cells(schedule).get("end_value") is not None:
        rate, value, end = _read(schedule, "decay_rate", "init_value", "end_value")
        return [max(value, end) if rate < 1 else min(value, end), end]
    return _read(schedule, "value" if made_by == "constant_schedule" else "init_value")


def _pieces(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    """The plans of a schedule's first `length` steps (None: for ever), and the step from which it stands still."""
    return MAKERS[_maker(schedule).removeprefix("constant_of_")](schedule, base, length)


def _constant(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    name = "value" if _maker(schedule) == "constant_schedule" else "init_value"
    return [level(share(_read(schedule, name)[0], base), length)], 0


def _polynomial(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    if _maker(schedule).startswith("constant_of_"):
        return _constant(schedule, base, length)
    start, end, power, over, begin = _read(
        schedule, "init_value", "end_value", "power", "transition_steps", "transition_begin"
    )
    start, end = share(start, base), share(end, base)
    if power < 0:
        raise _refused(f"power={power:g}", "a power >= 0: others are infinite at the end", "use a power above 0")
    if power == 0:
        return [level(start, length)], 0
    stop = steps_of(begin + over)
    wait = steps_of(begin)
    if power != 1 and end > start:
        raise _refused(
            f"a rise from {start * base:g} to {end * base:g} with power={power:g}", "a fall, or power=1",
            "optax reads the power from the beginning of a rise, ours from its end: use a linear one",
        )  # fmt: skip
    if length is None:
        way = _way(start, end, over, wait - begin, stop - wait, power)
        return [level(start, wait), way], stop
    wait, stop = min(wait, length), min(stop, length)
    way = _way(start, end, over, steps_of(begin) - begin, stop - wait, power)
    return [level(start, wait), way, level(end, length - stop)], stop


def _way(start: float, end: float, over: float, offset: float, steps: int, power: float) -> Plan:
    if end == 1.0 > start and power == 1 and offset == 0 and steps == over:
        return warmup(steps, start=start)
    return leg("linear", start, end, over, offset=offset, length=steps, power=power)


def _exponential(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    if _maker(schedule).startswith("constant_of_"):
        return _constant(schedule, base, length)
    start, rate, every, begin = _read(schedule, "init_value", "decay_rate", "transition_steps", "transition_begin")
    cells = _cells(schedule)
    if rate < 0:
        raise _refused(f"decay_rate={rate:g}", "a rate above 0", "use a rate above 0")
    size, delay, stairs = whole(every), whole(begin), bool(cells["staircase"])
    if delay is None or (stairs and size is None):
        raise _refused(
            f"transition_begin={begin:g}, transition_steps={every:g}", "whole steps where values jump", "round them"
        )
    if rate == 1 or start == 0:
        decay: Plan = level(1.0, length)
    elif size is not None:
        decay = exponential_decay(factor=rate, every=size, staircase=stairs, delay=delay, length=length)
    else:
        decay = exponential_decay(factor=rate ** (1 / every), delay=delay, length=length)
    plan = scaled(decay, share(start, base))
    if cells.get("end_value") is not None:
        end = share(_read(schedule, "end_value")[0], base)
        plan = clip(plan, low=end) if rate < 1 else clip(plan, high=end)
    return [plan], None


def _products(schedule: Any) -> list[tuple[int, float]]:
    """The steps at which a piecewise schedule names a value, from 0 on, and the values."""
    cells = _cells(schedule)
    (value,) = _read(schedule, "init_value")
    if "boundaries_and_scales" in cells:
        pairs = sorted((cells["boundaries_and_scales"] or {}).items())
    else:
        pairs = list(zip(cells["boundaries"], cells["scales"], strict=True))
    found = [(0, value)]
    for boundary, factor in pairs:
        value *= number(factor, f"{WHERE}.scale", 0.0)
        at = number(boundary, f"{WHERE}.boundary")
        found.append((steps_of(at), value))
    return found


def _steps(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    (_, first), *changes = [(at, share(value, base)) for at, value in _products(schedule)]
    stop = max([at for at, _ in changes], default=0)
    if length is not None:
        changes = [*((at, value) for at, value in changes if at < length)]
    plan = drops(changes, first, length)
    return [plan], max(stop, 0)


def _interpolated(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    marks = [(at, share(value, base)) for at, value in _products(schedule)]
    if any(a > b for (a, _), (b, _) in zip(marks, marks[1:], strict=False)):
        raise _refused(f"boundaries at {', '.join(str(at) for at, _ in marks[1:])}", "boundaries >= 0", "mend them")
    shape = "cosine" if _cells(schedule)["interpolate_fn"].__name__ == "_cosine_interpolate" else "linear"
    pieces, stop = [], marks[-1][0]
    for (a, start), (b, end) in zip(marks, marks[1:], strict=False):
        if b > a and (length is None or a < length):
            pieces.append(leg(shape, start, end, b - a, length=(b if length is None else min(b, length)) - a))
    if not pieces or (length is not None and length > stop):
        pieces.append(level(marks[-1][1], None if length is None else length - stop))
    return pieces, stop


def _cosine(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    start, alpha, power, over = _read(schedule, "init_value", "alpha", "exponent", "decay_steps")
    start = share(start, base)
    stop = steps_of(over)
    if power < 0 or (power != 1 and alpha > 1):
        raise _refused(f"exponent={power:g} with alpha={alpha:g}", "an exponent >= 0, and 1 where alpha is above 1",
                       "use exponent=1")  # fmt: skip
    cut = stop if length is None else min(stop, length)
    if power == 0:
        way: Plan = level(start, cut)
    elif power == 1:
        way = leg("cosine", start, start * alpha, over, length=cut)
    else:
        way = table(lambda t: start * ((1 - alpha) * _bell(t / over) ** power + alpha), cut, start * alpha)
    if length is not None and length > stop:
        return [way, level(start if power == 0 else start * alpha, length - stop)], stop
    return [way], stop


def _bell(x: float) -> float:
    """(1 + cos(pi*x))/2, without cancellation near 1."""
    return math.sin(math.pi / 2 * max(1.0 - x, 0.0)) ** 2


def _joined(schedule: Any, base: float, length: int | None) -> tuple[list[Plan], int | None]:
    cells = _cells(schedule)
    parts: Sequence[Any] = list(cells["schedules"])
    marks = [steps_of(number(b, f"{WHERE}.boundary")) for b in cells["boundaries"]]
    marks = marks[: len(parts) - 1]
    parts = parts[: len(marks) + 1]
    if any(a > b for a, b in zip([0, *marks], marks, strict=False)):
        raise _refused(f"join_schedules with the boundaries {marks}", "boundaries >= 0 that rise", "sort them")
    starts = [0, *marks]
    pieces: list[Plan] = []
    end: int | None = 0
    for i, (part, start) in enumerate(zip(parts, starts, strict=True)):
        stop = starts[i + 1] if i + 1 < len(starts) else length
        stop = stop if length is None or stop is None else min(stop, length)
        if stop is not None and stop <= start:
            continue
        found, still = _pieces(part, base, None if stop is None else stop - start)
        pieces += found
        end = None if still is None else start + max(still, 1 if start else 0)
        if length is not None and stop == length:
            break
    return pieces, end


MAKERS: Final[dict[str, Callable[[Any, float, int | None], tuple[list[Plan], int | None]]]] = {
    "constant_schedule": _constant,
    "cosine_decay_schedule": _cosine,
    "exponential_decay": _exponential,
    "join_schedules": _joined,
    "piecewise_constant_schedule": _steps,
    "piecewise_interpolate_schedule": _interpolated,
    "polynomial_schedule": _polynomial,
}


def _reasons(schedule: Any) -> list[str]:
    """What surprises in a schedule that is said exactly."""
    made_by = _maker(schedule)
    if made_by == "join_schedules":
        return list(dict.fromkeys(text for part in _cells(schedule)["schedules"] for text in _reasons(part)))
    if made_by == "exponential_decay" and _cells(schedule)["staircase"]:
        return ["optax divides in float32, where a whole interval may come out a hair too short: then its drop comes "
                "one step late, where this plan drops in time"]  # fmt: skip
    if made_by == "polynomial_schedule" and 0.0 < _read(schedule, "power")[0] < 1.0:
        return ["optax rounds 1 - t/n in float32, which a power below 1 makes visible: it may end a little (with 0.5, "
                "3e-4 of the way) above the end that this plan reaches"]  # fmt: skip
    if made_by.startswith("constant_of_"):
        return [f"optax holds init_value for ever where {made_by.removeprefix('constant_of_')} is given no steps or no "
                "rate, and so does this plan"]  # fmt: skip
    return []


def _injected(source: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The scheduled and the plain hyper-parameters of a transformation of `inject_hyperparams`, or None."""
    update = getattr(source, "update", None)
    if update is None or not str(getattr(update, "__qualname__", "")).startswith("inject_hyperparams.<locals>."):
        return None
    cells = _closed_over(source.init) | _closed_over(update)
    schedules = {name: getattr(value, "schedule_fn", value) for name, value in cells.get("sched_hps", {}).items()}
    return schedules, dict(cells.get("numeric_hps", {}))


def _from_injected(schedules: dict[str, Any], plain: dict[str, Any], quirks: bool, horizon: int | None) -> Converted:
    if "learning_rate" not in schedules and "learning_rate" not in plain:
        raise _refused("an injected transformation without a learning_rate", "one that has it",
                       "inject the optimizer whose learning rate is meant")  # fmt: skip
    rate = schedules.pop("learning_rate", None)
    plan, base, end = _converted(_Constant(number(plain["learning_rate"], WHERE, 0.0)) if rate is None else rate)
    others = {}
    ends = [end]
    for name, schedule in schedules.items():
        found, by, still = _converted(schedule)
        others[QUANTITIES.get(name, name)] = scaled(found, by)
        ends.append(still)
    known = [still for still in ends if still is not None]
    whole_plan: Plan = bundle(plan, **others) if others else plan
    own = max(known) if len(known) == len(ends) else None
    return finish("optax", [Group(whole_plan, whole_plan, base)], quirks, horizon=own or horizon)
