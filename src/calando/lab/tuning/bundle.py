"""Runs that share a trunk, made together where that teaches more per update than any run alone."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from calando.lab.tuning.acquire import Choice, alone, together
from calando.records.run import RunSpec

if TYPE_CHECKING:
    from calando.lab.tuning.model import Belief
    from calando.lab.tuning.rounds import Known

__all__ = ["Shares", "bundle"]

LEAST_SHARED = 0.95
"""A run that costs more than this part of itself leaves the trunk at once: nothing is gained by making it now."""

Shares = Callable[[RunSpec, Sequence[RunSpec]], int]


def bundle(now: "Known", belief: "Belief", left: int, shares: Shares, worth: float) -> list[Choice]:
    """The runs of one trunk that are worth most per update together; none where that is at most `worth`.

    Each trunk is begun with the run that alone teaches most, and a branch joins only while it raises what all of them
    are worth per update: because of what it tells of rows that may be the best, not because it is cheap.

    Args:
        belief: of what the choice will be among, and of all runs that could be made.
        left: updates that may be spent.
        shares: what a run would find made by others.
        worth: what the best run alone is worth per update.
    """
    asks = [now.ask(row, place) for row, place in now.choices]
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, run in enumerate(asks):
        groups.setdefault((run.peak, run.seed, run.horizon, run.params), []).append(index)
    gains = alone(belief)
    best: list[tuple[int, int]] = []
    for group in groups.values():
        first = max(group, key=lambda index: gains[index])
        if len(group) > 1 and asks[first].horizon <= left:
            found, rate = _grown(asks, belief, first, group, left, shares)
            if len(found) > 1 and rate > worth:
                best, worth = found, rate
    return [Choice(*now.choices[index], steps) for index, steps in best]


def _grown(
    asks: Sequence[RunSpec], belief: "Belief", first: int, group: Sequence[int], left: int, shares: Shares
) -> tuple[list[tuple[int, int]], float]:
    """The first run with the branches that raise their common worth per update: indices with their costs, and it."""
    total = asks[first].horizon
    found, rate = [(first, total)], together(belief, [first], total)
    rest = [index for index in group if index != first]
    while rest:
        kept = [index for index, _ in found]
        tries = []
        for index in rest:
            run = asks[index]
            cost = run.horizon - shares(run, [asks[one] for one in kept])
            if cost <= LEAST_SHARED * run.horizon and total + cost <= left:
                tries.append((together(belief, [*kept, index], total + cost), index, cost))
        if not tries or max(tries)[0] <= rate:
            break
        rate, index, cost = max(tries)
        found.append((index, cost))
        rest.remove(index)
        total += cost
    return found, rate
