"""`calando convert`: another library's schedule as a plan, its curve beside ours, and every difference in words."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from calando.cli.arguments import horizon_of, told, write_file
from calando.cli.calls import Call, read_call
from calando.cli.living import PEERS, Living, build, check_names
from calando.core.picture.numbers import rate as rate_text
from calando.core.plan import Plan
from calando.core.plan import told as spelled
from calando.core.schedule import Schedule
from calando.errors import BadValue, CalandoError, MissingExtra
from calando.peers.base import Converted

__all__ = ["convert"]

FILES: Final = ("keras", "deepspeed")
"""Peers that a configuration speaks for, without the library."""

STEPPED, ASKED = 100_000, 2_000
"""How many steps of a peer are looked at: of one that is stepped, and of one that is asked for each."""


class Found(NamedTuple):
    """What came out: the plans, the meant ones or why there are none, and the measurement or why there is none."""

    call: str
    exact: Converted
    other: Converted | CalandoError
    living: Living | None
    why: str


class Measured(NamedTuple):
    """The peer's rates at some steps, by group, and the largest gap relative to the peer's largest rate."""

    steps: list[int]
    rows: list[tuple[float, ...]]
    largest: float
    at: int
    of: int


@click.command(short_help="Turn another library's schedule into a plan, and measure both.")
@click.argument("peer", type=click.Choice(PEERS))
@click.argument("source")
@click.option("--lr", "rates", type=float, multiple=True, metavar="LR",
              help="The optimizer's learning rate; once for each parameter group.  [default: 1]")  # fmt: skip
@click.option("--horizon", metavar="N", help="Updates of the run, where the peer has no end of its own.")
@click.option("--per", type=click.Choice(["step", "epoch"]), help="How often the peer is stepped.")
@click.option("--no-quirks", is_flag=True, help="The plan that was probably meant, instead of the one that is equal.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture of both curves as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead.")
@click.option("--width", type=click.IntRange(40, 200), help="Columns to use.  [default: those of the terminal]")
def convert(
    peer: str,
    source: str,
    rates: tuple[float, ...],
    horizon: str | None,
    per: str | None,
    no_quirks: bool,
    svg: Path | None,
    as_json: bool,
    width: int | None,
) -> None:
    """Turn SOURCE, a schedule of PEER, into a plan of Calando's.

    SOURCE is a call as it would stand in the code, such as "CosineAnnealingLR(T_max=100)", read and never run: names
    are the peer's own, arguments are literals. For keras and deepspeed it may be JSON or the path of a JSON file.

    \b
    calando convert torch "CosineAnnealingLR(T_max=100, eta_min=1e-5)" --lr 0.1
    calando convert transformers "cosine(num_warmup_steps=100, num_training_steps=1000)" --lr 5e-5
    calando convert deepspeed ds_config.json
    calando convert keras "PiecewiseConstantDecay([300, 600], [0.1, 0.01, 0.001])" --no-quirks
    """
    steps = None if horizon is None else _steps(horizon)
    found = _found(peer, source, _checked(rates), steps, per, not no_quirks)
    schedules, length = _bound(found.exact, steps)
    measured = None if found.living is None else _measured(found, schedules, length)
    if svg is not None:
        from calando.core.picture.svg import svg as drawn

        write_file(svg, drawn(_picture(peer, found, schedules, measured)) + "\n")
    if as_json:
        click.echo(json.dumps(_plain(peer, found, schedules, measured, steps), ensure_ascii=False, indent=1))
    else:
        for line in _sheet(peer, found, schedules, measured, width, steps):
            click.echo(line)
    if svg is not None:
        told([svg])


def _checked(rates: tuple[float, ...]) -> tuple[float, ...]:
    from calando.core.kinds import ABOVE_ZERO

    return tuple(float(ABOVE_ZERO.check(rate, "--lr")) for rate in rates)


def _steps(horizon: str) -> int:
    steps = horizon_of(horizon)
    if not isinstance(steps, int) or not 1 <= steps <= 2**53:
        raise BadValue(
            given=f"--horizon {horizon}", allowed="a whole number of updates from 1 to 2^53", where="--horizon",
            fix="give the steps (or epochs, with --per epoch) of the run",
        )  # fmt: skip
    return steps


def _found(
    peer: str, source: str, rates: tuple[float, ...], horizon: int | None, per: str | None, quirks: bool
) -> Found:
    if per is not None and peer not in ("torch", "timm"):
        raise BadValue(
            given=f"--per {per} for {peer}", allowed="torch and timm, which may be stepped once an epoch",
            where="--per", fix="leave it out",
        )  # fmt: skip
    call: Call | None = None
    config: Any = source
    if not (peer in FILES and (source.lstrip().startswith(("{", "[")) or _is_path(source))):
        call = read_call(source)
        if peer == "timm" and call.name in FACTORY:
            if call.args:
                raise BadValue(
                    given=f"{call}: arguments without a name", allowed="create_scheduler_v2's, by their names",
                    where="convert timm", fix=f"name them, such as {call.name}(num_epochs=90)",
                )  # fmt: skip
            call = Call("create_scheduler_v2", (), {"sched": call.name} | call.kwargs)
        check_names(peer, call)
        config = _config(peer, call)
    living, why = None, f"a configuration alone is read: {peer} is not asked"
    if call is None and peer == "deepspeed":
        call, own = _call_of_config(source)
        rates = rates or own
    rates = rates or (1.0,)
    if call is not None:
        try:
            living, why = build(peer, call, rates), ""
        except MissingExtra as error:
            if config is None:
                raise
            why = f"not measured: {error.given}"
    importer = _Importer(peer, living, config, rates, horizon, per)
    exact = importer(quirks)
    other: Converted | CalandoError
    try:
        other = importer(not quirks)
    except CalandoError as error:
        other = error
    return Found(source if call is None or len(source) < 120 else str(call), exact, other, living, why)


FACTORY: Final = ("cosine", "tanh", "step", "constant", "multistep", "poly", "wsd", "rsqrt", "plateau")


def _is_path(source: str) -> bool:
    if source.endswith(".json"):
        return True
    try:
        return len(source) < 4096 and "(" not in source and Path(source).exists()
    except (OSError, ValueError):
        return False


def _config(peer: str, call: Call) -> Any:
    """The configuration that a call stands for, where the importer reads those; None where it does not."""
    if peer == "deepspeed" and not call.args:
        return {"type": call.name, "params": call.kwargs}
    if peer == "keras":
        from calando.peers.keras import SIGNATURES

        names = list(SIGNATURES[call.name])
        return {"class_name": call.name, "config": dict(zip(names, call.args, strict=False)) | call.kwargs}
    return None


def _call_of_config(source: str) -> tuple[Call | None, tuple[float, ...]]:
    """A DeepSpeed configuration's scheduler as a call, so that it can be stepped, and its optimizer's learning rate.

    What cannot be read is left to the importer, which says what is wrong with it.
    """
    try:
        text = source if source.lstrip().startswith("{") else Path(source).read_text(encoding="utf-8")
        config = json.loads(text)
        part = config.get("scheduler", config)
        given = part.get("params")
        call = Call(str(part["type"]), (), dict({} if given is None or isinstance(given, list) else given))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, ()
    try:
        rate = config["optimizer"]["params"]["lr"]
    except (KeyError, TypeError):
        return call, ()
    usable = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < math.inf
    return call, (float(rate),) if usable else ()


class _Importer:
    """The peer's importer with everything that it was given."""

    def __init__(self, peer: str, living: Living | None, config: Any, rates: tuple[float, ...], horizon: int | None,
                 per: str | None) -> None:  # fmt: skip
        self.peer, self.living, self.config, self.rates = peer, living, config, rates
        self.more: dict[str, Any] = {}
        if peer in ("keras", "optax", "deepspeed"):
            self.more["horizon"] = horizon
        if per is not None:
            self.more["per"] = per

    def __call__(self, quirks: bool) -> Converted:
        from calando import peers

        by_config = self.living is None or (self.peer == "deepspeed" and self.config is not None)
        source = self.config if by_config or self.living is None else self.living.source
        more = self.more | ({"lr": list(self.rates)} if self.peer == "deepspeed" and by_config else {})
        found: Converted = getattr(peers, f"from_{self.peer}")(source, quirks=quirks, **more)
        return found


