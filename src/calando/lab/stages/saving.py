"""What sharing saves, in steps and in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from calando.records.run import RunSpec

__all__ = ["Saving", "crowd"]


@dataclass(frozen=True, slots=True)
class Saving:
    """Updates that a plan takes when every run is made alone, and when stages are shared.

    `who` names the runs in words.

    >>> print(Saving(36_000, 14_400, "12 candidates x 3 seeds"))
    12 candidates x 3 seeds: 14,400 steps instead of 36,000: 2.5 times fewer
    """

    steps_alone: int
    steps_shared: int
    who: str = ""

    @property
    def part(self) -> float:
        """The share of the steps that is saved, 0 to 1.

        >>> Saving(100, 40).part
        0.6
        """
        return 1.0 - self.steps_shared / self.steps_alone if self.steps_alone else 0.0

    @property
    def times(self) -> float:
        """How many times fewer steps; 1 where nothing is saved.

        >>> Saving(100, 40).times
        2.5
        """
        return self.steps_alone / self.steps_shared if self.steps_shared else 1.0

    @property
    def words(self) -> str:
        """One line for people.

        >>> Saving(300, 300, "3 runs").words
        '3 runs: 300 steps, none of them shared'
        """
        begin = f"{self.who}: " if self.who else ""
        if self.steps_shared >= self.steps_alone:
            return f"{begin}{self.steps_alone:,} steps, none of them shared"
        fewer = f"{self.times:.1f} times fewer" if self.times >= 1.1 else f"{100 * self.part:.2g} % fewer"
        return f"{begin}{self.steps_shared:,} steps instead of {self.steps_alone:,}: {fewer}"

    def __str__(self) -> str:
        return self.words


def crowd(runs: Iterable[RunSpec]) -> str:
    """Runs in a few words: as a product where they are every combination, else their number.

    >>> crowd(RunSpec("c", "cosine()", None, seed, 100) for seed in range(3))
    '1 candidate x 3 seeds'
    """
    asked = list(runs)
    counts = {
        "candidate": len({run.candidate for run in asked}),
        "peak": len({run.peak for run in asked}),
        "setting": len({run.params for run in asked}),
        "horizon": len({run.horizon for run in asked}),
        "seed": len({run.seed for run in asked}),
    }
    total = 1
    for count in counts.values():
        total *= count
    if total != len(asked) or not asked:
        return f"{len(asked):,} run{'' if len(asked) == 1 else 's'}"
    told = [(name, count) for name, count in counts.items() if count > 1 or name in ("candidate", "seed")]
    return " x ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in told)
