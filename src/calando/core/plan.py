"""The base of every plan: a frozen value that checks its own laws, and knows how to become a curve.

A subclass lists its arguments as annotated class attributes, each with a kind (see `kinds`):

    class cosine(Leaf):
        end: Factor = 0.0

The class is named and called like a function, because its name is its spelling everywhere: in Python, in text, in
JSON, in the catalog. A small base of our own, and not `dataclasses`, keeps `import calando` quick (no code is
generated for forty classes) and makes every wrong argument one of our errors.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, dataclass_transform

from calando.core.clock import Clock, Length, LengthLike
from calando.core.formula import Formula
from calando.core.kinds import Kind, number_text
from calando.errors import BadName, BadValue, Frozen, NotSerialisable, did_you_mean, shown

if TYPE_CHECKING:
    from calando.core.curve import Curve
    from calando.core.schedule import Schedule

__all__ = ["REQUIRED", "Leaf", "Nested", "Parameter", "Plan", "Smooth"]

REQUIRED: Any = ...

DEEPEST: Final = 50
"""Levels of plans inside plans; the text and JSON readers allow a little more, for the lists inside."""

MOST: Final = 20_000
"""Plans inside a plan, written out."""


class Parameter(NamedTuple):
    """One argument of a plan: its name, kind and default (REQUIRED when there is none)."""

    name: str
    kind: Kind
    default: Any


@dataclass_transform(frozen_default=True, eq_default=True)
class Plan:
    """A composition of shapes whose lengths may still be relative.

    Plans are values: equal when they say the same, hashable, printable, and never changed.

    Example:
        >>> import calando
        >>> plan = calando.warmup("5%") | calando.cosine(end=0.1)
        >>> plan == calando.parse("warmup(5%) | cosine(end=0.1)")
        True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    sources: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = "plan"
    variadic: ClassVar[str | None] = None
    leading: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = []
        for name, annotation in cls.__annotations__.items():
            metadata = getattr(annotation, "__metadata__", None)
            if metadata is not None:
                own.append(Parameter(name, metadata[0], cls.__dict__.get(name, REQUIRED)))
        if own:
            cls.parameters = tuple(own)

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        if len(args) > len(cls.parameters):
            raise BadValue(
                given=f"{len(args)} arguments",
                allowed=f"at most {len(cls.parameters)}: {cls.spelling()}",
                where=cls.__name__,
                fix="name the arguments",
            )
        given = dict(zip((p.name for p in cls.parameters), args, strict=False))
        for name in kwargs:
            if name in given:
                raise BadValue(
                    given=f"{name} twice", allowed="each argument once", where=cls.__name__, fix=f"drop one {name}"
                )
        given.update(kwargs)
        for parameter in cls.parameters:
            value = given.pop(parameter.name, parameter.default)
            where = f"{cls.__name__}.{parameter.name}"
            if value is REQUIRED:
                raise BadValue(
                    given=f"no {parameter.name}",
                    allowed=parameter.kind.allowed,
                    where=where,
                    fix=f"give {parameter.name}: {cls.spelling()}",
                )
            object.__setattr__(self, parameter.name, parameter.kind.check(value, where))
        if given:
            name = next(iter(given))
            names = [parameter.name for parameter in cls.parameters]
            raise BadName(
                given=f"the argument {shown(name)}{did_you_mean(name, names)}",
                allowed=", ".join(names) or "no arguments",
                where=cls.__name__,
                fix=f"write {cls.spelling()}",
            )
        self.check()

    @classmethod
    def spelling(cls) -> str:
        """How the plan is called, with its defaults: `cosine(end=0, start=1, ...)`."""
        shown_arguments = [
            p.name if p.default is REQUIRED or p.default is None else f"{p.name}={p.default}" for p in cls.parameters
        ]
        return f"{cls.__name__}({', '.join(shown_arguments)})"

    def check(self) -> None:
        """Laws that span several arguments; a plan that breaks one is never built."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments, in the order of `parameters`."""
        return tuple(getattr(self, parameter.name) for parameter in self.parameters)

    @property
    def children(self) -> tuple["Plan", ...]:
        """The plans directly inside this one."""
        inside: list[Plan] = []
        for value in self.arguments:
            inside.extend(v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Plan))
        return tuple(inside)

    def is_flexible(self) -> bool:
        """Whether the plan takes whatever length is left for it."""
        raise NotImplementedError

    def extent(self, clock: Clock) -> Fraction:
        """The exact length in steps of a plan that is not flexible."""
        raise NotImplementedError

    def lower(self, steps: int, clock: Clock) -> "Curve":
        """The curve of this plan over a piece of `steps` >= 1 whole steps."""
        raise NotImplementedError

    def bind(
        self,
        horizon: LengthLike,
        *,
        steps_per_epoch: int | None = None,
        tokens_per_step: float | None = None,
        samples_per_step: float | None = None,
        strict: bool = False,
    ) -> "Schedule":
        """Turn every length into whole steps of a run.

        Formula: boundary = floor(exact cumulative length + 1/2), so that pieces add up to the horizon exactly.

        Args:
            horizon: length of the whole run, >= 1 step: an int, or text such as "90ep" or "2e9tok".
            steps_per_epoch: optimizer updates in an epoch, >= 1; needed where a length is in epochs.
            tokens_per_step: tokens an update consumes, > 0; needed where a length is in tokens.
            samples_per_step: samples an update consumes, > 0; needed where a length is in samples.
            strict: raise for steps past the horizon instead of holding the last value.

        Raises:
            DoesNotFit: when the pieces are longer than the horizon, or a unit's size is missing.
            BadValue: for a horizon or a size outside its range.

        Example:
            >>> import calando
            >>> schedule = calando.parse("warmup(5%) | cosine()").bind(1000)
            >>> schedule(25), schedule(50), schedule(1000)
            (0.5, 1.0, 0.0)
        """
        from calando.core.schedule import Schedule

        return Schedule(
            self,
            horizon,
            steps_per_epoch=steps_per_epoch,
            tokens_per_step=tokens_per_step,
            samples_per_step=samples_per_step,
            strict=strict,
        )

    def to_json(self) -> str:
        """The plan as versioned JSON that `calando.from_json` reads back.

        Raises:
            NotSerialisable: when the plan holds a Python function that was not registered by name.

        Example:
            >>> import calando
            >>> calando.cosine(end=0.1).to_json()
            '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": 0.1}}'
        """
        from calando.core.codec import encode

        return encode(self)

    def __or__(self, other: "Plan") -> "Plan":
        from calando.core.algebra import then

        return then(self, other)

    def __mul__(self, other: "Plan | float") -> "Plan":
        from calando.core.algebra import product, scale

        return product(self, other) if isinstance(other, Plan) else scale(self, by=other)

    __rmul__ = __mul__

    def __setattr__(self, name: str, value: object) -> None:
        raise Frozen(
            given=f"{type(self).__name__}.{name} = {shown(value)}",
            allowed="reading only: plans are values",
            where=type(self).__name__,
            fix="build a new plan with the argument that you want",
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and type(self) is type(other) and self.arguments == other.arguments

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.arguments))

    def __str__(self) -> str:
        from calando.core.text import write

        return write(self)

    def __repr__(self) -> str:
        given = [
            f"{p.name}={_python(v)}"
            for p, v in zip(self.parameters, self.arguments, strict=True)
            if not is_default(p, v)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), dict(zip((p.name for p in self.parameters), self.arguments, strict=True))))


