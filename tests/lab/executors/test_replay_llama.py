"""Real language-model runs answer the replay executor: they are read as what they were, and cost what they cost."""

import numpy as np
import pytest

import calando
from bench.llama import ON_THE_WAY, folder, read
from bench.llama_rivals import at_horizon, halving
from bench.llama_tune import tuned
from bench.replay_llama import FLOOR, SHARE, cost, dice, truth
from calando.lab.executors.recorded import Recorded

WHERE = folder()
pytestmark = pytest.mark.skipif(WHERE is None, reason="NOT RUN: no recorded curves (CALANDO_CURVES)")
LOGS = read(WHERE) if WHERE is not None else ()
LIBRARY = Recorded(log.record for log in LOGS)
BEST = "wsd(warmup=300, cooldown=60%, cooldown_shape=linear)"


def test_every_run_of_the_124m_model_is_read() -> None:
    assert len(LOGS) == 101
    assert {log.record.spec.peak for log in LOGS} == {1e-4, 5e-4, 2e-3}
    assert {log.record.spec.horizon for log in LOGS} == {15_000, 25_000, 30_000, 35_000, 50_000}
    assert LIBRARY.seeds("wsd(warmup=300, cooldown=20%)", 2e-3, 50_000) == (0, 1)


def test_a_plan_gives_the_rates_that_the_record_says() -> None:
    at = np.arange(50_001)
    plans = {log.record.spec.plan: calando.parse(log.record.spec.plan).bind(50_000)(at) for log in LOGS}
    for factors in plans.values():
        assert factors[150] == 0.5
        assert factors[300] == 1.0
    assert plans[BEST][20_000] == 1.0
    assert plans[BEST][35_000] == pytest.approx(0.5)
    assert plans["warmup(300) | cosine(end=0.1)"][50_000] == pytest.approx(0.1)
    assert plans["warmup(300) | cosine()"][50_000] == 0
    assert plans["wsd(warmup=300, cooldown=20%, cooldown_shape=1-sqrt)"][42_500] == pytest.approx(0.5)


def test_a_branched_run_carries_the_curve_of_its_trunk() -> None:
    branched = [log for log in LOGS if log.first and log.record.spec.horizon == 50_000]
    assert len(branched) == 21
    for log in branched:
        steps = log.record.curve(ON_THE_WAY).steps
        assert steps[0] == 200
        assert steps[-1] >= 49_800
        assert list(steps) == sorted(set(steps))


def test_all_full_runs_cost_one_and_a_half_million_updates() -> None:
    on_file, shared = cost(LOGS)
    assert on_file == 1_500_000
    assert 1_430_000 < shared < on_file  # branched as late as possible, not at multiples of 10,000
    assert sum(log.record.steps for log in LOGS if log.record.spec.horizon == 50_000) == 2_250_000


def test_the_winner_of_short_whole_schedules_is_the_best_of_the_long_ones() -> None:
    losses, budget = truth(LOGS), int(SHARE * cost(LOGS)[1])
    chosen, spent = at_horizon(15_000)(LIBRARY, list(losses), 50_000, budget, dice(0))
    assert chosen == (BEST, 2e-3)
    assert spent <= budget
    assert losses[chosen] - min(losses.values()) <= FLOOR


def test_cutting_the_same_runs_short_drops_the_best_one() -> None:
    losses = truth(LOGS)
    chosen, _ = halving(LIBRARY, list(losses), 50_000, int(SHARE * 1_436_361), dice(0))
    assert chosen != (BEST, 2e-3)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("study", [0, 1, 2])
def test_tune_chooses_within_the_noise_of_the_best_at_15_percent_of_the_steps(
    seeds: tuple[int, ...], study: int
) -> None:
    losses, budget = truth(LOGS), int(SHARE * min(cost(LOGS)))
    chosen, spent = tuned(seeds)(LIBRARY, list(losses), 50_000, budget, dice(study))
    assert spent <= budget <= 225_000
    assert chosen is not None
    assert losses[chosen] - min(losses.values()) <= FLOOR
