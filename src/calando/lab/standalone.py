"""The same run object outside a study, so that a train script runs as it is."""

import hashlib
import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from calando.errors import BadValue, shown
from calando.lab.candidates import read_peak
from calando.lab.question import read_mode, whole
from calando.lab.run import Run

if TYPE_CHECKING:
    from calando.core.plan import Plan
    from calando.core.schedule import Schedule

__all__ = ["standalone"]


def standalone(
    schedule: "Schedule | Plan | str",
    *,
    horizon: int | None = None,
    seed: int = 0,
    peak: float | None = None,
    steps_per_epoch: int | None = None,
    evals: int = 20,
    metric: str = "val_loss",
    mode: str | None = None,
    quiet: bool = False,
    snapshots: str | PathLike[str] | None = None,
    every: float = 60.0,
) -> Run:
    """A run of one schedule without a study; prints a line whenever it evaluates.

    With `snapshots` the script survives a crash: run it again, and it goes on from the newest snapshot in that folder,
    bit for bit, if it names by `run.keep` what it needs. A snapshot of another schedule, seed or peak is not used, nor
    one that another text of the script wrote, or other settings of the optimizer. Remove the folder to begin anew.

    Args:
        schedule: a bound schedule, or a plan or its text together with `horizon`.
        horizon: updates, >= 1; left out for a bound schedule.
        seed: a whole number >= 0.
        peak: learning rate of factor 1.0, > 0; without one the optimizer's own rates stand.
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        evals: evaluations, >= 1, the last one at the very end.
        metric: the logged name that a study would judge.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        quiet: True prints nothing.
        snapshots: a folder for snapshots, made when it is missing; None writes none.
        every: seconds between two snapshots, >= 0.001.

    Raises:
        BadValue: for an argument outside its range.
        BadText, DoesNotFit: for a plan that cannot be read or does not fit.

    Example:
        >>> run = standalone("linear_decay()", horizon=2, peak=0.1, quiet=True)
        >>> for _ in run.steps():
        ...     print(run.lr)
        0.1
        0.05
    """
    from calando.core.plan import Plan
    from calando.core.schedule import Schedule
    from calando.core.text import parse

    if isinstance(schedule, str):
        schedule = parse(schedule)
    if isinstance(schedule, Plan):
        if horizon is None:
            raise BadValue(
                given="a plan without a horizon",
                allowed="a bound schedule, or a plan and a horizon",
                where="standalone.horizon",
                fix="give horizon=N, the number of updates",
            )
        schedule = schedule.bind(
            whole(horizon, "horizon", 1, 2**53, verb="standalone"), steps_per_epoch=steps_per_epoch
        )
    if not isinstance(schedule, Schedule):
        raise BadValue(
            given=shown(schedule),
            allowed="a schedule, a plan, or a plan's text",
            where="standalone.schedule",
            fix='write for example standalone("cosine()", horizon=1000)',
        )
    safety = None
    if snapshots is not None:
        from calando.lab.safety import Safety

        safety = Safety(str(Path(snapshots)), quiet)
    return Run(
        schedule,
        seed=whole(seed, "seed", 0, 2**32 - 1, verb="standalone"),
        peak=None if peak is None else read_peak(peak, "standalone.peak"),
        label=str(schedule.plan),
        evals=whole(evals, "evals", 1, verb="standalone"),
        metric=metric,
        mode=read_mode(mode, metric, verb="standalone"),
        tick=None if quiet else _Printer(metric),
        start=None if safety is None else safety.newest(),
        every=_seconds(every) if safety is not None else 0.0,
        place="" if snapshots is None else str(Path(snapshots)),
        opened=None if safety is None else safety.opened,
        reached=None if safety is None else safety.reached,
        program="" if safety is None else _program(sys._getframe(1).f_code.co_filename),
    )


def _program(file: str) -> str:
    """A SHA-256 in hex of the script, or of its name where it is in no file."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return hashlib.sha256(file.encode()).hexdigest()


def _seconds(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and 0.001 <= given <= 1e9:
        return float(given)
    raise BadValue(
        given=f"every={shown(given)}", allowed="seconds, at least 0.001", where="standalone.every", fix="use every=60"
    )


class _Printer:
    """Prints the newest numbers when a new value of the metric is there."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._seen = 0

    def __call__(self, run: Run) -> None:
        curves = run.curves()
        count = len(curves.get(self._metric, ()))
        if count > self._seen or run.done == run.horizon:
            self._seen = count
            numbers = "  ".join(f"{name} {curve.last:.5g}" for name, curve in sorted(curves.items()))
            sys.stdout.write(f"step {run.done}/{run.horizon}  {numbers}\n")
            sys.stdout.flush()
