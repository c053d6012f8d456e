"""Schedules refined by gradient norms against the linear decay: logistic regressions, Adam and SGD, four seeds.

    python -m bench.forecasting.refining --write     # about a minute of one core

A run with a linear decay at its best peak gives the norms; the refined schedule is then trained at every peak, with the
guard and without. What is judged is the training loss at the end, over all data, at each schedule's own best peak.
"""

import argparse
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import calando
from calando.errors import BadValue
from calando.forecast.refining import POWERS, _smoothed, refine, refined_factors

HERE = Path(__file__).resolve().parents[1] / "results" / "forecast"
STEPS, BATCH, SEEDS = 2000, 16, 4
PROBLEMS = ("digits", "wine", "cancer", "two classes, noisy", "ten classes, separable")
PEAKS = {"sgd": 0.1 * 2.0 ** np.arange(0, 14), "adam": 0.001 * 2.0 ** np.arange(0, 14)}


@cache
def problem(name: str) -> tuple[Any, Any]:
    """Standardised features with a constant, and classes."""
    chance = np.random.default_rng(7)
    if name in ("digits", "wine", "cancer"):
        from sklearn import datasets

        load = {"digits": datasets.load_digits, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer}
        x, y = load[name](return_X_y=True)
    elif name.startswith("two"):
        x = chance.normal(size=(500, 20))
        y = (x @ chance.normal(size=20) + 3.0 * chance.normal(size=500) > 0).astype(int)
    else:
        x = chance.normal(size=(800, 30))
        y = np.argmax(x @ chance.normal(size=(30, 10)), axis=1)
    x = (x - x.mean(0)) / (x.std(0) + 1e-8)
    return np.hstack([x, np.ones((len(x), 1))]) / np.sqrt(x.shape[1]), y


def train(name: str, optimizer: str, factors: Any, peaks: Any) -> tuple[Any, Any]:
    """Final losses (peaks, seeds) and the gradient norms (steps, peaks, seeds) of all runs, trained as one batch."""
    x, y = problem(name)
    classes, runs = int(y.max()) + 1, len(peaks) * SEEDS
    rates = np.repeat(peaks, SEEDS)
    order = [np.random.default_rng(seed) for seed in range(SEEDS)]
    weights, m, v = (np.zeros((runs, x.shape[1], classes)) for _ in range(3))
    norms = np.zeros((len(factors), runs))
    for t, factor in enumerate(factors):
        rows = np.stack([one.integers(len(x), size=BATCH) for one in order])
        rows = np.tile(rows, (len(peaks), 1))
        bx, by = x[rows], y[rows]
        p = softmax(bx @ weights)
        p[np.arange(runs)[:, None], np.arange(BATCH)[None], by] -= 1.0
        g = np.swapaxes(bx, 1, 2) @ p / BATCH
        norms[t] = np.abs(g).sum((1, 2)) if optimizer == "adam" else np.sqrt((g * g).sum((1, 2)))
        if optimizer == "adam":
            m, v = 0.9 * m + 0.1 * g, 0.95 * v + 0.05 * g * g
            g = m / (1 - 0.9 ** (t + 1)) / (np.sqrt(v / (1 - 0.95 ** (t + 1))) + 1e-8)
        weights = weights - (rates * factor)[:, None, None] * g
    p = softmax(x[None] @ weights)
    losses = -np.log(np.maximum(p[:, np.arange(len(y)), y], 1e-300)).mean(1)
    return losses.reshape(len(peaks), SEEDS), norms.reshape(len(factors), len(peaks), SEEDS)


def softmax(z: Any) -> Any:
    """Probabilities over the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def linear(steps: int) -> Any:
    """The factors of a linear decay."""
    return 1.0 - np.arange(steps) / steps


def norms_of(name: str, optimizer: str, steps: int = STEPS) -> Any:
    """The gradient norms of a linear decay at its best peak, the median over seeds."""
    losses, norms = train(name, optimizer, linear(steps), PEAKS[optimizer])
    return np.median(norms[:, int(losses.mean(1).argmin())], axis=1)


def best(losses: Any) -> Any:
    """The losses by seed at the peak with the lowest mean."""
    return losses[int(losses.mean(1).argmin())]


def row(name: str, optimizer: str) -> dict[str, Any]:
    """One problem under one optimizer: linear, cosine and refined, each at its own best peak."""
    peaks = PEAKS[optimizer]
    plain, norms = train(name, optimizer, linear(STEPS), peaks)
    norms = np.median(norms[:, int(plain.mean(1).argmin())], axis=1)
    free = refined_factors(_smoothed(norms), POWERS[optimizer])
    refined, _ = train(name, optimizer, free, peaks)
    schedule = calando.cosine().bind(STEPS)
    cosine, _ = train(name, optimizer, np.array([schedule(t) for t in range(STEPS)]), peaks)
    try:
        guard = f"let through, bound {refine(norms, optimizer).bound:.3f}"  # type: ignore[arg-type]
    except BadValue as error:
        guard = f"refused: {error.given}"
    pairs = best(refined) - best(plain)
    return {
        "problem": name, "optimizer": optimizer, "linear": float(best(plain).mean()),
        "cosine": float(best(cosine).mean()), "refined": float(best(refined).mean()), "difference": float(pairs.mean()),
        "error": float(pairs.std(ddof=1) / np.sqrt(SEEDS)), "guard": guard,
        "edge": [k for k, v in (("linear", plain), ("refined", refined)) if v.mean(1).argmin() in (0, len(peaks) - 1)],
    }  # fmt: skip


def text(rows: list[dict[str, Any]]) -> str:
    """The page."""
    better = sum(one["difference"] < -2 * one["error"] for one in rows)
    worse = sum(one["difference"] > 2 * one["error"] for one in rows)
    through = [one for one in rows if one["guard"].startswith("let")]
    good = sum(one["difference"] < -2 * one["error"] for one in through)
    bad = sum(one["difference"] > 2 * one["error"] for one in through)
    lines = [
        "# Schedules refined by gradient norms", "",
        f"Logistic regressions, {STEPS:,} updates of {BATCH} rows, {SEEDS} paired seeds, each schedule at the best",
        "of fourteen peaks a factor 2 apart; training loss at the end. Difference: refined minus linear, with its",
        "standard error.", "",
        "| problem | optimizer | linear | cosine | refined, no guard | difference | the guard |",
        "| --- | --- | --: | --: | --: | --: | --- |",
    ]  # fmt: skip
    lines += [
        f"| {o['problem']} | {o['optimizer']} | {o['linear']:.4g} | {o['cosine']:.4g} | {o['refined']:.4g} | "
        f"{o['difference']:+.2g} ± {o['error']:.1g} | {o['guard']} |" for o in rows
    ]  # fmt: skip
    lines += [
        "", "At the edge of the peaks: " + ("; ".join(f"{o['problem']}, {o['optimizer']} ({', '.join(o['edge'])})"
                                                      for o in rows if o["edge"]) or "none") + ".",
        "", f"Beyond two standard errors, refined is better in {better} of {len(rows)} and worse in {worse}. Of the "
        f"{len(through)} that the guard lets through: better in {good}, worse in {bad}.", "",
        "Made by `python -m bench.forecasting.refining --write`.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    rows = [row(name, optimizer) for name in PROBLEMS for optimizer in ("sgd", "adam")]
    sys.stdout.write(text(rows))
    if write:
        (HERE / "refining.json").write_text(json.dumps(rows, indent=1) + "\n")
        (HERE / "refining.md").write_text(text(rows))


if __name__ == "__main__":
    main()
