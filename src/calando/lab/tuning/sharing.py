"""What runs that are decided on together would share of one another."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from calando.lab.stages import Tree
from calando.records.run import RunSpec

__all__ = ["Sharer"]


class Sharer:
    """Bound schedules of runs, and what a run would find done.

    Args:
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        evals: how often a run is evaluated.
    """

    def __init__(self, steps_per_epoch: int | None, evals: Callable[[RunSpec], int]) -> None:
        self._epoch = steps_per_epoch
        self._evals = evals
        self._tree = Tree()

    def shares(self, run: RunSpec, others: Sequence[RunSpec]) -> int:
        """Updates of a run that one of the others makes anyway."""
        alike = [one for one in others if (one.peak, one.seed, one.horizon) == (run.peak, run.seed, run.horizon)]
        for one in (run, *alike) if alike else ():
            self._tree.add(one, self.schedule(one), self._evals(one))
        return max((self._tree.prefix(run.key, one.key) for one in alike), default=0)

    def schedule(self, run: RunSpec) -> str:
        """The bound schedule of a run as calando JSON."""
        return _bound(run.plan, run.horizon, self._epoch)


@lru_cache(maxsize=4096)
def _bound(plan: str, horizon: int, steps_per_epoch: int | None) -> str:
    from calando.core.text import parse

    return parse(plan).bind(horizon, steps_per_epoch=steps_per_epoch).to_json()
