"""A program that trains from the beginning and from every snapshot that another process left: FOLDER."""

import json
import sys
from pathlib import Path
from typing import Any

import calando
from calando.lab.run import Run
from calando.lab.snapshot import load
from calando.records.stage import SnapshotRef
from tests.keras.inside.trains import fitted, looped

HORIZON = 11  # three whole epochs, and a part of one
TRAINS = {"fitted": fitted, "looped": looped}


def a_run(plan: str = "wsd(warmup=2, cooldown=2)", **changes: Any) -> Run:
    return Run(calando.parse(plan).bind(HORIZON), seed=1, peak=0.01, evals=3, **changes)


def told(run: Run) -> list[Any]:
    """Everything that a finished run can be compared by."""
    curves = {name: [list(curve.steps), list(curve.values)] for name, curve in run.curves().items()}
    return [curves, run.digest(), list(run.outcome())]


def main(folder: Path) -> None:
    for line in (folder / "snapshots").read_text().splitlines():
        name, step, url, sha256, size = json.loads(line)
        run = a_run(start=load(SnapshotRef(step, url, sha256, size)) if step else None)
        TRAINS[name](run)
        sys.stdout.write(json.dumps([name, step, run.began, run.refused, told(run)]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
