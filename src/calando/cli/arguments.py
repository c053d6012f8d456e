"""What several verbs ask for: plans in any spelling, the clock they are bound by, files to write."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from calando.core.codec import from_json
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.text import parse
from calando.errors import BadFile, BadName, BadText, BadValue, DoesNotFit, shown

__all__ = [
    "bound",
    "checked_peak",
    "clock_options",
    "in_options",
    "plan_argument",
    "read_plan",
    "read_schedule",
    "write_file",
]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

NO_FILE = "a file with a plan, as text or JSON"
SIZES = ("steps_per_epoch", "tokens_per_step", "samples_per_step")


def plan_argument(*, many: bool) -> Callable[[Decorated], Decorated]:
    """The PLAN argument."""
    return click.argument(
        "plans" if many else "plan", metavar="PLAN" if not many else "PLAN...", nargs=-1 if many else 1, required=True
    )


def clock_options(command: Decorated) -> Decorated:
    """The options by which a plan is bound."""
    for option in (
        click.option("--samples-per-step", type=float, metavar="N", help="Samples an update consumes, for 64e6sa."),
        click.option("--tokens-per-step", type=float, metavar="N", help="Tokens an update consumes, for 2e9tok."),
        click.option("--steps-per-epoch", type=int, metavar="N", help="Updates in an epoch, for lengths such as 3ep."),
        click.option("--peak", type=float, metavar="LR", help="Learning rate that factor 1 stands for, such as 3e-4."),
        click.option("--horizon", metavar="N", help="Updates of the whole run: 10000, or 90ep, 2e9tok, 64e6sa."),
    ):
        command = option(command)
    return command


def read_plan(text: str) -> Plan | Schedule:
    """A plan or a schedule from its text, its JSON, a file of either, or "-" for standard input.

    A text with a slash, or one that ends in .json, is the path of a file; so is the name of a file that is no plan.

    Raises:
        BadFile: for a file that cannot be read, or is no plan.
        BadText, BadName, BadValue: for a text that is no plan.

    >>> read_plan('{"calando": 1, "kind": "plan", "plan": {"name": "cosine"}}')
    cosine()
    """
    if text == "-":
        return _from_content(sys.stdin.read(), "standard input")
    if text.lstrip().startswith("{"):
        return from_json(text)
    if "/" in text or "\\" in text or text.endswith(".json"):
        return _from_content(_content(text), text)
    try:
        return parse(text)
    except (BadText, BadName) as error:
        if len(text) < 256 and Path(text).is_file():
            return _from_content(_content(text), text)
        near = "" if "(" in text or "did you mean" in error.given else _or_rather(text)
        if not near:
            raise
        raise BadFile(
            given=f"{shown(text)}, which is no plan and no file{near}",
            allowed=NO_FILE,
            where="PLAN",
            fix="name a file with its folder, or give a plan such as 'cosine(end=0.1)'",
        ) from error


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadFile(
            given=f"the file {shown(path)}: {reason}{_or_rather(path)}",
            allowed=NO_FILE,
            where="PLAN",
            fix="give a readable file, or a plan such as 'cosine(end=0.1)'",
        ) from error


def _or_rather(path: str) -> str:
    from calando.records.nearby import or_rather  # loads what keeps records, which a verb that finds its file can spare

    return or_rather(path)


def _from_content(content: str, where: str) -> Plan | Schedule:
    if not content.strip():
        raise BadFile(
            given=f"nothing in {where}", allowed="a plan, as text or JSON", where="PLAN", fix="write a plan into it"
        )
    return from_json(content) if content.lstrip().startswith("{") else parse(content.strip())


def horizon_of(text: str) -> int | str:
    """A horizon as typed: "10000", "10_000", "10,000" and "1e6" are steps; all else goes on to the clock.

    >>> horizon_of("10,000"), horizon_of("1e6"), horizon_of("90ep")
    (10000, 1000000, '90ep')
    """
    digits = text.strip().replace(",", "").replace("_", "")
    if digits.lstrip("+-").isdigit():
        return int(digits) if len(digits) < 40 else text
    mantissa, mark, exponent = digits.lower().partition("e")
    if mark and exponent.isdigit() and len(exponent) < 3 and mantissa.replace(".", "", 1).isdigit():
        from calando.core.clock import exact

        steps = exact(mantissa, exponent)
        if steps.denominator == 1:
            return int(steps)
    return text


def read_schedule(text: str, given: dict[str, Any]) -> Schedule:
    """A schedule from a PLAN argument and the clock options; what a stored schedule knows need not be given again.

    Raises:
        BadValue: when there is no horizon.
    """
    return bound(read_plan(text), given)


def bound(found: Plan | Schedule, given: dict[str, Any]) -> Schedule:
    """A plan bound by the clock options; see `read_schedule`."""
    try:
        return _bound(found, given)
    except DoesNotFit as error:
        raise in_options(error) from None
    except BadValue as error:
        raise in_options(error) from None


def in_options(error: DoesNotFit | BadValue) -> DoesNotFit | BadValue:
    """An error of `bind` in the words of the command line."""
    fix = error.fix
    for name in SIZES:
        fix = fix.replace(f"pass {name}=... to bind", f"add --{name.replace('_', '-')} N")
    return type(error)(given=error.given, allowed=error.allowed, where=error.where.replace("bind.", "--"), fix=fix)


def _bound(found: Plan | Schedule, given: dict[str, Any]) -> Schedule:
    sizes = {name: given.get(name) for name in SIZES}
    horizon = given.get("horizon")
    if isinstance(found, Schedule):
        sizes = {name: getattr(found, name) if value is None else value for name, value in sizes.items()}
        steps: int | str = found.horizon if horizon is None else horizon_of(horizon)
        return found.plan.bind(steps, strict=found.strict, **sizes)
    if horizon is None:
        raise BadValue(
            given="no --horizon",
            allowed="the number of updates of the whole run",
            where="--horizon",
            fix="add --horizon 10000 (or 90ep with --steps-per-epoch)",
        )
    return found.bind(horizon_of(horizon), **sizes)  # type: ignore[arg-type]


def checked_peak(peak: float | None) -> float | None:
    """A peak as given, or None.

    Raises:
        BadValue: for anything but a finite number above 0.
    """
    from calando.core.kinds import ABOVE_ZERO

    return None if peak is None else float(ABOVE_ZERO.check(peak, "--peak"))


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole, making its folder.

    Raises:
        BadFile: when that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BadFile(
            given=f"the file {shown(str(path))}: {error.strerror}",
            allowed="a place where a file can be written",
            where="output",
            fix="choose another place",
        ) from error


def told(written: Iterable[Path]) -> None:
    """Say on stderr which files were written, so that what is piped stays clean."""
    for path in written:
        click.echo(f"wrote {path}", err=True)
