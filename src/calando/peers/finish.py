"""From the plans of a peer's groups to `Converted`: epochs, and the differences measured."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from calando.core.bundle import bundle
from calando.core.clock import Clock, Length, length_of
from calando.core.feedback import reduce_on_plateau
from calando.core.picture.numbers import rate
from calando.core.plan import Plan
from calando.core.timing import hold
from calando.errors import BadValue, shown
from calando.peers.base import Converted, own_length

__all__ = ["Group", "finish", "in_epochs", "number"]

LOOKED_AT: Final = 1000
EQUAL: Final = 1e-12


class Group(NamedTuple):
    """One parameter group: the plan that equals the peer, the one that was probably meant, and the base of both."""

    exact: Plan
    meant: Plan
    base: float


def finish(
    peer: str,
    groups: Sequence[Group],
    quirks: bool,
    *,
    horizon: int | None = None,
    own: int | None = None,
    by_epoch: bool = False,
    reasons: Sequence[str] = (),
    notes: Sequence[str] = (),
    past: str = "",
    position: int = 0,
) -> Converted:
    """What an importer returns.

    Args:
        peer: the library's name, for sentences.
        groups: one for each parameter group.
        quirks: whether the exact plans are asked for.
        horizon: where the peer ends, in its own steps or epochs.
        own: the step from which its value stands still, where it does not end; only differences are looked for there.
        by_epoch: whether the peer counts epochs.
        reasons: why the meant plan is another one; told only where it is, with the first step and the size.
        notes: differences that no curve shows.
        past: what the peer does past its end, where that is not what ours does.
        position: the steps that a living peer has behind it.
    """
    told = [] if quirks else _parted(peer, groups, horizon or max(2 * (own or 0), LOOKED_AT), by_epoch, reasons)
    told += [*notes, *([past] if past else [])]
    plans = [group.exact if quirks else group.meant for group in groups]
    return Converted(
        [in_epochs(plan) for plan in plans] if by_epoch else plans,
        [group.base for group in groups],
        horizon=horizon, differences=told, quirks=quirks, position=position, per="epoch" if by_epoch else "step",
    )  # fmt: skip


def _parted(peer: str, groups: Sequence[Group], horizon: int, by_epoch: bool, reasons: Sequence[str]) -> list[str]:
    """Where the meant plans part from the exact ones, measured; empty where they do not."""
    import numpy as np

    steps = np.arange(min(horizon, 10**6) + 1, dtype=np.int64)
    found: list[str] = []
    seen = set()
    for i, (exact, meant, base) in enumerate(groups):
        if exact == meant or (exact, meant) in seen:
            continue
        seen.add((exact, meant))
        theirs, ours = (np.asarray(plan.bind(max(horizon, _length(plan)))(steps)) for plan in (exact, meant))
        gap = np.abs(theirs - ours)
        apart = np.flatnonzero(gap > EQUAL * max(float(theirs.max()), float(ours.max())))
        if not len(apart):
            continue
        first, most = int(apart[0]), int(gap.argmax())
        clock = "epoch" if by_epoch else "step"
        where = f" (group {i})" if len(groups) > 1 else ""
        found.append(
            f"{'; '.join(reasons)}: first at {clock} {first}{where}, {rate(theirs[first] * base)} in {peer} and "
            f"{rate(ours[first] * base)} here; at most {rate(gap[most] * base)} apart, at {clock} {most}"
        )
    return found


def _length(plan: Plan) -> int:
    """The steps that a plan says itself."""
    return math.ceil(own_length(plan, Clock(1)))


def in_epochs(plan: Plan) -> Plan:
    """A plan of steps as the same plan of epochs, whose value changes at their ends only.

    >>> import calando
    >>> str(in_epochs(calando.warmup(5) | calando.cosine(length=90)))
    'hold(warmup(5ep) | cosine(length=90ep))'
    """
    if isinstance(plan, reduce_on_plateau):
        return reduce_on_plateau(in_epochs(plan.plan), **{p.name: getattr(plan, p.name) for p in plan.parameters[1:]})
    if isinstance(plan, bundle):
        return bundle(in_epochs(plan.lr), **{name: in_epochs(inner) for name, inner in plan.quantities})
    inner = _epochs(plan)
    return inner if not _moves(plan) else hold(inner, every="1ep")


def _moves(plan: Plan) -> bool:
    return type(plan).__name__ != "constant"


def _epochs(plan: Any) -> Any:
    if isinstance(plan, Length):
        return Length(plan.amount, "ep") if plan.unit == "" else plan
    if isinstance(plan, tuple):
        return tuple(_epochs(entry) for entry in plan)
    if not isinstance(plan, Plan):
        return plan
    if plan.variadic is not None:
        return type(plan)(*(_epochs(child) for child in plan.children))
    values: dict[str, Any] = {}
    for parameter, value in zip(plan.parameters, plan.arguments, strict=True):
        changed = _epochs(value)
        if isinstance(value, int | str) and not isinstance(value, bool) and parameter.name in ("length", "every"):
            changed = _epochs(length_of(value))
        values[parameter.name] = changed
    return type(plan)(**values)


def number(value: Any, where: str, low: float = -math.inf) -> float:
    """A finite float from a number, or from an array of one, as frameworks keep them.

    Raises:
        BadValue: for anything else, or a number below `low`.

    >>> number(3, "here")
    3.0
    """
    try:
        found = math.nan if isinstance(value, str | bytes | bool | list | tuple | dict) else float(value)
    except Exception:  # noqa: BLE001  # tracers and foreign arrays raise whatever they like
        found = math.nan
    if not math.isfinite(found) or found < low:
        raise BadValue(
            given=f"{shown(value)} ({type(value).__name__})", where=where,
            allowed="a finite number" + (f" >= {low:g}" if low > -math.inf else ""), fix="give a plain number",
        )  # fmt: skip
    return found
