"""The range test: the rate rises exponentially until training breaks, once per seed, as ordinary runs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calando.lab.finding.curve import Sweep, sweep_of, together
from calando.lab.finding.rules import CLEAR, RULES
from calando.records.finding import Mark, RangeReading, Ride
from calando.records.run import RunRecord, RunSpec

__all__ = ["LABEL", "RangeTest", "range_steps"]

LABEL = "range test"
SHARE = 0.12
"""Of one full run's updates that all range tests together may take."""
OCTAVES = 64.0
"""The bracket reaches from the edge so many times down; the best decayed peaks lie about an eighth below the edge."""
DISAGREE = 10.0
"""Rules, or seeds, further apart than this factor are said to disagree."""


def range_steps(horizon: int, seeds: int = 3, share: float = SHARE) -> int:
    """Updates of one range test so that all of them take a share of a full run: 20 to 200.

    >>> range_steps(1000), range_steps(100), range_steps(10**6)
    (40, 20, 200)
    """
    return max(20, min(200, int(share * horizon / max(1, seeds))))


@dataclass(frozen=True, slots=True)
class RangeTest:
    """A range test over several seeds: which runs it wants, and what they say.

    Formula: at update t of n the rate is low * (high/low)^((t+1)/n).

    Args:
        horizon: updates of each test, >= 8.
        seeds: whole numbers >= 0, three or more to see how rules vary.
        low: first rate, > 0.
        high: last rate, > low.
        losses: names of a loss that is logged at (nearly) every update, the first that is found counts.
        params: values of what the train function declares, as in RunSpec.

    Example:
        >>> test = RangeTest(50, seeds=(0, 1, 2))
        >>> test.runs()[0].plan
        'warmup(100%, start=1e-07, shape=exponential, first=step)'
    """

    horizon: int
    seeds: tuple[int, ...] = (0, 1, 2)
    low: float = 1e-6
    high: float = 10.0
    losses: tuple[str, ...] = ("train_loss", "loss")
    params: str = ""

    def plan(self) -> str:
        """The plan's text: an exponential rise to factor 1."""
        start = float(f"{self.low / self.high:.6g}")
        return f"warmup(100%, start={start!r}, shape=exponential, first=step)"

    def runs(self) -> list[RunSpec]:
        """The runs it wants, one per seed; they may be made in any order."""
        plan = self.plan()
        return [RunSpec(LABEL, plan, self.high, seed, self.horizon, "range", self.params) for seed in self.seeds]

    def read(self, records: Iterable[RunRecord]) -> RangeReading:
        """What finished tests say; those of other runs are left out."""
        keys = {run.key for run in self.runs()}
        mine = sorted((r for r in records if r.spec.key in keys), key=lambda r: r.spec.seed)
        sweeps = {r.spec.seed: sweep for r in mine if (sweep := sweep_of(r, self.losses)) is not None}
        rides = tuple(_ride(sweep) for sweep in sweeps.values())
        if not sweeps:
            return RangeReading(False, _unread(mine, self.losses), rides=rides)
        pooled = together(list(sweeps.values()), max(len(sweep.logs) for sweep in sweeps.values()))
        marks = tuple(_mark(rule, pooled, mine, sweeps) for rule in RULES)
        found = {mark.rule: mark.rate for mark in marks}
        reason = "" if any(found.values()) else _why_flat(pooled, self)
        if reason:
            return RangeReading(
                False, reason, noise=pooled.noise, gained=pooled.gained, marks=marks, rides=rides, sentences=(reason,)
            )
        broke = found["edge"]
        low, high = bracket(found, self.low, self.high)
        said = _sentences(marks, low, high, len(sweeps))
        return RangeReading(True, "", low, high, broke, pooled.noise, pooled.gained, marks, rides, said)


def bracket(rates: Mapping[str, float | None], lowest: float, highest: float) -> tuple[float, float]:
    """Where the peak of a decayed schedule is to be looked for: six octaves up to where training breaks.

    Without an edge, three octaves to both sides of what the rules say on average, in log-rate.

    >>> bracket({"steepest": 0.01, "edge": 0.64}, 1e-6, 10.0)
    (0.01, 0.64)
    """
    broke = rates.get("edge")
    if broke is not None:
        return max(lowest, broke / OCTAVES), broke
    named = [math.log(rate) for rule, rate in rates.items() if rate is not None]
    middle = math.exp(math.fsum(named) / len(named))
    return max(lowest, middle / 8), min(highest, middle * 8)


def _ride(sweep: Sweep) -> Ride:
    rates = tuple(math.exp(x) for x in sweep.logs)
    return Ride(sweep.seed, rates, sweep.losses, sweep.smooth, sweep.broke)


def _mark(rule: str, pooled: Sweep, records: Sequence[RunRecord], sweeps: dict[int, Sweep]) -> Mark:
    read = RULES[rule]
    seeds = [record.spec.seed for record in records]
    return Mark(rule, read(pooled), tuple((s, read(sweeps[s]) if s in sweeps else None) for s in seeds))


def _unread(records: Sequence[RunRecord], losses: Sequence[str]) -> str:
    if not records:
        return "no range test has finished"
    failed = next((record for record in records if record.status == "failed"), None)
    if failed is not None:
        return f"the range test failed: {failed.reason}"
    names = sorted({name for record in records for name in record.curves if name != "lr"})
    if not any(name in names for name in losses):
        logged = ", ".join(names) or "nothing"
        return f"no training loss was logged (only {logged}); log train_loss at every update"
    if all(record.status == "diverged" for record in records):
        return f"training broke within a few updates of the lowest rate ({records[0].reason}); begin lower"
    return f"{losses[0]} was logged too seldom to be read; log it at every update"


def _why_flat(sweep: Sweep, test: RangeTest) -> str:
    """Why the pooled curve says nothing; empty when it does say something."""
    sure = CLEAR * sweep.error
    if sweep.gained > sure and sweep.gained > 0:
        return ""
    span = f"between {test.low:g} and {test.high:g}"
    top = max(sweep.smooth) - sweep.start
    if top > sure and top > 0:
        return f"the loss only rises {span}: training breaks before it gets better; begin lower"
    noise = f"; its noise is {sweep.noise:.2g} from update to update" if sweep.noise > 0 else ""
    return f"the loss is flat at every rate {span}{noise}: it moves by {sweep.gained:.2g}, which is no signal"


def _sentences(marks: Sequence[Mark], low: float, high: float, seeds: int) -> tuple[str, ...]:
    said = [f"The range test over {seeds} seeds brackets the peak between {low:.2g} and {high:.2g}."]
    rules = [mark for mark in marks if mark.rule != "edge" and mark.rate is not None]
    known = [mark.rate for mark in rules if mark.rate is not None]
    if known and (apart := max(known) / min(known)) > DISAGREE:
        names = ", ".join(f"{mark.rule} {mark.rate:.2g}" for mark in rules)
        said.append(f"Its rules disagree by a factor of {apart:.0f} ({names}): none of them is an answer.")
    loose = [(mark.rule, mark.spread) for mark in rules if mark.spread is not None and mark.spread > DISAGREE]
    said += [f"The rule {rule} moves by a factor of {spread:.0f} from seed to seed." for rule, spread in loose]
    if all(mark.rate is None for mark in marks if mark.rule == "edge"):
        said.append("Training never broke, so the upper end is no edge.")
    return tuple(said)
