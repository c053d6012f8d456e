"""What a search decides, in words that can be checked."""

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from calando.errors import counted
from calando.lab.phrases import number, share
from calando.lab.tuning.rounds import Known, best_row
from calando.records.decision import Decision
from calando.records.tuning import Standpoint

__all__ = ["SURE", "drops", "edges", "slope_decision", "standpoints"]

SURE = 0.98
LEAST = 2
"""Runs of a shape below which it is not dropped, however sure the surrogate is."""
SAMPLES = 4000


def drops(now: Known, phase: str, margin: float, keep: str) -> list[Decision]:
    """The shapes of which every peak is worse than the leader by more than the margin, with that probability.

    Args:
        keep: a label that is never dropped.
    """
    leader = best_row(now)
    space = now.space
    if leader is None:
        return []
    found = []
    top = space.rows[leader]
    for shape, candidate in enumerate(space.candidates):
        if shape == top.shape or shape in now.out or candidate.label == keep or now.counts.get(shape, 0) < LEAST:
            continue
        rows = [row for row in now.full if space.rows[row].shape == shape]
        if not rows:
            continue
        gap, spread = now.gap(rows, leader)
        sure = float((gap - NormalDist().inv_cdf(SURE) * spread).min())
        behind = _behind(now, now.mean(leader), sure)
        if sure > 0 and behind > margin:
            text = (
                f"out: {share(SURE)} sure worse than {space.candidates[top.shape].label} at peak "
                f"{number(space.peaks[top.peak])} by more than {number(behind)}, at whatever peak"
            )
            found.append(Decision(phase, text, candidate.label, runs=now.counts.get(shape, 0)))
    return found


def _behind(now: Known, base: float, gap: float) -> float:
    belief, level = now.belief, now.space.full
    if belief is None:
        return 0.0
    return belief.loss(base + gap, level) - belief.loss(base, level)


def slope_decision(now: Known) -> Decision | None:
    """How the best peak moves with the horizon, as first fitted; None when only one horizon was run."""
    belief, space = now.belief, now.space
    levels = sorted({space.rows[index].level for index, _ in now.made})
    if belief is None or len(levels) < 2:
        return None
    mean, sd = belief.slope
    lengths = ", ".join(f"{space.horizons[level]:,}" for level in levels)
    text = (
        f"the best peak goes with the horizon to the power {mean:+.2f} (give or take {max(sd, 0.01):.2f}) by the first "
        f"{counted(len(now.made), 'run')} of {lengths} updates; every later run fits it anew"
    )
    return Decision("short horizons", text, runs=len(now.made))


def edges(now: Known, told: Mapping[int, float]) -> list[tuple[int, float, Decision]]:
    """The lowest peak at which runs of a horizon were lost, where it is news."""
    space = now.space
    lost: dict[int, float] = {}
    for index, _ in now.made:
        row = space.rows[index]
        if index not in now.sound:
            peak = space.candidates[row.shape].peak or space.peaks[row.peak]
            lost[row.level] = min(lost.get(row.level, math.inf), peak)
    found = []
    for level, peak in sorted(lost.items()):
        if peak < told.get(level, math.inf):
            horizon = space.horizons[level]
            text = f"runs of {horizon:,} updates are lost from peak {number(peak)} up"
            found.append((level, peak, Decision("divergence", text)))
    return found


def standpoints(now: Known, out: Mapping[str, str], seed: int, mode: str) -> tuple[Standpoint, ...]:
    """What is believed of every shape at the full horizon, best first."""
    belief, space = now.belief, now.space
    if belief is None:
        return ()
    leader = best_row(now)
    alive = [i for i, row in enumerate(now.full) if space.rows[row].shape not in now.out]
    cov = belief.cov[np.ix_(alive, alive)]
    root = np.linalg.cholesky(cov + 1e-8 * max(1.0, float(np.trace(cov))) * np.eye(len(alive)))
    drawn = belief.mean[alive] + np.random.default_rng(seed).standard_normal((SAMPLES, len(alive))) @ root.T
    holder = np.array([space.rows[now.full[i]].shape for i in alive])[drawn.argmin(axis=1)]
    base = 0.0 if leader is None else now.mean(leader)
    level = space.full
    known = any(space.rows[index].level == level and index in now.sound for index, _ in now.made)
    least = now.least
    found = []
    for shape, candidate in enumerate(space.candidates):
        row = best_row(now, shape)
        if row is None:
            continue
        value, place = now.mean(row), now.full.index(row)
        sd = math.sqrt(max(0.0, float(belief.cov[place, place])))
        full = [1 for index, _ in now.made if space.rows[index].shape == shape and space.rows[index].level == level]
        found.append(
            Standpoint(
                candidate.label,
                candidate.peak if candidate.peak is not None else space.peaks[space.rows[row].peak],
                (1 if mode == "min" else -1) * max(least, belief.loss(value, level)) if known else math.nan,
                belief.loss(value + sd, level) - belief.loss(value, level),
                chance=float((holder == shape).mean()),
                behind=max(0.0, belief.loss(value, level) - belief.loss(base, level)),
                runs=now.counts.get(shape, 0),
                full=len(full),
                out=out.get(candidate.label, ""),
            )
        )
    found.sort(key=lambda one: (one.out != "", one.behind, one.label))
    return tuple(found)
