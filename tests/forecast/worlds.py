"""Worlds in which the truth is known: every run follows one law with known parameters, with noise between losses."""

import numpy as np

from calando.forecast.asked import plan_text
from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.laws import LAWS, Path

UNIT = 4e-3
WARMUP = 20
THETA = np.array([2.0, 10.0, 0.45, 0.09, 0.9])  # of the bound, in units of the peak UNIT
SHORT, LONG = 800, 3200
PLANS = tuple(
    plan_text(text)
    for text in (
        "wsd(warmup=20, cooldown=10%)", "wsd(warmup=20, cooldown=20%)", "wsd(warmup=20, cooldown=40%)",
        "wsd(warmup=20, cooldown=60%)", "wsd(warmup=20, cooldown=90%)", "warmup(20) | cosine()",
    )
)  # fmt: skip


def loss_after(rates: np.ndarray, at: np.ndarray) -> np.ndarray:
    law = LAWS["bound"]
    return law.losses(THETA, law.prepare([Path(rates / UNIT, at, UNIT)]))


def truth(plan: str, peak: float, horizon: int = LONG) -> float:
    return float(loss_after(plan_rates(plan, peak, horizon), np.array([horizon]))[0])


def run(plan: str, peak: float, seed: int = 0, horizon: int = SHORT, noise: float = 5e-4) -> LossCurve:
    rates = plan_rates(plan, peak, horizon)
    at = np.arange(horizon // 40, horizon + 1, horizon // 40)
    chance = np.random.default_rng([seed, len(plan), round(1e6 * peak)])
    losses = loss_after(rates, at) * np.exp(noise * chance.standard_normal(len(at)))
    return LossCurve.from_plan(f"{plan} at {peak:g}, seed {seed}", at, losses, plan, peak, horizon, seed=seed)


def runs(peaks: tuple[float, ...], shares: tuple[int, ...] = (20, 60), seed: int = 0) -> list[LossCurve]:
    return [run(plan_text(f"wsd(warmup=20, cooldown={share}%)"), peak, seed) for peak in peaks for share in shares]


def regret(plan: str, peak: float, among: list[tuple[str, float]]) -> float:
    return truth(plan, peak) - min(truth(*one) for one in among)
