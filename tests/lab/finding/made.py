"""Range tests and mini-runs made up of formulas: no training, only numbers."""

import math
import random
from collections.abc import Callable

from calando.core.text import parse
from calando.lab.finding import RangeTest
from calando.lab.finding.strategy import FindStrategy, Question
from calando.records.run import Curve, RunRecord, RunSpec


def falling_then_breaking(
    run: RunSpec, falls: float = 0.01, breaks: float = 0.3, noise: float = 0.02, depth: float = 1.0
) -> RunRecord:
    """A loss of 2 that falls around one rate and comes back, and more, at another."""
    chance = random.Random(run.seed)
    schedule = parse(run.plan).bind(run.horizon)
    rates = [(run.peak or 1.0) * schedule(t) for t in range(run.horizon)]

    def loss(rate: float) -> float:
        down = depth / (1 + (falls / rate) ** 1.5)
        return 2 - down + min(8.0, (rate / breaks) ** 2 * depth) + chance.gauss(0, noise)

    steps = tuple(range(run.horizon))
    curves = {"lr": Curve(steps, tuple(rates)), "train_loss": Curve(steps, tuple(map(loss, rates)))}
    return RunRecord(run, "done", final=1.0, curves=curves, steps=run.horizon)


def bowl(
    best: float = 0.05, exponent: float = -0.5, horizon: int = 960, noise: float = 0.0, skew: float = 2.0
) -> Callable[[RunSpec], float]:
    """The final loss of a decayed run: a parabola in log-rate whose lowest point moves with the horizon."""

    def final(run: RunSpec) -> float:
        u = math.log2((run.peak or 1.0) / best) - exponent * math.log2(run.horizon / horizon)
        chance = random.Random(f"{run.seed} {run.peak} {run.horizon}")
        return 1 + 10 / run.horizon + 0.05 * u * u * (skew if u > 0 else 1) + chance.gauss(0, noise)

    return final


def played(
    strategy: FindStrategy,
    final: Callable[[RunSpec], float | None],
    ride: Callable[[RunSpec], RunRecord] = falling_then_breaking,
    most: int = 100,
) -> FindStrategy:
    """Play a search to its end, or for so many runs."""
    for _ in range(most):
        if not (left := strategy.left()):
            break
        run = left[0]
        if run.phase == "range":
            strategy.finished(ride(run))
            continue
        value = final(run)
        status = "done" if value is not None else "diverged"
        strategy.finished(RunRecord(run, status, final=value, steps=run.horizon if value is not None else 5))
    return strategy


def question(horizon: int = 960, **changes: object) -> Question:
    given = {"ranges": RangeTest(horizon // 25), **changes}
    return Question("t.py:train", horizon, **given)  # type: ignore[arg-type]
