"""The rate that an optimizer really used, read back at every update and held against what was asked."""

import math
from collections.abc import Callable, MutableMapping
from typing import Any, NoReturn

from calando.errors import LabError
from calando.lab.protocols import HookedOptimizer, Optimizer

__all__ = ["Gauge", "read_rate", "set_peak"]

TOLERANCE = 1e-6  # relative; a float32 tensor holds a rate to about 6e-8


def read_rate(group: MutableMapping[str, Any]) -> float:
    """The group's rate as a float, whatever the framework keeps it in.

    >>> read_rate({"lr": 0.5})
    0.5
    """
    return float(group["lr"])


def set_peak(optimizer: Optimizer, peak: float | None) -> list[float]:
    """Set the largest group's base to `peak`, keep the ratios of the others; gives the bases.

    Without a peak the optimizer's own rates stand.

    >>> from types import SimpleNamespace
    >>> set_peak(SimpleNamespace(param_groups=[{"lr": 0.1}, {"lr": 0.2}]), 0.5)
    [0.25, 0.5]
    """
    groups = list(optimizer.param_groups)
    rates = [read_rate(group) for group in groups]
    largest = max(rates, default=0.0)
    if not (groups and math.isfinite(largest) and (peak is None or largest > 0)):
        raise LabError(
            given=f"an optimizer whose rates are {rates}",
            allowed="parameter groups with finite rates, the largest above 0",
            where="run.attach",
            fix="build the optimizer with a positive lr; the run replaces it by the candidate's peak",
        )
    if peak is None:
        return rates
    bases = [peak * (rate / largest) for rate in rates]
    for group, base in zip(groups, bases, strict=True):
        if hasattr(group["lr"], "fill_"):
            group["lr"].fill_(base)  # a tensor stays the same tensor
        else:
            group["lr"] = base
        if "initial_lr" in group:
            group["initial_lr"] = base
    return bases


class Gauge:
    """Watches one attached optimizer.

    Args:
        optimizer: anything with `param_groups`; read at each of its updates where it tells of them,
            else just before the update's batch is handed out.
        asked: step -> factor that must be in force.
        bases: the groups' rates at factor 1.0, in units of the learning rate.
        broken: ends the run with the reason that it is given.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        asked: Callable[[int], float],
        bases: list[float],
        broken: Callable[[str], NoReturn],
    ) -> None:
        self.optimizer = optimizer
        self._asked = asked
        self._bases = bases
        self._end = broken
        self._main = max(range(len(bases)), key=bases.__getitem__)
        self._step = 0
        self._used: float | None = None
        self.updates = 0  # in this turn of the loop
        self.total = 0
        if hooked := isinstance(optimizer, HookedOptimizer):
            optimizer.register_step_pre_hook(self._at_update)
        self.hooked = hooked

    def before(self, step: int) -> None:
        """Hold the rates against update `step`, just before its batch is handed out."""
        self._step, self.updates = step, 0
        self._used = self._check(step)

    def after(self) -> float:
        """The rate that the update really used (of the group with the largest base)."""
        return math.nan if self._used is None else self._used

    def _at_update(self, *_: object) -> None:
        self.updates += 1
        self.total += 1
        self._used = self._check(self._step)

    def _check(self, step: int) -> float:
        groups = self.optimizer.param_groups
        used = read_rate(groups[self._main])
        factor = self._asked(step)
        for number, base in enumerate(self._bases):
            rate = used if number == self._main else read_rate(groups[number])
            asked = base * factor
            if not abs(rate - asked) <= TOLERANCE * max(abs(asked), 1e-6 * base):
                self._end(self._broken(step, number, rate))
        return used

    def _broken(self, step: int, number: int, rate: float) -> str:
        factor = self._asked
        base, cause = self._bases[number], "something else set it: let the schedule be its only source"
        asked = base * factor(step)
        if step > 0 and math.isclose(rate, base * factor(step - 1), rel_tol=1e-6):
            cause = "the rate did not move on: call scheduler.step() once after every update"
        elif math.isclose(rate, base * factor(step + 1), rel_tol=1e-6):
            cause = "the rate moved on too early: call scheduler.step() once, after optimizer.step()"
        group = f" in group {number}" if len(self._bases) > 1 else ""
        return f"update {step} asked for the rate {asked:.6g}{group} and found {rate:.6g}; {cause}"
