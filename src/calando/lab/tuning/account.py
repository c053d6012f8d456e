"""What a search has spent: its own rounds, and what the study had paid for before it was extended."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from calando.lab.tuning.rounds import Round
from calando.records.run import RunRecord, RunSpec
from calando.records.tuning import Spending

__all__ = ["BEFORE", "affordable", "paid", "spendings"]

BEFORE = "earlier sittings"
"""What is not part of the present plan: runs of the study before it was extended."""


def paid(keys: Iterable[str], runs: Mapping[str, RunRecord]) -> int:
    """Updates that finished runs took, each once, without what they found made.

    >>> paid(["a"], {})
    0
    """
    return sum(runs[key].steps - runs[key].reused for key in set(keys) if key in runs)


def spendings(rounds: Sequence[Round], runs: Mapping[str, RunRecord], earlier: Collection[str]) -> tuple[Spending, ...]:
    """What each phase was planned to cost and did cost; together they are every run there is.

    >>> spendings((), {}, ())
    ()
    """
    phases: dict[str, list[Round]] = {}
    for one in rounds:
        phases.setdefault(one.phase, []).append(one)
    found, seen = [], set[str]()
    for phase, some in phases.items():
        keys = {run.key for one in some for run in one.runs if run.key in runs} - seen
        seen |= keys
        found.append(Spending(phase, sum(one.planned for one in some), paid(keys, runs), len(keys)))
    if rest := {key for key in earlier if key in runs} - seen:
        found.append(Spending(BEFORE, paid(rest, runs), paid(rest, runs), len(rest)))
    return tuple(found)


def affordable(seeds: Sequence[Sequence[RunSpec]], left: int, earlier: Collection[str]) -> list[RunSpec]:
    """The runs of as many seeds as are paid for already or by what is left, every seed whole, in their order.

    >>> affordable([], 100, ())
    []
    """
    found: list[RunSpec] = []
    for some in seeds:
        left -= sum(run.horizon for run in some if run.key not in earlier)
        if left < 0:
            break
        found += some
    return found
