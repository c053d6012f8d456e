"""timm's plateau scheduler, which wraps PyTorch's."""

from calando.core.feedback import reduce_on_plateau
from calando.peers.base import Converted
from calando.peers.finish import Group, finish
from calando.peers.legs import chain, level, share
from calando.peers.timm_reading import Timm

__all__ = ["from_plateau"]

UNHEARD = "timm hears no metric of its first {0} epochs; ours hears all, so begin to tell it after them"


def from_plateau(timm: Timm, quirks: bool, by_epoch: bool) -> Converted:
    """PlateauLRScheduler as a listener."""
    if timm.width and quirks:
        raise timm.refuse(f"a warm-up of {timm.width} epochs, whose metrics timm does not hear",
                          "a plateau without a warm-up, since a listener of ours hears every metric",
                          "pass quirks=False, and begin to tell it metrics after the warm-up")  # fmt: skip
    rule = timm.scheduler.lr_scheduler
    notes = [UNHEARD.format(timm.width)] if timm.width else []
    notes.append("PyTorch's rule, inside timm's, counts a negative metric that stands still as an improvement; ours "
                 "does not")  # fmt: skip
    notes.append(f"PyTorch's rule makes no reduction of less than eps={float(rule.eps):g}; ours does")
    groups = []
    for i, (rate, base) in enumerate(zip(timm.rates, timm.bases, strict=True)):
        least = share(float(rule.min_lrs[i]), rate)
        if least > 1.0:
            raise timm.refuse(f"lr_min={least * rate:g} above the learning rate {rate:g}", "an lr_min below it",
                              "lower lr_min")  # fmt: skip
        plan = reduce_on_plateau(
            chain(timm.rise(rate), level(1.0)), factor=rule.factor, patience=rule.patience, cooldown=rule.cooldown,
            threshold=rule.threshold, threshold_mode="relative" if rule.threshold_mode == "rel" else "absolute",
            mode=rule.mode, min_scale=least,
        )  # fmt: skip
        groups.append(Group(plan, plan, base))
    return finish("timm", groups, quirks, by_epoch=by_epoch, notes=notes)
