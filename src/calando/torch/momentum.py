"""Momentum that touches 0, where PyTorch leaves out what it does at every other value."""

from torch.optim import RMSprop

from calando.core.hosts import innermost
from calando.core.schedule import Schedule
from calando.errors import BadValue
from calando.torch.groups import Group, HasGroups
from calando.torch.quantities import InKey
from calando.torch.track import Track

__all__ = ["check_momentum"]


def check_momentum(optimizer: HasGroups, track: Track, groups: list[Group], tensors: bool) -> None:
    """Refuse a momentum that is 0 where that would train another model, or end in an error in the middle of the run.

    At momentum 0 PyTorch leaves the momentum buffer as it is; a compiled step, which cannot ask, fills it. And RMSprop
    makes its buffers before its first update or never. Schedules are looked at as `facts` are.

    Raises:
        BadValue: for such a momentum.
    """
    schedule = track.schedule
    if not isinstance(track.writers.get("momentum"), InKey) or not isinstance(schedule, Schedule):
        return
    late = isinstance(innermost(optimizer), RMSprop)
    if not (tensors or late):
        return
    sizes = {name: value for name, value in schedule.settings().items() if name not in ("plan", "horizon", "strict")}
    momentum = dict(schedule.plan.quantities)["momentum"].bind(schedule.horizon, **sizes)  # type: ignore[attr-defined]
    facts = momentum.facts
    dampened = any(group.get("dampening") for group in groups)
    if tensors and (facts.lowest <= 0 or (dampened and facts.end <= 0)):
        raise BadValue(
            given=f"tensors=True with a momentum that falls to {min(facts.lowest, facts.end):g}: {momentum}",
            allowed="a momentum > 0 at every update: at 0 PyTorch leaves its buffer alone, a compiled step cannot",
            where="attach(tensors=True)",
            fix="keep it above 0 (1e-3 is as good as none), or attach with tensors=False",
        )
    if late and momentum(0) <= 0 < facts.peak:
        raise BadValue(
            given=f"RMSprop with a momentum that is {momentum(0):g} at first and not later: {momentum}",
            allowed="a momentum > 0 at the first update, when RMSprop makes its buffers, or 0 all the way",
            where="attach(schedule)",
            fix="begin above 0: 1e-3 is as good as none",
        )
