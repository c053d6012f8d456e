"""Where logs lie: files, patterns, folders; in a folder what is no log is passed over."""

import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from calando.errors import BadFile, CalandoError, shown, tame
from calando.records.logs import mlflow, study
from calando.records.logs.dialect import dialect_of
from calando.records.logs.draft import Asked
from calando.records.logs.events import is_record
from calando.records.logs.guess import find, plain
from calando.records.logs.opened import Opened
from calando.records.nearby import or_rather
from calando.records.store import FILE

__all__ = ["files_of", "glance", "promising"]

MOST = 20_000
"""Files of a folder, and folders below it, that are looked at."""

DEEPEST = 16
"""Folders in one another that are gone into."""

JUDGED = ("loss", "val_loss", "score", "train_score")
GLANCE = 512


def files_of(place: str | Path, cut: list[CalandoError]) -> list[tuple[Path, bool]]:
    """The files that a path, a pattern or a folder stands for, and which of them a folder was searched for.

    Args:
        place: text of a path or of a pattern.
        cut: list that takes what is to be told of a folder with more below it than is looked at.

    Raises:
        BadFile: when there are none.
    """
    path = Path(place).expanduser()
    try:
        matches = [path] if path.exists() else []
        if not matches:
            found = glob.glob(str(path), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
            matches = sorted(map(Path, found))
    except (OSError, ValueError) as error:
        raise _none(place, f"a path that cannot be ({shown(str(error))})") from error
    if not matches:
        raise _none(place, f"no such file or folder, nor a pattern that fits any{or_rather(path)}")
    files: list[tuple[Path, bool]] = []
    for match in matches:
        files += [(file, True) for file in _walk(match, cut)] if match.is_dir() else [(match, False)]
    if not files:
        if cut:
            raise _cut(path, cut[0].given)
        raise _none(place, "a folder without a file")
    return files


def _walk(folder: Path, cut: list[CalandoError]) -> Iterator[Path]:
    """Its files, in order of their names; below a study only the study itself."""
    count = folders = 0
    for here, below, names in os.walk(folder):
        if (folders := folders + 1) > MOST:
            cut.append(_cut(folder, f"more than {MOST:,} files or folders: from {here} on nothing was looked at"))
            return
        deep = len(Path(here).relative_to(folder).parts) >= DEEPEST
        below[:] = sorted(name for name in below if not name.startswith("."))
        if deep and below:
            if not cut:
                cut.append(
                    _cut(folder, f"more than {DEEPEST} folders in one another: nothing below {here} was looked at")
                )
            below.clear()
        if FILE in names:
            below.clear()
            names = [FILE]
        for name in sorted(names):
            if name.startswith("."):
                continue
            if count >= MOST:
                cut.append(_cut(folder, f"more than {MOST:,} files or folders: from {here} on nothing was looked at"))
                return
            count += 1
            yield Path(here) / name


def _cut(folder: Path, given: str) -> BadFile:
    return BadFile(
        given=tame(given),
        allowed=f"a folder with up to {MOST:,} files and folders below it, up to {DEEPEST} in one another",
        where=tame(str(folder)),
        fix="name folders nearer to the logs, or a pattern such as runs/*.csv",
    )


def glance(path: Path) -> bool:
    """Whether a file's first bytes may be those of a log; what is not looked into further costs next to nothing."""
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode) or not kind.st_size:  # a pipe would wait for ever, as would some of /proc
            return False
        with path.open("rb") as file:
            head = file.read(GLANCE)
    except (OSError, ValueError):
        return False
    if head[:2] == b"\x1f\x8b" or head.startswith(study.MAGIC) or is_record(head) or "tfevents" in path.name:
        return bool(head)
    return bool(head) and (head[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" not in head)


def promising(file: Opened, kind: str, asked: Asked) -> bool:
    """Whether a file that lies in a folder is a log, and not just any table or JSON."""
    if kind == "transformers":
        return b'"log_history"' in file.head
    if kind == "study":
        return file.path.name == FILE
    if kind == "mlflow" and not file.path.name.endswith((".csv", ".csv.gz")):
        return mlflow.run_of(file.path)[0] != file.path
    if kind in {"csv", "lightning", "keras"}:
        try:
            names = dialect_of(file).names
        except BadFile:
            return False
        wanted = {plain(word) for word in (asked.step, asked.epoch, asked.loss, asked.val_loss) if word}
        known = {plain(name) for name in names}
        counts = find("step", names) or find("epoch", names) or wanted & known
        return bool(counts and (any(find(role, names) for role in JUDGED) or wanted & known))
    return True


def _none(place: object, given: str) -> BadFile:
    return BadFile(
        given=given,
        allowed="log files, a pattern such as runs/*.csv, or a folder with logs in it",
        where=tame(str(place)),
        fix="check the path",
    )
