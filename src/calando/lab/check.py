"""`check`: the run contract, tested in seconds, before a study is paid for."""

import time
from collections.abc import Callable
from typing import Any

from calando.lab.candidates import read_peak
from calando.lab.checking.probes import probed
from calando.lab.checking.promises import judged
from calando.lab.checking.where import places_of
from calando.lab.logged import read_name
from calando.lab.question import read_mode, real, whole
from calando.lab.session import not_inside_a_worker
from calando.lab.trainref import name_train
from calando.records.checking import CheckResult

__all__ = ["check"]


def check(
    train: str | Callable[[Any], Any],
    *,
    steps: int | None = None,
    peak: float | str | None = None,
    metric: str | None = None,
    mode: str | None = None,
    timeout: float = 120.0,
) -> CheckResult:
    """Test whether a train function keeps the run contract, with seven short runs in two worker processes.

    Args:
        train: the train function, or its name as "file.py:function" or "module:function".
        steps: updates of a test run, >= 8; 40, or fewer where the train function declares fewer, unless given.
        peak: learning rate of factor 1, > 0; the optimizer's own unless given, 1.0 where none is attached.
        metric: the logged name that a study would judge, "val_loss" unless given or declared.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        timeout: seconds without a step after which a run is killed, > 0.

    Returns:
        One promise a line: ok, warning, broken or untested, with what was seen and what to change.

    Raises:
        LabError: when the train function cannot be loaded.
        BadValue: for an argument outside its range.

    Example:
        >>> from calando.lab import check
        >>> check("missing.py:train")
        Traceback (most recent call last):
        calando.errors.LabError: no such file: 'missing.py'; allowed: FILE.py:FUNCTION or MODULE:FUNCTION
          at: train
          do: check the path; it is relative to the folder you are in
    """
    not_inside_a_worker("check")
    ref = name_train(train)
    ref.fingerprint()
    count = None if steps is None else whole(steps, "steps", 8, 10**9, verb="check")
    patience = real(timeout, "timeout", 0.0, 1e9, ends=False, verb="check")
    rate = None if peak is None else read_peak(peak, "check.peak")
    if metric is not None:
        read_name(metric, "check.metric")
    began = time.monotonic()
    probes = probed(
        ref, count, metric, None if mode is None else read_mode(mode, metric or "", verb="check"), patience, peak=rate
    )
    promises = judged(probes, places_of(ref), log_cost)
    spent = sum(
        probe.ended.steps - (probe.task.start.step if probe.task.start else 0) for probe in probes.runs.values()
    )
    return CheckResult(ref.text, promises, spent, time.monotonic() - began)


def log_cost(count: int) -> float:
    """Seconds that one `run.log` of so many values takes here: the median of a few hundred.

    >>> 0 < log_cost(1) < 0.01
    True
    """
    from calando.core.text import parse
    from calando.lab.run import Run

    run = Run(parse("constant()").bind(400))
    values = {f"value_{i}": float(i) for i in range(count)}
    took = []
    for _ in run.steps():
        run.lr  # noqa: B018 - reading it is what puts the schedule in force
        began = time.perf_counter()
        run.log(**values)
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]
