"""What a study cost: updates that were trained, shared and lost, and the disk that snapshots took."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calando.records.run import Attempt, RunRecord
from calando.records.stage import StageRecord

__all__ = ["Spent", "spent"]


@dataclass(frozen=True, slots=True)
class Spent:
    """The bill of a study so far, in optimizer updates, starts and bytes.

    `trained` updates are in its results, or in stages of runs that are not finished; `shared` ones are in its
    results as well but were trained by another run; `lost` ones are known to have been trained in vain: something
    was killed, or a snapshot was gone and its stage was trained again (what a start trained after its last stage is
    not known when it was killed together with the coordinator). `starts` counts how often a run was started,
    `stages` the stages finished on the way.
    `disk` is the size of all snapshots that there are, `disk_peak` the most there ever was at a time, in bytes,
    `snapshots` how many were written.

    >>> Spent(trained=400, shared=600).alone
    1000
    """

    trained: int = 0
    shared: int = 0
    lost: int = 0
    starts: int = 0
    stages: int = 0
    snapshots: int = 0
    disk: int = 0
    disk_peak: int = 0

    @property
    def alone(self) -> int:
        """Updates that the same results cost when no run shares anything.

        >>> Spent(trained=1, shared=2, lost=4).alone
        3
        """
        return self.trained + self.shared

    @property
    def times(self) -> float:
        """How many times fewer updates sharing took; 1 where nothing was shared.

        >>> Spent(trained=400, shared=600).times
        2.5
        """
        return self.alone / self.trained if self.trained else 1.0


def spent(
    runs: Iterable[RunRecord], attempts: Iterable[Attempt], stages: Iterable[StageRecord], facts: Mapping[str, Any]
) -> Spent:
    """The bill of what is in a store.

    >>> spent((), (), (), {"disk": {"now": 1, "peak": 2, "written": 3, "snapshots": 1}}).disk_peak
    2
    """
    known, starts = tuple(stages), tuple(attempts)
    finished = {run.spec.key: run for run in runs}
    used = _covered(stage for stage in known if stage.run not in finished)
    used |= {key: run.steps - run.reused for key, run in finished.items()}
    made: Counter[str] = Counter()
    for start in starts:
        made[start.key] += start.trained
    disk = facts.get("disk", {})
    return Spent(
        trained=sum(used.values()),
        shared=sum(run.reused for run in finished.values()),
        lost=sum(max(number - used.get(key, 0), 0) for key, number in made.items()),
        starts=len(starts),
        stages=len(known),
        snapshots=disk.get("snapshots", 0),
        disk=disk.get("now", 0),
        disk_peak=disk.get("peak", 0),
    )


def _covered(stages: Iterable[StageRecord]) -> dict[str, int]:
    """By run how many updates its stages cover; what two of them cover counts once."""
    reach: dict[str, int] = {}
    found: dict[str, int] = {}
    for stage in sorted(stages, key=lambda stage: (stage.start, stage.stop)):
        low = max(stage.start, reach.get(stage.run, 0))
        found[stage.run] = found.get(stage.run, 0) + max(0, stage.stop - low)
        reach[stage.run] = max(stage.stop, reach.get(stage.run, 0))
    return found
