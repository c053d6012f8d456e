"""Making the records of our own runs; what is there already is not made again."""

import csv
import gzip
import hashlib
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")


from bench.forecasting.live.grids import wanted
from bench.tuning.recorded import COLUMNS, Key, key_of, record_of, row_of, write_rows
from bench.tuning.recording import commit, had, source, versions
from calando.records import RunRecord, RunSpec

__all__ = ["HERE", "data_of", "make", "pack", "train"]

ROOT = Path(__file__).parents[3]
HERE = ROOT / "bench" / "results" / "forecast"
UNDER_WAY = ROOT / "build" / "forecast"  # ignored by git: rows as they come


def module_of(name: str) -> str:
    """The module that trains a workload; "-few" is the same one with little to learn from."""
    return f"bench.forecasting.live.{name.removesuffix('-few')}"


def trained_by(name: str) -> tuple[str, ...]:
    """The files that a recorded curve hangs on, beside the library."""
    own = [f"bench/forecasting/live/{part}.py" for part in (name.removesuffix("-few"), "outcome")]
    if name == "characters":
        own.append("bench/workloads/characters.py")  # the text
    elif name.startswith("tuning"):
        own.append("bench/forecasting/live/characters.py")
    return tuple(own)


def data_of(name: str) -> str:
    """The hash of a workload's data on this machine."""
    return str(importlib.import_module(module_of(name)).DATA)


def train(name: str, specs: Sequence[RunSpec]) -> list[RunRecord]:
    """Runs of one batch, for real, in this process and by one thread."""
    module = importlib.import_module(module_of(name))
    records: list[RunRecord] = module.train(specs, few=True) if name.endswith("-few") else module.train(specs)
    return records


def make(name: str) -> dict[Key, list[str]]:
    """Train what is missing; gives the rows of all. Interrupted, it goes on with the batch it was in."""
    UNDER_WAY.mkdir(parents=True, exist_ok=True)
    path = UNDER_WAY / f"live-{name}-{data_of(name)}-{source(*trained_by(name))}.csv"
    rows = had(path)
    batches = wanted(name)
    missing = [specs for specs in batches if not all(key_of(spec) in rows for spec in specs)]
    began = time.monotonic()
    for count, specs in enumerate(missing, 1):
        made = [row_of(record) for record in train(name, specs)]
        with path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(made)
        rows.update((key_of(spec), row) for spec, row in zip(specs, made, strict=True))
        sys.stdout.write(f"live {name}: {count} of {len(missing)} batches, {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
    return {key_of(spec): rows[key_of(spec)] for specs in batches for spec in specs if key_of(spec) in rows}


def pack(name: str, rows: dict[Key, list[str]], folder: Path = HERE) -> None:
    """Write the table and what it is made of; sorted, so that the order of making leaves no trace."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"live-{name}.csv.gz"
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (-key[3], key[0], float(key[1]), key[2]))]
    write_rows(path, ordered)
    runs = [record_of(dict(zip(COLUMNS, row, strict=True))) for row in ordered]
    about: dict[str, Any] = {
        "kind": "live",
        "workload": name,
        "command": f"python -m bench.forecasting.live --record {name}",
        "commit": commit(*trained_by(name)),
        "source": source(*trained_by(name)),
        "data": data_of(name),
        "seeds": sorted({run.spec.seed for run in runs}),
        "horizons": sorted({run.spec.horizon for run in runs}),
        "runs": len(runs),
        "diverged": sum(run.status == "diverged" for run in runs),
        "updates": sum(run.steps for run in runs),
        "cpu_seconds": round(sum(run.seconds for run in runs), 1),
        "versions": versions(),
        "sha256": hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest(),
    }
    (folder / f"live-{name}.json").write_text(json.dumps(about, indent=1) + "\n")
