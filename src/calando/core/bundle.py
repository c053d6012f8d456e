"""Several quantities on one clock."""

from fractions import Fraction
from typing import Any, ClassVar

from calando.core.algebra import fit
from calando.core.clock import Clock
from calando.core.curve import Curve
from calando.core.plan import REQUIRED, Nested, Plan
from calando.core.shapes.constant import constant
from calando.errors import BadValue, shown

__all__ = ["bundle"]


class bundle(Plan):
    """The learning rate and other quantities on one clock.

    Formula: `schedule(t)` is the factor of `lr`; `schedule.at(t)` has every quantity, the others as absolute values.

    Args:
        lr: the plan of the learning rate, a listener allowed; its values are factors of the peak.
        quantities: plans (or numbers) of absolute values, by name: momentum, beta1, beta2, weight_decay, ...

    Raises:
        BadValue: for a name that is no lower-case identifier, or a quantity that is no closed-form plan.

    Example:
        >>> import calando
        >>> both = calando.bundle(calando.cosine(), weight_decay=calando.linear_decay(start=0.1, end=0.01)).bind(10)
        >>> both(0), both.at(10)
        (1.0, {'lr': 0.0, 'weight_decay': 0.01})

    Source: optax.inject_hyperparams, which schedules any hyper-parameter of an optimizer.
    """

    kind: ClassVar[str] = "bundle"
    lr: Plan
    quantities: tuple[tuple[str, Plan], ...]

    def __init__(self, lr: Plan = REQUIRED, /, *more: object, **quantities: Plan | float) -> None:
        if lr is REQUIRED or more:
            raise BadValue(
                given=f"{1 + len(more)} plans without a name" if more else "no plan for lr",
                allowed="one plan for lr, and all other quantities by name", where="bundle",
                fix="write bundle(cosine(), momentum=0.9)",
            )  # fmt: skip
        if not (isinstance(lr, Plan) and lr.kind == "feedback"):
            lr = Nested().check(lr, "bundle.lr")
        named = []
        for name in sorted(quantities):
            value = quantities[name]
            where = f"bundle.{name[:40]}"
            if not (name.isidentifier() and name.islower() and name.isascii() and len(name) <= 40) or name == "lr":
                raise BadValue(
                    given=f"the quantity {shown(name)}", allowed="a lower-case identifier other than lr",
                    where="bundle",
                    fix="call it momentum, beta1, weight_decay, dropout or the like",
                )  # fmt: skip
            named.append((name, Nested().check(value if isinstance(value, Plan) else constant(value), where)))
        object.__setattr__(self, "lr", lr)
        object.__setattr__(self, "quantities", tuple(named))

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (self.lr, self.quantities)

    @property
    def children(self) -> tuple[Plan, ...]:
        return (self.lr, *(plan for _, plan in self.quantities))

    def is_flexible(self) -> bool:
        return self.lr.is_flexible()

    def extent(self, clock: Clock) -> Fraction:
        return self.lr.extent(clock)

    def lower(self, steps: int, clock: Clock) -> Curve:
        return fit(self.lr, steps, clock, "bundle.lr")

    def __repr__(self) -> str:
        others = "".join(f", {name}={plan!r}" for name, plan in self.quantities)
        return f"bundle({self.lr!r}{others})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.lr, self.quantities))


def _rebuild(lr: Plan, quantities: tuple[tuple[str, Plan], ...]) -> bundle:
    return bundle(lr, **dict(quantities))
