"""Which snapshots there would be in a replay: what runs share, counted without making any."""

from collections.abc import Sequence
from functools import lru_cache

from calando.lab.moves import Strategy
from calando.lab.stages import Tree
from calando.records.run import RunSpec

__all__ = ["Sharing", "common"]

Group = tuple[float | None, int, str]


class Sharing:
    """Which snapshots there would be, and where a run could go on from.

    Args:
        strategy: gives the bound schedules and the evaluations of its runs.
        looked: whether only runs of one horizon share, as where a train function looks at its horizon.
    """

    def __init__(self, strategy: Strategy, *, looked: bool = False) -> None:
        self._strategy = strategy
        self._tree = Tree(looked=looked)
        self._snapshots: dict[Group, list[tuple[RunSpec, int]]] = {}

    def want(self, wanted: Sequence[RunSpec]) -> None:
        """Drop every snapshot that none of the wanted runs can go on from."""
        groups: dict[Group, list[RunSpec]] = {}
        for run in wanted:
            groups.setdefault(_group(run), []).append(run)
            if run.key not in self._tree:
                self._tree.add(run, self._strategy.schedule(run), self._strategy.evals(run))
        for group in list(self._snapshots):
            needing = groups.get(group, ())
            kept = [
                (trunk, step)
                for trunk, step in self._snapshots[group]
                if any(self._common(trunk, run) >= step for run in needing)
            ]
            if kept:
                self._snapshots[group] = kept
            else:
                del self._snapshots[group]

    def start(self, run: RunSpec) -> int:
        """The latest step whose snapshot this run can go on from; 0 for none."""
        found = [step for trunk, step in self._snapshots.get(_group(run), ()) if self._common(trunk, run) >= step]
        return max(found, default=0)

    def begin(self, run: RunSpec, wanted: Sequence[RunSpec], start: int, stop: int) -> None:
        """Note the snapshots that this run leaves for the others that are wanted now; it trains `[start, stop)`."""
        group = _group(run)
        known = self._snapshots.setdefault(group, [])
        for other in wanted:
            if other.key == run.key or _group(other) != group:
                continue
            step = self._common(run, other)
            if start < step < stop and (run, step) not in known:
                known.append((run, step))

    def _common(self, one: RunSpec, other: RunSpec) -> int:
        return self._tree.prefix(one.key, other.key)


def _group(run: RunSpec) -> Group:
    return (run.peak, run.seed, run.params)


@lru_cache(maxsize=1 << 16)
def common(one: str, other: str) -> int:
    """How many first updates two bound schedules (calando JSON) make at bit-equal factors; none with a listener.

    >>> from calando.core.text import parse
    >>> one, other = (parse(f"wsd(cooldown={n})").bind(100).to_json() for n in (10, 40))
    >>> common(one, other)
    61
    """
    from calando.core.agree import agreement
    from calando.core.codec import from_json
    from calando.core.schedule import Schedule

    a, b = from_json(one), from_json(other)
    if not isinstance(a, Schedule) or not isinstance(b, Schedule) or a.rule is not None or b.rule is not None:
        return 0
    return agreement(a, b)
