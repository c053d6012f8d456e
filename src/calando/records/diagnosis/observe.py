"""From a log, whatever tool wrote it, to what a diagnosis looks at."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from calando.core.text import parse
from calando.errors import CalandoError
from calando.records.diagnosis.finding import Observed
from calando.records.logs.guess import trained

if TYPE_CHECKING:
    from calando.core.schedule import Schedule
    from calando.records.logs import Column, Log

    Pair = tuple[list[float], list[float]]

__all__ = ["ahead", "from_log", "settings"]

APART = re.compile(
    r"seed|learning.?rate|(^|[^a-z])lr([^a-z]|$)|peak|plan|schedul|warm.?up|steering"  # what they may differ in
    r"|^(horizon|steps|logging_steps|eval_steps|status|phase|metric)$"  # what is compared otherwise, or means nothing
    r"|^(name|run|id|study|candidate|group|tags?|notes?|comment|began|date|time|host|user|dir|path|(run|output|logging)_(dir|name|id))$",
    re.IGNORECASE,
)
"""Names of what two runs may differ in that are laid beside each other."""

MOST = 2_000_000
"""Updates above which a plan is not laid beside the rates: a diagnosis is to be read in a blink."""


def from_log(log: Log, *, plan: str = "", peak: float | None = None, horizon: int | None = None) -> Observed:
    """What one log shows; a plan that is named is what the run was asked to follow.

    Args:
        log: of `calando.records.logs.read_logs`; its steps are counts, so an update stands at its count less 1.
        plan: text of the plan that was asked for; "" takes the log's own, where it names one.
        peak: learning rate that factor 1.0 stands for, > 0; left out, the log's own.
        horizon: updates of the whole run, >= 1; left out, the log's own, or its last step.

    Raises:
        CalandoError: when a plan that is named here cannot be read or bound.

    Example:
        >>> import numpy as np
        >>> from calando.records.logs import Column, Log
        >>> log = Log("a", "a.csv", "csv", {"loss": Column(np.arange(1, 4), np.array([3.0, 2.0, 1.5]))}, loss="loss")
        >>> from_log(log).train
        ([0.0, 1.0, 2.0], [3.0, 2.0, 1.5])
    """
    length = max(horizon or 0, log.horizon)
    train, val, rates = (_pair(log.columns, name) for name in (log.loss, log.val_loss, log.lr))
    score, of_training, unsure = _scores(log)
    val = _pair(log.columns, score) if score else val
    train = _pair(log.columns, of_training) if of_training else train
    status = str(log.meta.get("status", "done"))
    ended = log.diverged
    if ended is not None and status != "failed":
        status = "diverged"
    if status not in ("done", "running", "diverged", "failed"):
        status = "done"  # stopped, unfinished, lost: as far as it came, it is judged like any other
    planned = _plan(log, plan, peak, length)
    asked = _asked(log, rates, planned, plan, length)
    if not rates[0] and asked[0]:
        rates, asked = asked, ([], [])  # nobody logged what was used: the plan is all that is known
    return Observed(
        horizon=length,
        train=train,
        val=val,
        lr=rates,
        asked=asked,
        status=status,
        ended_at=None if ended is None else max(ended - 1, 0),
        metric=log.val_loss or score or "validation loss",
        higher_is_better=bool(score),
        train_metric=of_training or "training loss",
        train_higher=bool(of_training),
        unsure=unsure,
        logged=() if train[0] or val[0] else tuple(name for name in log.columns if name != log.lr),
        settings=settings(log.meta),
        ahead=ahead(*planned[:2], log.last, length) if status == "running" and planned else math.nan,
    )


def settings(meta: Mapping[str, object]) -> dict[str, str]:
    """What is known of how a run was made, but for its rates, its seed and its names; tools spell the same key apart.

    >>> settings({"seed": 1, "Batch-Size": 32, "baseLR": 0.1, "note": "second try"})
    {'batchsize': '32'}
    """
    named = ((_words(key.removeprefix("meta.")), value) for key, value in list(meta.items())[:150])
    return {key.replace("_", ""): str(value)[:200] for key, value in named if not APART.search(key)}


def _words(key: str) -> str:
    """The words of a key with "_" between them: batchSize, Batch Size and batch-size are batch_size."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return re.sub(r"[\W_]+", "_", apart).strip("_").lower()


def _scores(log: Log) -> tuple[str, str, bool]:
    """The columns of a score and of a training score that are judged, "" for none, and whether it is unsure of what
    data the score is."""
    if log.val_loss:
        return "", "", False
    of_training = log.train_score if not log.loss else ""
    if log.score or not of_training or trained(of_training):
        return log.score, of_training, False
    return of_training, "", True


def _pair(columns: Mapping[str, Column], name: str) -> Pair:
    if not name or name not in columns:
        return [], []
    column = columns[name]
    return (column.steps.astype(float) - 1).tolist(), column.values.tolist()


def _plan(log: Log, plan: str, peak: float | None, length: int) -> tuple[Schedule, float, int] | None:
    """The schedule that the run was to follow, where it is known, its peak, and the updates of an epoch or 0."""
    text = plan or str(log.meta.get("plan", ""))
    top = peak if peak is not None else log.meta.get("peak")
    if not text or not isinstance(top, int | float) or not math.isfinite(top) or log.unit == "epoch":
        return None
    if not 1 <= length <= MOST:
        return None
    per_epoch = int(log.meta.get("steps_per_epoch") or 0)
    try:
        return parse(text).bind(length, steps_per_epoch=per_epoch or None), float(top), per_epoch
    except CalandoError:
        if plan:
            raise
        return None  # the log's own words are no promise


def ahead(schedule: Schedule | None, peak: float | None, first: int, horizon: int | None) -> float:
    """The lowest rate that is still to come from a step on; NaN where no schedule tells."""
    if schedule is None or not peak or not horizon or first >= horizon:
        return math.nan
    places = {first + (horizon - 1 - first) * place // 64 for place in range(65)}
    return peak * min(float(schedule(place)) for place in places)


def _asked(log: Log, rates: Pair, planned: tuple[Schedule, float, int] | None, plan: str, length: int) -> Pair:
    """The rates that the schedule has at the steps where a rate was logged; empty where no schedule is known."""
    if "lr_asked" in log.columns and not plan:
        other = dict(zip(*_pair(log.columns, "lr_asked"), strict=True))
        return rates[0], [other.get(step, rate) for step, rate in zip(*rates, strict=True)]
    if planned is None:
        return [], []
    schedule, top, whole = planned
    at = rates[0] or [float(step) for step in range(length)]
    asked = [top * float(schedule(max(0, int(step)))) for step in at]
    if whole and rates[0]:  # a scheduler that steps once an epoch holds what it asked at the epoch's begin
        held = [top * float(schedule(max(0, int(step)) // whole * whole)) for step in at]
        after = [top * float(schedule(max(0, int(step)) + 1)) for step in at]  # read once the scheduler had stepped
        return at, max((asked, held, after), key=lambda told: _met(rates[1], told))
    return at, asked


def _met(used: Sequence[float], asked: Sequence[float]) -> int:
    return sum(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(used, asked, strict=True))
