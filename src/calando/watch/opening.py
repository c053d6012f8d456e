"""`calando.watch(...)`: a run's record opened, its clock found, whoever may steer it let in."""

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calando.errors import BadValue, LabError, NotSerialisable, shown
from calando.records.live.header import LARGEST_STEP, Event, Header
from calando.records.live.record import Recorder, host_name
from calando.records.live.tail import Tail
from calando.records.logs.guess import better
from calando.watch.asked import Asked
from calando.watch.gauges import gauge_for
from calando.watch.going_on import taken, to_go_on_with
from calando.watch.parts import Begun, Followed, Rule, name_of
from calando.watch.sinks import Sinks
from calando.watch.steer import leads
from calando.watch.steerable import driven_in, steered_by
from calando.watch.watched import Watched

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Opening", "open", "watch"]

MOST = 10_000
LONGEST = 200


def watch(
    name: str | None = None,
    *,
    scheduler: Any = None,
    optimizer: Any = None,
    schedule: "Schedule | None" = None,
    peak: float | None = None,
    horizon: int | None = None,
    folder: str | Path = "runs",
    metric: str = "val_loss",
    mode: Literal["min", "max"] | None = None,
    sinks: Iterable[Any] = (),
    rules: Sequence[Rule] = (),
    agree: Callable[[Any], Any] | None = None,
    resume: bool | int | str | None = None,
    record: bool | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Watched:
    """Watch a run: its numbers and the rates that it really used go to a record, line by line.

    `calando watch` shows it live, and where a scheduler of ours is given, `calando steer` changes what it does.

    Args:
        name: name of the run, which its folder gets; taken is taken: the next one is NAME-2. The script's unless given.
        scheduler: object that a front door of ours gave (`calando.torch.attach`, `calando.keras.attach`), or another
            PyTorch scheduler.
        optimizer: an optimizer with parameter groups; the scheduler's own unless given.
        schedule: a bound schedule that the run follows, where no scheduler of ours tells.
        peak: rate that factor 1 of it stands for, a number > 0.
        horizon: number of updates of the whole run, >= 1; the schedule's unless given.
        folder: folder for records.
        metric: name of what the run is judged by.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as its name says: "max" for
            an accuracy, a reward and the like.
        sinks: objects that numbers go to besides: a SummaryWriter, a run of W&B or trackio, mlflow, a function of
            (step, numbers).
        rules: objects that hear what is logged and may order changes.
        agree: function that gives every process what the first one gave it, where several train together; each of them
            then opens the watch and calls `log` at the same updates. Left out, the first one may log alone.
        resume: True goes on with the record of that name, a number says from which step, a text with which folder's;
            False begins a new one. Left out: goes on where the scheduler stands past its beginning.
        record: whether this process keeps the record; only the first one of several does unless given.
        meta: dict of plain JSON to keep with the run, such as the settings.

    Raises:
        BadValue: for an argument outside what is allowed.
        LabError: when the folder cannot be written to, or the run to go on with is another process's, not there, or
            one of several.

    Example:
        >>> import calando, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> watched = calando.watch("small", schedule=calando.cosine().bind(100), peak=0.1, folder=folder.name)
        >>> watched.log(train_loss=2.5)
        >>> watched.horizon, watched.over
        (100, False)
        >>> watched.close()
        >>> folder.cleanup()
    """
    _check(peak=peak, horizon=horizon, metric=metric, mode=mode, meta=meta, resume=resume)
    for rule in rules:
        if not callable(getattr(rule, "hear", None)):
            raise _wrong(f"{shown(rule)} among rules", "objects with hear(step, numbers)", "rules", "see docs/rules.md")
    alone = [name_of(rule) for rule in rules if getattr(rule, "alone", False)]
    if agree is not None and alone:
        raise _wrong(
            f"the rule {alone[0]} and agree=",
            "rules that only order changes, where several processes train together",
            "rules",
            f"leave {alone[0]} out: it sets weights back, which has to happen in all processes at once",
        )
    if "\0" in str(folder):
        raise _wrong(f"folder={shown(str(folder))}", "a folder's path", "folder", "leave it out for runs")
    opening = Opening(
        name=_script() if name is None else _checked_name(name),
        folder=Path(folder),
        metric=metric,
        mode=better(metric) if mode is None else mode,
        resume=resume,
        record=record,
        meta=dict(meta or {}),
        agree=agree,
    )
    watched = Watched(opening.begin, Sinks(sinks), rules)
    if any(given is not None for given in (scheduler, optimizer, schedule, peak, horizon)):
        watched.follow(scheduler=scheduler, optimizer=optimizer, schedule=schedule, peak=peak, horizon=horizon)
    return watched


open = watch  # noqa: A001 - `calando.watch.open(...)` reads well, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a run is to be watched, before it is known what drives it."""

    name: str
    folder: Path
    metric: str
    mode: Literal["min", "max"]
    resume: bool | int | str | None
    record: bool | None
    meta: Mapping[str, Any]
    agree: Callable[[Any], Any] | None

    def begin(self, followed: Followed) -> Begun:
        """The record, opened, and what there is to ask.

        Raises:
            BadValue: for an argument outside what is allowed.
            LabError: when the folder cannot be written to, or the run to go on with is another process's.
        """
        _check(peak=followed.peak, horizon=followed.horizon)
        schedule, peak = _schedule_of(followed.scheduler, followed.schedule, followed.peak)
        horizon = followed.horizon if followed.horizon is not None else getattr(schedule, "horizon", None)
        gauge = gauge_for(followed.scheduler, followed.optimizer, followed.begun or 0)
        begun = self.resume if type(self.resume) is int else gauge.done()
        recorder: Recorder | None = None
        resumed: Mapping[str, Any] | None = None
        first = self.record is not None or (_first_process() if self.agree is None else leads(self.agree))
        if first and self.record is not False:
            header = Header(
                self.name,
                schedule=_json_of(schedule),
                peak=peak,
                horizon=horizon,
                metric=self.metric,
                mode=self.mode,
                meta=self.meta,
                asked=self.name,
                id=uuid.uuid4().hex,
            )
            marked = next((one for one in driven_in(followed.scheduler) if hasattr(one, "watched_as")), None)
            place = to_go_on_with(self.folder, self.name, begun, self.resume, getattr(marked, "watched_as", ""))
            if place is None:
                recorder = _opened(self.folder, header)
            else:
                known = gauge.knows or followed.begun is not None or type(self.resume) is int
                recorder, begun, resumed = _gone_on(place, header, begun, known)
            if marked is not None:
                marked.watched_as = recorder.header.id
        if begun != gauge.done():
            getattr(gauge, "close", int)()
            gauge = gauge_for(followed.scheduler, followed.optimizer, begun)
        steers = steered_by(recorder, followed.scheduler, schedule, horizon, self.agree, begun)
        asked = Asked(followed.scheduler, schedule, peak, steers, getattr(gauge, "stood", None))
        return Begun(recorder, gauge, horizon, schedule, asked, steers, first, resumed)


def _schedule_of(
    scheduler: Any, schedule: "Schedule | None", peak: float | None
) -> "tuple[Schedule | None, float | None]":
    """The schedule that the first group follows, and the rate of its factor 1, as far as they are known."""
    from calando.core.schedule import Schedule

    if schedule is not None and not isinstance(schedule, Schedule):
        raise _wrong(f"schedule={shown(schedule)}", "a bound schedule", "schedule", "bind the plan: plan.bind(horizon)")
    tracks, lanes = getattr(scheduler, "tracks", None), getattr(scheduler, "lanes", None)
    found = tracks[lanes[0]].schedule if tracks and lanes else getattr(scheduler, "schedule", None)
    bases = getattr(scheduler, "base_lrs", None)
    own = bases[0] if tracks and bases else getattr(scheduler, "peak", None)
    if schedule is None and isinstance(found, Schedule):
        schedule = found
    if peak is None and isinstance(own, int | float):
        peak = float(own)
    return schedule, peak


def _json_of(schedule: "Schedule | None") -> Mapping[str, Any] | None:
    if schedule is None:
        return None
    try:
        said: Mapping[str, Any] = json.loads(schedule.to_json())
    except NotSerialisable:
        return None
    return said


def _opened(folder: Path, header: Header) -> Recorder:
    """A new record of a run."""
    name = header.name
    for number in range(1, MOST):
        numbered = name if number == 1 else f"{name}-{number}"
        place = folder / numbered
        if taken(place):
            continue
        try:
            recorder = Recorder(place, replace(header, name=numbered))
        except LabError as error:
            if "another process" in error.given:
                continue
            raise
        if recorder.resumed:  # somebody was faster, and is gone already
            recorder.close()
            continue
        return recorder
    raise LabError(
        given=f"{MOST:,} runs named {shown(name)}",
        allowed="fewer",
        where=str(folder),
        fix="give the run another name",
    )


def _gone_on(folder: Path, header: Header, begun: int, known: bool) -> tuple[Recorder, int, Mapping[str, Any] | None]:
    """The record of a run that goes on, the step from which it does, and what is to be said when that is known."""
    tail = Tail(folder)
    while tail.poll().more:
        pass
    recorder = Recorder(folder, header if tail.header is None else replace(header, id=tail.header.id))
    said: dict[str, Any] = {"pid": os.getpid(), "host": host_name()}
    if header.horizon is not None and not tail.applied:
        said["horizon"] = header.horizon
    if header.peak is not None:
        said["peak"] = header.peak
    if begun > 0:
        recorder.event(Event(begun - 1, "resumed", {"from": begun, **said}))
        return recorder, begun, None
    return recorder, 0 if known else tail.last + 1, said


def _first_process() -> bool:
    """Whether this process is the one of several that keeps the record."""
    torch = sys.modules.get("torch")
    group = getattr(torch, "distributed", None)
    if group is not None and group.is_available() and group.is_initialized():
        return bool(group.get_rank() == 0)
    return os.environ.get("RANK", "0").strip() in ("", "0")


def _script() -> str:
    stem = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "run"
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in stem)[:LONGEST].strip(".") or "run"


