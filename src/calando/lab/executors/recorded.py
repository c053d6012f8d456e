"""Runs that were made once, as something that answers what a study asks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from calando.errors import LabError
from calando.records.run import RunRecord, RunSpec

__all__ = ["Recorded", "refused"]

Key = tuple[str, float | None, int, int, str]


class Recorded:
    """A library of finished runs, found by plan, peak, seed, horizon and params; labels and phases are the asker's.

    Two spellings of one plan are the same plan.

    Args:
        runs: what was recorded, each once.

    Raises:
        LabError: for two different records of one run.

    Example:
        >>> spec = RunSpec("mine", "cosine()", 0.1, seed=0, horizon=100)
        >>> library = Recorded([RunRecord(spec, "done", final=0.5, steps=100)])
        >>> asked = RunSpec("yours", "cosine(end=0)", 0.1, seed=0, horizon=100, phase="final")
        >>> library(asked).final, library(asked).spec.candidate
        (0.5, 'yours')
        >>> library(RunSpec("mine", "cosine()", 0.2, seed=0, horizon=100)) is None
        True
    """

    def __init__(self, runs: Iterable[RunRecord]) -> None:
        self._runs: dict[Key, RunRecord] = {}
        for run in runs:
            known = self._runs.setdefault(_key(run.spec), run)
            if known is not run and (known.status, known.final) != (run.status, run.final):
                raise LabError(
                    given=f"two different records of {told(run.spec)}",
                    allowed="one record of each run",
                    where="Recorded",
                    fix="drop one, or give the repetition a seed of its own",
                )

    def __call__(self, run: RunSpec) -> RunRecord | None:
        """The record of a run under the asker's own spec; None when it was not recorded."""
        found = self._runs.get(_key(run))
        return None if found is None else replace(found, spec=run)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self._runs.values())

    def __len__(self) -> int:
        return len(self._runs)

    def offers(self, run: RunSpec) -> bool:
        """Whether the run was recorded."""
        return _key(run) in self._runs

    def seeds(self, plan: str, peak: float | None, horizon: int, params: str = "") -> tuple[int, ...]:
        """The seeds that one setting was recorded with, ascending."""
        wanted = (_plan(plan), peak, horizon, params)
        return tuple(sorted(key[2] for key in self._runs if (key[0], key[1], key[3], key[4]) == wanted))


def refused(run: RunSpec, where: str = "replay") -> LabError:
    """The error for a run that nobody recorded.

    >>> print(refused(RunSpec("mine", "cosine()", 0.1, seed=3, horizon=100)).given)
    a run that was not recorded: cosine(), peak 0.1, seed 3, 100 updates
    """
    return LabError(
        given=f"a run that was not recorded: {told(run)}",
        allowed="recorded runs alone: nothing is trained here",
        where=where,
        fix="let the strategy ask `offers` first (tune: available=...), or record the run",
    )


def told(run: RunSpec) -> str:
    """One run in words.

    >>> told(RunSpec("mine", "cosine()", None, seed=3, horizon=100))
    'cosine(), seed 3, 100 updates'
    """
    peak = "" if run.peak is None else f", peak {run.peak:g}"
    params = f", {run.params}" if run.params else ""
    return f"{run.plan}{peak}, seed {run.seed}, {run.horizon} updates{params}"


def _key(run: RunSpec) -> Key:
    return (_plan(run.plan), run.peak, run.seed, run.horizon, run.params)


@lru_cache(maxsize=1 << 14)
def _plan(text: str) -> str:
    from calando.core.text import parse

    return str(parse(text))
