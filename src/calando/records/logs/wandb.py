"""What the pages of Weights & Biases export: one table, a column for each run and metric.

    "Step","happy-sun-1 - train/loss","happy-sun-1 - train/loss__MIN","happy-sun-1 - train/loss__MAX", ...

The three columns of a metric hold the same where a panel shows single runs (wandb issue 5349). `Step` counts calls of
`wandb.log`; updates are counted by whatever else was chosen as the panel's x axis, such as train/global_step.
"""

from dataclasses import replace

from calando.errors import shown
from calando.records.logs.dialect import dialect_of
from calando.records.logs.draft import Asked, Draft, Pair, Problems
from calando.records.logs.guess import find, plain
from calando.records.logs.opened import Opened
from calando.records.logs.plain_csv import counter, stem
from calando.records.logs.table import read_table

__all__ = ["looks", "read"]

JOINT = " - "
BOUNDS = ("__MIN", "__MAX")


def looks(file: Opened) -> bool:
    """Whether its first line has bounds of a metric of a named run."""
    first = file.head[: file.head.find(b"\n")] if b"\n" in file.head else file.head
    return JOINT.encode() in first and b"__MIN" in first


def read(file: Opened, asked: Asked) -> list[Draft]:
    """Its runs."""
    dialect = dialect_of(file)
    problems = Problems(file.source)
    metrics = [name for name in dialect.names if JOINT in name and not name.endswith(BOUNDS)]
    axes = [name for name in dialect.names if JOINT not in name]
    own = [name for name in metrics if name.endswith(f"{JOINT}_step")]
    if not (asked.step or asked.epoch or find("step", axes) or find("epoch", axes)) and len(own) == 1:
        asked = replace(asked, step=own[0])
    stepped, unit = counter([*axes, *own], asked, file)
    unwanted = {name for name in dialect.names if name.endswith(BOUNDS)} | set(own) - {stepped}
    table = read_table(file, dialect, problems, step=stepped, whole=unit == "step", needed=(), skip=unwanted)
    runs: dict[str, dict[str, Pair]] = {}
    for name, pair in table.columns().items():
        run, joint, metric = name.rpartition(JOINT)
        if joint:
            runs.setdefault(run.removeprefix("Group: "), {})[metric] = pair
    notes = [f"{unit}s: column {shown(stepped)}"]
    if plain(stepped) in {"step", "_step"}:
        notes.append(
            "W&B's Step counts calls of wandb.log; where that is not once an update, export with your own count of"
            " updates as the x axis"
        )
    return [
        Draft(
            name,
            file.source,
            "wandb",
            columns,
            problems,
            unit=unit,
            counted_from=None,
            edge=None if "train/learning_rate" in columns else "used",  # that is what a Trainer's callback calls it
            notes=list(notes),
        )
        for name, columns in (runs or {stem(file): {}}).items()
    ]
