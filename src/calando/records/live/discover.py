"""What there is to look at below a path: runs under way, studies, other tools' logs; the search is bounded."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from calando.errors import BadFile, tame
from calando.records.live.record import RECORD
from calando.records.nearby import or_rather
from calando.records.store import FILE

__all__ = ["Found", "discover"]

MOST_FILES = 20_000
MOST_FOUND = 2_000
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to look at: a "run" (its folder), a "study" (its folder) or a "log" (the file).

    `study` is the folder of the study that a run belongs to, None for one by itself.
    """

    kind: Literal["run", "study", "log"]
    path: Path
    study: Path | None = None


def discover(root: str | Path, *, logs: bool = True) -> list[Found]:
    """Runs, studies and logs at a path or below it, in the order of their names.

    At most 20,000 files, 2,000 findings and 8 levels are looked at; hidden folders and links to folders are not.

    Args:
        root: a run's folder, a study's, a log file, or a folder with any of them below.
        logs: whether to look for other tools' logs, which means to open files.

    Raises:
        BadFile: when there is no such path.

    Example:
        >>> import tempfile
        >>> from calando.records.live import Header, Recorder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Recorder(Path(folder, "first"), Header("first")).close()
        ...     [(found.kind, found.path.name) for found in discover(folder)]
        [('run', 'first')]
    """
    path = Path(root)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # a name too long, or a folder that is not ours
        is_file = is_folder = False
    if is_file and path.name == RECORD:
        return [Found("run", path.parent)]
    if is_file and path.name == FILE:
        path, is_file, is_folder = path.parent, False, True
    if is_file:
        return [Found("log", path)]
    if not is_folder:
        raise BadFile(
            given=f"no such file or folder{or_rather(root)}",
            allowed="a run's folder, a study's, a log, or a folder with any of them below",
            where=tame(str(root)),
            fix="check the path",
        )
    found: list[Found] = []
    for one in _below(path, logs):
        found.append(one)
        if len(found) >= MOST_FOUND:
            break
    return found


def _below(root: Path, logs: bool) -> Iterator[Found]:
    seen = 0
    studies: list[Path] = []
    for here, folders, names in os.walk(root):
        place = Path(here)
        depth = len(place.relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEEPEST else []
        study = next((known for known in reversed(studies) if known in place.parents), None)
        if RECORD in names:
            yield Found("run", place, study)
            folders.clear()
            continue
        if FILE in names:
            studies.append(place)
            yield Found("study", place)
            continue
        for name in sorted(names):
            seen += 1
            if seen > MOST_FILES:
                return
            if logs and study is None and not name.startswith(".") and _is_log(place / name):
                yield Found("log", place / name)


def _is_log(path: Path) -> bool:
    from calando.records.logs.draft import Asked
    from calando.records.logs.formats import format_of
    from calando.records.logs.opened import opened
    from calando.records.logs.places import glance, promising

    if not glance(path):
        return False
    try:
        file = opened(path)
        return promising(file, format_of(file).kind, Asked())
    except (BadFile, OSError):
        return False
