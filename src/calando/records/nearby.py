"""What a path that is not there may have been meant for."""

import difflib
import heapq
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from calando.errors import tame

__all__ = ["or_rather"]

USUAL = ("runs", "studies")
"""Folders below which a bare name is looked for, too."""

MOST = 5_000
"""Names of a folder that are looked at."""

LIKELY = 300
"""Of these, those that begin and end most alike, which are compared sign by sign."""

FOLDERS = 12
"""Folders that are looked into for one path."""

NEAR = 0.6


def or_rather(place: str | Path) -> str:
    """The nearest paths that there are, as the tail of a sentence; empty when none is near.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "first").mkdir()
    ...     or_rather(Path(folder, "frist")).replace(folder, "runs")
    "; did you mean 'runs/first'?"
    """
    path = Path(place)
    try:
        if path.exists():
            return ""
        found = list(dict.fromkeys(_near(path, iter(range(FOLDERS)))))
    except (OSError, ValueError):  # a folder that is not ours, or no path at all
        return ""
    near = [repr(tame(str(one))) for one in found[:2]]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near(path: Path, looks: Iterator[int]) -> Iterator[Path]:
    if len(path.parts) == 1:
        for usual in USUAL:
            if Path(usual, path).exists():
                yield Path(usual, path)
    yield from _among(path, looks)
    if len(path.parts) == 1:
        for usual in USUAL:
            if Path(usual).is_dir():
                yield from _among(Path(usual, path), looks)


def _among(path: Path, looks: Iterator[int]) -> Iterator[Path]:
    """Paths whose first name that is not there is another one, and the rest as asked or nearly so."""
    parts = path.parts
    here = next((count for count in range(len(parts) - 1, 0, -1) if Path(*parts[:count]).is_dir()), 0)
    above, asked, rest = Path(*parts[:here]), parts[here], parts[here + 1 :]
    for name in _like(above, asked) if next(looks, None) is not None else ():
        one = above / name
        if not rest or (one / Path(*rest)).exists():
            yield one.joinpath(*rest)
        elif one.is_dir():
            yield from _among(one.joinpath(*rest), looks)


def _like(folder: Path, name: str) -> list[str]:
    """The names in a folder that are spelled nearly so, the nearest first."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST)]
    plain: dict[str, list[str]] = {}
    for one in sorted(names):
        if one.startswith(".") <= name.startswith("."):
            plain.setdefault(one.lower(), []).append(one)
    asked = name[:80].lower()
    likely = heapq.nlargest(LIKELY, plain, key=lambda spelled: _ends_alike(asked, spelled))
    near = difflib.get_close_matches(asked, likely, n=3, cutoff=NEAR)
    return [one for spelled in near for one in plain[spelled]]


def _ends_alike(asked: str, spelled: str) -> int:
    """How many signs two names have in common, from their beginnings and from their ends; costs next to nothing."""
    first = next((at for at, (one, other) in enumerate(zip(asked, spelled, strict=False)) if one != other), len(asked))
    backwards = zip(reversed(asked), reversed(spelled), strict=False)
    return first + next((at for at, (one, other) in enumerate(backwards) if one != other), len(asked))
