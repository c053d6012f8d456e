"""What ignite's parameter schedulers mean: living handlers, read by their class names and attributes."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from calando.core.bundle import bundle
from calando.core.plan import Plan
from calando.errors import shown
from calando.peers.asked import check_asked
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.ignite_cycles import WHERE, Values, cyclical_values, piecewise_values, refuse
from calando.peers.ignite_states import STATES, state_values
from calando.peers.ignite_wrapped import wrapped_values
from calando.peers.legs import level
from calando.peers.torch_course import Maker, segments, value_of
from calando.peers.torch_plateau import NEGATIVE, SMALL, plateau_plans

__all__ = ["from_ignite"]

READERS: Final[dict[str, Callable[[Any, int], Values]]] = {
    "LinearCyclicalScheduler": cyclical_values,
    "CosineAnnealingScheduler": cyclical_values,
    "PiecewiseLinear": piecewise_values,
}
JOINED: Final = ("ConcatScheduler", "ParamGroupScheduler", "LRScheduler")
WRITTEN_OUT: Final = 10_000


def from_ignite(handler: Any, *, horizon: int | None = None, quirks: bool = True, per: str = "step") -> Converted:
    """A parameter scheduler of ignite as plans, one per parameter group.

    Formula: that of ignite's class; event t sets the value of update t, since handlers run at ITERATION_STARTED.

    Args:
        handler: a living scheduler of ignite.handlers, what create_lr_scheduler_with_warmup returned, or one for the
            engine's state, whose values are then those of calls 0, 1, ... of the handler.
        horizon: steps of the run, >= 1; cycles that change in size or height are written out that far (10000 unless
            given).
        quirks: equal ignite at every step, or (False) the plan that was probably meant, all differences listed.
        per: "step" or "epoch": what the handler's event is; counted in epochs, a value is held for each epoch.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say.
        BadName: for another `per`.
        BadValue: for another horizon.

    Example:
        >>> import torch
        >>> import calando
        >>> class PiecewiseLinear:  # stands for ignite's own
        ...     param_name, param_group_index, event_index = "lr", None, 0
        ...     milestones, values = [0, 10], [0.0, 0.1]
        >>> handler = PiecewiseLinear()
        >>> handler.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> found = calando.from_ignite(handler)
        >>> str(found.plan), found.bases
        ('points(at=[0, 10], values=[0, 1])', (0.1,))

    Source: ignite.handlers.param_scheduler.
    """
    check_asked(WHERE, quirks=quirks, horizon=horizon, per=per)
    name, by_epoch = type(handler).__name__, per == "epoch"
    if name == "ReduceLROnPlateauScheduler":
        return _plateau(handler, quirks, by_epoch)
    length = horizon or WRITTEN_OUT
    if name in STATES:
        values = state_values(handler)
        base = values.top or 1.0
        plan = values.maker(base)(None)
        return finish("ignite", [Group(plan, plan, base)], quirks, horizon=horizon, by_epoch=by_epoch,
                      position=values.position)  # fmt: skip
    exact = Groups(handler, length, True)
    meant = exact if quirks else Groups(handler, length, False)
    bases = [meant.base(i) for i in range(meant.count)]
    groups = [Group(exact.plan(i, base), meant.plan(i, base), base) for i, base in enumerate(bases)]
    return finish(
        "ignite", groups, quirks, horizon=horizon, own=length, by_epoch=by_epoch, reasons=exact.reasons,
        notes=exact.notes, position=exact.position,
    )  # fmt: skip


class Groups:
    """What a handler does to each parameter group: quantities by name, as curves of absolute values."""

    def __init__(self, handler: Any, horizon: int, quirks: bool) -> None:
        self._horizon, self._quirks = horizon, quirks
        self._optimizer = _optimizer(handler)
        self.count = len(self._optimizer.param_groups)
        self.reasons: list[str] = []
        self.notes: list[str] = []
        self._alone = type(handler).__name__ == "LRScheduler"
        self.curves, self.position = self._read(handler)

    def plan(self, group: int, base: float) -> Plan:
        """The plan of a group on a base."""
        rates, others = self.curves[group].get("lr"), dict(self.curves[group])
        others.pop("lr", None)
        plan = level(1.0) if rates is None else rates.maker(base)(None)
        quantities = {name: values.maker(1.0)(None) for name, values in others.items()}
        return bundle(plan, **quantities) if quantities else plan

    def base(self, group: int) -> float:
        """What factor 1 stands for."""
        rates = self.curves[group].get("lr")
        now = number(self._optimizer.param_groups[group]["lr"], f"{WHERE}.lr", 0.0)
        return now if rates is None else rates.top or 1.0

    def _read(self, handler: Any) -> tuple[list[dict[str, Values]], int]:
        name = type(handler).__name__
        if name == "ConcatScheduler":
            return self._in_turn(handler)
        if name == "ParamGroupScheduler":
            read = [self._read(one) for one in handler.schedulers]
            merged: list[dict[str, Values]] = [{} for _ in range(self.count)]
            for curves, _ in read:
                for i, found in enumerate(curves):
                    merged[i].update(found)
            return merged, max(position for _, position in read)
        if name == "LRScheduler":
            return self._wrapped(handler, None)
        if name not in READERS:
            raise refuse(
                f"{shown(handler)} ({name})", ", ".join([*READERS, *JOINED, "ReduceLROnPlateauScheduler", *STATES]),
                "give the handler itself; a batch size or a scheduler of your own has no closed form that is known",
            )  # fmt: skip
        values_ = READERS[name](handler, self._horizon)
        if values_.past and values_.past not in self.notes:
            self.notes.append(values_.past)
        chosen = range(self.count) if handler.param_group_index is None else [handler.param_group_index % self.count]
        name = str(handler.param_name)
        if name not in self._optimizer.param_groups[0] or name in ("params", "betas"):
            raise refuse(f"the parameter {name!r}", "a number of the optimizer's groups", "schedule lr or momentum")
        return [{name: values_} if i in chosen else {} for i in range(self.count)], values_.position

    def _in_turn(self, handler: Any) -> tuple[list[dict[str, Values]], int]:
        """ConcatScheduler: each for its number of events; one of none, but for the first, is never left again."""
        lengths: list[int | None] = []
        schedulers = []
        for i, one in enumerate([*handler.durations, None]):
            if one == 0 and (i == 0 or not self._quirks):
                continue
            stuck = one is not None and one <= 0
            if stuck:
                self.reasons.append(f"a duration of {one} is never over in ignite")
            schedulers.append(handler.schedulers[i])
            lengths.append(None if stuck else one)
            if stuck and self._quirks:
                break
        read: list[tuple[list[dict[str, Values]], int]] = []
        for scheduler in schedulers:
            if type(scheduler).__name__ == "LRScheduler" and read:
                read.append(self._wrapped(scheduler, self._reached(read, lengths)))
            else:
                read.append(self._read(scheduler))
        position = sum(position for _, position in read)
        return [self._joined(i, [curves[i] for curves, _ in read], lengths) for i in range(self.count)], position

    def _wrapped(self, handler: Any, found: list[float] | None) -> tuple[list[dict[str, Values]], int]:
        """LRScheduler, which goes on from the rates that it finds: those in force where it is the first."""
        events = int(handler.event_index)
        now = [number(group["lr"], f"{WHERE}.lr", 0.0) for group in self._optimizer.param_groups]
        values, reasons = wrapped_values(handler, self._quirks, now if found is None and not events else found)
        self.reasons += reasons
        if self._quirks and found is None and events and self._alone:
            for i, rate in enumerate(now):
                curve = values[i]["lr"]
                wanted = curve.top * value_of(curve.maker(curve.top or 1.0), events - 1)
                if not math.isclose(rate, wanted, rel_tol=1e-9, abs_tol=1e-12 * curve.top):
                    raise refuse(
                        f"group {i} at the rate {rate:g} after {events} events, where its scheduler gives {wanted:g} "
                        "from its own base", "a handler whose rates nobody has changed, or one before its first event",
                        "convert it before the run",
                    )  # fmt: skip
        return [dict(row) for row in values], events

    def _reached(
        self, read: list[tuple[list[dict[str, Values]], int]], lengths: list[int | None]
    ) -> list[float]:  # fmt: skip
        """The rates that the pieces so far leave."""
        found = [float(group["lr"]) for group in self._optimizer.param_groups]
        for (curves, _), length in zip(read, lengths, strict=False):
            for i, quantities in enumerate(curves):
                rates = quantities.get("lr")
                if rates is not None:
                    found[i] = rates.top * value_of(rates.maker(rates.top or 1.0), (length or 1) - 1)
        return found

    def _joined(self, group: int, pieces: list[dict[str, Values]], lengths: list[int | None]) -> dict[str, Values]:
        names = {name for piece in pieces for name in piece}
        joined = {}
        for name in sorted(names):
            held = self._now(group, name)
            tops, makers = [held], []
            for piece, length in zip(pieces, lengths, strict=True):
                values = piece.get(name)
                makers.append((length, partial(_level_of, held) if values is None else values.maker))
                if values is not None:
                    tops.append(values.top)
                    held = values.top * value_of(values.maker(values.top or 1.0), (length or 1) - 1)
            started = pieces[0].get(name) is not None
            joined[name] = Values(max(tops[1:] if started else tops), partial(_segments, makers), 0)
        return joined

    def _now(self, group: int, name: str) -> float:
        held = self._optimizer.param_groups[group]
        return float(held["betas"][0] if name == "beta1" else held[name])


def _level_of(value: float, base: float) -> Maker:
    return lambda length: level(value / base, length)


def _segments(parts: list[tuple[int | None, Callable[[float], Maker]]], base: float) -> Maker:
    return segments(*((length, make(base)) for length, make in parts))


def _optimizer(handler: Any) -> Any:
    found = getattr(handler, "optimizer", None)
    found = found[0] if isinstance(found, list) and found else found
    if found is None:
        raise refuse(f"{shown(handler)} ({type(handler).__name__})", ", ".join([*READERS, *JOINED, *STATES]),
                     "give a handler that drives an optimizer")  # fmt: skip
    return found


def _plateau(handler: Any, quirks: bool, by_epoch: bool) -> Converted:
    """ReduceLROnPlateauScheduler, which counts its floors from its first group."""
    every = handler.optimizer.param_groups
    rates = [number(group.get("initial_lr", group["lr"]), f"{WHERE}.lr", 0.0) for group in every]
    chosen = range(len(every)) if handler.param_group_index is None else [handler.param_group_index % len(every)]
    listening = plateau_plans(handler.scheduler, [rates[i] for i in chosen])
    groups = [Group(level(1.0), level(1.0), rate) for rate in rates]
    for i, found in zip(chosen, listening, strict=True):
        groups[i] = found
    heard = int(handler.scheduler.last_epoch)
    notes = [] if quirks else [NEGATIVE, SMALL.format(float(handler.scheduler.eps))]
    if heard:
        notes.append(f"it has heard {heard} metrics; a new listener begins without them")
    return finish("ignite", groups, quirks, by_epoch=by_epoch, notes=notes, position=heard)
