"""MLflow: the table that its pages give, and the files of its file store.

The table is long: `run_id,key,value,step,timestamp` (MLflow's MetricsPlotPanel). The file store, `mlruns`, has a file
for each metric, `EXPERIMENT/RUN/metrics/KEY`, with a line `timestamp value step` for each value.
"""

import re
from pathlib import Path

import numpy as np

from calando.errors import shown
from calando.records.logs.cells import even_cells, floats
from calando.records.logs.dialect import dialect_of
from calando.records.logs.draft import Asked, Draft, Problems
from calando.records.logs.guess import plain
from calando.records.logs.opened import Opened, blocks
from calando.records.logs.plain_csv import stem
from calando.records.logs.table import read_table

__all__ = ["looks", "read", "run_of"]

STORED = re.compile(rb"\d{9,16} \S+ \d+\s*\Z")
FURTHEST = 2.0**53


def looks(file: Opened) -> bool:
    """Whether its first line is `timestamp value step`, or names key, value and step."""
    first = file.head.split(b"\n", 1)[0]
    return STORED.fullmatch(first.strip()) is not None or _long(first)


def _long(first: bytes) -> bool:
    names = [plain(name) for name in first.decode(errors="replace").replace('"', "").split(",")]
    return {"key", "value", "step"} <= set(names) and len(names) <= 8


def read(file: Opened, _asked: Asked) -> list[Draft]:
    """Its runs, or the one metric of one run."""
    return _read_table(file) if _long(file.head.split(b"\n", 1)[0]) else [_read_metric(file)]


def run_of(path: Path) -> tuple[Path, str]:
    """The folder of the run that a metric's file belongs to, and the metric's name; a name may hold slashes."""
    places = [i for i, part in enumerate(path.parts) if part == "metrics"]
    if not places:
        return path, path.name
    return Path(*path.parts[: places[-1]]), "/".join(path.parts[places[-1] + 1 :])


def _read_table(file: Opened) -> list[Draft]:
    dialect, problems = dialect_of(file), Problems(file.source)
    known = {plain(name): name for name in dialect.names}
    labels = [known[name] for name in ("key", "run_id", "run_name", "run") if name in known]
    value = known["value"]
    skip = [name for name in dialect.names if name not in {*labels, value, known["step"]}]
    table = read_table(
        file, dialect, problems, step=known["step"], whole=True, needed=[value], labels=labels, skip=skip
    )
    drafts = []
    values = table.values.get(value, np.full(table.steps.size, np.nan))
    filled = table.filled.get(value)
    runs = table.groups(labels[1]) if labels[1:] else [(stem(file), np.arange(table.steps.size))]
    words = dict(enumerate(table.words[labels[0]]))
    for run, rows in runs:
        rows = rows if filled is None else rows[filled[rows]]
        keys = table.labels[labels[0]][rows]
        order = np.argsort(keys, kind="stable")
        ends = np.flatnonzero(np.diff(keys[order])) + 1
        parts = [part for part in np.split(rows[order], ends) if part.size]
        columns = {words[int(table.labels[labels[0]][part[0]])]: (table.steps[part], values[part]) for part in parts}
        drafts.append(Draft(run or "(no name)", file.source, "mlflow", columns, problems, counted_from=None))
    return drafts or [Draft(stem(file), file.source, "mlflow", {}, problems)]


def _read_metric(file: Opened) -> Draft:
    problems = Problems(file.source)
    folder, name = run_of(file.path)
    number, steps, values = 1, [np.empty(0)], [np.empty(0)]
    for part in blocks(file, problems):
        rows = part.removesuffix("\n").split("\n")
        cells = even_cells(part.replace(" ", ","), ",", 3)
        if cells is None:
            every = [row.split() if len(row.split()) == 3 else ["", "", ""] for row in rows]
            cells = [list(column) for column in zip(*every, strict=True)]
        count, _, _ = floats(cells[2])
        value, filled, _ = floats(cells[1])
        with np.errstate(invalid="ignore"):
            good = (count >= 0) & (count <= FURTHEST) & (np.floor(count) == count)
        good &= True if filled is None else filled
        for i in np.flatnonzero(~good).tolist():
            if rows[i].strip():
                problems.add(f"not `timestamp value step`: {shown(rows[i][:200])}", number + i)
        number += len(rows)
        steps.append(count[good])
        values.append(value[good])
    column = np.concatenate(steps), np.concatenate(values)
    return Draft(_run_name(folder), file.source, "mlflow", {name: column}, problems, counted_from=None)


def _run_name(folder: Path) -> str:
    """The name that the run was given, else its folder's."""
    for place, pattern in (("tags/mlflow.runName", r"(.+)"), ("meta.yaml", r"(?m)^run_name: ?['\"]?(.+?)['\"]?$")):
        try:
            with (folder / place).open(encoding="utf-8", errors="replace") as file:
                found = re.search(pattern, file.read(10_000))
        except (OSError, ValueError):
            continue
        if found:
            return found[1].strip()
    return folder.name
