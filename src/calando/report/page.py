"""What a reader of a report sees, as frozen data: every number is here before any ink is spent.

    Page ── answer        the verdict in words, the tie set, what is not proven
         ├─ rows          one per candidate: leaderboard, intervals, steps to the baseline, cost
         ├─ ahead         what follows from it: the longer run, the runs that would tell most, with commands
         ├─ finding       range tests and mini-runs, where there are some
         ├─ peaks         the metric over the peak grid, per candidate
         ├─ foretold      each schedule foretold from the others, against what it gave
         ├─ rates, losses curves and bands, one chart per quantity
         ├─ groups        what the runs of one candidate at one peak say (diagnosis)
         ├─ bill, decided what was planned and spent, shared and lost; what was decided and why; beliefs of a search
         └─ takeaway      the snippet to paste, the command to repeat; environment

Painters (html, terminal, figures) read a Page and nothing else. Text in a Page is plain text, as the
user wrote it: escaping is each painter's duty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from calando.records.ahead import Ahead
from calando.records.diagnosis import Diagnosis
from calando.records.finding import Finding
from calando.records.result import Interval
from calando.report.told import Foretold

__all__ = [
    "Answer",
    "Band",
    "Belief",
    "Bill",
    "Chart",
    "Cost",
    "Decided",
    "Fact",
    "Group",
    "Line",
    "Page",
    "Peak",
    "Peaks",
    "Phase",
    "Reach",
    "Row",
    "RunNote",
    "Takeaway",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value, both as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict in words. `headline` is one sentence; without a verdict it says what is missing."""

    headline: str
    finished: bool
    sentences: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    method: str = ""
    leader: str | None = None
    recommended: str | None = None
    tie_set: tuple[str, ...] = ()
    proven: bool = False

    @property
    def standing(self) -> str:
        """What the tie set is: proven, a lone leader that is not, or a tie."""
        if self.proven:
            return "Stands alone"
        return "Leads, not proven" if len(self.tie_set) == 1 else "Tied"


