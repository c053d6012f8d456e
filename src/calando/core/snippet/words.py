"""What programs for every host say alike: the plan, the peak, how often to look and to save."""

import json
from typing import TYPE_CHECKING, NamedTuple

from calando.errors import Unconvertible

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["IN_ADAMW", "Words", "sizes", "words"]

IN_ADAMW = {"momentum", "beta1", "beta2", "weight_decay", "eps"}
"""Quantities that AdamW holds; every door puts them there by itself."""


class Words(NamedTuple):
    """The parts of a program that come from the schedule.

    Args:
        plan: two lines that build `schedule`.
        rate: the peak as code, or 1e-3 where none is given.
        epoch: updates in an epoch; else a tenth of the run, or the next smaller part that divides it.
        every: updates between two looks at the metric.
        save: updates between two checkpoints.
        listens: whether the plan listens to a metric.
        several: whether more than the learning rate is scheduled, or the plan listens.
        own: quantities that no AdamW holds.
    """

    plan: str
    rate: str
    epoch: int
    every: int
    save: int
    listens: bool
    several: bool
    own: tuple[str, ...]
    horizon: int


def words(schedule: "Schedule", peak: float | None, every: int | None = None) -> Words:
    """The words for a schedule."""
    own = tuple(name for name in schedule.quantities if name != "lr" and name not in IN_ADAMW)
    parts = next((parts for parts in range(10, 101) if schedule.horizon % parts == 0), 10)
    epoch = schedule.steps_per_epoch or max(1, schedule.horizon // parts)
    return Words(
        plan=f"plan = calando.parse({json.dumps(str(schedule.plan))})\n"
        f"schedule = plan.bind({schedule.horizon}{sizes(schedule)})  # optimizer updates in the whole run",
        rate="1e-3" if peak is None else repr(peak),
        epoch=epoch,
        every=every or schedule.steps_per_epoch or max(1, schedule.horizon // 20),
        save=epoch,
        listens=schedule.rule is not None,
        several=schedule.rule is not None or len(schedule.quantities) > 1,
        own=own,
        horizon=schedule.horizon,
    )


def sizes(schedule: "Schedule") -> str:
    """The sizes of the units, as further arguments of `bind`."""
    names = ("steps_per_epoch", "tokens_per_step", "samples_per_step")
    found = "".join(f", {name}={getattr(schedule, name)!r}" for name in names if getattr(schedule, name) is not None)
    return found + (", strict=True" if schedule.strict else "")


def refuse_own(told: Words, host: str) -> None:
    """No host applies a quantity that its optimizer lacks, unless the user's own loop does.

    Raises:
        Unconvertible: naming the first such quantity.
    """
    if told.own:
        raise Unconvertible(
            given=f"the quantity {told.own[0]!r}",
            allowed="quantities that the optimizer holds: lr, " + ", ".join(sorted(IN_ADAMW)),
            where=f"export --to {host}",
            fix=f"apply schedule.at(step)[{told.own[0]!r}] yourself, without it in the bundle; or export --to torch",
        )
