"""timm's plateau scheduler, which wraps PyTorch's."""

from calando.core.feedback import reduce_on_plateau
from calando.core.plan import Plan
from calando.peers.base import Converted
from calando.peers.finish import Group, finish
from calando.peers.legs import chain, level
from calando.peers.timm_reading import Timm
from calando.peers.torch_plateau import NEGATIVE, SMALL, plateau_plans

__all__ = ["from_plateau"]


def from_plateau(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    """PlateauLRScheduler as a listener."""
    if timm.width and quirks:
        raise timm.refuse(
            f"a warm-up of {timm.width} epochs, whose metrics timm does not hear",
            "a plateau without a warm-up, since a listener of ours hears every metric",
            "pass quirks=False, and begin to tell it metrics after the warm-up",
        )
    rule = timm.scheduler.lr_scheduler
    notes = [] if quirks else [NEGATIVE, SMALL.format(float(rule.eps))]
    if timm.width:
        notes.append(
            f"timm hears no metric of its first {timm.width} epochs; ours hears all, so begin to tell it after them"
        )
    inside = plateau_plans(rule, timm.bases)
    groups = []
    for rate, (exact, meant, base) in zip(timm.rates, inside, strict=True):
        opened = chain(timm.rise(rate), level(1.0))
        groups.append(Group(_around(exact, opened), _around(meant, opened), base))
    return finish("timm", groups, quirks, by_epoch=by_epoch, notes=notes)


def _around(listener: Plan, plan: Plan) -> Plan:
    """The same listener around another plan."""
    return reduce_on_plateau(plan, **{p.name: getattr(listener, p.name) for p in listener.parameters[1:]})
