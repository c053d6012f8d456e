"""torch's ReduceLROnPlateau as a listener."""

from typing import Any

from calando.core.feedback import reduce_on_plateau
from calando.core.shapes.constant import constant
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.torch_course import WHERE, groups_of, rate_of, refuse

__all__ = ["from_plateau", "plateau_plans"]

NEGATIVE = "torch never reduces for a negative metric that stands still (it asks for best*(1-threshold)); ours does"
SMALL = "torch makes no reduction of eps={0:g} or less, which leaves small rates as they are; ours makes it"


def from_plateau(scheduler: Any, quirks: bool, by_epoch: bool) -> Converted:
    """ReduceLROnPlateau."""
    groups = plateau_plans(scheduler, [rate_of(_start(group), "lr") for group in groups_of(scheduler)])
    heard = int(scheduler.last_epoch)
    notes = [] if quirks else [NEGATIVE, SMALL.format(float(scheduler.eps))]
    if heard:
        best = f"best {scheduler.best:g}, {scheduler.num_bad_epochs} bad, {scheduler.cooldown_counter} cooling down"
        rates = ", ".join(f"{float(group['lr']):g}" for group in groups_of(scheduler))
        notes.append(f"it has heard {heard} metrics ({best}) and stands at {rates}; a new listener begins without them")
    return finish("torch", groups, quirks, by_epoch=by_epoch, notes=notes, position=heard)


def _start(group: dict[str, Any]) -> Any:
    return group.get("initial_lr", group["lr"])


def plateau_plans(scheduler: Any, bases: list[float]) -> list[Group]:
    """The exact and the clean listener of every group."""
    if not 0.0 < float(scheduler.factor) < 1.0:
        raise refuse(f"factor={scheduler.factor}", "a factor above 0 and below 1", "use 0.1")
    found = []
    least = list(scheduler.min_lrs)
    for i, base in enumerate(bases):
        if base <= 0.0:
            raise refuse(f"group {i} with a learning rate of 0", "rates above 0", "give the group a rate")
        settings: dict[str, Any] = {
            "factor": float(scheduler.factor), "patience": int(scheduler.patience), "cooldown": int(scheduler.cooldown),
            "threshold": number(scheduler.threshold, f"{WHERE}.threshold", 0.0),
            "threshold_mode": "relative" if scheduler.threshold_mode == "rel" else "absolute", "mode": scheduler.mode,
            "min_scale": min(rate_of(least[i], "min_lrs") / base, 1.0),
        }  # fmt: skip
        meant = reduce_on_plateau(constant(), **settings)
        eps = number(scheduler.eps, f"{WHERE}.eps", 0.0) / base
        exact = reduce_on_plateau(constant(), **settings, margin="signed", least_change=eps)
        found.append(Group(exact, meant, base))
    return found
