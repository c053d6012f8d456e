"""Tables with a row for each step or epoch: whatever a training script wrote."""

import re
from collections.abc import Sequence
from pathlib import Path

from calando.errors import shown
from calando.records.logs.dialect import Dialect, dialect_of
from calando.records.logs.draft import Asked, Draft, Pair, Problems
from calando.records.logs.guess import find, named
from calando.records.logs.log import Kind, Unit, listed
from calando.records.logs.opened import Opened
from calando.records.logs.table import read_table

__all__ = ["counter", "drafts", "looks", "read", "stem"]

MOST_RUNS = 100
DOWNLOADED = re.compile(r"(?:run-(?P<run>.+)-tag-)?(?P<tag>.+)", re.IGNORECASE)


def looks(_file: Opened) -> bool:
    """Whether this may be one: whatever nothing else took."""
    return True


def read(file: Opened, asked: Asked) -> list[Draft]:
    """The runs in a table: one, or one for each label in a column that is called run."""
    return drafts(file, dialect_of(file), asked, kind="csv", counted_from=None)


def drafts(file: Opened, dialect: Dialect, asked: Asked, *, kind: Kind, counted_from: int | None) -> list[Draft]:
    """The runs in a table whose form is known."""
    names, problems, notes = dialect.names, Problems(file.source), list[str]()
    stepped, unit = counter(names, asked, file)
    runs = [named("run", asked.run, names, file.source)] if asked.run else find("run", names)[:1]
    wanted = [getattr(asked, role) for role in ("loss", "val_loss", "lr")]
    needed = [name for role in ("loss", "val_loss", "lr") for name in find(role, names)[:1]]
    needed += [named("column", name, names, file.source) for name in wanted if name]
    table = read_table(
        file,
        dialect,
        problems,
        step=stepped,
        whole=unit == "step",
        needed=needed,
        labels=[r for r in runs if r != stepped],
    )
    if kind == "csv":
        notes.append(f"{unit}s: column {shown(stepped)}" + ("" if unit == "step" else "; no column of steps was found"))
    if dialect.comma:
        notes.append("numbers are written with a decimal comma")
    rename = _downloaded(names, file)
    found: list[tuple[str, dict[str, Pair]]] = [(stem(file), table.columns())]
    if table.labels:
        (label,) = table.labels
        if asked.run or len(table.words[label]) <= max(MOST_RUNS, table.steps.size // 10):
            parts = [(word.strip() or "(no name)", rows) for word, rows in table.groups(label) if rows.size]
            found = [(word, table.columns(rows)) for word, rows in parts] or [(stem(file), {})]
        else:
            notes.append(
                f"column {shown(label)} differs in most rows, so it names no runs; run=NAME in Python says otherwise"
            )
    return [
        Draft(
            name,
            file.source,
            kind,
            {rename.get(column, column): pair for column, pair in columns.items()},
            problems,
            unit=unit,
            counted_from=counted_from,
            notes=list(notes),
        )
        for name, columns in found
    ]


def counter(names: Sequence[str], asked: Asked, file: Opened) -> tuple[str, Unit]:
    """The column that counts, and what it counts.

    Raises:
        BadFile: when none does by its name.
        BadName: when one was asked for that is not there.
    """
    if asked.step:
        return named("step", asked.step, names, file.source), "step"
    if asked.epoch:
        return named("epoch", asked.epoch, names, file.source), "epoch"
    if steps := find("step", names):
        return steps[0], "step"
    if epochs := find("epoch", names):
        return epochs[0], "epoch"
    raise file.refused(
        f"columns of which none counts steps or epochs by its name ({listed(names)})",
        "a column such as step, iteration, global_step or epoch",
        "say which one it is: --step NAME; in Python step=NAME, or epoch=NAME",
    )


def stem(file: Opened) -> str:
    """A run's name where its file says none: the file's, or its folder's where all such files are called alike."""
    name = file.path.name.removesuffix(".gz")
    name = Path(name).stem if "." in name.lstrip(".") else name
    if name in {"metrics", "log", "logs", "history", "training", "train_log", "trainer_state", "results", "progress"}:
        folders = [part for part in file.path.absolute().parts[1:-1] if part != ".."]
        if len(folders) > 1 and re.fullmatch(r"checkpoint-\d+", folders[-1]):
            return folders[-2]
        if len(folders) > 1 and re.fullmatch(r"version_\d+", folders[-1]):
            return "/".join(folders[-2:])
        return folders[-1] if folders else name
    return name


def _downloaded(names: Sequence[str], file: Opened) -> dict[str, str]:
    """TensorBoard's page gives one tag a file, with "Value" for its name and the tag in the file's."""
    if [name.lower() for name in names] != ["wall time", "step", "value"]:
        return {}
    found = DOWNLOADED.fullmatch(Path(file.path.name.removesuffix(".gz")).stem)
    return {names[2]: found["tag"] if found else "value"}
