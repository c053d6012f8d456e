"""Curves that a law with known parameters made, with noise."""

import numpy as np

from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.laws import LAWS, Path
from calando.forecast.laws.base import Law

PEAK = 3e-3
KNOWN = {
    "multi_power": np.array([2.5, 12.0, 0.45, 0.2, 0.06, 0.55, 0.45]),
    "functional": np.array([2.5, 12.0, 0.45, 0.004, 0.06, 1.5]),
    "bound": np.array([2.5, 12.0, 0.45, 0.05, 0.9]),
    "peak_bound": np.array([2.5, 12.0, 0.45, 0.05, 0.9, 0.5]),
    "momentum": np.array([2.5, 12.0, 0.45, 1.5e-4]),
}
SHORT = ("wsd(warmup=50, cooldown=20%)", "wsd(warmup=50, cooldown=60%)")


def curve(law: Law, theta: np.ndarray, plan: str, horizon: int, noise: float = 0.0, seed: int = 0, peak: float = PEAK):
    """A run of the plan, its losses every hundredth of it."""
    rates = plan_rates(plan, peak, horizon)
    steps = np.arange(horizon // 100, horizon + 1, horizon // 100)
    losses = law.losses(theta, law.prepare([Path(rates / PEAK, steps, PEAK)]))
    losses = losses * np.exp(noise * np.random.default_rng(seed).standard_normal(len(steps)))
    return LossCurve(f"{plan} {seed}", steps, losses, rates, peak=peak, plan=plan)


def short_runs(name: str, noise: float = 0.0, seed: int = 0, horizon: int = 3000) -> list[LossCurve]:
    """Two short runs with contrasting cooldowns; where a law tells peaks apart, at two peaks."""
    law = LAWS[name]
    peaks = (PEAK, PEAK / 4) if name == "peak_bound" else (PEAK,)
    return [
        curve(law, KNOWN[name], plan, horizon, noise, 10 * seed + i, peak)
        for peak in peaks
        for i, plan in enumerate(SHORT)
    ]
