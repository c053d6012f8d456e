"""What `tune` was asked beyond a study's own question, and what it concluded about shapes."""

from dataclasses import dataclass

from calando.records.stage import Knob

__all__ = ["Spending", "Standpoint", "TuneSpec", "Tuned"]


@dataclass(frozen=True, slots=True)
class TuneSpec:
    """The part of a search's question that a study's own question does not hold.

    `budget` is what the user wrote, `steps` the same in updates (None until a probe has measured the pace),
    `seconds` in seconds (None for a budget in updates). `horizons` are the lengths of runs, ascending, the full one
    last. `bracket`: a range test finds the peaks to search; `search`: the values that the train function declares
    are searched along; `prove` is the share of the budget kept for fresh seeds; `batch` how many runs are decided
    on at a time; `seed` the study's own; `share`: runs go on from one another's snapshots; `probe`: a first short run
    measures the pace and hears what is declared.

    >>> TuneSpec("20runs", 20000, (125, 250, 1000)).full
    1000
    """

    budget: str
    steps: int | None
    horizons: tuple[int, ...]
    seconds: float | None = None
    bracket: bool = False
    search: bool = True
    prove: float = 0.25
    batch: int = 2
    seed: int = 0
    share: bool = True
    probe: bool = True
    workers: int = 1
    version: int = 1

    @property
    def full(self) -> int:
        """The horizon that is tuned for.

        >>> TuneSpec("20runs", 20000, (125, 250, 1000)).full
        1000
        """
        return self.horizons[-1]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What the search believes of one shape at the full horizon, when it was over.

    `peak` is its best peak as believed, `loss` its metric there (NaN where no full run was made), `sd` the uncertainty
    of that, `chance` the probability that this shape holds the best of all, `behind` the believed difference from the
    choice (>= 0), `runs` how many finished runs of it there are, `full` how many of these at the full horizon. `out`
    says why it was dropped; "" when it was not.

    >>> Standpoint("cosine()", 0.1, 0.5, 0.01, chance=0.4, behind=0.0, runs=5, full=3).out
    ''
    """

    label: str
    peak: float | None
    loss: float
    sd: float
    chance: float
    behind: float
    runs: int
    full: int
    out: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one phase was planned to cost and what it cost, in updates trained, and how many runs it made.

    >>> Spending("short horizons", planned=4000, spent=3900, runs=20).spent
    3900
    """

    phase: str
    planned: int
    spent: int
    runs: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """The answer of a search: what to use, why, and what it cost.

    `winner` is the candidate's label, `plan` and `peak` what to use, `settings` the declared values as one JSON object
    ("" for none). `standpoints` are all shapes, best first; `slope` the exponent of the best peak over the horizon
    with its standard deviation. `budget` and `spent` are updates. `knobs` are what the train function declared.
    `confirmed`: fresh seeds were run. `cut` says what ended the search early ("", "steps", "time").

    >>> Tuned("cosine()", "cosine()", 0.1).confirmed
    False
    """

    winner: str | None
    plan: str = ""
    peak: float | None = None
    settings: str = ""
    standpoints: tuple[Standpoint, ...] = ()
    slope: tuple[float, float] | None = None
    budget: int = 0
    spent: int = 0
    spending: tuple[Spending, ...] = ()
    knobs: tuple[Knob, ...] = ()
    confirmed: bool = False
    cut: str = ""
    version: int = 1