def told(plan: Plan) -> str:
    """The text form of a plan, or its repr where it holds a function and has none."""
    try:
        return str(plan)
    except NotSerialisable:
        return repr(plan)


def _rebuild(cls: type[Plan], values: dict[str, Any]) -> Plan:
    return cls(**values)


def _python(value: object) -> str:
    """A value as Python that needs no import."""
    return number_text(float(value)) if isinstance(value, Fraction) else repr(value)


def is_default(parameter: Parameter, value: Any) -> bool:
    """Whether an argument has its default and so need not be written."""
    if parameter.default is REQUIRED:
        return False
    return bool(parameter.kind.check(parameter.default, parameter.name) == value)


class Leaf(Plan):
    """A plan of one piece: it has an argument `length`, its own or None for the rest of the horizon."""

    def own_length(self) -> Length | None:
        """The length given, or None."""
        length: Length | None = getattr(self, "length", None)
        return length

    def is_flexible(self) -> bool:
        return self.own_length() is None

    def extent(self, clock: Clock) -> Fraction:
        return clock.steps(self.own_length() or Length(Fraction(0)), f"{type(self).__name__}.length")


class Smooth(Leaf):
    """A leaf whose curve is one formula without jumps."""

    def formula(self, steps: int, clock: Clock) -> Formula:
        """value(step, ops) for 0 <= step <= steps, with every constant folded."""
        raise NotImplementedError

    def lower(self, steps: int, clock: Clock) -> "Curve":
        from calando.core.curve import Smooth as SmoothCurve

        return SmoothCurve(steps, self.formula(steps, clock))


def bulk_of(plan: Plan) -> tuple[int, int]:
    """How many levels of plans there are, and how many plans, written out; a leaf has 1 and 1.

    Remembered, since each level asks for the one below, and plans built in Python may share their parts.
    """
    known: tuple[int, int] | None = plan.__dict__.get("_bulk")
    if known is None:
        inside = [bulk_of(child) for child in plan.children]
        levels = 1 + max((depth for depth, _ in inside), default=0)
        known = plan.__dict__["_bulk"] = (levels, 1 + sum(count for _, count in inside))
    return known


class Nested:
    """A plan as an argument of another plan."""

    allowed = "a plan such as cosine(end=0.1)"

    def check(self, value: object, where: str) -> Plan:
        if not isinstance(value, Plan):
            text = isinstance(value, str)
            raise BadValue(
                given=f"{shown(value)} ({type(value).__name__})",
                allowed=self.allowed,
                where=where,
                fix="pass text through calando.parse first" if text else "give a plan, not a schedule or a number",
            )
        if value.kind in ("feedback", "bundle"):
            raise BadValue(
                given=f"a {type(value).__name__} inside {where.partition('.')[0]}",
                allowed="a closed-form plan; a listener or a bundle stands outside all others",
                where=where,
                fix=f"put {type(value).__name__} around the whole plan",
            )
        levels, count = bulk_of(value)
        if levels >= DEEPEST or count >= MOST:
            raise BadValue(
                given=f"plans nested more than {DEEPEST} deep" if levels >= DEEPEST else f"{count} plans in one",
                allowed=f"at most {DEEPEST} levels and {MOST} plans, so that every plan can be written and read back",
                where=where,
                fix="flatten the plan: then and product take many plans at once",
            )
        return value

    def text(self, value: Any) -> str:
        return str(value)

    def plain(self, value: Any) -> object:
        from calando.core.codec import plan_plain

        return plan_plain(value)
