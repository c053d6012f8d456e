"""Simple ways to choose among the recorded language-model runs, to hold `tune` against.

Each is given the settings (plan, peak) that have a full-length record and a budget in updates, and names one setting
with what it spent. None looks at a full-length result that it has not paid for.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from bench.llama import ON_THE_WAY
from calando.core.text import parse
from calando.lab.board import Board, Running, Tally
from calando.lab.executors.base import Opened
from calando.lab.executors.recorded import Recorded
from calando.lab.executors.replay import Replay, replay
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec

Setting = tuple[str, float]
Choice = tuple[Setting | None, int]
Rival = Callable[[Recorded, Sequence[Setting], int, int, Random], Choice]


class Whole:
    """The strategy of whole schedules: every setting once at one horizon, the best one wins."""

    def __init__(self, settings: Sequence[Setting], library: Recorded, horizon: int, seed: int = 0) -> None:
        asked = [RunSpec(plan, plan, peak, seed, horizon, "short") for plan, peak in settings]
        self._wanted = [run for run in asked if library.offers(run)]
        self._runs: dict[str, RunRecord] = {}

    def opened(self, event: Opened) -> None:
        """Nothing of what is kept or declared matters here."""

    def finished(self, record: RunRecord) -> None:
        self._runs[record.spec.key] = record

    def left(self) -> list[RunSpec]:
        return [run for run in self._wanted if run.key not in self._runs]

    def evals(self, run: RunSpec) -> int:
        return 1

    def schedule(self, run: RunSpec) -> str:
        return parse(run.plan).bind(run.horizon).to_json()

    def decisions(self) -> tuple[Decision, ...]:
        if self.best is None:
            return ()
        text = f"kept: the best of {len(self._runs)} whole schedules at {self._runs[self.best].spec.horizon:,} updates"
        return (Decision("short horizons", text, self._runs[self.best].spec.candidate, len(self._runs)),)

    def tally(self, running: Mapping[str, Running], workers: int) -> Tally:
        raise NotImplementedError

    def board(self, running: Mapping[str, Running], workers: int) -> Board:
        raise NotImplementedError

    @property
    def best(self) -> str | None:
        """The key of the best run so far."""
        sound = [key for key, record in self._runs.items() if record.sound]
        return min(sound, key=lambda key: self._runs[key].final or 0.0, default=None)


def at_horizon(horizon: int) -> Rival:
    """Keep the winner at a shorter horizon."""

    def choose(library: Recorded, settings: Sequence[Setting], full: int, budget: int, random: Random) -> Choice:
        shuffled = random.sample(list(settings), len(settings))  # the budget may not reach to the end of the list
        strategy = Whole(shuffled, library, min(horizon, full))
        told = replay(strategy, library, budget)
        return _setting(told, strategy.best), told.trained

    return choose


def at_random(library: Recorded, settings: Sequence[Setting], full: int, budget: int, random: Random) -> Choice:
    """The best of as many random full runs as the budget buys."""
    drawn = random.sample(list(settings), len(settings))
    strategy = Whole(drawn, library, full)
    told = replay(strategy, library, budget)
    return _setting(told, strategy.best), told.trained


def halving(library: Recorded, settings: Sequence[Setting], full: int, budget: int, random: Random) -> Choice:
    """Successive halving (a third survives): runs of the full horizon are cut short, losses compared as they are."""
    rungs, alive, spent, step = 3, random.sample(list(settings), len(settings)), 0, 0
    for rung in range(rungs):
        each = budget // rungs // len(alive) // 200 * 200
        step += each
        spent += each * len(alive)
        records = [library(RunSpec(plan, plan, peak, 0, full)) for plan, peak in alive]
        losses = [_loss_at(record, step) for record in records if record is not None]
        order = sorted(range(len(alive)), key=losses.__getitem__)
        alive = [alive[i] for i in order[: max(1, -(-len(alive) // 3) if rung < rungs - 1 else 1)]]
    return alive[0], spent


def _loss_at(record: RunRecord, step: int) -> float:
    curve = record.curve(ON_THE_WAY)
    reached = [value for at, value in zip(curve.steps, curve.values, strict=True) if at <= step]
    return reached[-1] if reached else float("inf")


def _setting(told: Replay, key: str | None) -> Setting | None:
    found = next((record.spec for record in told.runs if record.spec.key == key), None)
    return None if found is None or found.peak is None else (found.plan, found.peak)
