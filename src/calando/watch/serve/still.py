"""Runs that are read as a whole: those that a study has finished, and the logs of other tools."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calando.errors import BadFile, CalandoError
from calando.records import RunRecord, load
from calando.records.logs import Log, read_logs
from calando.records.logs.log import Column
from calando.watch.serve.shown import HEARD, Facts, Still

__all__ = ["of_log", "of_study"]


def of_study(folder: Path) -> dict[str, Still]:
    """The finished runs of a study, by the key that names each.

    Raises:
        BadFile: when the study cannot be read.
    """
    study = load(folder)
    spec = study.spec
    return {run.spec.key: _finished(run, folder.name, spec.metric, spec.mode) for run in study.runs}


def _finished(run: RunRecord, group: str, metric: str, mode: str) -> Still:
    spec = run.spec
    peak = "" if spec.peak is None else f" peak {spec.peak:g}"
    facts = Facts(
        f"{spec.candidate}{peak} seed {spec.seed}" + ("" if spec.phase == "select" else f" ({spec.phase})"),
        "study", group, state="ended" if run.status == "done" else run.status, why=run.reason, metric=metric, mode=mode,
        schedule=_schedule(spec.plan, spec.horizon), peak=spec.peak, horizon=spec.horizon, began=run.started,
        heard=run.started + run.seconds, error=run.traceback[-4000:],
    )  # fmt: skip
    columns = {
        name: Column(np.array(curve.steps, np.int64), np.array(curve.values, np.float64))
        for name, curve in run.curves.items()
    }
    return Still(facts, columns)


def _schedule(plan: str, horizon: int) -> Mapping[str, Any] | None:
    import json

    from calando.core.text import parse

    try:
        found: Mapping[str, Any] = json.loads(parse(plan).bind(horizon).to_json())
    except CalandoError:
        return None  # epochs or tokens, whose size the run alone knows
    return found


def of_log(path: Path) -> dict[str, Still]:
    """The runs of another tool's log, by their place in it.

    Raises:
        BadFile: when it cannot be read.
    """
    return {f"{place}": _logged(log, path) for place, log in enumerate(read_logs(path))}


def _logged(log: Log, path: Path) -> Still:
    # A log counts updates made, a record names the update just made, from 0: both stand on one clock here.
    back = 1 if log.unit == "step" else 0
    columns = {name: Column(column.steps - back, column.values) for name, column in log.columns.items()}
    for role, plain in ((log.loss, "train_loss"), (log.val_loss, "val_loss"), (log.lr, "lr")):
        if role and plain not in columns:
            columns[plain] = columns.pop(role)
    known, peak = log.meta.get("horizon"), log.meta.get("peak")
    horizon = int(known) if isinstance(known, int | float) and 0 < known < 2**53 else None
    written = _written(path)
    short = horizon is not None and log.last + 1 - back < horizon
    under_way = short and abs(time.time() - written) < HEARD
    state = "diverged" if log.diverged is not None else "running" if under_way else "ended"
    why = f"not finite at step {max(log.diverged - back, 0):,}" if log.diverged is not None else ""
    facts = Facts(
        log.name, "log", log.kind, state=state, why=why, heard=written,
        horizon=horizon,
        peak=float(peak) if isinstance(peak, int | float) else None,
        metric="val_loss" if log.val_loss else "train_loss",
        problems=(*log.notes, *map(str, log.problems[:50])),
    )  # fmt: skip
    return Still(facts, columns)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError as error:
        raise BadFile(
            given=f"a log that cannot be looked at ({error.strerror})",
            allowed="a file that is there",
            where=path.name,
            fix="check the path",
        ) from error
