"""What `tune` is given, read: peaks, horizons, and a budget that pays for a run at least."""

from collections.abc import Sequence

from calando.errors import BadValue, LabError, shown
from calando.lab.candidates import read_peak
from calando.lab.question import whole
from calando.lab.tuning.budget import Budget
from calando.lab.tuning.opening import short_horizons
from calando.lab.tuning.space import lattice

__all__ = ["SPAN", "affordable_steps", "read_horizons", "read_peaks"]

SPAN = 1e6
"""Highest over lowest peak that a lattice may span."""


def read_peaks(given: str | Sequence[float | str] | None) -> tuple[float, ...]:
    """The lattice of peaks: from "low..high", or as given; empty for None.

    >>> read_peaks("1e-3..4e-3"), read_peaks([0.1, 0.3]), read_peaks(["0.1..0.2", "0.3"])
    ((0.001, 0.002, 0.004), (0.1, 0.3), (0.1, 0.2, 0.3))

    Raises:
        BadValue: for anything else.
    """
    if given is None:
        return ()
    if not isinstance(given, (str, Sequence)):
        raise BadValue(
            given=f"the peaks {shown(given)}",
            allowed="low..high, or a list of rates",
            where="tune.peaks",
            fix='write for example "1e-4..1e-1" or [0.01, 0.1]',
        )
    if isinstance(given, str):
        low, dots, high = given.partition("..")
        if not dots:
            return (read_peak(given, "tune.peaks"),)
        ends = read_peak(low.strip(), "tune.peaks"), read_peak(high.strip(), "tune.peaks")
        if not ends[0] < ends[1] <= SPAN * ends[0]:
            raise BadValue(
                given=f"the peaks {shown(given)}",
                allowed="low..high, rising, at most a million apart",
                where="tune.peaks",
                fix='write for example "1e-4..1e-1"',
            )
        return lattice(*ends)
    parts = [read_peaks(one) if isinstance(one, str) else (read_peak(one, "tune.peaks"),) for one in given]
    return tuple(sorted({peak for part in parts for peak in part}))


def affordable_steps(budget: Budget, horizon: int) -> int | None:
    """The budget in updates, one full run at least; None for one by the clock.

    >>> affordable_steps(Budget("20runs", runs=20), 100)
    2000

    Raises:
        LabError: for a budget that pays for less than one run.
    """
    found = budget.in_steps(horizon)
    if found is not None and found < horizon:
        raise LabError(
            given=f"a budget of {found:,} updates for runs of {horizon:,}",
            allowed="one full run at least; some ten tell more",
            where="tune.budget",
            fix=f"give a larger budget, or fewer --steps: {max(1, found // 10):,} would make it ten runs",
        )
    return found


def read_horizons(given: Sequence[int] | None, full: int) -> tuple[int, ...]:
    """The lengths of runs, ascending, the full one last; an eighth and a quarter beside it unless given.

    >>> read_horizons([50, 20], 100), read_horizons(None, 640)
    ((20, 50, 100), (80, 160, 640))

    Raises:
        BadValue: for anything but whole numbers up to the full horizon.
    """
    if given is None:
        return short_horizons(full)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise BadValue(
            given=f"horizons={shown(given)}",
            allowed=f"a list of whole numbers from 1 to {full}",
            where="tune.horizons",
            fix="write for example horizons=[100, 200]",
        )
    return (*sorted({whole(one, "horizons", 1, full, verb="tune") for one in given} - {full}), full)
