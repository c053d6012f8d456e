"""The table of complaints, read from table.toml. No framework is loaded."""

import tomllib
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class Complaint(NamedTuple):
    """A complaint, or a trap nobody complained about (which has no ids, no theme and no example)."""

    title: str
    peer: str
    ours: str
    test: str
    ids: tuple[str, ...] = ()
    theme: str = ""
    theirs: str = ""
    example: str = ""
    needs: str = "torch"
    mended: bool = False


_READ = tomllib.loads((HERE / "table.toml").read_text(encoding="utf-8"))

HOMES: dict[str, str] = _READ["homes"]
COMPLAINTS = tuple(Complaint(**{**row, "ids": tuple(row["ids"])}) for row in _READ["complaint"])
TRAPS = tuple(Complaint(**row) for row in _READ["trap"])
ISSUES = tuple(issue for complaint in COMPLAINTS for issue in complaint.ids)


def parts(issue: str) -> tuple[str, str, int]:
    """What an id says: `timm PR#2312` is timm, pull, 2312."""
    name, _, number = issue.partition("#")
    home, _, kind = name.partition(" ")
    return home, "pull" if kind == "PR" else "issues", int(number)


def address(issue: str) -> str:
    """Where an issue stands."""
    home, kind, number = parts(issue)
    return f"https://github.com/{HOMES[home]}/{kind}/{number}"


def versions() -> dict[str, str]:
    """The pinned version of each package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
