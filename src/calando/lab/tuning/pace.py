"""What a budget by the clock pays for: measured after every round, and kept, so that who goes on reads the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from calando.records.run import RunRecord

__all__ = ["Pace", "Reading", "readings_of"]

CAREFUL = 0.95
"""Part of what seems to fit that is planned for: the clock kills what does not fit, and then it is lost."""
PROBED = 0.7
"""The same while only a probe, which evaluates nothing and fills one worker, has told the pace."""
SHORT = 0.02
"""Part of the time that the second probe may take; the first one's pace holds the start-up of the worker."""
LEAST = 0.5
"""Seconds below which two readings say nothing of the pace."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock: the whole budget in updates, the longest run that fits, and what that rests on.

    `trained` are the updates of all finished runs, `elapsed` the seconds used, `rate` updates per second of the whole.
    """

    budget: int
    longest: int
    trained: int
    elapsed: float
    rate: float


class Pace:
    """Reads a budget by the clock in updates, once for each round.

    Args:
        seconds: the budget.
        left: seconds that are left of it now.
        workers: runs at a time.
        stored: readings of earlier sittings, which are given again first.
        save: told of all readings whenever there is a new one.
    """

    def __init__(
        self,
        seconds: float,
        left: Callable[[], float],
        workers: int = 1,
        stored: Iterable[Reading] = (),
        save: Callable[[Sequence[Reading]], None] | None = None,
    ) -> None:
        self.seconds = seconds
        self._left, self._workers, self._save = left, workers, save
        self._readings = list(stored)
        self._given = 0

    def second_probe(self, first: RunRecord, shortest: int) -> int:
        """Updates of a second probe, without the worker's start-up; 0 where the first one was long enough."""
        if first.steps < 1 or first.seconds <= 0:
            return 0
        found = min(shortest, int(SHORT * self.seconds * first.steps / first.seconds))
        return found if found >= 2 * first.steps else 0

    def read(self, spent: int, runs: Iterable[RunRecord], full: int) -> Reading:
        """The reading of the next round.

        Args:
            spent: updates trained in the rounds so far.
            runs: all finished runs.
            full: updates of a full run.
        """
        if self._given == len(self._readings):
            self._readings.append(self._measure(spent, list(runs), full))
            self.keep()
        self._given += 1
        return self._readings[self._given - 1]

    def keep(self) -> None:
        """Have the readings saved as they stand, so that none of another question is left."""
        if self._save is not None:
            self._save(self._readings)

    def _measure(self, spent: int, runs: list[RunRecord], full: int) -> Reading:
        left = self._left()
        elapsed, trained = self.seconds - left, sum(run.steps - run.reused for run in runs)
        rates = [run.steps / run.seconds for run in runs if run.status == "done" and run.seconds > 0]
        speed = max(rates, default=0.0) if not self._readings else median(rates or [0.0])
        if not self._readings:
            rate = PROBED * speed * self._workers or 40 * full / self.seconds  # then the clock stops it
        else:
            base = self._readings[len(self._readings) // 2]
            steps, time = trained - base.trained, elapsed - base.elapsed
            rate = steps / time if steps > 0 and time > LEAST else self._readings[-1].rate
        fits = CAREFUL * left
        return Reading(spent + int(fits * rate), int(fits * (speed or rate)), trained, elapsed, rate)


def readings_of(fact: Mapping[str, Any] | None, seconds: float) -> list[Reading]:
    """The readings that a study keeps of the same budget; a larger one is read anew.

    >>> readings_of({"seconds": 30.0, "readings": [[100, 10, 50, 3.0, 20.0]]}, 30.0)[0].budget
    100
    >>> readings_of(None, 30.0)
    []
    """
    if fact is None:
        return []
    found = [Reading(int(a), int(b), int(c), float(d), float(e)) for a, b, c, d, e in fact["readings"]]
    return found if fact["seconds"] == seconds else []
