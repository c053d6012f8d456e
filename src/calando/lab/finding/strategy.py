"""`find` as a strategy: range tests first, then mini-runs, each step a pure function of what has finished."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from calando.core.text import parse
from calando.lab.board import Board, Row, Running, Tally, spark
from calando.lab.executors.base import Opened
from calando.lab.finding.minis import MiniSearch, Stage
from calando.lab.finding.overfit import alike, tail
from calando.lab.finding.ranges import LABEL, RangeTest, range_steps
from calando.lab.tuning.compress import compressed
from calando.records.decision import Decision
from calando.records.finding import Mini, RangeReading
from calando.records.run import RunRecord, RunSpec

__all__ = ["FindStrategy", "Question"]

EARLY = 8
"""Evaluations of a range test; the first three fall where the rate is still low."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a search asks: the plan to decay, the horizon, the span of rates, the range tests' seeds.

    >>> Question("t.py:train", 640, ranges=RangeTest(25)).shorts
    (40, 160)
    """

    train: str
    horizon: int
    plan: str = "linear_decay()"
    ranges: RangeTest = field(default_factory=lambda: RangeTest(20))
    metric: str = "val_loss"
    mode: str = "min"
    steps_per_epoch: int | None = None
    confidence: float = 0.8

    @property
    def shorts(self) -> tuple[int, int]:
        """Updates of the mini-runs: a sixteenth, where a wide look is cheap, and a quarter of the horizon."""
        return max(2, self.horizon // 16), max(4, self.horizon // 4)


class FindStrategy:
    """Which runs a search wants.

    Args:
        question: what is asked.
        runs: what is finished already.
    """

    def __init__(self, question: Question, runs: Iterable[RunRecord] = ()) -> None:
        self.question = question
        self._runs = {run.spec.key: run for run in runs}
        self._update()

    def opened(self, event: Opened) -> None:
        """Nothing depends on what the train function keeps."""

    def finished(self, record: RunRecord) -> None:
        """Take note of a finished run."""
        self._runs[record.spec.key] = record
        self._update()

    def left(self) -> list[RunSpec]:
        """The range tests, then the mini-runs that the results so far call for."""
        return list(self._left)

    def evals(self, run: RunSpec) -> int:
        """One, at the end, for a decayed run; more for a range test, whose first ones show the metric's own noise."""
        return EARLY if run.phase == "range" else 1

    def schedule(self, run: RunSpec) -> str:
        """The bound schedule of a run, as calando JSON."""
        return bound(run, self.question.steps_per_epoch)

    def decisions(self) -> tuple[Decision, ...]:
        """What the range tests bracket, and why each stretch of mini-runs was chosen."""
        return tuple(self._decided)

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        """How much is done; what is to come after the range tests is guessed."""
        done = len(self._runs)
        more = len(self._left) + (5 if self.reading is None else 0)
        spent = sum(run.seconds for run in self._runs.values())
        steps = sum(run.steps for run in self._runs.values())
        ahead = sum(run.horizon for run in self._left) + (0 if self.reading else self.question.horizon // 2)
        left = spent / steps * ahead / max(1, workers) if steps else None
        return Tally(done, done + more, len(running), left)

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        """The range tests, and the mini-runs of each length."""
        rows = []
        for label in (LABEL, *(self._label(h) for h in self.question.shorts)):
            mine = [run for run in self._runs.values() if self._row_of(run.spec) == label]
            now = [one for one in running.values() if self._row_of(one.spec) == label]
            left = [run for run in self._left if self._row_of(run) == label]
            good = [run for run in mine if run.sound and run.final is not None and label != LABEL]
            best = min(good, key=self._cost, default=None)
            curves = [one.losses for one in now if one.losses] or [r.curve("train_loss").values for r in mine[-1:]]
            state = f"{len(mine)} done" + (f", {len(now)} running" if now else f", {len(left)} to go" if left else "")
            peak = "" if best is None else f"{best.spec.peak:g}"
            score = "" if best is None else f"{best.final:.4g}"
            drawn = spark(curves[-1]) if curves else ""
            rows.append(Row(label, state, peak, score, drawn, sum(run.status != "done" for run in good)))
        return Board(tuple(rows), self.tally(running, workers))

    @property
    def minis(self) -> tuple[Mini, ...]:
        """The mini-runs that are finished, shorter ones first, by peak."""
        found = [
            Mini(
                r.spec.horizon,
                r.spec.peak or 0.0,
                r.spec.seed,
                r.final if r.sound else None,
                r.status,
                r.steps,
                tail(r) if r.sound else None,
            )
            for r in self._runs.values()
            if r.spec.phase == "short"
        ]
        return tuple(sorted(found, key=lambda mini: (mini.horizon, mini.peak, mini.seed)))

    @property
    def noise(self) -> float | None:
        """Standard deviation of the metric where hardly anything is trained: at the lowest rates of the range tests.

        The second differences of three evaluations a seed, so that a steady fall is no noise. None when unknown.
        """
        found = []
        for run in self.question.ranges.runs():
            record = self._runs.get(run.key)
            values = record.curve(self.question.metric).values[:3] if record is not None else ()
            if len(values) == 3 and all(math.isfinite(value) for value in values):
                found.append((values[0] - 2 * values[1] + values[2]) ** 2 / 6)
        return math.sqrt(math.fsum(found) / len(found)) if len(found) > 1 else None

    @property
    def traceback(self) -> str:
        """Of the first run that raised, by horizon, peak and seed; "" when none did."""
        order = sorted(self._runs.values(), key=lambda run: (run.spec.horizon, run.spec.peak or 0.0, run.spec.seed))
        return next((run.traceback for run in order if run.traceback), "")

    @property
    def spent(self) -> int:
        """Updates trained so far."""
        return sum(run.steps - run.reused for run in self._runs.values())

    @property
    def search(self) -> MiniSearch | None:
        """The search for mini-runs; None before the range tests are read, or without a signal."""
        if self.reading is None or not self.reading.signal:
            return None
        asked = self.question
        tests = [self._runs[run.key] for run in asked.ranges.runs()]
        used = sum(run.steps for run in tests)
        return MiniSearch(
            asked.horizon,
            self.reading,
            asked.horizon - used,
            asked.shorts,
            min(asked.ranges.seeds),
            asked.mode,
            comparable=asked.mode == "min" and alike(tests, asked.metric),
        )

    def _update(self) -> None:
        asked = self.question
        self._decided: list[Decision] = []
        self.reading: RangeReading | None = None
        ranges = asked.ranges.runs()
        self._left = [run for run in ranges if run.key not in self._runs]
        if self._left:
            return
        self.reading = asked.ranges.read(self._runs.values())
        self._decided.append(
            Decision("range", self.reading.reason or " ".join(self.reading.sentences), runs=len(ranges))
        )
        if (search := self.search) is None:
            return
        for stage in search.stages(self.minis):
            horizon = stage.wishes[0][0]
            peaks = ", ".join(f"{peak:g}" for _, peak in stage.wishes)
            text = f"peaks {peaks} over {horizon} updates: {self._why(search, stage)}"
            self._decided.append(Decision("short", text, runs=len(ranges) + len(stage.seen)))
        for horizon, peak in search.wanted(self.minis):
            whole = compressed(asked.plan, asked.horizon, horizon, asked.steps_per_epoch) or asked.plan
            self._left.append(RunSpec(asked.plan, whole, peak, search.seed, horizon, "short", asked.ranges.params))

    def _why(self, search: MiniSearch, stage: Stage) -> str:
        if not stage.seen:
            return "a wide look around an eighth of where training breaks"
        short, tried = self.question.shorts[0], len(stage.seen)
        if stage.wishes[0][0] != short:
            return f"both sides of where the parabola through {tried} runs expects the best"
        if side := search.side(stage.seen):
            return f"the best of {tried} so far is the {side}est, so it may lie beyond"
        return f"near the best of the {tried} runs so far, where none was made yet"

    def _label(self, horizon: int) -> str:
        return f"{horizon} updates"

    def _row_of(self, run: RunSpec) -> str:
        return LABEL if run.phase == "range" else self._label(run.horizon)

    def _cost(self, run: RunRecord) -> float:
        return (run.final or 0.0) * (1 if self.question.mode == "min" else -1)


def bound(run: RunSpec, steps_per_epoch: int | None) -> str:
    """The bound schedule of a run, as calando JSON; lengths in epochs count as a share of the whole run's."""
    return parse(run.plan).bind(run.horizon, steps_per_epoch=steps_per_epoch).to_json()


def asked(question: Question, seeds: tuple[int, ...], span: tuple[float, float], params: str = "") -> Question:
    """The question with range tests of a length that leaves room for the mini-runs."""
    names = tuple(dict.fromkeys(("train_loss", "loss", question.metric)))
    test = RangeTest(range_steps(question.horizon, len(seeds)), seeds, span[0], span[1], names, params)
    return replace(question, ranges=test)
