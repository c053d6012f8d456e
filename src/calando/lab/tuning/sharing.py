"""What runs that are decided on together would share of one another."""

from collections.abc import Sequence
from functools import lru_cache

from calando.records.run import RunSpec

__all__ = ["Sharer"]


class Sharer:
    """Bound schedules of runs, and what a run would find done.

    Args:
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
    """

    def __init__(self, steps_per_epoch: int | None) -> None:
        self._epoch = steps_per_epoch

    def shares(self, run: RunSpec, others: Sequence[RunSpec]) -> int:
        """Updates of a run that one of the others makes anyway."""
        from calando.lab.executors.sharing import common

        text, found = self.schedule(run), 0
        for other in others:
            if (other.peak, other.seed, other.params, other.horizon) == (run.peak, run.seed, run.params, run.horizon):
                found = max(found, min(common(text, self.schedule(other)), run.horizon - 1))
        return found

    def schedule(self, run: RunSpec) -> str:
        """The bound schedule of a run as calando JSON."""
        return _bound(run.plan, run.horizon, self._epoch)


@lru_cache(maxsize=4096)
def _bound(plan: str, horizon: int, steps_per_epoch: int | None) -> str:
    from calando.core.text import parse

    return parse(plan).bind(horizon, steps_per_epoch=steps_per_epoch).to_json()
