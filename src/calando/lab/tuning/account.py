"""What a search has spent: its own rounds, and what the study had paid for before it was extended."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from calando.lab.tuning.rounds import Round
from calando.records.run import Phase, RunRecord, RunSpec
from calando.records.tuning import Spending

__all__ = ["BEFORE", "PHASES", "affordable", "paid", "spendings"]

BEFORE = "earlier sittings"
"""What is not part of the present plan: runs of the study before it was extended."""
PHASES: dict[Phase, str] = {
    "probe": "probe",
    "range": "range test",
    "short": "short horizons",
    "final": "full horizon",
    "confirm": "confirmation",
}
"""What the runs of a search are for, and what people call it, in the order in which it begins."""


def paid(keys: Iterable[str], runs: Mapping[str, RunRecord]) -> int:
    """Updates that finished runs took, each once, without what they found made.

    >>> paid(["a"], {})
    0
    """
    return sum(runs[key].steps - runs[key].reused for key in set(keys) if key in runs)


def spendings(rounds: Sequence[Round], runs: Mapping[str, RunRecord], earlier: Collection[str]) -> tuple[Spending, ...]:
    """What the runs of each phase were planned to cost and did cost; together they are every run there is.

    A run counts by what it is, not by when it was made: a short one that was made late is one of the short horizons.

    >>> spendings((), {}, ())
    ()
    """
    planned: dict[str, int] = {}
    held: dict[str, set[str]] = {}
    for one in rounds:
        for run, cost in zip(one.runs, one.costs, strict=True):
            planned[run.phase] = planned.get(run.phase, 0) + cost
            held.setdefault(run.phase, set()).add(run.key)
    found, seen = [], set[str]()
    for phase, name in PHASES.items():
        if phase in held:
            keys = {key for key in held[phase] if key in runs} - seen
            seen |= keys
            found.append(Spending(name, planned[phase], paid(keys, runs), len(keys)))
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
