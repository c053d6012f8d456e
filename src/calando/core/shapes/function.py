"""A curve of the user's own."""

import math
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeAlias

from calando.core.clock import Clock
from calando.core.formula import Formula
from calando.core.kinds import OptionalSpan
from calando.core.plan import Smooth
from calando.errors import BadName, BadValue, NotSerialisable, did_you_mean, shown

__all__ = ["function", "register", "registered"]

Call: TypeAlias = Callable[[int], float]

_REGISTERED: dict[str, Call] = {}


class Named(NamedTuple):
    """A callable and the name it was registered under, if any."""

    name: str | None
    call: Call

    def __repr__(self) -> str:
        return repr(self.call if self.name is None else self.name)


def register(name: str, call: Call) -> None:
    """Give a function of the step a name, so that plans which use it can be written down.

    Formula: factor = call(t), t counted from the start of the piece.

    Args:
        name: an identifier; the same name must stand for the same function wherever the plan is read.
        call: takes a whole step >= 0 and returns a finite factor >= 0.

    Raises:
        BadValue: for a name that is no identifier or already stands for another function, or a call that is none.

    Example:
        >>> import calando
        >>> calando.register("half_every_10", lambda t: 0.5 ** (t // 10))
        >>> calando.parse("function(half_every_10)").bind(100)(20)
        0.25
    """
    fit = isinstance(name, str) and name.isidentifier() and name.isascii() and len(name) <= 80
    if not fit or name in ("true", "false"):
        raise BadValue(
            given=shown(name), allowed="an ASCII identifier of at most 80 characters, not true or false",
            where="register.name", fix="use letters, digits and underscores",
        )  # fmt: skip
    if not callable(call):
        raise BadValue(
            given=f"{shown(call)} ({type(call).__name__})", allowed="a function of the step", where="register.call",
            fix="pass the function itself",
        )  # fmt: skip
    known = _REGISTERED.get(name)
    if known is not None and known is not call and not _same_source(known, call):
        raise BadValue(
            given=f"{name!r} for a second function", allowed="one function for a name", where="register.name",
            fix="choose another name: written plans would change their meaning",
        )  # fmt: skip
    _REGISTERED[name] = call


def _same_source(a: Any, b: Any) -> bool:
    """Whether two functions are one, defined twice, as when a notebook's cell runs again; closures never are."""
    same = all(getattr(a, part, 0) == getattr(b, part, 1) for part in ("__code__", "__defaults__", "__kwdefaults__"))
    return same and a.__closure__ is None and b.__closure__ is None


def registered() -> tuple[str, ...]:
    """The names given by `register`, sorted."""
    return tuple(sorted(_REGISTERED))


class Callables:
    """A function of the step, or the name of a registered one."""

    allowed = "a function of the step, or the name of a registered one"

    def check(self, value: object, where: str) -> Named:
        if isinstance(value, Named):
            return value
        if isinstance(value, str):
            if value not in _REGISTERED:
                raise BadName(
                    given=f"the function {shown(value)}{did_you_mean(value, _REGISTERED)}",
                    allowed="a registered name: " + (", ".join(registered()) or "there is none yet"),
                    where=where,
                    fix="call calando.register(name, function) before the plan is read",
                )
            return Named(value, _REGISTERED[value])
        if not callable(value):
            raise BadValue(
                given=f"{shown(value)} ({type(value).__name__})", allowed=self.allowed, where=where,
                fix="pass a function such as lambda t: 0.99 ** t",
            )  # fmt: skip
        names = [name for name, call in _REGISTERED.items() if call is value]
        return Named(names[0] if names else None, value)

    def text(self, value: Any) -> str:
        if value.name is None:
            raise NotSerialisable(
                given=f"the Python function {shown(value.call)}",
                allowed="plans of named shapes, and functions registered by name",
                where="function.call",
                fix="call calando.register('a_name', function) and use function('a_name')",
            )
        return str(value.name)

    def plain(self, value: Any) -> object:
        return self.text(value)


class function(Smooth):
    """A factor computed by a function of your own; it cannot be written down unless it is registered by name.

    Formula: call(t), t counted from the start of the piece; stretched by s it is call(floor(t/s)).

    Args:
        call: a function from a whole step >= 0 to a finite factor >= 0, or a name given to `register`.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: when the function returns anything but a finite number >= 0, at the step where it does.
        NotSerialisable: when a plan with an unregistered function is to be written as text or JSON.

    Example:
        >>> import calando
        >>> calando.function(lambda t: 1 / (1 + t)).bind(10)(3)
        0.25

    Source: torch.optim.lr_scheduler.LambdaLR.
    """

    kind = "shape"
    leading = ("call",)

    call: Annotated[Any, Callables()]
    length: OptionalSpan = None

    def formula(self, steps: int, clock: Clock) -> Formula:
        asked = _Asked(self.call.call, clock, steps)
        return lambda step, ops: ops.each(asked, step)


class _Asked:
    """The function, asked at a step of its piece, up to the `last`; what it gives is checked."""

    def __init__(self, call: Call, clock: Clock, last: int) -> None:
        self.call = call
        self.fast, self.slow = clock.stretched.numerator, clock.stretched.denominator
        self.last = last

    def __call__(self, step: int) -> float:
        step = step * self.slow // self.fast
        value = self.call(step)
        try:
            factor = float(value)
        except (TypeError, ValueError):
            factor = math.nan
        if not (math.isfinite(factor) and factor >= 0.0):
            raise BadValue(
                given=f"{shown(value)} at step {step}",
                allowed="a finite factor >= 0 at every step",
                where="function.call",
                fix="mend the function",
            )
        return factor
