"""What `calando convert` says: the plan, its curve beside the peer's, every difference; for people and as JSON."""

import json
import re
from collections.abc import Sequence
from typing import Any

from calando.cli.converting.measure import Measured
from calando.cli.converting.source import Found
from calando.core.picture.numbers import rate as rate_text
from calando.core.plan import Plan
from calando.core.plan import told as spelled
from calando.core.schedule import Schedule
from calando.errors import CalandoError
from calando.peers.base import Converted

__all__ = ["drawing", "plain", "sheet", "short"]


def drawing(peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None) -> Any:
    """The picture of our curve, and of the peer's where it was measured."""
    from calando.core.picture.layout import picture
    from calando.core.shapes.points import points

    ours, base = schedules[0], found.exact.bases[0] or 1.0
    if measured is None:
        return picture([ours], peak=base)
    every = max(1, len(measured.steps) // 3000)
    at, rows = measured.steps[::every], measured.rows[::every]
    theirs = points(at, [max(row[0], 0.0) / base for row in rows], between="step").bind(ours.horizon)
    drawn = picture([ours, theirs], peak=base)
    return drawn._replace(names=(drawn.names[0], f"{peer}: {found.call}"))


def sheet(
    peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None, width: int | None,
    given: int | None,
) -> Any:  # fmt: skip
    """The lines for people."""
    from calando.cli.sheet import curves
    from calando.cli.show import can_write, screen
    from calando.cli.tables import bulleted, paint, table
    from calando.core.picture.layout import letter

    columns, lines = screen()
    width = width or columns
    drawn = drawing(peer, found, schedules, measured)
    yield from _plan_lines(found.exact, width)
    yield from curves(drawn, width, max(8, min(width // 5, 20, lines - 16)), not can_write("⣿│⠀"))
    if len(drawn.names) > 1:
        for slot, name in enumerate(("this plan", f"{peer} itself")):
            yield paint(letter(slot), slot, bold=True) + f" {name}"
    yield ""
    unit = "epochs" if found.exact.per == "epoch" else "steps"
    rows = [["horizon", f"{schedules[0].horizon:,} {unit}{_said(found.exact, schedules[0].horizon, given)}"]]
    rows += [[f"group {i}" if len(found.exact.bases) > 1 else "base", rate_text(base, 6)]
             for i, base in enumerate(found.exact.bases)]  # fmt: skip
    yield from table(["", ""], rows, width)
    yield ""
    yield from bulleted("=", _verdict(peer, found, measured, unit), width)
    for text in found.exact.differences:
        yield from bulleted("!", text, width)
    yield ""
    yield from _other_lines(found, width)


def _said(found: Converted, steps: int, given: int | None) -> str:
    """Whose number the horizon is, where that has to be told."""
    if given is None:
        return ""
    if found.horizon in (None, given):
        return ", as given" if steps == given else f": the plan is longer than the {given:,} that are given"
    return f", the peer's own: --horizon {given} is not used"


def _plan_lines(found: Converted, width: int) -> Any:
    from textwrap import wrap

    texts = [spelled(plan) for plan in found.plans]
    for i, text in enumerate(texts):
        if i == 0 or text != texts[0]:
            head = f"group {i}: " if len(set(texts)) > 1 else ""
            yield from wrap(head + short(text), width)


def short(text: str) -> str:
    """A plan's text with its long lists cut; --json has them whole.

    >>> short("points(at=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], values=[1])")
    'points(at=[0, 1, 2, 3, … 10 in all], values=[1])'
    """

    def cut(match: re.Match[str]) -> str:
        entries = match[1].split(", ")
        if len(entries) < 10:
            return match[0]
        return f"[{', '.join(entries[:4])}, … {len(entries)} in all]"

    return re.sub(r"\[([^\[\]]*)\]", cut, text)


def _verdict(peer: str, found: Found, measured: Measured | None, unit: str) -> str:
    if measured is None:
        return found.why or f"{peer} listens to a metric, so its curve is not stepped; what is drawn is the open loop"
    looked = f"{len(measured.steps):,} {unit}" + ("" if len(measured.steps) == measured.of else f" of {measured.of:,}")
    if measured.largest == 0.0:
        return f"equal to {peer} itself at every one of {looked}"
    where = f"largest difference {measured.largest:.1e} of the peak, at {unit[:-1]} {measured.at:,}"
    if any(plan.kind == "bundle" for plan in found.exact.plans):
        where += " (of the learning rate; the other quantities are not stepped beside)"
    return f"beside {peer} itself at {looked}: {where}"


def _other_lines(found: Found, width: int) -> Any:
    from textwrap import wrap

    from calando.cli.tables import bulleted

    head = "with --no-quirks" if found.exact.quirks else "without --no-quirks"
    if isinstance(found.other, CalandoError):
        yield from wrap(f"{head}: refused: {found.other.given}", width, subsequent_indent="  ")
        return
    if found.other.plans == found.exact.plans:
        yield f"{head}: the same plan"
        return
    yield from wrap(f"{head}: {short(spelled(found.other.plans[0]))}", width, subsequent_indent="  ")
    for text in found.other.differences:
        yield from bulleted("!", text, width)


def plain(
    peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None, given: int | None
) -> dict[str, Any]:
    """Everything as plain data, for --json."""
    other = found.other
    return {
        "peer": peer,
        "source": found.call,
        "per": found.exact.per,
        "horizon": schedules[0].horizon,
        "horizon_asked": given,
        "quirks": found.exact.quirks,
        "groups": [_group(plan, base) for plan, base in zip(found.exact.plans, found.exact.bases, strict=True)],
        "differences": list(found.exact.differences),
        "compared": None if measured is None else {
            "steps": len(measured.steps), "of": measured.of, "largest": measured.largest, "at": measured.at,
        },
        "not_compared": found.why or (None if measured else "it listens to a metric"),
        "otherwise": {"refused": other.given} if isinstance(other, CalandoError) else {
            "quirks": other.quirks, "groups": [_group(p, b) for p, b in zip(other.plans, other.bases, strict=True)],
            "differences": list(other.differences),
        },
    }  # fmt: skip


def _group(plan: Plan, base: float) -> dict[str, Any]:
    from calando.errors import NotSerialisable

    try:
        written = json.loads(plan.to_json())
    except NotSerialisable:
        written = None
    return {"plan": spelled(plan), "base": base, "json": written}
