"""The matrix: results of every framework against the exact values, as one table of plan x framework."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.parity.exact import Exact, exact_values
from tests.parity.plans import HORIZONS, Case, steps

ROOT = Path(__file__).resolve().parents[2]


class Cell(NamedTuple):
    """The worst step of one case in one framework: its error in units of what is allowed; at most 1 is right."""

    column: str
    case: Case
    excess: float
    step: int

    def __str__(self) -> str:
        return (
            f"{self.column}: {self.case.text} ({self.case.quantity}) over {self.case.horizon} steps is off by "
            f"{self.excess:.3g} x what is allowed at step {self.step}"
        )


def cell(column: str, case: Case, exact: Exact, values: Any, digits: int) -> Cell:
    """Compare one case; a value that is no number, or a missing step, is infinitely wrong."""
    excess = np.nan_to_num(exact.excess(values, digits), nan=np.inf, posinf=np.inf)
    worst = int(excess.argmax())
    return Cell(column, case, float(excess[worst]), steps(case.horizon)[worst])


def library(known: dict[Case, Exact]) -> list[Cell]:
    """Plain floats, and NumPy's arrays."""
    cells = []
    for case, exact in known.items():
        at = steps(case.horizon)
        cells.append(cell("float", case, exact, [case.values(t) for t in at], 64))
        cells.append(cell("NumPy", case, exact, case.values(np.array(at)), 64))
    return cells


def worked(framework: str, folder: Path) -> dict[str, Any]:
    """What the framework says, in a process of its own."""
    path = folder / f"{framework}.npz"
    command = [sys.executable, "-m", "tests.parity.worker", framework, str(path)]
    quiet = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    quiet["KERAS_BACKEND"] = framework
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | quiet, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    print(done.stdout, end="")
    with np.load(path) as found:
        return dict(found)


def compared(found: dict[str, Any], known: dict[Case, Exact]) -> list[Cell]:
    """The cells of one worker's file."""
    index = {(str(case.horizon), case.quantity, case.text): (case, exact) for case, exact in known.items()}
    cells = []
    for key, values in found.items():
        label, *rest = key.split("\t")
        if rest[0] != "refuses":
            case, exact = index[rest[1], rest[2], rest[3]]
            cells.append(cell(label, case, exact, values, int(rest[0])))
    return cells


def matrix(frameworks: tuple[str, ...], folder: Path) -> tuple[list[Cell], dict[str, bool]]:
    """Every cell, and which columns refuse what they cannot compute."""
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(worked, framework, folder) for framework in frameworks]
        known = {case: exact for horizon in HORIZONS for case, exact in exact_values(horizon).items()}
        cells, refusals = library(known), {}
        for found in (job.result() for job in work):
            cells += compared(found, known)
            refusals |= {key.split("\t")[0]: bool(value) for key, value in found.items() if key.endswith("\trefuses")}
    return cells, refusals


def asked(cells: list[Cell]) -> str:
    """One line per column: how many settings it was asked in each run, as the cells say."""
    columns = list(dict.fromkeys(one.column for one in cells))
    lines = ["| settings asked, in a run of | " + " | ".join(f"{horizon:,}" for horizon in HORIZONS) + " |"]
    lines.append("| --- |" + " ---: |" * len(HORIZONS))
    for column in columns:
        seen = [
            {cell.case.text for cell in cells if (cell.column, cell.case.horizon) == (column, horizon)}
            for horizon in HORIZONS
        ]
        lines.append(f"| {column} | " + " | ".join(str(len(texts) or "none") for texts in seen) + " |")
    return "\n".join(lines)


def rendered(cells: list[Cell]) -> str:
    """One line per plan, one column per framework: the worst error over settings, horizons and steps."""
    columns = list(dict.fromkeys(one.column for one in cells))
    names = sorted({one.case.name for one in cells})
    lines = ["| plan | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for name in names:
        worst = [
            max((c.excess for c in cells if (c.column, c.case.name) == (col, name)), default=None) for col in columns
        ]
        lines.append(f"| {name} | " + " | ".join("refused" if w is None else f"{w:.2f}" for w in worst) + " |")
    return "\n".join(lines)
