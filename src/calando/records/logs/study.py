"""Our own studies, and single runs of `calando run`, which are studies of one run: each run is a log.

Curves of a study stand at the update that logged them, counted from 0; the rate there is the one that update used.
"""

import numpy as np

from calando.errors import shown
from calando.records.logs.draft import Asked, Draft, Problems
from calando.records.logs.guess import find
from calando.records.logs.opened import Opened
from calando.records.run import RunRecord
from calando.records.store import load
from calando.records.study import StudySpec

__all__ = ["looks", "read"]

MAGIC = b"SQLite format 3\0"


def looks(file: Opened) -> bool:
    """Whether it is an SQLite file; `load` says what is wrong with another's."""
    return file.head.startswith(MAGIC)


def read(file: Opened, _asked: Asked) -> list[Draft]:
    """Its finished runs, the diverged and the failed among them, in the order in which they finished.

    Raises:
        BadFile: when it is no study, a broken one, or one without a finished run.
    """
    if file.packed:
        raise file.refused("a packed study", "study.sqlite3 as it is", "unpack it")
    study = load(file.path)
    if not study.runs:
        raise file.refused("a study in which no run has finished yet", "a study with runs", "let one finish first")
    return [_draft(run, study.spec, file) for run in study.runs]


def _draft(run: RunRecord, spec: StudySpec, file: Opened) -> Draft:
    asked = run.spec
    peak = "" if asked.peak is None else f" peak {asked.peak:g}"
    name = f"{asked.candidate}{peak} seed {asked.seed}" + (f" {asked.params}" if asked.params else "")
    problems = Problems(file.source)
    if run.status != "done":
        problems.add(f"{name} {run.status}: {run.reason}")
    meta: dict[str, str | int | float] = {
        "plan": asked.plan,
        "seed": asked.seed,
        "horizon": asked.horizon,
        "phase": asked.phase,
        "status": run.status,
        "candidate": asked.candidate,
        "metric": spec.metric,
    }
    if asked.peak is not None:
        meta["peak"] = asked.peak
    if asked.params:
        meta["params"] = asked.params
    if spec.steps_per_epoch is not None:
        meta["steps_per_epoch"] = spec.steps_per_epoch
    columns = {
        name: (np.array(curve.steps, np.float64), np.array(curve.values, np.float64))
        for name, curve in run.curves.items()
        if len(curve)
    }
    notes = []
    judged = None
    if spec.metric in columns and spec.mode == "min" and not find("loss", [spec.metric]):
        judged = spec.metric
    score = None
    if spec.metric in columns and spec.mode == "max":
        score = spec.metric
        notes.append(f"the study's metric {shown(spec.metric)} is better when higher, so it is no loss")
    return Draft(
        name,
        str(file.path.parent if file.path.name == "study.sqlite3" else file.path),
        "study",
        columns,
        problems,
        counted_from=0,
        val_loss=judged,
        score=score,
        lr="lr" if "lr" in columns else None,
        meta=meta,
        notes=notes,
    )
