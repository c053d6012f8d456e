"""A schedule: a plan bound to a horizon, pure and closed form."""

from itertools import islice
from typing import TYPE_CHECKING, Any

from calando.core.algebra import lay_out, then
from calando.core.bundle import bundle
from calando.core.clock import LONGEST, Clock, LengthLike, length_of, round_half_up
from calando.core.curve import Curve
from calando.core.feedback import PlateauRule, reduce_on_plateau
from calando.core.formula import SCALAR, Array, check_range, namespace
from calando.core.kinds import Flag, Number, Whole
from calando.core.plan import Plan, told
from calando.errors import BadValue, DoesNotFit, Frozen, shown

if TYPE_CHECKING:
    from calando.core.facts import Facts

__all__ = ["Schedule"]

_SETTINGS = ("plan", "horizon", "steps_per_epoch", "tokens_per_step", "samples_per_step", "strict")


class Schedule:
    """A plan bound to a horizon: `schedule(t)` is the factor of update t.

    Formula: the plan's, with every length in whole steps; at and past the horizon the last piece's value at x = 1.

    Args:
        plan: what to bind.
        horizon: steps of the whole run, 1 to 2^53, or text such as "90ep".
        steps_per_epoch: updates in an epoch, >= 1, or None.
        tokens_per_step: tokens an update consumes, > 0, or None.
        samples_per_step: samples an update consumes, > 0, or None.
        strict: raise for steps past the horizon.

    Raises:
        DoesNotFit: when the plan does not fit, or its values would not be finite.
        BadValue: for a horizon or a size outside its range.

    Example:
        >>> import calando
        >>> schedule = calando.linear_decay().bind(10)
        >>> schedule(5), schedule.horizon
        (0.5, 10)
    """

    plan: Plan
    horizon: int
    steps_per_epoch: int | None
    tokens_per_step: float | None
    samples_per_step: float | None
    strict: bool

    def __init__(
        self,
        plan: Plan,
        horizon: LengthLike,
        *,
        steps_per_epoch: int | None = None,
        tokens_per_step: float | None = None,
        samples_per_step: float | None = None,
        strict: bool = False,
    ) -> None:
        if not isinstance(plan, Plan):
            raise BadValue(
                given=f"{shown(plan)} ({type(plan).__name__})", allowed="a plan", where="bind",
                fix="build one, or read it with calando.parse",
            )  # fmt: skip
        if steps_per_epoch is not None:
            steps_per_epoch = Whole(low=1).check(steps_per_epoch, "bind.steps_per_epoch")
        tokens_per_step = _size(tokens_per_step, "bind.tokens_per_step")
        samples_per_step = _size(samples_per_step, "bind.samples_per_step")
        strict = Flag().check(strict, "bind.strict")
        sizes = (steps_per_epoch, tokens_per_step, samples_per_step)
        steps = _horizon(horizon, Clock.of(1, *sizes))
        clock = Clock.of(steps, *sizes)
        curve = _laid_out(plan, steps, clock)
        others = plan.quantities if isinstance(plan, bundle) else ()
        curves = {name: _laid_out(other, steps, clock) for name, other in others}
        listener = plan.lr if isinstance(plan, bundle) else plan
        for name, value in (
            *zip(_SETTINGS, (plan, steps, steps_per_epoch, tokens_per_step, samples_per_step, strict), strict=True),
            ("_curve", curve),
            ("_others", curves),
            ("rule", listener.rule if isinstance(listener, reduce_on_plateau) else None),
            ("quantities", ("lr", *curves)),
        ):
            object.__setattr__(self, name, value)

    rule: PlateauRule | None
    quantities: tuple[str, ...]
    _curve: Curve
    _others: dict[str, Curve]

    def __call__(self, step: Array) -> Array:
        """The factor of update `step`: a float for an int, an array for an integer array.

        Raises:
            OutOfRange: for a step below 0, or past the horizon of a strict schedule.
            BadValue: for anything but whole steps.
        """
        if type(step) is int and 0 <= step <= self.horizon:
            return self._curve.at(step, SCALAR)
        return self._slowly(self._curve, step)

    def at(self, step: Array) -> dict[str, Array]:
        """Every quantity at update `step`, by name; "lr" is the factor, all others are absolute.

        Example:
            >>> import calando
            >>> calando.bundle(calando.cosine(), momentum=0.9).bind(10).at(0)
            {'lr': 1.0, 'momentum': 0.9}
        """
        if type(step) is int and 0 <= step <= self.horizon:
            values = {"lr": self._curve.at(step, SCALAR)}
            for name, curve in self._others.items():
                values[name] = curve.at(step, SCALAR)
            return values
        values = {"lr": self(step)}
        for name, curve in self._others.items():
            values[name] = self._slowly(curve, step)
        return values

    def _slowly(self, curve: Curve, step: Array) -> Array:
        if hasattr(step, "dtype") and not hasattr(type(step), "is_integer"):
            ops = namespace(step)
            return ops.whole(curve.at, ops.steps(step, self.horizon, self.strict))
        index = getattr(type(step), "__index__", None)
        if index is None or isinstance(step, bool):
            raise _not_whole(step)
        whole = int(index(step))
        check_range(whole, whole, self.horizon, self.strict)
        return curve.at(min(whole, self.horizon), SCALAR)

    @property
    def facts(self) -> "Facts":
        """What is known without training: peak, end, area, jumps, monotone pieces."""
        known: Facts | None = self.__dict__.get("_known")
        if known is None:
            from calando.core.facts import facts_of

            known = facts_of(self)
            self.__dict__["_known"] = known
        return known

    def lint(self, horizon: int | None = None) -> tuple[str, ...]:
        """What looks unintended, in words; for a run of `horizon` steps where that differs.

        Example:
            >>> import calando
            >>> calando.cosine(length=50).bind(100).lint()
            ('ends early: the last piece is over at step 50 of 100; its value 0 is held for 50 steps',)
        """
        from calando.core.lint import lint

        return lint(self, horizon)

    def preview(self, width: int = 60, horizon: int | None = None) -> str:
        """The curve as a line of blocks, its facts and its lint, as text of `width` columns (>= 20)."""
        from calando.core.preview import preview

        return preview(self, width, horizon)

    def to_json(self) -> str:
        """The schedule as versioned JSON that `calando.from_json` reads back.

        Raises:
            NotSerialisable: when the plan holds a Python function that was not registered by name.
        """
        from calando.core.codec import encode

        return encode(self)

    def fingerprint(self) -> str:
        """A hash of the schedule, the same in every process: sha256 of its JSON, in hexadecimal."""
        import hashlib

        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def settings(self) -> dict[str, Any]:
        """The arguments that build this schedule again."""
        return {name: getattr(self, name) for name in _SETTINGS}

    def breaks(self, most: int = 20_000) -> tuple[int, ...]:
        """The first steps, `most` of them at the most, at which the factor may jump or turn."""
        return tuple(islice((step for step in self._curve.breaks() if step <= self.horizon), max(most, 0)))

    def limit(self, step: int) -> float:
        """The factor that the curve was heading for at `step` >= 1, seen from the step before."""
        return self._curve.limit(step)

    def __setattr__(self, name: str, value: object) -> None:
        raise Frozen(
            given=f"schedule.{name} = {shown(value)}", allowed="reading only: schedules are values", where="schedule",
            fix="bind the plan again with what you want",
        )  # fmt: skip

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.settings() == other.settings()

    def __hash__(self) -> int:
        return hash(tuple(self.settings().values()))

    def __str__(self) -> str:
        return f"{told(self.plan)} over {self.horizon} steps"

    def __repr__(self) -> str:
        sizes = "".join(
            f", {name}={getattr(self, name)!r}" for name in _SETTINGS[2:] if getattr(self, name) not in (None, False)
        )
        bound = repr(self.plan)
        return f"{f'({bound})' if ' | ' in bound else bound}.bind({self.horizon}{sizes})"

    def _repr_html_(self) -> str:
        from calando.core.preview import html

        return html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.settings(),))


