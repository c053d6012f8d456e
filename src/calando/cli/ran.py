"""What a watched run really followed, as what `export` takes."""

from pathlib import Path

from calando.core.schedule import Schedule
from calando.errors import LabError, tame

__all__ = ["is_run", "ran"]


def is_run(text: str) -> bool:
    """Whether a text is the folder, or the record, of a watched run.

    >>> is_run("cosine()")
    False
    """
    from calando.records.live import RECORD

    if len(text) > 4096 or "\0" in text:
        return False
    try:
        path = Path(text)
        return (path.name == RECORD and path.is_file()) or (path.is_dir() and (path / RECORD).is_file())
    except OSError:
        return False


def ran(text: str) -> tuple[Schedule, float | None]:
    """The schedule that a run followed, every change included, and its peak.

    Raises:
        LabError: when its record names no schedule.
        BadFile: when it cannot be read.
    """
    from calando.core.steering import joined
    from calando.records.live import RECORD, read_answered

    path = Path(text)
    answered = read_answered(path.parent if path.name == RECORD else path)
    schedule = answered.schedule
    if schedule is None:
        raise LabError(
            given="a run whose record names no schedule",
            allowed="runs that a schedule of Calando's drove, and that could be written down",
            where=tame(text),
            fix="open the watch with scheduler= or schedule=; functions need a name: calando.register",
        )
    base, now = answered.header.peak, answered.header.peak
    factors = schedule
    for begun, peak in answered.peaks:
        if base is not None and peak != now:
            schedule, now = joined(schedule, factors, begun, peak / base), peak
    return schedule, base