def _checked_name(name: object) -> str:
    """A run's name, which is a folder's below another: no way out of it."""
    parts = name.split("/") if isinstance(name, str) else [""]
    fits = isinstance(name, str) and name.isprintable() and len(name) <= LONGEST and "\\" not in name
    if fits and all(part.strip(". ") and not part.startswith(".") for part in parts):
        return str(name)
    raise _wrong(
        f"name={shown(name)}",
        f"1 to {LONGEST} printable characters, parts between / that do not begin with a dot",
        "name",
        "give a plain name, such as first or vit/wide",
    )


def _check(
    *,
    peak: object = None,
    horizon: object = None,
    metric: object = "val_loss",
    mode: object = None,
    meta: object = None,
    resume: object = None,
) -> None:
    if horizon is not None and not (type(horizon) is int and 1 <= horizon <= LARGEST_STEP):
        raise _wrong(f"horizon={shown(horizon)}", "a whole number of updates >= 1", "horizon", "leave it out")
    if peak is not None and not (isinstance(peak, int | float) and not isinstance(peak, bool) and 0 < peak < 1e300):
        raise _wrong(f"peak={shown(peak)}", "a number > 0", "peak", "give a learning rate such as 3e-4")
    if not isinstance(metric, str) or not metric.isprintable() or not 0 < len(metric) <= LONGEST:
        raise _wrong(f"metric={shown(metric)}", "the name of a logged quantity", "metric", "leave it out for val_loss")
    if mode not in (None, "min", "max"):
        raise _wrong(f"mode={shown(mode)}", '"min" or "max"', "mode", "say what is better: lower is min")
    if meta is not None:
        try:
            json.dumps(meta, allow_nan=False)
            plain = isinstance(meta, Mapping)
        except (TypeError, ValueError, RecursionError):
            plain = False
        if not plain:
            raise _wrong(f"meta={shown(meta)}", "a dict of plain JSON", "meta", "write numbers and texts only")
    if isinstance(resume, str):
        _checked_name(resume)
    elif resume is not None and not isinstance(resume, bool) and not (type(resume) is int and resume >= 0):
        raise _wrong(
            f"resume={shown(resume)}", "True, False, a step >= 0, or a folder's name", "resume", "leave it out"
        )


def _wrong(given: str, allowed: str, argument: str, fix: str) -> BadValue:
    return BadValue(given=given, allowed=allowed, where=f"watch({argument})", fix=fix)
