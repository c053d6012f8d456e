"""Making the records: one process a core, one thread each; what is there already is not made again."""

import csv
import gzip
import hashlib
import json
import multiprocessing
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.tuning.grid import SEEDS, STEPS
from bench.tuning.recorded import COLUMNS, HERE, Key, key_of, record_of, row_of, write_rows
from bench.tuning.training import data_of, train
from calando.records import RunSpec

__all__ = ["make", "pack"]

UNDER_WAY = Path(__file__).parents[2] / "build" / "tune"  # ignored by git: rows as they come


def _row(job: tuple[str, RunSpec]) -> list[str]:
    name, spec = job
    return row_of(train(name, spec))


def had(path: Path) -> dict[Key, list[str]]:
    """The rows of an earlier, interrupted recording."""
    rows: dict[Key, list[str]] = {}
    if path.exists():
        with path.open(newline="") as file:
            for row in csv.reader(file):
                if len(row) == len(COLUMNS):
                    rows[key_of(record_of(dict(zip(COLUMNS, row, strict=True))).spec)] = row
    return rows


def make(kind: str, name: str, specs: Sequence[RunSpec], workers: int = 1) -> dict[Key, list[str]]:
    """Train what is missing; gives the rows of all of them. Interrupted, it goes on where it was."""
    UNDER_WAY.mkdir(parents=True, exist_ok=True)
    path = UNDER_WAY / f"{kind}-{name}-{data_of(name)}.csv"
    rows = had(path)
    missing = [spec for spec in specs if key_of(spec) not in rows]
    began = time.monotonic()
    with path.open("a", newline="") as file, multiprocessing.get_context("spawn").Pool(workers) as pool:
        writer = csv.writer(file, lineterminator="\n")
        for count, row in enumerate(pool.imap(_row, [(name, spec) for spec in missing]), 1):
            writer.writerow(row)
            file.flush()
            rows[key_of(record_of(dict(zip(COLUMNS, row, strict=True))).spec)] = row
            if count % 50 == 0 or count == len(missing):
                sys.stdout.write(f"{kind} {name}: {count} of {len(missing)}, {time.monotonic() - began:.0f} s\n")
                sys.stdout.flush()
    return rows


def pack(kind: str, name: str, rows: dict[Key, list[str]], folder: Path = HERE) -> None:
    """Write the table and what it is made of; sorted, so that the order of making leaves no trace."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{name}.csv.gz"
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (-key[3], key[0], float(key[1]), key[2]))]
    write_rows(path, ordered)
    numbers = [dict(zip(COLUMNS, row, strict=True)) for row in ordered]
    about = {
        "kind": kind,
        "workload": name,
        "command": f"python bench/tune.py --{'record' if kind == 'grid' else 'fresh'} {name}",
        "commit": commit(),
        "data": data_of(name),
        "steps": STEPS[name],
        "seeds": sorted({int(row["seed"]) for row in numbers}) if kind != "grid" else list(SEEDS),
        "runs": len(numbers),
        "diverged": sum(row["status"] == "diverged" for row in numbers),
        "updates": sum(int(row["steps"]) for row in numbers),
        "cpu_seconds": round(sum(float(row["cpu_seconds"]) for row in numbers), 1),
        "versions": versions(),
        "sha256": hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest(),
    }
    (folder / f"{kind}-{name}.json").write_text(json.dumps(about, indent=1) + "\n")


ROOT = Path(__file__).parents[2]
TRAINED_BY = ("bench/workloads", "bench/tuning/training.py")  # what a recorded curve hangs on, beside the library


def commit(*among: str) -> str:
    """The commit that is checked out, with a plus sign where these paths differ from it."""

    def git(*words: str) -> str:
        command = [shutil.which("git") or "git", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", *(among or TRAINED_BY))
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")


def source(*among: str) -> str:
    """A hash of these files, and of the Python files in these folders: equal hashes mean the same code."""
    digest = hashlib.sha256()
    for place in among:
        for path in sorted((ROOT / place).rglob("*.py")) or [ROOT / place]:
            digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, Any]:
    """What may change a number in the last digits."""
    import numpy as np
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": torch.backends.cpu.get_cpu_capability(),
    }
