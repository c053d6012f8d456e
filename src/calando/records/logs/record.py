"""Our own records of watched runs, under way or over: one run a file, as `calando.watch` writes it.

Numbers of a record stand at the update that logged them, counted from 0; the rate there is the one that update used.
"""

import json
import re
from typing import TYPE_CHECKING

from calando.errors import CalandoError, shown
from calando.records.logs.draft import Asked, Draft, Meta
from calando.records.logs.guess import find
from calando.records.logs.opened import BLOCK, BROKEN, Opened

if TYPE_CHECKING:
    from calando.core.schedule import Schedule
    from calando.records.live.header import Header
    from calando.records.live.tail import Tail

__all__ = ["looks", "read"]

HEADER = re.compile(rb'\s*\{"calando":\s*\d+,\s*"kind":\s*"record"')
MOST = 10_000_000


def looks(file: Opened) -> bool:
    """Whether its first line is a record's header."""
    return HEADER.match(file.head) is not None


def read(file: Opened, _asked: Asked) -> list[Draft]:
    """The run, as far as it has got; of a resumed one what was given up is gone.

    Raises:
        BadFile: when its header is of a newer version, or nothing was logged.
    """
    from calando.records.live.header import Header
    from calando.records.live.tail import Tail

    header = Header.read(file.head.partition(b"\n")[0], file.source)
    tail = Tail(file.path, MOST)
    try:
        with file.stream() as stream:
            while block := stream.read(BLOCK):
                tail.feed(block)
    except BROKEN as error:
        tail.noted.add(f"the packed file breaks off ({error}); what stands before was read")
    tail.feed(b"\n")  # a last line that is whole, or torn and told
    columns = {name: (column.steps.astype(float), column.values) for name, column in tail.columns.items()}
    notes = []
    judged = None
    score = None
    if header.mode == "max" and header.metric in columns:
        score = header.metric
        notes.append(f"the run's metric {shown(header.metric)} is better when higher, so it is no loss")
    elif header.metric in columns and not find("loss", [header.metric]):
        judged = header.metric
    return [
        Draft(
            tail.name,
            str(file.path.parent if file.path.name == "record.jsonl" else file.path),
            "record",
            columns,
            tail.noted,
            counted_from=0,
            val_loss=judged,
            score=score,
            lr="lr" if "lr" in columns else None,
            meta=_meta(header, tail, packed=file.packed),
            notes=notes,
        )
    ]


def _meta(header: "Header", tail: "Tail", *, packed: bool) -> Meta:
    meta: Meta = {"metric": header.metric, "status": str(tail.ended.data.get("status")) if tail.ended else "unfinished"}
    if not packed and tail.ended is None:
        meta["status"] = tail.state
    if tail.horizon is not None:
        meta["horizon"] = tail.horizon
    if header.peak is not None:
        meta["peak"] = header.peak
    schedule = _followed(header, tail)
    if schedule is not None and "lr_asked" not in tail.columns:  # else it is not what the run followed
        meta["plan"] = str(schedule.plan)
        if schedule.steps_per_epoch is not None:
            meta["steps_per_epoch"] = schedule.steps_per_epoch
    if type(seed := header.meta.get("seed")) is int:
        meta["seed"] = seed
    for key, value in list(header.meta.items())[:100]:
        if isinstance(value, str | int | float):
            meta[f"meta.{key}"] = value
    return meta


def _followed(header: "Header", tail: "Tail") -> "Schedule | None":
    """The schedule that the run follows as far as it was steered, where the record says it in words of today."""
    from calando.core.codec import from_json
    from calando.core.schedule import Schedule

    said = next((event.data.get("schedule") for event in reversed(tail.events) if event.kind == "applied"), None)
    said = said or header.schedule
    if said is None:
        return None
    try:
        schedule = from_json(json.dumps(said))
    except CalandoError:
        return None
    return schedule if isinstance(schedule, Schedule) else None
