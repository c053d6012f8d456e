"""Keras' callbacks that own the learning rate: ReduceLROnPlateau and LearningRateScheduler."""

import inspect
from collections.abc import Callable
from typing import Any

from calando.core.feedback import reduce_on_plateau
from calando.core.shapes.constant import constant
from calando.core.shapes.function import function
from calando.errors import BadName, BadValue, Unconvertible, shown
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import share

__all__ = ["from_plateau", "from_scheduler"]


def from_plateau(callback: Any, quirks: bool, lr: float | None, mode: str | None) -> Converted:
    """keras.callbacks.ReduceLROnPlateau as a listener of ours, in Keras' convention."""
    base = _needed(lr, "ReduceLROnPlateau")
    where = "from_keras(ReduceLROnPlateau)"
    floor = share(number(callback.min_lr, f"{where}.min_lr", 0.0), base)
    factor = number(callback.factor, f"{where}.factor")
    if not 0.0 < factor < 1.0 or floor > 1.0:
        raise Unconvertible(
            given=f"factor={factor:g}, min_lr={floor * base:g} with a learning rate of {base:g}",
            allowed="a factor above 0 and below 1, a min_lr at most the learning rate", where=where,
            fix="mend the callback",
        )  # fmt: skip
    notes = [
        "Keras forgets what it has heard at every fit; ours goes on, and is saved with the optimizer",
        "Keras takes a first metric that is NaN as the best one, and never improves on it; ours passes over it",
    ]
    plan = reduce_on_plateau(
        constant(), factor=factor, patience=_count(callback.patience, "patience"),
        cooldown=_count(callback.cooldown, "cooldown"), threshold=abs(float(callback.min_delta)),
        threshold_mode="absolute", mode=_direction(callback, mode), min_scale=floor, convention="keras",
    )  # fmt: skip
    return finish("Keras", [Group(plan, plan, base)], quirks, notes=notes)


def _count(value: Any, name: str) -> int:
    count = number(value, f"from_keras(ReduceLROnPlateau.{name})")
    if count != int(count):
        raise Unconvertible(
            given=f"{name}={count:g}", allowed="a whole number", where="from_keras(ReduceLROnPlateau)", fix="round it"
        )
    return max(int(count), 0)


def _direction(callback: Any, mode: str | None) -> Any:
    if mode is None:
        mode = callback.mode
        if mode == "auto" and str(callback.monitor).removeprefix("val_") == "loss":
            mode = "min"
    if mode not in ("min", "max"):
        raise BadName(
            given=f"mode={shown(mode)} for the metric {shown(callback.monitor)}", allowed="min, max",
            where="from_keras(mode)", fix="pass mode='max' for a metric that is to grow, such as an accuracy",
        )  # fmt: skip
    return mode


def _needed(lr: float | None, name: str) -> float:
    if lr is None or lr <= 0.0:
        raise BadValue(
            given=f"a {name} and {'no learning rate' if lr is None else f'a learning rate of {lr:g}'}",
            allowed="the learning rate > 0 that the optimizer starts with", where="from_keras(lr)", fix="pass lr=...",
        )  # fmt: skip
    return lr


class _Epochs:
    """A user's function of the epoch, and of the rate before where it takes one, as a function of the epoch alone."""

    def __init__(self, call: Callable[..., Any], base: float, takes_rate: bool) -> None:
        self._call, self._base, self._takes_rate = call, base, takes_rate
        self._rates: list[float] = []

    def __call__(self, epoch: int) -> float:
        if not self._takes_rate:
            return float(self._call(epoch)) / self._base
        while len(self._rates) <= epoch:
            before = self._rates[-1] if self._rates else self._base
            self._rates.append(float(self._call(len(self._rates), before)))
        return self._rates[epoch] / self._base


def from_scheduler(call: Callable[..., Any], quirks: bool, lr: float | None, horizon: int | None) -> Converted:
    """keras.callbacks.LearningRateScheduler as a function of the epoch: a step of the plan is an epoch."""
    base = _needed(lr, "LearningRateScheduler")
    takes_rate = _parameters(call) >= 2
    plan = function(_Epochs(call, base, takes_rate))
    notes = ["a step of this plan is an epoch, as in the callback: let the host step once an epoch"]
    if takes_rate:
        notes.append("the function is asked epoch by epoch, from the first learning rate on, whatever else sets it")
    return finish("Keras", [Group(plan, plan, base)], quirks, horizon=horizon, notes=notes)


def _parameters(call: Callable[..., Any]) -> int:
    try:
        found = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 1
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places for p in found) + 9 * any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found)
