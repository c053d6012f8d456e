"""Recorded curves as small text files, and the reader that answers for a run as if it had been made."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import calando
from bench.tuning.grid import plan
from calando.records import Curve, RunRecord, RunSpec

__all__ = ["HERE", "Recorded", "load", "read_rows", "write_rows"]

HERE = Path(__file__).parents[1] / "results" / "tune"
COLUMNS = (
    "plan", "peak", "seed", "horizon", "status", "reason", "steps", "cpu_seconds",
    "val_at", "val_loss", "train_at", "train_loss",
)  # fmt: skip
Key = tuple[str, str, int, int, str]


def key_of(spec: RunSpec) -> Key:
    """What makes two runs one: plan, peak to nine digits, seed, horizon, params."""
    return plan(spec.plan), "" if spec.peak is None else f"{spec.peak:.9g}", spec.seed, spec.horizon, spec.params


def row_of(record: RunRecord) -> list[str]:
    """A record as one line of the table, numbers to six significant digits."""
    spec = record.spec
    row = [plan(spec.plan), f"{spec.peak:.9g}", str(spec.seed), str(spec.horizon), record.status, record.reason]
    row += [str(record.steps), f"{record.seconds:.3f}"]
    for name in ("val_loss", "train_loss"):
        curve = record.curve(name)
        row += [" ".join(map(str, curve.steps)), " ".join(f"{value:.6g}" for value in curve.values)]
    return row


def record_of(row: dict[str, str]) -> RunRecord:
    """The record that a line of the table tells of; without its learning rates."""
    spec = RunSpec("", row["plan"], float(row["peak"]), int(row["seed"]), int(row["horizon"]))
    curves = {
        name: Curve(tuple(map(int, row[at].split())), tuple(map(float, row[name].split())))
        for at, name in (("val_at", "val_loss"), ("train_at", "train_loss"))
    }
    done = row["status"] == "done"
    return RunRecord(
        spec,
        "done" if done else "diverged",
        row["reason"],
        final=curves["val_loss"].last if done else None,
        curves=curves,
        steps=int(row["steps"]),
        seconds=float(row["cpu_seconds"]),
    )


def write_rows(path: Path, rows: Iterable[list[str]]) -> None:
    """The table, compressed so that equal rows give equal bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The lines of a table by their columns' names."""
    yield from csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))


@dataclass(frozen=True)
class Recorded:
    """Everything recorded of one workload.

    `answer(spec)` is what came of that run, whoever asks and in which phase; None where it was never made.
    `about` holds command, commit, seeds, versions, data hash and CPU seconds.
    """

    name: str
    about: dict[str, Any]
    runs: dict[Key, RunRecord] = field(repr=False)

    def offers(self, spec: RunSpec) -> bool:
        """Whether the run was recorded."""
        return key_of(spec) in self.runs

    def plain(self, spec: RunSpec) -> RunRecord | None:
        """The recorded run as it lies there: under its own spec, without learning rates."""
        return self.runs.get(key_of(spec))

    def answer(self, spec: RunSpec) -> RunRecord | None:
        """The recorded run under the spec that was asked, with the learning rate of every update."""
        record = self.plain(spec)
        if record is None:
            return None
        schedule = calando.parse(spec.plan).bind(spec.horizon)
        rates = (spec.peak or 1.0) * np.asarray(schedule(np.arange(record.steps)))
        lr = Curve(tuple(range(record.steps)), tuple(rates.tolist()))
        return replace(record, spec=spec, curves={"lr": lr, **record.curves})

    def final(self, cell: tuple[str, float], seed: int, horizon: int) -> float | None:
        """The final loss of one cell's run; infinite where it diverged, None where it was never made."""
        record = self.plain(RunSpec("", cell[0], cell[1], seed, horizon))
        if record is None:
            return None
        return float("inf") if record.final is None else record.final


def load(name: str, folder: Path = HERE, kind: str = "grid") -> Recorded:
    """The records of a workload: kind "grid" is the reference, "fresh" the seeds that nobody chose by.

    Raises FileNotFoundError where nothing was recorded, ValueError where table and description disagree.
    """
    path = folder / f"{kind}-{name}.csv.gz"
    about = json.loads((folder / f"{kind}-{name}.json").read_text())
    if hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() != about["sha256"]:
        raise ValueError(f"{path.name} is not the table that {kind}-{name}.json describes; record it again")
    records = [record_of(row) for row in read_rows(path)]
    return Recorded(name, about, {key_of(record.spec): record for record in records})
