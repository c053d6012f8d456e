"""What a finding is, what it is made from, and the few helpers that all detectors share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from calando.records.diagnosis.change import Change
from calando.records.diagnosis.noisy import Level, Trend, median
from calando.records.diagnosis.noisy import noise as spread

if TYPE_CHECKING:
    from calando.records.diagnosis.neighbour import Neighbour
    from calando.records.diagnosis.noisy import Floats

__all__ = [
    "CLEAR",
    "LUCK",
    "NINE",
    "TOO_FEW",
    "Change",
    "Diagnosis",
    "Evidence",
    "Judged",
    "Observed",
    "main_curve",
    "short",
    "sure",
    "times",
    "whole",
]

CLEAR = 4.0
"""Standard errors that count as clear: about one false alarm in 30 000 looks, and a page takes a
few looks at each of some hundred runs."""

LUCK = 3.0
"""Standard errors of the first few losses within which an evaluation above them tells where a run began."""

NINE = 9
"""First losses of which the mean is taken where single ones scatter widely."""

BEFORE = re.compile(r"step -1\b")
"""Where something was logged before the first update."""

TOO_FEW = 8
"""Logged points below which a curve is not judged: a line through fewer has no error to speak of."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number that a finding rests on."""

    name: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding about one run: what it is, why we think so, what to do."""

    kind: str
    severity: str
    """"failure", "warning", "note" or "good"."""
    title: str
    words: str
    advice: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    confidence: float = 1.0
    """From 0.5 (just clear) to 1 (a recorded fact)."""
    changes: tuple[Change, ...] = ()
    """The advice as a program can carry it out, the first thing to try first."""

    @property
    def certainty(self) -> str:
        """The confidence as a word."""
        return "certain" if self.confidence >= 0.99 else "likely" if self.confidence >= 0.75 else "possible"

    def from_zero(self) -> Diagnosis:
        """The same, where a number from before the first update stands at step 0: what was logged then is at -1.

        >>> Diagnosis("diverged", "failure", "lost", "It has climbed since about step -1.").from_zero().words
        'It has climbed since about step 0.'
        """
        if "step -1" not in f"{self.title} {self.words} {self.advice} {self.evidence}":
            return self
        told = [BEFORE.sub("step 0", text) for text in (self.title, self.words, *self.advice)]
        shown = [replace(one, value=max(one.value, 0.0), text="step 0") if one.text == "step -1" else one
                 for one in self.evidence]  # fmt: skip
        return replace(self, title=told[0], words=told[1], advice=tuple(told[2:]), evidence=tuple(shown))

    def as_data(self) -> dict[str, Any]:
        """Plain data: strings, finite numbers or null, lists."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "title": self.title,
            "words": self.words,
            "advice": list(self.advice),
            "evidence": [
                {"name": e.name, "value": e.value if math.isfinite(e.value) else None, "text": e.text}
                for e in self.evidence
            ],
            "confidence": round(self.confidence, 3),
            "certainty": self.certainty,
            "changes": [change.as_data() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known about one run, as plain sequences of the same lengths in pairs."""

    horizon: int
    train: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Steps and training losses; lower is better."""
    val: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Steps and validation metric."""
    lr: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Steps and learning rates."""
    asked: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Steps and learning rates as the schedule has them; empty: not known apart from those used."""
    status: str = "done"
    """"done", "running", "diverged" or "failed"."""
    ended_at: int | None = None
    """The step at which the run ended, where it ended early."""
    error: str = ""
    """The traceback of a failed run."""
    metric: str = "validation loss"
    higher_is_better: bool = False
    train_metric: str = "training loss"
    train_higher: bool = False
    """Whether the training curve is of a metric that is better when higher, where no training loss was logged."""
    unsure: bool = False
    """Whether the metric may be one of training data: its name does not say."""
    logged: tuple[str, ...] = ()
    """Names of the columns that were logged, where none of them can be judged."""
    ahead: float = math.nan
    """The lowest rate that is still to come, where a plan is known; of runs under way."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else is known of how it was made, rates and seed left out: runs that differ in it are not compared."""
    beside: tuple[Neighbour, ...] = ()
    """What other runs say that differ from this one in their rates alone: by `beside.beside`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An observed run made ready: curves as trends, lower always better."""

    seen: Observed
    train: Trend
    val: Trend
    lr: Trend
    apart: bool = False
    """Whether evaluations are on another scale than training losses."""
    made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What somebody asked already: a dozen rules ask for the same."""

    @property
    def end(self) -> float:
        """The last step that left a number behind."""
        return float(self.once("end", self._end))

    def _end(self) -> float:
        return max([float(c.steps[-1]) for c in (self.train, self.val) if len(c)], default=0.0)

    @property
    def peak(self) -> float:
        """The highest learning rate that the run used."""
        return float(self.once("peak", lambda: float(self.lr.values.max()) if len(self.lr) else math.nan))

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several rules ask for, worked out for the first of them."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def lr_at(self, step: float) -> float:
        """The learning rate in force at a step; NaN when none was recorded."""
        import numpy as np

        if not len(self.lr):
            return math.nan
        return float(self.lr.values[max(0, int(np.searchsorted(self.lr.steps, step, side="right")) - 1)])

    def walked(self) -> tuple[Floats, Floats, Floats]:
        """On an even grid of steps: the steps, the rates, and the sum of the rates so far as a share of it all."""
        found: tuple[Floats, Floats, Floats] = self.once("walked", self._walked)
        return found

    def _walked(self) -> tuple[Floats, Floats, Floats]:
        import numpy as np

        every = np.linspace(0.0, self.end, 513)
        rates = np.interp(every, self.lr.steps, self.lr.values)
        summed = np.concatenate([[0.0], np.cumsum(0.5 * (rates[1:] + rates[:-1]))])
        return every, rates, summed / max(float(summed[-1]), 1e-300)

    @property
    def unseen(self) -> bool:
        """Whether evaluations alone were logged, the first of them when something may have been learned already.

        What was gained in all is not known then, and a share of it seems larger than it is.
        """
        return len(self.train) < TOO_FEW and len(self.val) > 0 and float(self.val.steps[0]) > 0.02 * self.end

    @property
    def signed(self) -> bool:
        """Whether a loss falls below zero, and not by scatter alone: a share of where it began means nothing then."""
        return bool(self.once("signed", self._signed))

    def _signed(self) -> bool:
        losses = ((self.train, self.seen.train_higher), (self.val, self.seen.higher_is_better))
        return any(len(curve) > 0 and float(curve.smooth().values.min()) < 0 for curve, rises in losses if not rises)

    def size(self, loss: float) -> float:
        """What a share of a loss is a share of: itself; where losses fall below zero, all that they went through.

        25 times the scatter of one value at the least, which is where losses that end near zero begin as a rule.
        """
        if not self.signed:
            return abs(loss)
        curve = self.train if len(self.train) >= 20 or not len(self.val) else self.val
        values = curve.smooth().values
        return max(float(values.max() - values.min()), 25 * curve.noise)

    def rise_error(self) -> float:
        """Standard error of the highest block of training losses over a start that is the middle of three batches."""
        blocks = len(self.train.smooth())
        return float(self.train.noise * (1.56 * blocks / len(self.train) + 1 / 3) ** 0.5)

    def start(self, curve: Trend, share: float = 0.02) -> Level:
        """Where a curve begins: the level of its first stretch, or its first value where that stretch
        has already been thrown far above it (a rate too high does that within a few steps)."""
        found: Level = self._kept(f"start {share}", curve, lambda: self._start(curve, share))
        return found

    def _start(self, curve: Trend, share: float) -> Level:
        level = curve.level(0, share * self.end, least=3)
        first = float(curve.values[0])
        return Level(first, curve.noise) if level.value > first + 6 * curve.noise else level

    def begin(self, curve: Trend) -> float:
        """The loss before anything was learned: the middle of the first three values, training values where there are
        any and evaluations begin late."""
        return float(self._kept("begin", curve, lambda: self._begin(curve)))

    def outset(self, curve: Trend) -> float:
        """`begin`, but of evaluations that begin late their own first value, where single losses do not speak against
        it.

        The first three training losses of batches of a few examples lie anywhere about where a run began; an
        evaluation above them, by no more than luck, says better how much there was to lose, where evaluations tremble
        by less than half as much as the mean of nine.
        """
        return float(self._kept("outset", curve, lambda: self._outset(curve)))

    def _outset(self, curve: Trend) -> float:
        begin = self.begin(curve)
        if curve is self.train or len(self.train) < 60 or self.seen.higher_is_better or not len(curve):
            return begin
        first, head = float(curve.values[0]), self.head()
        steadier = 2 * curve.noise < head.error
        most = head.value + LUCK * head.error
        if not self.signed:
            most = min(most, 2 * head.value)  # the mean of nine is never so lucky
        return first if steadier and begin < first <= most else begin

    def head(self) -> Level:
        """The mean of the first nine training losses, with the error that the scatter of the first sixty gives it."""
        found: Level = self.once("head", self._head)
        return found

    def _head(self) -> Level:
        first, begin = self.train.values[:NINE], self.begin(self.train)
        error = max(self.train.noise, spread(self.train.values[:60])) / first.size**0.5
        thrown = median(first) - begin > max(6 * self.train.noise, 0.5 * abs(begin))  # by the first updates
        return Level(begin, self.train.noise / 3**0.5) if thrown else Level(float(first.mean()), error)

    def _kept(self, what: str, curve: Trend, make: Callable[[], Any]) -> Any:
        """What is asked of a whole curve again and again is worked out once; of a part of one it never is kept."""
        name = "train" if curve is self.train else "val" if curve is self.val else ""
        return self.once(f"{what} of {name}", make) if name else make()

    def _begin(self, curve: Trend) -> float:
        if curve is not self.train and self._from_the_start(curve):
            return float(curve.values[0])
        first = self._first(curve)
        head = first.values[:3].tolist()
        middle = sorted(head)[min(1, len(head) - 1)]
        if self.seldom(first):
            middle = max(middle, head[0])
        most = min(max(6 * first.noise, 0.5 * abs(head[0])), 3 * abs(head[0]))
        thrown = middle - head[0] > (6 * first.noise if self.signed else most)  # by the first updates
        return float(head[0] if thrown else middle)

    def seldom(self, curve: Trend) -> bool:
        """Whether much may be learned between the first two values of a curve: the second is no start any more."""
        return len(curve) > 1 and float(curve.steps[1] - curve.steps[0]) >= 5

    def _from_the_start(self, curve: Trend) -> bool:
        """Whether a curve's first value is from before the second update, which the first has not thrown up."""
        if len(curve) < TOO_FEW or float(curve.steps[0]) >= min(1.0, 0.02 * self.end):
            return False
        first = float(self._first(curve).values[0])
        return float(curve.values[0]) - first <= max(6 * self.train.noise, 0.0 if self.signed else 0.5 * abs(first))

    def _first(self, curve: Trend) -> Trend:
        apart = self.apart or self.seen.higher_is_better
        return self.train if len(self.train) >= 20 and not apart else curve

    def ceiling(self, curve: Trend) -> float:
        """The highest of the first three values, where the very first updates did not throw them up."""
        begin, top = self.begin(curve), float(curve.values[:3].max())
        return begin if top - begin > max(6 * curve.noise, 0.0 if self.signed else 0.5 * abs(begin)) else top

    def began(self, curve: Trend) -> Level:
        """`begin` with its error: at the start batches differ less than they do later."""
        if curve is not self.train and self._from_the_start(curve):
            return Level(float(curve.values[0]), curve.noise)
        first = self._first(curve)
        head = first.values[:3]
        if self.seldom(first):
            return Level(self.begin(curve), first.noise)
        return Level(self.begin(curve), min(first.noise, float(head.std())) / float(len(head)) ** 0.5)

    def gained(self, curve: Trend) -> Level:
        """From the start to the level of the last tenth of the run."""
        found: Level = self._kept("gain", curve, lambda: self._gained(curve))
        return found

    def _gained(self, curve: Trend) -> Level:
        return self.start(curve).minus(curve.level(0.9 * self.end, self.end, least=3))


def main_curve(run: Judged) -> tuple[Trend, str]:
    """The curve to judge by: validation when it is dense enough for a trend, else training."""
    if len(run.val) >= 20 or len(run.train) < 8:
        return run.val, run.seen.metric
    return run.train, run.seen.train_metric


def sure(sigmas: float) -> float:
    """Confidence of an effect of so many standard errors: 0.5 at 4, 0.82 at 8, 0.93 at 12."""
    return min(0.98, max(0.5, 1.0 - 0.5 * math.exp(-(sigmas - CLEAR) / CLEAR)))


def times(peak: float, factor: float, words: str) -> str:
    """A peak so many times as high, in words where the peak itself is not known.

    >>> times(0.4, 0.25, "a quarter of this one"), times(math.nan, 0.25, "a quarter of this one")
    ('0.1, a quarter of this one', 'a quarter of this one')
    """
    return f"{short(peak * factor)}, {words}" if math.isfinite(peak) and peak > 0 else words


def whole(step: float) -> int:
    """A step count as one would type it: two significant digits."""
    if step < 100:
        return max(1, round(step))
    unit: int = 10 ** (int(math.log10(step)) - 1)
    return round(step / unit) * unit


def short(value: float) -> str:
    """A number as people write it: three digits, no padded exponent.

    >>> short(0.0003), short(0.0594), short(1234567.0), short(2.5)
    ('3e-4', '0.0594', '1.23e6', '2.5')
    """
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "unknown")
    size = abs(value)
    text = f"{value:.3g}"
    if size != 0 and (size < 1e-2 or size >= 1e5):
        text = f"{value:.2e}"
    if "e" in text:
        digits, _, power = text.partition("e")
        digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
        text = f"{digits}e{int(power)}"
    return text
