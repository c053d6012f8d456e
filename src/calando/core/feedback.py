"""Feedback rules: listeners to a metric, as pure functions of (state, metric)."""

import math
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from calando.core.algebra import Wrapper, fit
from calando.core.clock import Clock
from calando.core.curve import Curve
from calando.core.kinds import ABOVE_ZERO, FACTOR, Choice, Number, Whole
from calando.core.plan import Nested, Plan
from calando.errors import BadState, BadValue, shown

__all__ = ["PlateauRule", "PlateauState", "reduce_on_plateau"]


class PlateauState(NamedTuple):
    """Everything a plateau rule remembers.

    Args:
        scale: what the rule multiplies the learning rate by, 0 to 1.
        best: the best metric so far, or None before the first.
        bad: metrics in a row that were no better.
        cooling: metrics still to pass before bad ones count again.
        seen: metrics heard so far.
    """

    scale: float = 1.0
    best: float | None = None
    bad: int = 0
    cooling: int = 0
    seen: int = 0


class PlateauRule(NamedTuple):
    """The pure rule behind `reduce_on_plateau`: `update(state, metric)` gives the next state.

    Example:
        >>> rule = PlateauRule(patience=0, factor=0.5)
        >>> state = rule.update(rule.update(rule.initial(), 1.0), 1.0)
        >>> state.scale
        0.5
    """

    factor: float = 0.1
    patience: int = 10
    cooldown: int = 0
    threshold: float = 1e-4
    threshold_mode: str = "relative"
    mode: str = "min"
    min_scale: float = 0.0
    convention: str = "torch"
    margin: str = "size"
    least_change: float = 0.0

    def initial(self) -> PlateauState:
        """The state before any metric."""
        return PlateauState()

    def is_better(self, metric: float, best: float | None) -> bool:
        """Whether a metric improves on the best by more than the threshold; one that is not finite never does."""
        if not math.isfinite(metric):
            return False
        if best is None:
            return True
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "relative":
            share = self.threshold if self.margin == "signed" else math.copysign(self.threshold, best)
            bar = best * (1.0 + sign * share)
        else:
            bar = best + sign * self.threshold
        return sign * metric > sign * bar

    def update(self, state: PlateauState, metric: float) -> PlateauState:
        """The state after one more metric.

        Raises:
            BadValue: for a metric that is no number.
        """
        try:
            value = float("text" if isinstance(metric, str | bytes | bool) else metric)
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise BadValue(
                given=f"{shown(metric)} ({type(metric).__name__})", allowed="one number", where="metric",
                fix="pass the metric's value, such as loss.item()",
            ) from error  # fmt: skip
        count = self._count_keras if self.convention == "keras" else self._count_torch
        return count(state._replace(seen=state.seen + 1), value)

    def _count_torch(self, state: PlateauState, metric: float) -> PlateauState:
        better = self.is_better(metric, state.best)
        state = state._replace(best=metric, bad=0) if better else state._replace(bad=state.bad + 1)
        if state.cooling > 0:
            state = state._replace(cooling=state.cooling - 1, bad=0)
        return self._reduced(state) if state.bad > self.patience else state

    def _count_keras(self, state: PlateauState, metric: float) -> PlateauState:
        if state.cooling > 0:
            state = state._replace(cooling=state.cooling - 1, bad=0)
        if self.is_better(metric, state.best):
            return state._replace(best=metric, bad=0)
        if state.cooling > 0:
            return state
        state = state._replace(bad=state.bad + 1)
        return self._reduced(state) if state.bad >= self.patience else state

    def _reduced(self, state: PlateauState) -> PlateauState:
        scale = min(state.scale, max(state.scale * self.factor, self.min_scale))
        if self.least_change and not state.scale - scale > self.least_change:
            scale = state.scale
        return state._replace(scale=scale, cooling=self.cooldown, bad=0)

    def to_plain(self, state: PlateauState) -> dict[str, Any]:
        """The state as numbers and None alone."""
        return dict(state._asdict())

    def from_plain(self, plain: dict[str, Any]) -> PlateauState:
        """The state back from `to_plain`.

        Raises:
            BadState: when a part is missing or of another type.
        """
        names = PlateauState._fields
        if not isinstance(plain, dict) or set(plain) != set(names):
            raise _bad_state(plain, "a dict of " + ", ".join(names))
        scale, best, *counts = (plain[name] for name in names)
        if not _is_real(scale) or not 0.0 <= scale <= 1.0:
            raise _bad_state(scale, "a scale from 0 to 1")
        if best is not None and not _is_real(best):
            raise _bad_state(best, "a finite best metric, or None")
        if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
            raise _bad_state(counts, "whole numbers >= 0 for bad, cooling and seen")
        return PlateauState(scale, best, *counts)


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e308 <= value <= 1e308


