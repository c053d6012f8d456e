"""`tune` as a strategy: rounds of runs, each decided on when the one before is finished.

A round is decided on from finished rounds alone, so the order in which runs finish cannot matter.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from calando.errors import counted
from calando.lab.board import Board, Running, Tally, time_left
from calando.lab.phrases import number
from calando.lab.tuning import decide, show
from calando.lab.tuning.account import affordable, paid, spendings
from calando.lab.tuning.budget import proving, unproven
from calando.lab.tuning.confirming import choose, fresh, rival_of
from calando.lab.tuning.growing import grown
from calando.lab.tuning.opening import first_look, probe_run, shuffled
from calando.lab.tuning.pace import Pace
from calando.lab.tuning.ranging import Ranging
from calando.lab.tuning.rounds import Known, Round, best_row, known, next_runs
from calando.lab.tuning.sharing import Sharer
from calando.lab.tuning.space import HIGHER, Row, Space, build, settings_for
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec
from calando.records.stage import Knob
from calando.records.study import StudySpec
from calando.records.tuning import Tuned, TuneSpec

if TYPE_CHECKING:
    from calando.lab.executors.base import Opened

__all__ = ["TuneStrategy"]

HOPELESS = 24
"""Lost runs after which, with nothing but lost ones, the search gives up."""
FEWEST = 8
"""Runs of one length that the budget must pay for: with fewer nothing is compared, and shorter ones teach more."""
ROWS = 1300
"""Rows of the surrogate beyond which fewer settings are tried: its work grows with their square."""


class TuneStrategy:
    """Which runs a search wants: a deterministic function of the question and of the rounds that are finished.

    Args:
        spec: the study's question; its peaks are the lattice (empty: a range test finds it).
        tune: the search's own.
        runs: what is finished already.
        available: which runs there are, where not all are (a replay).
        pace: what a budget by the clock pays for.
        earlier: keys of the runs that the study had made when it was extended: they are paid, and they teach.
    """

    def __init__(
        self,
        spec: StudySpec,
        tune: TuneSpec,
        runs: Mapping[str, RunRecord] | None = None,
        available: Callable[[RunSpec], bool] | None = None,
        pace: Pace | None = None,
        earlier: Collection[str] = (),
    ) -> None:
        self.spec, self.tune = spec, tune
        self.peaks = spec.peaks
        self.seeds = shuffled(spec.select_seeds, tune.seed)
        self.budget = tune.steps
        self.knobs: tuple[Knob, ...] = ()
        self.out: dict[str, str] = {}
        self.rounds: list[Round] = []
        self.choice: RunSpec | None = None
        self.rival: RunSpec | None = None
        self._kept: bool | None = None
        self._told: dict[int, float] = {}
        self._grown = 0
        self._available, self._pace, self._earlier = available, pace, frozenset(earlier)
        self._longest = tune.full
        self._lifted = False
        self._runs: dict[str, RunRecord] = dict(runs or {})
        self._pending: dict[str, RunSpec] = {}
        self._over = False
        self._known: Known | None = None
        self._slope: Decision | None = None
        self._sharer = Sharer(spec.steps_per_epoch, self.evals)
        self._started = False
        if available is not None and self.peaks:
            self.seeds = self._most_offered(available)

    # What the coordinator asks.

    def opened(self, event: "Opened") -> None:
        """Hear what the train function declares and keeps; the first run's word counts."""
        if self._kept is None:
            self._kept = bool(event.kept)
            self.knobs = event.knobs if self.tune.search else ()

    def finished(self, record: RunRecord) -> None:
        """Take note of a finished run."""
        self._runs[record.spec.key] = record
        self._pending.pop(record.spec.key, None)
        if self._started and not self._pending:
            self._advance()

    def left(self) -> list[RunSpec]:
        """What is left of the present round."""
        if not self._started:
            self._started = True
            self._advance()
        return list(self._pending.values())

    def evals(self, run: RunSpec) -> int:
        """The study's own spacing, whatever the horizon."""
        return max(1, round(self.spec.evals * run.horizon / self.tune.full))

    def schedule(self, run: RunSpec) -> str:
        """The plan over the run's own horizon."""
        return self._sharer.schedule(run)

    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far."""
        return tuple(decision for one in self.rounds for decision in one.decisions)

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        """How much of the budget is spent, in runs of the round and steps of the whole."""
        done = sum(run.key in self._runs for one in self.rounds for run in one.runs)
        total = sum(len(one.runs) for one in self.rounds)
        finished = sorted(run.seconds for run in self._runs.values() if run.status == "done")
        return Tally(done, total, len(running), time_left(self.tune.full, total - done, finished, running, workers))

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        """Where everything stands."""
        return show.board(self, running, workers)

    # What the verdict and the live view ask.

    @property
    def results(self) -> Mapping[str, RunRecord]:
        """Finished runs by key."""
        return self._runs

    @property
    def phase(self) -> str:
        """The phase under way."""
        return self.rounds[-1].phase if self.rounds else "start"

    def spent(self) -> int:
        """Updates trained so far in rounds of this search, and before it."""
        return paid(self._mine | self._earlier, self._runs)

    @property
    def pair(self) -> tuple[RunSpec, RunSpec] | None:
        """The choice and its rival, as fresh seeds hold them against each other; None while there are not both."""
        return None if self.choice is None or self.rival is None else (self.choice, self.rival)

    @property
    def _mine(self) -> frozenset[str]:
        return frozenset(run.key for one in self.rounds for run in one.runs)

    def tuned(self, cut: str = "") -> Tuned:
        """The answer as far as it goes."""
        now = self._known
        chosen = self.choice or self._choose(now)
        confirmed = any(one.phase == "confirmation" and one.runs for one in self.rounds)
        return Tuned(
            winner=None if chosen is None else chosen.candidate,
            plan="" if chosen is None else self.spec.candidate(chosen.candidate).plan,
            peak=None if chosen is None else chosen.peak,
            settings="" if chosen is None else chosen.params,
            standpoints=() if now is None else decide.standpoints(now, self.out, self.tune.seed, self.spec.mode),
            slope=None if now is None or now.belief is None or self._slope is None else now.belief.slope,
            budget=self.budget or 0 if self._pace is None else max(self.budget or 0, self.spent()),
            spent=self.spent(),
            spending=spendings(self.rounds, self._runs, self._earlier),
            knobs=self.knobs,
            confirmed=confirmed,
            cut=cut,
        )

    # Rounds.

    def _advance(self) -> None:
        """Plan rounds until one has something left to make, or nothing is worth it any more."""
        while not self._over and not self._pending:
            one = self._plan()
            if one is None:
                self._over = True
                return
            self.rounds.append(one)
            self._pending = {run.key: run for run in one.runs if run.key not in self._runs}

    def _plan(self) -> Round | None:
        seen = {one.phase for one in self.rounds}
        if "confirmation" in seen:
            return None
        if self.tune.probe and (probe := self._probe()) is not None:
            return probe
        if self._pace is not None:
            reading = self._pace.read(self.spent(), self._runs.values(), self.tune.full)
            self.budget, self._longest = reading.budget, reading.longest
        elif self.budget is None:
            self.budget = 40 * self.tune.full  # the clock stops it
        if not self.peaks and self.tune.bracket and "range test" not in seen:
            return Ranging(self.spec, self.tune).round()
        notes: list[Decision] = []
        if not self.peaks:
            self.peaks, notes = Ranging(self.spec, self.tune).read(self._runs)
        if not {"short horizons", "full horizon"} & seen:
            return self._open(notes)
        self._grow(notes)
        now = self._judge(self._look(), notes)
        if not now.sound and len(now.made) >= HOPELESS:
            notes.append(Decision("choice", f"none: all of {counted(len(now.made), 'run')} were lost"))
            return Round("confirmation", (), (), tuple(notes))
        batch = max(self.tune.batch, len(now.made) // 24)  # one run more hardly changes what many have said
        shares = self._sharer.shares if self._sharing else None
        found = next_runs(now, self._spendable() - self.tune.full, batch, shares)
        if not found and (run := self._last_look(now)) is not None:
            return Round("full horizon", (run,), (run.horizon,), tuple(notes))
        found = found or next_runs(now, self._spendable(), batch, shares)
        if not found and not self._lifted:  # nothing shorter is left: what is left over buys longer runs
            self._lifted = True
            now = self._look()
            found = next_runs(now, self._spendable(), batch, shares)
        if not found:
            return self._confirm(now, notes)
        runs = tuple(now.ask(one.row, one.seed) for one in found)
        phase = "full horizon" if any(run.phase == "final" for run in runs) else "short horizons"
        return Round(phase, runs, tuple(one.steps for one in found), tuple(notes))

    def _last_look(self, now: Known) -> RunSpec | None:
        """The full run of what is believed best, where it was never made: only what was run can be chosen."""
        row = best_row(now, seen=False)
        if row is None or any(index == row for index, _ in now.made) or self.tune.full > self._spendable():
            return None
        run = now.space.ask(now.space.rows[row], self._seed_of(now.space, now.space.rows[row]))
        return run if self._offered(run) else None

    def _probe(self) -> Round | None:
        """A short run, and where the clock is the budget another one in the worker that is warm then."""
        probes = [one for one in self.rounds if one.phase == "probe"]
        run = probe_run(self.tune.full, self.seeds[0], self.spec.peaks)
        if not probes:
            return Round("probe", (run,), (run.horizon,))
        if self._pace is None or len(probes) > 1:
            return None
        longer = self._pace.second_probe(self._runs[run.key], self.tune.horizons[0])
        return Round("probe", (replace(run, horizon=longer),), (longer,)) if longer else None

    @property
    def _reserve(self) -> int:
        """Updates kept for fresh seeds."""
        return 2 * self.tune.full * self.proofs

    @property
    def proofs(self) -> int:
        """Fresh seeds that the budget keeps for proving."""
        return proving((self.budget or 0) / self.tune.full, self.tune.prove, len(self.spec.confirm_seeds))

    def _spendable(self) -> int:
        return (self.budget or 0) - self._reserve - self.spent()

    @property
    def _sharing(self) -> bool:
        return self.tune.share and self._kept is not False

    def _space(self) -> Space:
        count = 0
        if self.knobs:
            plain = len(self.spec.candidates) * (len(self.peaks) + 2) * len(self.tune.horizons)
            count = max(2, min(4 * len(self.knobs) + 4, ROWS // plain - 1))
        settings, cube = settings_for(self.knobs, count)
        return build(
            self.spec.candidates,
            self.peaks,
            self.tune.horizons,
            steps_per_epoch=self.spec.steps_per_epoch,
            settings=settings,
            cube=cube,
            offered=self._available,
            seeds=self.seeds,
            higher=HIGHER if self.spec.extend or self._available is not None else 0,
        )

    def _look(self) -> Known:
        space = self._space()
        runs = {key: self._runs[key] for key in self._mine | self._earlier if key in self._runs}
        self._known = known(space, self.seeds, runs, self.spec.mode, self.out, self._offered)
        return self._known

    def _offered(self, run: RunSpec) -> bool:
        """Whether a run may be made: it exists, and the budget pays for enough of its length to compare."""
        shortest = run.horizon == self.tune.horizons[0]
        if not shortest and not self._lifted and run.horizon * FEWEST > (self.budget or 0):
            return False
        if self._pace is not None and run.horizon > self._longest:
            return False
        return self._available is None or self._available(run)

    def _open(self, notes: list[Decision]) -> Round:
        space = self._space()
        shares = self._sharer.shares if self._sharing else None
        rows = first_look(
            space,
            ((self.budget or 0) - self._reserve - paid(self._mine, self._runs)) / self.tune.full,
            self.tune.seed,
            lambda row: space.ask(row, self._seed_of(space, row)),
            shares,
        )
        phase = "full horizon" if rows[0].level == space.full else "short horizons"
        runs = tuple(space.ask(row, self._seed_of(space, row)) for row in rows)
        if self._earlier:
            runs = tuple(affordable([[run] for run in runs], self._spendable(), self._earlier))
        return Round(phase, runs, tuple(run.horizon for run in runs), tuple(notes))

    def _most_offered(self, available: Callable[[RunSpec], bool]) -> tuple[int, ...]:
        """The seeds, those first under which most was recorded: what is not paired teaches less."""
        space = self._space()
        counts = {seed: sum(available(space.ask(row, seed)) for row in space.rows) for seed in self.seeds}
        return tuple(sorted(self.seeds, key=lambda seed: -counts[seed]))

    def _seed_of(self, space: Space, row: Row) -> int:
        """The first seed under which a row can be run."""
        if self._available is None:
            return self.seeds[0]
        return next(seed for seed in self.seeds if self._available(space.ask(row, seed)))

    def _grow(self, notes: list[Decision]) -> None:
        """One more peak beyond the lattice's end where the best run of the full horizon stands on it."""
        if self._available is not None or self._grown >= self.spec.extend:
            return
        if (found := grown(self.peaks, self._look(), self._told.values())) is not None:
            self.peaks, decision = found
            self._grown += 1
            notes.append(decision)

    def _judge(self, now: Known, notes: list[Decision]) -> Known:
        for level, peak, decision in decide.edges(now, self._told):
            self._told[level] = peak
            notes.append(decision)
        phase = self.phase
        for decision in decide.drops(now, phase, self.spec.margin, self.spec.baseline):
            self.out[decision.about] = decision.text
            notes.append(decision)
        if (slope := decide.slope_decision(now)) is not None and self._slope is None and len(now.made) >= 12:
            self._slope = slope
            notes.append(slope)
        return self._look() if any(decision.about for decision in notes) else now

    def _choose(self, now: Known | None) -> RunSpec | None:
        return None if now is None else choose(now, self.seeds[0])

    def _confirm(self, now: Known, notes: list[Decision]) -> Round | None:
        """The choice and what it is held against, on fresh seeds where something was kept for that."""
        self.choice = chosen = self._choose(now)
        if chosen is None:
            return None
        text = f"chosen at peak {number(chosen.peak or 0.0)} on {counted(len(now.made), 'run')}"
        notes.append(Decision("choice", text, chosen.candidate, len(now.made)))
        self.rival = rival_of(now, chosen, self.spec.baseline, self.seeds[0])
        fits = self._pace is None or self.tune.full <= self._longest
        seeds = self.spec.confirm_seeds if self.pair and self.proofs and fits else ()
        wanted = fresh(self.pair or (), seeds, self.tune.full)
        runs = tuple(affordable(wanted, (self.budget or 0) - self.spent(), self._earlier))
        if not runs or self.rival is None:
            notes.append(Decision("confirmation", unproven(self.tune.prove, len(self.spec.confirm_seeds), self.rival)))
            return Round("confirmation", (), (), tuple(notes))
        if self._available is not None and not all(self._available(run) for run in runs):
            return Round("confirmation", (), (), tuple(notes))
        rival = f"{self.rival.candidate} at peak {number(self.rival.peak or 0.0)}"
        text = f"on {counted(len(runs) // 2, 'fresh seed')}, paired with {rival}"
        notes.append(Decision("confirmation", text, chosen.candidate))
        costs = tuple(run.horizon if run.key not in self._earlier else 0 for run in runs)
        return Round("confirmation", runs, costs, tuple(notes))
