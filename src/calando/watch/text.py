"""The live page in the terminal: the same runs, the same words; plain lines where nobody looks at a screen."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from calando.errors import tame
from calando.watch.serve.board import LOOK, Board
from calando.watch.serve.judge import Judge
from calando.watch.serve.shown import Shown
from calando.watch.serve.told import details, summary

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["duration", "follow", "line_of", "once", "screen_of"]

EVERY: Final = 10.0
"""Seconds between two lines on one run, where lines are all there is."""

PATIENCE: Final = 60.0
FORETOLD: Final = 4
"""Runs of which `once` says where they will end: each takes about a second."""

MOST: Final = 4_000
NOISY: Final = 2
"""Points to a dot from which on means are drawn."""

COLOURS: Final = ("cyan", "dark_orange", "green", "magenta", "yellow", "blue", "red", "white")
SEVERE: Final = {"failure": "red", "warning": "yellow", "note": "cyan", "good": "green"}
GRAVE: Final = ("failure", "warning")
STATES: Final = {"running": "green", "lost": "red", "diverged": "red", "failed": "red"}


def once(places: Iterable[str | Path], *, as_json: bool = False) -> None:
    """Print how things stand, and end.

    Args:
        places: paths of runs, studies, logs, or folders with any of them below.
        as_json: whether to print one JSON object instead of text.

    Raises:
        BadFile: when a place is not there.
    """
    board = read(places)
    if as_json:
        told = {"calando": 1, "kind": "watch", "runs": _all(board), "problems": board.problems}
        sys.stdout.write(json.dumps(told, indent=1, allow_nan=False) + "\n")
        return
    console = _console()
    console.print(screen_of(board, console.width, None))


def read(places: Iterable[str | Path]) -> Board:
    """All runs at some places, read to their ends and judged."""
    board = Board(places)
    limit = time.monotonic() + PATIENCE
    while board.poll() and time.monotonic() < limit:
        pass
    judge = Judge(board)
    judge.lay()
    running = [name for name, run in board.runs.items() if run.facts.state == "running"]
    for name in board.runs:
        judge.tell(name, ahead=name in running[-FORETOLD:])
    return board


def follow(
    places: Iterable[str | Path], console: "Console | None" = None, *, stop: Callable[[], bool] = lambda: False
) -> None:
    """Show the runs until interrupted; without a screen, print lines until all that were found are over.

    A place that is not there yet is waited for.

    Args:
        places: paths of runs, studies, logs, or folders with any of them below.
        console: object to print to, the terminal unless given.
        stop: function, asked between two looks whether to leave.
    """
    console = console or _console()
    board = Board(places, wait=True)
    judge = Judge(board)
    judge.start()
    try:
        if console.is_terminal and not console.is_dumb_terminal:
            _screen(board, judge, console, stop)
        else:
            _lines(board, console, stop)
    finally:
        judge.close()


def _screen(board: Board, judge: Judge, console: "Console", stop: Callable[[], bool]) -> None:
    from rich.live import Live as Screen

    shown = -1, (0, 0)
    with Screen(console=console, screen=True, auto_refresh=False) as screen:
        while not stop():
            more = board.poll()
            judge.wanted = _first(board)
            now = board.revision, (console.width, console.height)
            if now != shown or _running(board):
                screen.update(screen_of(board, console.width, console.height), refresh=True)
                shown = now
            time.sleep(0.01 if more else LOOK)


def _lines(board: Board, console: "Console", stop: Callable[[], bool]) -> None:
    said: dict[str, tuple[float, int, int]] = {}  # when, at which step, how many events
    if not board.poll() and not board.runs:
        console.out(_nothing(board), highlight=False)
    elif board.problems:
        console.out("\n".join(board.problems), highlight=False)
    while not stop():
        more = board.poll()
        if more:
            continue
        for name, run in board.runs.items():
            when, step, events = said.get(name, (-EVERY, -2, 0))
            if events > len(run.events):  # another record stands in its place
                events = 0
            for event in run.events[events:]:
                words = " ".join(str(event.data[key]) for key in ("text", "status", "reason") if event.data.get(key))
                console.out(
                    tame(f"{run.facts.name}: {_at(event.step)}: {event.kind} {words}".replace("\n", " ")),
                    highlight=False,
                )
            over = run.facts.state != "running"
            if step != run.last and (over or time.monotonic() - when >= EVERY):
                console.out(line_of(summary(name, run)), highlight=False)
                when, step = time.monotonic(), run.last
            said[name] = when, step, len(run.events)
        if board.runs and not any(run.facts.state in ("running", "waiting") for run in board.runs.values()):
            return
        time.sleep(LOOK)


def line_of(told: dict[str, Any]) -> str:
    """A run in one line of plain text."""
    of = f" of {told['horizon']:,}" if told["horizon"] else ""
    numbers = [f"{name} {_number(value)}" for (_, name), value in zip(told["names"], told["last"], strict=True)][:6]
    left = f", {duration(told['left'])} left" if told["left"] is not None else ""
    state = "" if told["state"] == "running" else f" {told['state']}"
    says = f"; {told['worst'][0][2]}" if told["worst"] and told["worst"][0][0] in GRAVE else ""
    line = f"{told['name']}:{state} {told['step'] + 1:,}{of} updates{left}; {', '.join(numbers)}{says}"
    return line.replace("\n", " ")


def screen_of(board: Board, width: int, height: int | None) -> "RenderableType":
    """All that fits on a screen; everything, where it has no height.

    Args:
        board: object with the runs.
        width: number of columns.
        height: number of lines, or None.
    """
    from rich.console import Group
    from rich.text import Text

    runs = list(board.runs.items())
    if not runs:
        return Text(_nothing(board))
    order = _ordered(board)
    rows = len(order) if height is None else max(1, min(len(order), (height - 2) // 2))
    told = [summary(name, run) for name, run in order[:rows]]
    parts: list[RenderableType] = [_table(told, width)]
    if len(order) > rows:
        parts.append(Text(f"and {len(order) - rows} more", style="dim"))
    parts += [Text(tame(problem), style="yellow") for problem in board.problems[:3]]
    name, run = order[0]
    left = None if height is None else height - rows - 2
    parts += _one(name, run, width, left, alone=len(order) == 1)
    return Group(*parts)


def _nothing(board: Board) -> str:
    where = ", ".join(str(place) for place in board.places)
    return tame(f"Nothing to see yet in {where}: a run appears as soon as it begins.\n" + "\n".join(board.problems))


def _table(told: Sequence[dict[str, Any]], width: int) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), width=width, show_edge=False)
    table.add_column("run", ratio=1, no_wrap=True, overflow="ellipsis")
    stands = max((len(one["state"]) for one in told), default=0)
    wide = [width >= least for least in (stands + 8, stands + 20, stands + 28)]
    if wide[0]:
        table.add_column("state", no_wrap=True, min_width=stands)
    if width >= 60:
        table.add_column("says", no_wrap=True, overflow="ellipsis", max_width=40 if width >= 100 else 14)
    if wide[1]:
        table.add_column("updates", justify="right", no_wrap=True)
    left = width >= 60 and any(one["left"] is not None for one in told)
    if left:
        table.add_column("left", justify="right", no_wrap=True)
    if wide[2]:
        table.add_column("metric", justify="right", no_wrap=True)
    if width >= 80:
        table.add_column("lr", justify="right", no_wrap=True)
    for one in told:
        last = dict(zip((plain for plain, _ in one["names"]), one["last"], strict=True))
        metric = last.get(one["metric"], last.get("train_loss"))
        share = f" {100 * min((one['step'] + 1) / one['horizon'], 1):.0f}%" if one["horizon"] else ""
        cells = [Text(one["name"].replace("\n", " "))]
        if wide[0]:
            cells.append(Text(one["state"], style=STATES.get(one["state"], "dim")))
        if width >= 60:
            says = one["worst"][0] if one["worst"] else ["", "", ""]
            cells.append(Text(says[2 if width >= 100 else 1], style=SEVERE.get(says[0], "")))
        if wide[1]:
            cells.append(Text(f"{one['step'] + 1:,}{share}"))
        if left:
            cells.append(Text(duration(one["left"]) if one["left"] is not None else ""))
        if wide[2]:
            cells.append(Text(_number(metric)))
        if width >= 80:
            cells.append(Text(_number(last.get("lr"))))
        table.add_row(*cells)
    return table


def _one(name: str, run: Shown, width: int, height: int | None, *, alone: bool) -> "list[RenderableType]":
    """The curves of one run, what they say, what was decided; as much as there is room for."""
    from rich.text import Text

    told = details(name, run)
    words: list[Text] = []
    if told["plan"]:
        words.append(Text(told["plan"] + (f" @ {told['peak']:g}" if told["peak"] else ""), style="dim"))
    if told["forecast"] is not None:
        words.append(Text.assemble(("forecast ", "bold"), told["forecast"]["words"]))
        words += [
            Text(f"  cooled down now over {one['steps']:,}: {one['value']:.4g} ({one['low']:.4g} to {one['high']:.4g})")
            for one in told["forecast"]["cooled"]
        ]
    words += [
        Text(f"  cooled down now by {one['source']}: {_number(one.get('value'))}, real ones ended in"
             f" {_number(one.get('low'))} to {_number(one.get('high'))}")
        for one in told["virtual"] if one.get("source")
    ]  # fmt: skip
    for one in told["findings"]:
        words.append(Text.assemble((one["title"], SEVERE.get(one["severity"], "") + " bold"), " ", one["words"]))
        words += [Text(f"  → {advice}") for advice in one["advice"]]
    events = [event for event in told["events"] if event["kind"] != "virtual"][-6:]
    for event in reversed(events):
        about = " ".join(str(event[key]) for key in ("text", "status", "reason") if event.get(key))
        words.append(Text.assemble((f"{_at(event['step'])} ", "dim"), (event["kind"], "bold"), f" {about}"))
    parts: list[RenderableType] = [] if alone else [Text(told["name"].replace("\n", " "), style="bold", no_wrap=True)]
    if height is None:
        return [*parts, *drawn(run, width, 18), *words]
    left = max(height - len(parts), 0)
    asked = sum(-(-max(len(text.plain), 1) // width) for text in words)
    room = left - min(asked, max(left // 2, 4))
    if room >= 12:
        parts += (curves := drawn(run, width, min((room - 7) * 3 // 4, 24)))
        left -= len(curves)
    for text in words:
        lines = min(-(-max(len(text.plain), 1) // width), left)
        if lines < 1:
            break
        text.truncate(max(lines * (width - 12), width), overflow="ellipsis")
        left -= lines
        parts.append(text)
    return parts


def drawn(run: Shown, width: int, height: int) -> "list[RenderableType]":
    """Losses above, learning rates below, in dots."""
    from rich.text import Text

    from calando.core.picture.braille import draw
    from calando.core.picture.layout import Axis, Line, Panel, Picture
    from calando.core.picture.numbers import labels, round_steps, step_labels, ticks

    horizon = max(run.facts.horizon or 0, run.last + 1, 2)
    steps = round_steps(horizon, max(2, width // 20))
    across = Axis("step", 0.0, float(horizon), tuple(zip(map(float, steps), step_labels(steps), strict=True)))
    names = list(dict.fromkeys([run.facts.metric, "train_loss", "val_loss"]))
    panels = []
    for title, wanted, low in (("", [n for n in names if n in run.columns], None), ("learning rate", ["lr"], 0.0)):
        lines = [(slot, points) for slot, name in enumerate(wanted) if (points := _points(run, name, 2 * width))]
        if not lines:
            continue
        values = sorted(value for _, points in lines for _, value in points)
        usual = values[int(0.98 * (len(values) - 1))]
        floor = values[0] if low is None else min(low, values[0])
        high = usual if low is None and values[-1] > floor + 3 * (usual - floor) > floor else values[-1]
        high = high if high > floor else floor + max(abs(floor), 1.0)
        named = ", ".join(
            f"{chr(65 + slot)} {tame(name)}" if len(wanted) > 1 else tame(name) for slot, name in enumerate(wanted)
        )
        marks = ticks(floor, high, 4 if low is None else 2)
        upright = Axis(title or named, floor, high, tuple(zip(marks, labels(marks), strict=True)))
        panels.append(Panel(title, across, upright, tuple(
            Line(slot, tuple((x, min(max(y, floor), high)) for x, y in points)) for slot, points in lines
        )))  # fmt: skip
    if not panels:
        return []
    shown = max((len(panel.lines) for panel in panels), default=1)
    rows = draw(Picture(tuple("" for _ in range(shown)), tuple(panels)), width, height, plain=not _can_draw())
    made: list[RenderableType] = []
    for row in rows:
        text = Text(no_wrap=True)
        for cell in row:
            text.append(cell.sign, None if cell.slot is None else COLOURS[cell.slot % len(COLOURS)])
        made.append(text)
    return made


def _points(run: Shown, name: str, pixels: int) -> list[tuple[float, float]]:
    from calando.watch.serve.curves import RATES, Asked, means
    from calando.watch.serve.thin import window

    column = run.columns.get(name)
    if column is None or not len(column):
        return []
    if len(column) > NOISY * pixels and not name.startswith(RATES):  # else dots fill the whole band of the noise
        x, y = means(column.steps, column.values, Asked((), (), 0, max(run.last, 1), pixels), pixels // 2)
        return list(zip(x.tolist(), y.tolist(), strict=True))
    x, y = window(column.steps, column.values, 0, max(run.last, 1), pixels, run.blocks(name))
    return list(zip(x[:MOST].tolist(), y[:MOST].tolist(), strict=True))


def _all(board: Board) -> list[dict[str, Any]]:
    return [details(name, run) for name, run in board.runs.items()]


def _ordered(board: Board) -> list[tuple[str, Shown]]:
    """Those that run first, the latest of them at the top."""
    return sorted(
        board.runs.items(), key=lambda pair: (pair[1].facts.state != "running", -pair[1].facts.began, pair[0])
    )


def _first(board: Board) -> str:
    return next((name for name, _ in _ordered(board)), "")


def _running(board: Board) -> bool:
    return any(run.facts.state == "running" for run in board.runs.values())


def _at(step: int) -> str:
    return f"step {step:,}" if step >= 0 else "before step 0"


def _number(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float | int) else str(value)


def duration(seconds: float) -> str:
    """A length of time as people write it.

    >>> duration(75), duration(7260), duration(200_000)
    ('1 min 15 s', '2 h 1 min', '2 d 7 h')
    """
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _can_draw() -> bool:
    try:
        "⣿│".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)
