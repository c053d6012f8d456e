"""The numbers of a living timm scheduler."""

import math
from typing import Any

from calando.core.plan import Plan
from calando.core.shapes.linear import linear_decay
from calando.core.shapes.warmup import warmup
from calando.errors import Unconvertible
from calando.peers.finish import number
from calando.peers.legs import level, share, whole

__all__ = ["Timm"]


class Timm:
    """A living scheduler's numbers."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.kind = type(scheduler).__name__
        groups = getattr(scheduler.optimizer, "param_groups", None) or [{}] * len(scheduler.base_values)
        self.rates = [self._positive(rate) for rate in scheduler.base_values]
        self.bases = [
            rate * number(group.get("lr_scale", 1.0), f"from_timm({self.kind}.lr_scale)")
            for rate, group in zip(self.rates, groups, strict=True)
        ]
        self.width = self.count("warmup_t")

    def _positive(self, rate: Any) -> float:
        value = number(rate, f"from_timm({self.kind}.base_values)")
        if value <= 0.0:
            raise self.refuse(f"a group with a learning rate of {value:g}", "learning rates above 0",
                              "give the group a learning rate")  # fmt: skip
        return value

    def number(self, name: str, low: float = -math.inf) -> float:
        """One attribute as a finite float."""
        return number(getattr(self.scheduler, name), f"from_timm({self.kind}.{name})", low)

    def count(self, name: str) -> int:
        """One attribute in whole steps."""
        value = self.number(name, 0.0)
        found = whole(value)
        if found is None:
            raise self.refuse(f"{name}={value:g}", "whole steps or epochs", "round it")
        return found

    def refuse(self, given: str, allowed: str, fix: str) -> Unconvertible:
        """The error for what no plan of ours can say."""
        return Unconvertible(given=given, allowed=allowed, where=f"from_timm({self.kind})", fix=fix)

    @property
    def prefix(self) -> bool:
        """Whether the clock of the rest starts after the warm-up."""
        return bool(self.scheduler.warmup_prefix)

    def rise(self, rate: float, top: float = 1.0) -> Plan | None:
        """The warm-up of a group, to the factor `top`; None where there is none."""
        start = share(self.number("warmup_lr_init", 0.0), rate)
        if not self.width:
            return None
        if top == 1.0 and start <= 1.0:
            return warmup(self.width, start=start)
        return level(start, self.width) if start == top else linear_decay(top, start, length=self.width)