@dataclass(frozen=True, slots=True)
class Reach:
    """Updates until the baseline's final metric was first met at an evaluation.

    `steps` by seed, None where it was never met; `median` over the seeds that met it, None when
    fewer than half did; `share` is the median as a share of the horizon.
    """

    target: float
    steps: tuple[tuple[int, int | None], ...]
    median: int | None
    share: float | None

    @property
    def met(self) -> int:
        """How many seeds met the target."""
        return sum(1 for _, step in self.steps if step is not None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What runs cost: how many, updates taken, wall seconds summed over workers."""

    runs: int = 0
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate on the leaderboard, at its peak.

    `slot` fixes its colour and dash in every figure: 0 is the baseline's. `difference` is candidate
    minus baseline, paired by seed; `gap` is candidate minus leader. `peak` is None before one was
    chosen, where none gave a result, and with `own_rates`, where the optimizer's own rates stand.
    """

    rank: int | None
    slot: int
    label: str
    plan: str
    role: str
    peak: float | None
    edge: str
    mean: float | None
    interval: Interval | None
    values: tuple[tuple[int, float | None], ...] = ()
    difference: Interval | None = None
    standing: Literal["better", "worse", "open", ""] = ""
    equivalent: bool = False
    gap: Interval | None = None
    diverged: int = 0
    failed: int = 0
    tied: bool = False
    lead: Literal["leads", "chosen", ""] = ""
    """What the leader is called: a search's choice that nothing shows to be better leads nowhere."""
    baseline: bool = False
    own_rates: bool = False
    why: str = ""
    reach: Reach | None = None
    search: Cost = Cost()
    """The runs that chose the peak."""
    proof: Cost = Cost()
    """The runs that are evidence."""
    believed: float | None = None
    """The metric at the end as a search's model sees it; not evidence."""

    @property
    def settled(self) -> bool:
        """Whether it is known at which rates it stands."""
        return self.peak is not None or self.own_rates

    @property
    def seeds(self) -> int:
        """Seeds with a result."""
        return sum(1 for _, value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Peak:
    """One point of the peak grid: the mean over seeds, each seed's value, and what was lost."""

    peak: float
    mean: float | None
    values: tuple[tuple[int, float], ...] = ()
    diverged: int = 0
    failed: int = 0
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Peaks:
    """One candidate over the peak grid."""

    slot: int
    label: str
    chosen: float | None
    edge: str
    points: tuple[Peak, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One curve, thinned to what a screen can show, without losing its extremes."""

    slot: int
    label: str
    steps: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """The mean over seeds with the lowest and the highest seed, on common steps.

    `per_point`: how many logged values of one run are averaged in one point.
    """

    slot: int
    label: str
    seeds: int
    steps: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    per_point: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure of lines or bands over the steps.

    `log` when the values span decades; `top` where a linear axis is cut, because the first steps of
    a training lie far above all that matters.
    """

    name: str
    quantity: str
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()
    log: bool = False
    top: float | None = None


@dataclass(frozen=True, slots=True)
class RunNote:
    """One run: what it was, how it ended, and what its curves say, worst first.

    `spark` is its training loss as (share of the horizon, share of the height) for a small drawing.
    """

    seed: int
    status: str
    final: float | None
    steps: int
    seconds: float
    attempts: int
    findings: tuple[Diagnosis, ...]
    notes: tuple[str, ...] = ()
    traceback: str = ""
    spark: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of one candidate at one peak in one phase, and what they have in common.

    `common`: for each kind of finding, worst first, the surest instance and the seeds that show it.
    """

    slot: int
    label: str
    peak: float | None
    phase: str
    runs: tuple[RunNote, ...]
    common: tuple[tuple[Diagnosis, tuple[int, ...]], ...]
    horizon: int = 0
    settings: str = ""
    """Values of what the train function declared, as JSON; "" for none."""

    @property
    def troubled(self) -> bool:
        """Whether anything but health and notes was found."""
        return any(finding.severity in ("failure", "warning") for finding, _ in self.common)


@dataclass(frozen=True, slots=True)
class Takeaway:
    """The winning plan as code, and the command that repeats the study."""

    label: str
    peak: float | None
    snippet: str
    command: str
    settings: str = ""
    """Values of what the train function declared, as words; "" for none."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a study: what it was planned to cost in updates (None: no plan), and what it cost."""

    name: str
    planned: int | None
    spent: int
    runs: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Bill:
    """What a study was to cost and what it cost. `budget` is what the user wrote, `limit` the same in updates.

    `words` are the whole of it in sentences: budget, sharing, lost work, disk.
    """

    phases: tuple[Phase, ...]
    words: tuple[str, ...]
    budget: str = ""
    limit: int | None = None
    trained: int = 0
    shared: int = 0
    lost: int = 0
    disk_peak: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided in one phase, in order: about whom ("" for all), why, and on how many finished runs."""

    phase: str
    lines: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Belief:
    """What a search believes of one schedule at the full horizon: `chance` that it holds the best of all."""

    slot: int
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
class Page:
    """Everything a report says, in the order of reading."""

    question: str
    name: str
    metric: str
    mode: str
    horizon: int
    baseline: str
    answer: Answer
    rows: tuple[Row, ...]
    facts: tuple[Fact, ...] = ()
    at_peak: str = "at its own best peak"
    """At which peak every schedule stands, as the end of a sentence."""
    confidence: float = 0.95
    peaks: tuple[Peaks, ...] = ()
    rates: Chart | None = None
    losses: tuple[Chart, ...] = ()
    target: float | None = None
    search: Cost = Cost()
    proof: Cost = Cost()
    work: float = 0.0
    """Seconds inside runs, summed over workers."""
    wall: float | None = None
    """Seconds that somebody waited: sittings, not workers."""
    tally: tuple[tuple[str, str, int], ...] = ()
    """(kind of finding, severity, number of runs), worst first."""
    groups: tuple[Group, ...] = ()
    takeaway: Takeaway | None = None
    environment: tuple[Fact, ...] = ()
    packages: tuple[Fact, ...] = ()
    sittings: tuple[str, ...] = ()
    verb: str = "compare"
    """Which verb made the study: compare, find or tune."""
    bill: Bill | None = None
    decided: tuple[Decided, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    tries: tuple[tuple[int, tuple[Peaks, ...]], ...] = ()
    """What a search saw: by horizon, every schedule over the peaks that it was tried at."""
    foretold: Foretold | None = None
    """What a law says of each schedule that saw the others alone, beside what it gave."""
    ahead: Ahead | None = None
    """What goes on from here, and which runs would tell most."""
    finding: Finding | None = None
    """Range tests, mini-runs and the answer of a search for the peak."""
    made: str = ""
    """When the page was made and by which calando: the only words that differ between two makings."""

    @property
    def better(self) -> str:
        """ "lower" or "higher"."""
        return "lower" if self.mode == "min" else "higher"
