"""What an importer gives: the plans that a peer's schedule means, and how far that meaning goes."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from calando.core.algebra import then
from calando.core.clock import Clock, Length, round_half_up
from calando.core.plan import Plan, told
from calando.core.schedule import Schedule
from calando.core.shapes.constant import constant
from calando.core.timing import shift
from calando.errors import BadValue, DoesNotFit, Frozen, shown

__all__ = ["Converted", "own_length"]


class Converted:
    """A peer's schedule as the named pair (plan, bases), one plan and one base for each parameter group.

    Formula: the peer's rate of group g at update t is bases[g] * plans[g].bind(horizon)(t).

    Args:
        plans: one plan per group; a bundle where the peer moves momentum or the like, too.
        bases: the learning rate that factor 1 stands for, one per group, each >= 0.
        horizon: the peer's own length, in steps (in epochs where per is "epoch"), or None where it has none.
        differences: sentences on where the plan and the peer part; none where they are equal at every step.
        quirks: whether the plan follows the peer at every step inside its horizon (True) or is the clean one.
        position: how many steps (or epochs) the living peer has behind it, >= 0.
        per: "step" or "epoch": what the peer counts.

    Raises:
        BadValue: when plans and bases are not one for each group.

    Example:
        >>> import calando
        >>> found = Converted([calando.cosine(length=100)], [0.1], horizon=100)
        >>> plan, bases = found
        >>> str(plan), bases
        ('cosine(length=100)', (0.1,))
    """

    plans: tuple[Plan, ...]
    bases: tuple[float, ...]
    horizon: int | None
    differences: tuple[str, ...]
    quirks: bool
    position: int
    per: str

    def __init__(
        self,
        plans: Sequence[Plan],
        bases: Sequence[float],
        *,
        horizon: int | None = None,
        differences: Sequence[str] = (),
        quirks: bool = True,
        position: int = 0,
        per: str = "step",
    ) -> None:
        if not plans or len(plans) != len(bases):
            raise BadValue(
                given=f"{len(plans)} plans and {len(bases)} bases", allowed="one of each for every group",
                where="Converted", fix="give a plan and a base for each group",
            )  # fmt: skip
        set_ = object.__setattr__
        set_(self, "plans", tuple(plans))
        set_(self, "bases", tuple(float(base) for base in bases))
        set_(self, "horizon", horizon)
        set_(self, "differences", tuple(differences))
        set_(self, "quirks", quirks)
        set_(self, "position", position)
        set_(self, "per", per)

    @property
    def plan(self) -> Plan:
        """The plan that all groups share.

        Raises:
            DoesNotFit: where groups have plans of their own.
        """
        if any(plan != self.plans[0] for plan in self.plans):
            raise DoesNotFit(
                given=f"{len(set(self.plans))} different plans for {len(self.plans)} groups",
                allowed="one plan, where it is asked for",
                where="converted.plan",
                fix="use converted.plans, one for each group, such as an absolute floor makes them",
            )
        return self.plans[0]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.plan, self.bases))

    def schedules(self, horizon: int | None = None, **sizes: Any) -> tuple[Schedule, ...]:
        """The plans bound, one schedule per group; one that is longer than the run is bound to its own length.

        Args:
            horizon: steps of the run (epochs where the peer counts those), >= 1; the peer's own unless given.
            sizes: steps_per_epoch and the like, numbers that `bind` takes.

        Raises:
            DoesNotFit: when neither you nor the peer say how long the run is, or a size is missing.

        Example:
            >>> import calando
            >>> Converted([calando.cosine(length=100)], [0.1]).schedules(200)[0].horizon
            200
        """
        steps = self.horizon if horizon is None else horizon
        if steps is None:
            raise DoesNotFit(
                given="no horizon: the peer goes on for ever", allowed="the length of your run",
                where="converted.schedules", fix=f"give horizon=..., in {self.per}s",
            )  # fmt: skip
        length = f"{steps}ep" if self.per == "epoch" else steps
        bound: dict[Plan, Schedule] = {}
        for plan in self.plans:
            if plan not in bound:
                run = constant().bind(length, **sizes)
                clock = Clock.of(run.horizon, run.steps_per_epoch, run.tokens_per_step, run.samples_per_step)
                bound[plan] = plan.bind(max(run.horizon, round_half_up(own_length(plan, clock))), **sizes)
        return tuple(bound[plan] for plan in self.plans)

    def attach_arguments(self, horizon: int | None = None, **sizes: Any) -> dict[str, Any]:
        """The arguments with which `calando.torch.attach` makes an optimizer follow the peer.

        Args:
            horizon: steps of the run (epochs where the peer counts those), >= 1; the peer's own unless given.
            sizes: steps_per_epoch and the like, numbers that `bind` takes.

        Raises:
            DoesNotFit: when neither you nor the peer say how long the run is, or a size is missing.

        Example:
            >>> import calando
            >>> found = Converted([calando.cosine(length=100)], [0.1], horizon=100)
            >>> found.attach_arguments()["bases"]
            (0.1,)
        """
        schedules = self.schedules(horizon, **sizes)
        if all(schedule is schedules[0] for schedule in schedules):
            return {"schedule": schedules[0], "bases": self.bases}
        return {"groups": dict(enumerate(schedules)), "bases": self.bases}

    def __setattr__(self, name: str, value: object) -> None:
        raise Frozen(
            given=f"converted.{name} = {shown(value)}",
            allowed="reading only: what a peer means is a value",
            where="Converted",
            fix="convert again, or build a Converted with what you want",
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def _parts(self) -> tuple[Any, ...]:
        return (self.plans, self.bases, self.horizon, self.differences, self.quirks, self.position, self.per)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Converted) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        told_plans = sorted({told(plan) for plan in self.plans})
        return f"Converted({' / '.join(told_plans)}, bases={self.bases}, horizon={self.horizon})"


def own_length(plan: Plan, clock: Clock) -> Fraction:
    """The steps that a plan says itself, those that it takes of the rest left out."""
    if not plan.is_flexible() and plan.kind != "bundle":
        return plan.extent(clock)
    inside = [own_length(child, clock) for child in plan.children]
    if isinstance(plan, shift) and isinstance(plan.by, Length) and plan.by.amount > 0:
        return inside[0] + clock.steps(plan.by, "converted")
    if inside:
        return sum(inside, Fraction(0)) if isinstance(plan, then) else max(inside)
    said = [getattr(plan, name, None) for name in ("warmup", "cooldown", "delay")]
    return sum((clock.steps(length, "converted") for length in said if isinstance(length, Length)), Fraction(0))