def _rebuild(settings: dict[str, Any]) -> Schedule:
    return Schedule(settings.pop("plan"), settings.pop("horizon"), **settings)


def _not_whole(step: object) -> BadValue:
    return BadValue(
        given=f"{shown(step)} ({type(step).__name__})",
        allowed="a whole step, or an array of whole steps",
        where="schedule(step)",
        fix="pass an int or an integer array",
    )


def _size(value: float | None, where: str) -> float | None:
    if value is None:
        return None
    number = Number(low=1e-9, high=1e30).check(value, where)
    return int(number) if number.is_integer() else number


def _horizon(value: LengthLike, clock: Clock) -> int:
    length = length_of(value, "bind.horizon")
    if length.unit == "%":
        raise BadValue(
            given=f"a horizon of {length}", allowed="steps, epochs, tokens or samples", where="bind.horizon",
            fix="a share needs a whole: give the number of steps",
        )  # fmt: skip
    steps = round_half_up(clock.steps(length, "bind.horizon"))
    if not 1 <= steps <= LONGEST:
        raise BadValue(
            given=f"a horizon of {steps} steps", allowed="1 to 2^53 steps", where="bind.horizon",
            fix="give the number of optimizer updates of the run",
        )  # fmt: skip
    return steps


def _laid_out(plan: Plan, steps: int, clock: Clock) -> Curve:
    try:
        return lay_out(plan.children if isinstance(plan, then) else [plan], steps, clock, "bind")
    except OverflowError as error:
        raise DoesNotFit(
            given="values beyond what a float64 can hold", allowed="finite values everywhere", where="bind",
            fix="use a smaller factor, growth or decay",
        ) from error  # fmt: skip
