"""What runs would share, counted without making any: the stages of a replay."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from calando.lab.moves import Strategy
from calando.records.run import RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Sharing", "common"]

Group = tuple[float | None, int, str]


class Sharing:
    """Which snapshots there would be, and where a run could go on from.

    Args:
        strategy: gives the bound schedules of its runs.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._texts: dict[str, str] = {}
        self._snapshots: dict[Group, list[tuple[RunSpec, int]]] = {}

    def want(self, wanted: Sequence[RunSpec]) -> None:
        """Drop every snapshot that none of the wanted runs can go on from."""
        groups: dict[Group, list[RunSpec]] = {}
        for run in wanted:
            groups.setdefault(_group(run), []).append(run)
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
        found = [
            step
            for trunk, step in self._snapshots.get(_group(run), ())
            if step < run.horizon and self._common(trunk, run) >= step
        ]
        return max(found, default=0)

    def begin(self, run: RunSpec, wanted: Sequence[RunSpec], start: int, stop: int) -> None:
        """Note the snapshots that this run leaves for the others that are wanted now; it trains `[start, stop)`."""
        group = _group(run)
        known = self._snapshots.setdefault(group, [])
        for other in wanted:
            if other.key == run.key or _group(other) != group:
                continue
            step = min(self._common(run, other), run.horizon - 1, other.horizon - 1)
            if start < step < stop and (run, step) not in known:
                known.append((run, step))

    def _common(self, one: RunSpec, other: RunSpec) -> int:
        return common(self._text(one), self._text(other))

    def _text(self, run: RunSpec) -> str:
        text = self._texts.get(run.key)
        if text is None:
            text = self._texts[run.key] = self._strategy.schedule(run)
        return text


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
    import numpy as np

    a, b = _factors(one), _factors(other)
    if a is None or b is None:
        return 0
    length = min(len(a), len(b))
    differ = a[:length].view(np.int64) != b[:length].view(np.int64)
    return int(differ.argmax()) if differ.any() else length


@lru_cache(maxsize=256)
def _factors(text: str) -> "NDArray[np.float64] | None":
    import numpy as np

    from calando.core.codec import from_json
    from calando.core.schedule import Schedule

    schedule = from_json(text)
    if not isinstance(schedule, Schedule) or schedule.rule is not None:
        return None
    return np.ascontiguousarray(schedule(np.arange(schedule.horizon)), dtype=np.float64)