def _bad_state(given: object, allowed: str) -> BadState:
    return BadState(given=shown(given), allowed=allowed, where="plateau state", fix="load what to_plain wrote")


class reduce_on_plateau(Wrapper):
    """A plan whose rate is reduced when a metric stops improving.

    Formula: the rate is base * a(t) * scale; scale starts at 1 and becomes max(scale*factor, min_scale) when a
    metric has not improved for long enough. Better (mode=min) means metric < best - threshold*|best| (relative) or
    metric < best - threshold (absolute), so it works for negative metrics too.

    Args:
        plan: any closed-form plan; `schedule(t)` is its value, with the scale left out.
        factor: what a reduction multiplies by, above 0 and below 1.
        patience: how many metrics without improvement are borne, >= 0.
        cooldown: metrics to wait after a reduction, >= 0.
        threshold: the improvement that counts, >= 0.
        threshold_mode: relative or absolute.
        mode: min or max, the direction of better.
        min_scale: the least scale, 0 to 1.
        convention: "torch" reduces when more than `patience` metrics were bad; "keras" when `patience` were, and
            hears no bad ones while cooling down.
        margin: "size" takes a relative threshold of |best|; "signed" of best itself, as torch does, so that a negative
            metric that stands still counts as an improvement.
        least_change: reductions of the scale by no more than this are not made, >= 0 (torch's eps over the base).

    Raises:
        BadValue: for a factor outside (0, 1) or a listener inside a listener.

    Example:
        >>> import calando
        >>> schedule = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=1).bind(100)
        >>> state = schedule.rule.initial()
        >>> for loss in [1.0, 1.0, 1.0]:
        ...     state = schedule.rule.update(state, loss)
        >>> state.scale
        0.5

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau; keras.callbacks.ReduceLROnPlateau.
    """

    kind: ClassVar[str] = "feedback"

    plan: Annotated[Plan, Nested()]
    factor: Annotated[float, ABOVE_ZERO] = 0.1
    patience: Annotated[int, Whole(high=10**9)] = 10
    cooldown: Annotated[int, Whole(high=10**9)] = 0
    threshold: Annotated[float, FACTOR] = 1e-4
    threshold_mode: Annotated[Literal["relative", "absolute"], Choice("relative", "absolute")] = "relative"
    mode: Annotated[Literal["min", "max"], Choice("min", "max")] = "min"
    min_scale: Annotated[float, Number(high=1.0)] = 0.0
    convention: Annotated[Literal["torch", "keras"], Choice("torch", "keras")] = "torch"
    margin: Annotated[Literal["size", "signed"], Choice("size", "signed")] = "size"
    least_change: Annotated[float, FACTOR] = 0.0

    def check(self) -> None:
        if self.factor >= 1.0:
            raise BadValue(
                given=f"factor={self.factor:g}", allowed="above 0 and below 1", where="reduce_on_plateau.factor",
                fix="use 0.1 or 0.5",
            )  # fmt: skip

    @property
    def rule(self) -> PlateauRule:
        """The pure rule."""
        return PlateauRule(**{name: getattr(self, name) for name in PlateauRule._fields})

    def lower(self, steps: int, clock: Clock) -> Curve:
        return fit(self.plan, steps, clock, "reduce_on_plateau")
