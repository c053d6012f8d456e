"""`calando show`: schedules in the terminal and in pictures."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from calando.cli.arguments import bound, checked_peak, clock_options, plan_argument, read_plan, told, write_file
from calando.core.schedule import Schedule

__all__ = ["can_write", "screen", "show"]

NARROW, WIDE = 40, 200


@click.command(short_help="Draw schedules in the terminal, with facts, lint and values.")
@plan_argument(many=True)
@clock_options
@click.option("--log", is_flag=True, help="Draw the learning rate on a log axis.")
@click.option("--at", multiple=True, metavar="STEPS", help="Steps to tell the values at, such as 0,500,5%,3ep.")
@click.option("--png", type=click.Path(path_type=Path), help="Write the picture as PNG (needs calando[plot]).")
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture as SVG, for light and dark pages.")
@click.option("--html", type=click.Path(path_type=Path), help="Write one self-contained page.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead.")
@click.option("--width", type=click.IntRange(NARROW, WIDE), help="Columns to use.  [default: those of the terminal]")
@click.option("--height", type=click.IntRange(4, 100), help="Lines of the curve.  [default: by the width]")
def show(
    plans: tuple[str, ...],
    peak: float | None,
    log: bool,
    at: tuple[str, ...],
    png: Path | None,
    svg: Path | None,
    html: Path | None,
    as_json: bool,
    width: int | None,
    height: int | None,
    **given: Any,
) -> None:
    """Draw one or more schedules over each other, and say what they are like.

    PLAN is a text, JSON, a file of either, or - for standard input. A stored schedule brings its horizon along.

    \b
    calando show "warmup(5%) | cosine(end=0.1)" --horizon 10000 --peak 3e-4
    calando show "wsd(warmup=5%)" "one_cycle()" --horizon 10000 --svg curves.svg
    calando show "multistep(milestones=[30ep, 60ep])" --horizon 90ep --steps-per-epoch 390 --at 30ep,60ep
    """
    peak = checked_peak(peak)
    schedules = [bound(read_plan(text), given) for text in plans]
    # Pictures first: a reader that leaves early, such as head, takes none of them away.
    written = _pictures(schedules, peak, log, at, png, svg, html) if png or svg or html else []
    if as_json:
        click.echo(_json(schedules, peak, at))
    else:
        from calando.cli.sheet import sheet

        columns, lines = screen()
        width = width or columns
        height = height or max(8, min(width // 5, 24, lines - 12))
        plain = not can_write("⣿│⠀")
        for line in sheet(schedules, peak, at, width, height, plain=plain, log=log):
            click.echo(line)
    told(written)


def screen() -> tuple[int, int]:
    """The columns and lines of the terminal, or of a page where there is none."""
    from shutil import get_terminal_size

    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return 80, 40
    columns, lines = get_terminal_size((80, 40))
    return max(NARROW, min(columns, WIDE)), lines if sys.stdout.isatty() else 40


def can_write(signs: str) -> bool:
    """Whether the terminal's encoding has these signs."""
    try:
        signs.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _json(schedules: list[Schedule], peak: float | None, at: tuple[str, ...]) -> str:
    import json

    from calando.cli.values import asked_steps, facts_plain, notable_steps, values_at

    steps = asked_steps(at, schedules) or notable_steps(schedules)
    longest = max(schedule.horizon for schedule in schedules)
    told_of = [
        {
            "plan": str(schedule.plan),
            "schedule": json.loads(schedule.to_json()),
            "horizon": schedule.horizon,
            "quantities": list(schedule.quantities),
            "listens": schedule.rule is not None,
            "facts": facts_plain(schedule, peak),
            "lint": list(schedule.lint(longest)),
            "values": [{"step": step, "why": why, **values_at(schedule, step, peak)} for step, why in steps.items()],
        }
        for schedule in schedules
    ]
    return json.dumps({"calando": 1, "kind": "show", "peak": peak, "schedules": told_of}, indent=2)


def _pictures(
    schedules: list[Schedule],
    peak: float | None,
    log: bool,
    at: tuple[str, ...],
    png: Path | None,
    svg: Path | None,
    html: Path | None,
) -> list[Path]:
    from calando.core.picture.layout import picture

    drawn = picture(schedules, peak=peak, log=log)
    if svg is not None:
        from calando.core.picture.svg import svg as drawn_svg

        write_file(svg, drawn_svg(drawn) + "\n")
    if png is not None:
        from calando.report.schedule_png import png as drawn_png

        write_file(png, drawn_png(drawn))
    if html is not None:
        from calando.cli.page import page

        write_file(html, page(schedules, drawn, peak, at))
    return [path for path in (svg, png, html) if path is not None]
