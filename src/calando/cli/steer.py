"""`calando steer`: tell a run under way what to do, and hear what became of it."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calando.errors import BadFile, LabError, counted, tame

if TYPE_CHECKING:
    from calando.records.live import Event, Tail

__all__ = ["run_folder", "steer"]

REFUSED = 1
UNHEARD = 3
PAUSE = 0.02


@click.command(
    short_help="Tell a run under way what to do: cooldown, scale, extend, stop, undo.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("run", metavar="RUN")
@click.argument("command", metavar="[COMMAND...]", nargs=-1)
@click.option("--force", is_flag=True, help="Also where a rate becomes more than twice of all that was tried.")
@click.option("--wait", type=float, default=30.0, show_default=True, help="Seconds to wait for the answer; 0: none.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
def steer(run: str, command: tuple[str, ...], force: bool, wait: float, as_json: bool) -> None:
    """Tell RUN what to do; it hears it at its next update, and the answer is shown and recorded.

    RUN is the folder of a watched run, or its name below runs/. Without a command it says what the run follows now.

    \b
    cooldown 10%|500|2ep|rest [linear|cosine|1-sqrt] [to END]   fall to END (0) in so many steps, and end there
    scale 0.5            multiply the rate from now on
    extend 20000|20%     make the run longer
    stop                 end it with the updates that are made
    undo                 go on as if the last change had not been made

    Ends with 0 where it was done, 1 where the run refused, 3 where nothing was heard in time. Afterwards
    `calando export RUN` prints the schedule that really ran.

    \b
    calando steer runs/first cooldown 10%
    calando steer first scale 0.5
    """
    from calando.core.steering import read_change
    from calando.records.live import Tail, send

    folder = run_folder(run)
    tail = Tail(folder)
    _read(tail)
    text = " ".join(command)
    if not text:
        _show(folder, tail, as_json)
        return
    change = read_change(f"{text} force" if force else text)
    if tail.state != "running":
        raise LabError(
            given=f"{change} for a run that is {_STATES.get(tail.state, tail.state)}",
            allowed="runs under way",
            where=tame(str(folder)),
            fix="go on with it first: its own script, with calando.watch(..., resume=True)",
        )
    sent = send(folder, str(change), by="cli", revision=tail.applied)
    answer = _answer(tail, sent.id, wait)
    if answer is None:
        click.echo(f"sent: {change}" if wait <= 0 else f"sent, but not heard within {wait:g} s: {change}", err=wait > 0)
        raise SystemExit(UNHEARD if wait > 0 else 0)
    if as_json:
        click.echo(json.dumps({"step": answer.step, "kind": answer.kind, **answer.data}))
    elif answer.kind == "applied":
        click.echo(tame(_done(answer)))
    else:
        click.echo(tame(f"refused: {answer.data.get('reason', '')}"), err=True)
    if answer.kind != "applied":
        raise SystemExit(REFUSED)


_STATES = {"ended": "over", "lost": "gone without a word", "waiting": "not begun"}


def run_folder(name: str) -> Path:
    """The folder of a watched run: a path, or a name below runs/.

    Raises:
        BadFile: when there is none.
    """
    from calando.records.live import RECORD, discover
    from calando.records.nearby import or_rather

    places = [Path(name), Path("runs") / name]
    for place in places:
        if place.name == RECORD and place.is_file():
            return place.parent
        if (place / RECORD).is_file():
            return place
    there = next((place for place in places if place.is_dir()), Path("runs"))
    runs = [str(found.path) for found in discover(there, logs=False) if found.kind == "run"] if there.is_dir() else []
    raise BadFile(
        given=f"{tame(name)}, where no run is recorded{or_rather(name)}",
        allowed="the folder of a watched run" + (f": {tame(', '.join(runs[-5:]))}" if runs else ""),
        where="RUN",
        fix="name one of them" if runs else "open a watch in the training: calando.watch(...)",
    )


def _read(tail: "Tail") -> None:
    while tail.poll().more:
        pass


def _answer(tail: "Tail", name: str, wait: float) -> "Event | None":
    until = time.monotonic() + wait
    while True:
        for event in tail.poll().events:
            if event.kind in ("applied", "refused") and event.data.get("id") == name:
                return event
        if time.monotonic() >= until:
            return None
        time.sleep(PAUSE)


def _done(answer: "Event") -> str:
    horizon, reason = answer.data.get("horizon"), answer.data.get("reason")
    told = f"{answer.data.get('text')}: from step {answer.step:,} on"
    if isinstance(horizon, int):
        told += f"; the run ends at step {horizon:,}"
    return told + (f" ({reason})" if reason else "")


def _show(folder: Path, tail: "Tail", as_json: bool) -> None:
    from calando.core.steering.changes import WORDS
    from calando.records.live import read_answered

    answered = read_answered(folder)
    schedule = answered.schedule
    said: dict[str, Any] = {
        "run": tail.name,
        "state": tail.state,
        "step": tail.last,
        "horizon": tail.horizon,
        "schedule": None if schedule is None else json.loads(schedule.to_json()),
        "changes": [{"step": one.step, **one.data} for one in answered.applied],
    }
    if as_json:
        click.echo(json.dumps(said))
        return
    click.echo(tame(f"{tail.name}: {tail.state}, {counted(tail.last + 1, 'update')} made"))
    click.echo(tame(f"follows {schedule}" if schedule is not None else "follows no schedule that is known here"))
    for one in answered.applied:
        click.echo(tame(f"  step {one.step:,}: {one.data.get('text')}, by {one.data.get('by')}"))
    click.echo("to say:  " + "\n         ".join(WORDS.values()))
