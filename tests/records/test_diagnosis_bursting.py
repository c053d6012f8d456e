"""Bursts of a rate that is too high, and those of broken batches; runs that end above their start in bursts."""

import numpy as np

from calando.records.diagnosis import Observed, diagnose

STEPS = 900


def run(hot: float, cold: float, every: int = 0, tail: float = 0.0) -> Observed:
    """A run with a cosine, whose losses burst above their start with one chance while hot and another one after."""
    chance = np.random.default_rng(0)
    at = np.arange(STEPS)
    rate = 0.5 * (1 + np.cos(np.pi * at / STEPS))
    loss = (0.7 * np.exp(-at / 25) + 0.02) * np.exp(0.5 * chance.standard_normal(STEPS))
    loss[:5] = 0.7
    burst = chance.random(STEPS) < np.where(rate >= 0.5, hot, cold)
    if every:
        burst = at % every == every - 1
    loss[burst & (at > 90)] = 1.5
    loss[at > 20] += tail * np.where(chance.random(STEPS) < 0.4, 20.0, 0.0)[at > 20]
    seen = np.arange(36, STEPS, 36)
    shaking = (0.15 if hot and not cold else 0.002) * rate[seen] * chance.standard_normal(len(seen))
    held_out = 0.1 + 0.6 * np.exp(-seen / 30) + np.abs(shaking) + 8 * tail
    return Observed(
        STEPS, (at.tolist(), loss.tolist()), (seen.tolist(), held_out.tolist()), (at.tolist(), rate.tolist())
    )


def kinds(seen: Observed) -> list[str]:
    return [one.kind for one in diagnose(seen)]


def told_by(seen: Observed) -> set[str]:
    return {evidence.name for one in diagnose(seen) for evidence in one.evidence}


def test_bursts_that_cease_with_the_rate_are_a_rate_too_high_and_no_broken_batches() -> None:
    found = diagnose(run(0.15, 0.0))
    assert "LR too high" in [one.kind for one in found]
    assert "spikes" not in [one.kind for one in found]
    told = next(one for one in found if one.kind == "LR too high")
    assert "bursts while hot" in {one.name for one in told.evidence}
    assert told.changes[0].what == "peak"


def test_broken_batches_of_a_run_with_a_decaying_rate_stay_spikes() -> None:
    assert "spikes" in kinds(run(0.0, 0.0, every=66))
    assert "LR too high" not in kinds(run(0.0, 0.0, every=66))


def test_bursts_at_every_rate_alike_are_not_laid_to_the_rate() -> None:
    assert "bursts while hot" not in told_by(run(0.05, 0.05))


def test_a_few_bursts_early_on_are_no_finding() -> None:
    assert "bursts while hot" not in told_by(run(0.006, 0.0))


def test_a_run_that_ends_far_above_its_start_on_the_average_diverged_though_most_losses_are_next_to_nothing() -> None:
    assert kinds(run(0.0, 0.0, tail=1.0)) == ["diverged"]


def test_what_came_down_with_the_rate_to_where_it_began_did_not_diverge() -> None:
    at = np.arange(500)
    rate = np.minimum(np.minimum(at / 50, 1), (500 - at) / 150)
    loss = 1.5 + 4 * rate**2 + 0.1 * np.random.default_rng(1).standard_normal(500)
    found = kinds(Observed(500, (at.tolist(), loss.tolist()), lr=(at.tolist(), rate.tolist())))
    assert "diverged" not in found
    assert "LR too high" in found


def test_a_run_that_never_moved_did_not_diverge_though_its_first_batches_were_easy() -> None:
    at = np.arange(400)
    loss = 1.5 + 0.3 * np.random.default_rng(2).standard_normal(400)
    loss[:3] = 1.0
    assert "diverged" not in kinds(Observed(400, (at.tolist(), loss.tolist()), lr=(at.tolist(), [1e-9] * 400)))
