"""Which record a run goes on in: its own, by the id that its checkpoint holds, and never another's on a guess."""

from pathlib import Path

from calando.errors import BadFile, LabError, shown, tame
from calando.records.live.header import Header
from calando.records.live.record import LONGEST, RECORD, holder
from calando.watch.sinks import warn

__all__ = ["taken", "to_go_on_with"]

MOST_TOLD = 5


def to_go_on_with(folder: Path, name: str, begun: int, resume: bool | int | str | None, known: str) -> Path | None:
    """The folder of the run that goes on; None where a new record is to begin.

    Args:
        folder: folder of all runs.
        name: name that the run was given.
        begun: number of updates made before.
        resume: what the user said, as for `calando.watch`.
        known: id that the run's checkpoint holds, or "".

    Raises:
        LabError: where the user wants to go on, and several runs may be meant, or the one that was named is not there.
    """
    if resume is False or (resume is None and begun <= 0):
        return None
    if isinstance(resume, str):
        if not taken(folder / resume):
            raise LabError(
                given=f"resume={shown(resume)}, where no run is recorded",
                allowed="the name of a run's folder",
                where=tame(str(folder)),
                fix="leave resume out for a new run",
            )
        return folder / resume
    family = _family(folder, name)
    found = [place for place, header in family if known and header.id == known]
    if not found and (not known or resume is not None):
        found = [place for place, header in family if place == folder / name or header.asked == name]
    if len(found) > 1:
        found = [place for place in found if not holder(place / RECORD)]
    if resume is None and len(found) == 1 and holder(found[0] / RECORD):
        warn(f"{tame(str(found[0]))} is another process's: this run, at step {begun:,}, gets a record of its own")
        return None
    if len(found) < 2:
        return found[0] if found else None
    told = ", ".join(shown(place.relative_to(folder).as_posix()) for place in found[:MOST_TOLD])
    told += ", ..." * (len(found) > MOST_TOLD)
    if resume is None:
        warn(
            f"{len(found)} runs are named {shown(name)}, and nothing says which of them goes on at step {begun:,}: it "
            f"gets a record of its own. To go on in one of {told}, say resume= and its name"
        )
        return None
    raise LabError(
        given=f"{len(found)} runs that were opened as {shown(name)}: {told}",
        allowed="one to go on with",
        where=f"calando.watch({shown(name)}, resume=...)",
        fix=f"say which: resume={shown(found[-1].relative_to(folder).as_posix())}",
    )


def taken(place: Path) -> bool:
    """Whether a run is recorded in a folder."""
    try:
        return (place / RECORD).stat().st_size > 0
    except OSError:
        return False


def _family(folder: Path, name: str) -> list[tuple[Path, Header]]:
    """The folder of that name and those with a number behind it, in their order, with what they say of themselves."""
    first = folder / name
    start, numbers = f"{first.name}-", []
    try:
        numbers = [int(own.name[len(start) :]) for own in first.parent.iterdir() if _numbered(own.name, start)]
    except OSError:
        return []
    places = [first, *(first.with_name(f"{start}{number}") for number in sorted(numbers))]
    return [(place, _header(place)) for place in places if taken(place)]


def _numbered(own: str, start: str) -> bool:
    number = own[len(start) :]
    return own.startswith(start) and number.isascii() and number.isdigit() and len(number) < 6 and number[0] != "0"


def _header(place: Path) -> Header:
    try:
        with (place / RECORD).open("rb") as file:
            return Header.read(file.readline(LONGEST))
    except (OSError, BadFile):
        return Header("")
