"""What one curve says against itself, on curves made for it."""

import numpy as np
import pytest

from calando.forecast.curve import LossCurve
from calando.forecast.doubts import Doubt, doubts_of

N = 40


def curve(losses: object, plan: str = "warmup(20) | linear_decay()", horizon: int = 400, **more: object) -> LossCurve:
    steps = np.linspace(horizon / N, horizon, np.size(losses)).astype(int)
    return LossCurve.from_plan("mine", steps, losses, plan, 0.1, horizon, **more)


def falling(n: int = N, start: float = 6.0, noise: float = 0.002) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    t = np.arange(1, n + 1) / n
    return (1.5 + (start - 1.5) * (1 + 20 * t) ** -0.6) * np.exp(noise * np.random.default_rng(0).normal(size=n))


def names(*curves: LossCurve) -> list[tuple[str, str]]:
    return [(doubt.name, doubt.consequence) for doubt in doubts_of(curves)]


@pytest.mark.parametrize(
    "plan", ["linear_decay()", "cosine()", "constant()", "wsd(warmup=20, cooldown=20%)", "one_cycle()"]
)
def test_a_loss_that_falls_under_a_rate_that_falls_raises_no_doubt(plan: str) -> None:
    assert names(curve(falling(), plan)) == []


def test_noise_on_a_flat_end_is_not_taken_for_a_rise() -> None:
    for seed in range(20):
        flat = falling()[20] * np.exp(0.01 * np.random.default_rng(seed).normal(size=20))
        assert names(curve(np.concatenate([falling()[:20], flat]))) == []


def test_a_loss_that_turns_up_is_refused_with_where_and_how_much() -> None:
    losses = falling()
    losses[20:] *= np.linspace(1, 1.5, 20)
    (doubt,) = doubts_of(curve(losses))
    assert (doubt.name, doubt.refuses, doubt.curves) == ("turns up", True, ("mine",))
    assert 0.15 < doubt.numbers["rise"] < 0.4
    assert 150 < doubt.numbers["update"] < 300
    assert "above its lowest level of about update" in doubt.words


def test_a_slight_rise_widens() -> None:
    losses = falling(noise=0.0)
    losses[30:] = losses[29] * np.linspace(1, 1.008, 10)
    assert names(curve(losses)) == [("turns up", "widen")]


def test_a_rise_that_single_losses_hide_is_told_from_all_of_them() -> None:
    recorded = [
        2.245, 2.007, 1.619, 1.495, 1.543, 1.458, 1.394, 1.454, 1.383, 1.365, 1.366, 1.334, 1.371, 1.363, 1.347, 1.363,
        1.367, 1.365, 1.366, 1.398, 1.428, 1.310, 1.367, 1.347, 1.379, 1.370, 1.360, 1.380, 1.386, 1.360, 1.425, 1.418,
        1.429, 1.436, 1.389, 1.415, 1.370, 1.376, 1.384, 1.380,
    ]  # fmt: skip
    (doubt,) = doubts_of(curve(recorded, "wsd(warmup=20, cooldown=20%)"))  # digits, three tenths of the labels wrong
    assert (doubt.name, doubt.consequence) == ("turns up", "widen")
    assert 0.02 < doubt.numbers["rise"] < 0.03
    assert 100 < doubt.numbers["update"] < 250
    chance = np.random.default_rng(0)
    flat = [np.concatenate([falling()[:10], falling()[10] * np.exp(0.02 * chance.normal(size=30))]) for _ in range(200)]
    assert sum(bool(names(curve(losses))) for losses in flat) <= 4  # of a hundred


def test_a_rise_at_once_that_stays_is_told_where_it_is_larger_than_noise() -> None:
    chance = np.random.default_rng(0)
    wobbles = [np.exp(0.01 * chance.normal(size=N)) for _ in range(100)]
    flat = np.concatenate([falling()[:12], np.full(N - 12, falling()[11])])
    raised = flat * np.where(np.arange(N) < 26, 1.0, 1.03)
    assert sum(bool(names(curve(raised * one))) for one in wobbles) >= 95
    assert sum(bool(names(curve(flat * one))) for one in wobbles) <= 3


def test_a_warm_up_in_stairs_is_no_cycle() -> None:
    stairs = np.concatenate([np.repeat(np.linspace(0.02, 0.1, 5), 20), np.linspace(0.1, 0.0, 300)])
    steps = np.linspace(400 / N, 400, N).astype(int)
    assert names(LossCurve("by epochs", steps, falling(), stairs)) == []
    again = np.concatenate([stairs[:350], np.full(50, 0.1)])
    assert names(LossCurve("by epochs", steps, falling(), again)) == [("cycles", "widen")]


def test_a_loss_that_rises_with_its_rate_is_a_cycle_and_not_overfitting() -> None:
    waves = 0.9 + 0.3 * np.abs(np.sin(np.arange(N) * np.pi / 10 + 0.5))
    found = names(curve(falling() * waves, "cyclical(low=0.1, half=12.5%)"))
    assert ("cycles", "refuse") in found
    assert names(curve(falling(), "cyclical(low=0.1, half=12.5%)")) == [("cycles", "widen")]


def test_few_losses_widen_and_very_few_refuse() -> None:
    assert names(curve(falling(7), "linear_decay()")) == [("few losses", "widen")]
    assert names(curve(falling(3), "linear_decay()")) == [("few losses", "refuse")]


def test_a_run_that_is_still_warming_up_is_refused() -> None:
    early = LossCurve.from_plan("mine", range(10, 101, 10), falling(10), "warmup(200) | linear_decay()", 0.1, 400)
    assert names(early)[0] == ("still warming up", "refuse")


def test_a_run_that_starts_low_widens_and_one_that_gains_nothing_is_refused() -> None:
    assert names(curve(falling(start=1.6))) == [("starts low", "widen")]
    assert names(curve(falling(start=1.51))) == [("starts low", "refuse")]


def test_a_log_that_only_begins_late_is_not_taken_for_fine_tuning() -> None:
    whole = falling(200, noise=0.0005)
    late = LossCurve.from_plan("mine", range(102, 401, 2), whole[50:], "linear_decay()", 0.1, 400)
    assert names(late) == []


def test_a_loss_of_nearly_nothing_is_saturated() -> None:
    assert ("saturated", "refuse") in names(curve(3.0 * np.exp(-np.arange(N) / 6)))


def test_spikes_and_losses_that_do_not_settle_are_unstable() -> None:
    spiked = falling()
    spiked[25] *= 1.3
    assert names(curve(spiked)) == [("unstable", "widen")]
    assert ("unstable", "refuse") in names(curve(falling(noise=0.25)))


def test_dense_noisy_training_losses_are_averaged_before_they_are_judged() -> None:
    losses = falling(8000, noise=0.08)
    dense = LossCurve.from_plan("mine", range(1, 8001), losses, "linear_decay()", 0.1, 8000)
    assert not any(doubt.refuses for doubt in doubts_of(dense))
    assert "turns up" not in [doubt.name for doubt in doubts_of(dense)]


def test_a_doubt_is_frozen_with_its_numbers() -> None:
    doubt = Doubt("few losses", "widen", "a: 5.", {"losses": 5.0}, ("a",))
    with pytest.raises(TypeError):
        doubt.numbers["losses"] = 6.0  # type: ignore[index]
