"""What to run next: the runs whose results would improve the final choice most, per update they cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from calando.lab.tuning.model import Belief

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Choice", "alone", "pick", "suppose", "together"]

DRAWS = 256
REPEATS = (1, 2, 3)  # one noisy run may teach nothing where three would: worth is looked at up to three ahead


@dataclass(frozen=True)
class Choice:
    """A run that could be made: its row, its seed's index, and its cost in updates."""

    row: int
    seed: int
    steps: int


def _gain(mean: "Floats", moves: "Floats") -> "Floats":
    """Expected improvement of the best mean when it moves by `moves` times a normal number, one row per choice."""
    points, weights = np.polynomial.hermite_e.hermegauss(11)
    weights = weights / weights.sum()
    found = np.zeros(len(moves))
    for z, weight in zip(points, weights, strict=True):
        found += weight * (mean[None, :] + z * moves).min(axis=1)
    return np.asarray(np.maximum(mean.min() - found, 0.0))


def pick(belief: Belief, steps: "NDArray[np.int64]") -> tuple[int, float]:
    """The index of the run, among those that the belief was asked about, that is worth most per update, and its worth.

    Its worth is the knowledge gradient: by how much the best mean of the belief's rows is expected to improve.

    Args:
        steps: what each of them costs; 0 for one that must not be picked.
    """
    rows = belief.rows
    link, own = belief.cov[:rows, rows:].T, np.diag(belief.cov)[rows:]
    worth = np.zeros(len(steps))
    plain = np.minimum(belief.plain, own)
    for repeat in REPEATS:
        variance = plain + (own - plain + belief.noise) / repeat
        gain = _gain(belief.mean[:rows], link / np.sqrt(np.maximum(variance, 1e-12))[:, None])
        worth = np.maximum(worth, gain / (repeat * np.maximum(steps, 1)))
    best = int(np.argmax(np.where(steps > 0, worth, -1.0)))
    return best, float(worth[best])


def alone(belief: Belief) -> "Floats":
    """What each run that the belief was asked about is expected to improve the best mean by, made once."""
    rows = belief.rows
    link, own = belief.cov[:rows, rows:].T, np.diag(belief.cov)[rows:] + belief.noise
    return _gain(belief.mean[:rows], link / np.sqrt(np.maximum(own, 1e-12))[:, None])


def together(belief: Belief, indices: Sequence[int], steps: int) -> float:
    """What several runs made together are worth per update: their knowledge gradient, by fixed random draws."""
    rows, at = belief.rows, [belief.rows + index for index in indices]
    own = belief.cov[np.ix_(at, at)] + np.diag(belief.noise[list(indices)])
    root = np.linalg.cholesky(own + 1e-9 * np.eye(len(at)))
    moves = np.linalg.solve(root, belief.cov[at, :rows])
    drawn = np.random.default_rng(7).standard_normal((DRAWS, len(at))) @ moves
    mean = belief.mean[:rows]
    gain = float(mean.min() - (mean + drawn - drawn.mean(axis=0)).min(axis=1).mean())
    return max(0.0, gain) / max(1, steps)


def suppose(belief: Belief, index: int) -> Belief:
    """The belief after a run whose result is not known yet: as sure as then, of the same mean."""
    place = belief.rows + index
    link = belief.cov[:, place]
    variance = float(link[place] + belief.noise[index])
    return replace(belief, cov=belief.cov - np.outer(link, link) / max(variance, 1e-12))