def _bound(found: Converted, horizon: int | None) -> tuple[tuple[Schedule, ...], int]:
    """The schedules of all groups, and the steps that are looked at."""
    length = found.horizon or horizon
    if length is None:
        raise BadValue(
            given="a peer without an end of its own, and no --horizon", allowed="the length of your run",
            where="--horizon", fix="add --horizon 10000",
        )  # fmt: skip
    sizes = {"steps_per_epoch": 1} if found.per == "epoch" else {}
    return found.schedules(length, **sizes), length


def _measured(found: Found, schedules: Sequence[Schedule], length: int) -> Measured | None:
    living = found.living
    if living is None or living.rates is None:
        return None
    stepped = len(found.exact.plans) > 0 and living.rates.__qualname__.startswith("_stepped")
    most = STEPPED if stepped else ASKED
    steps = list(range(length)) if length <= most else sorted({length * i // most for i in range(most)})
    if stepped and length > STEPPED:
        steps = list(range(STEPPED))
    rows = living.rates(steps)
    top = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    largest, at = 0.0, 0
    for step, row in zip(steps, rows, strict=True):
        for schedule, base, theirs in zip(schedules, found.exact.bases, row, strict=False):
            gap = abs(schedule(step) * base - theirs) / top
            if gap > largest:
                largest, at = gap, step
    return Measured(steps, rows, largest, at, length)


def _picture(peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None) -> Any:
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


def _sheet(
    peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None, width: int | None,
    given: int | None,
) -> Any:  # fmt: skip
    from calando.cli.sheet import curves
    from calando.cli.show import can_write, screen
    from calando.cli.tables import bulleted, paint, table
    from calando.core.picture.layout import letter

    columns, lines = screen()
    width = width or columns
    drawn = _picture(peer, found, schedules, measured)
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


def _plain(
    peer: str, found: Found, schedules: Sequence[Schedule], measured: Measured | None, given: int | None
) -> dict[str, Any]:
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
