"""Data of six tasks that are learned by very small batches: wines, sugars, moons, and digits in three other ways.

All of it any machine has: tables and digits that come with scikit-learn, and two half circles that are computed. The
digits are smudged by noise, squeezed through few units, or blotted.
"""

from functools import cache

import torch

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["blotted", "moons", "smudged", "squeezed", "sugars", "wines"]

MEASURED = (0, 1, 2, 3, 4)
"""Alcohol, acid, ash, its alkalinity and magnesium: five measures that leave some wines in doubt."""

MOONS, UNSEEN, APART = 6_000, 400, 0.3
"""Points of both half circles that are learned and held out, and how far they stray."""

SMUDGE, BLUR, VIEWS = 0.25, 0.2, 6
"""The noise of the points of a digit that is told and of one that is squeezed, and how often each is seen."""

BLOT, DUST = 3, 0.5
"""Points of a blot's side, and the noise of all others."""


@cache
def wines() -> Data:
    """From which of three growers is a wine? By five measures of it; a third of the wines is held out."""
    from sklearn.datasets import load_wine

    found = load_wine()
    measured, labels = torch.tensor(found.data)[:, MEASURED], torch.tensor(found.target)
    inputs = rounded((measured - measured.mean(0)) / measured.std(0))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return inputs[order[60:]], labels[order[60:]], inputs[order[:60]], labels[order[:60]]


@cache
def sugars() -> Data:
    """How far will diabetes go within a year? From ten measures; most of it these do not tell."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes()
    measured, far = torch.tensor(found.data), torch.tensor(found.target)[:, None]
    inputs, answers = (rounded((each - each.mean(0)) / each.std(0)) for each in (measured, far))
    order = torch.randperm(len(far), generator=torch.Generator().manual_seed(0))
    return inputs[order[140:]], answers[order[140:]], inputs[order[:140]], answers[order[:140]]


@cache
def moons() -> Data:
    """On which of two half circles, one within the other's reach, does a point lie that has strayed?"""
    chance = torch.Generator().manual_seed(0)
    count = MOONS + UNSEEN
    labels = torch.randint(2, (count,), generator=chance)
    angle = torch.pi * torch.rand(count, generator=chance, dtype=torch.float64)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    points = torch.where(labels[:, None] == 0, upper, torch.tensor([1.0, 0.5]) - upper)
    inputs = rounded(2 * (points + APART * torch.randn(points.shape, generator=chance, dtype=torch.float64)) - 1)
    return inputs[:MOONS], labels[:MOONS], inputs[MOONS:], labels[MOONS:]


@cache
def smudged() -> Data:
    """Which digit is it, under noise, where a fifth of the training labels is wrong? The held-out digits are others."""
    from bench.workloads.images import IMAGES, LABELS, NOISY

    chance = torch.Generator().manual_seed(0)
    flat = 2 * IMAGES.flatten(1)
    inputs = rounded(flat + 2 * SMUDGE * torch.randn(flat.shape, generator=chance))
    return inputs[: len(NOISY)], NOISY, inputs[len(NOISY) :: 2], LABELS[len(NOISY) :: 2]


@cache
def squeezed() -> Data:
    """A digit under noise through few units and back, without the noise; the held-out digits are others."""
    from bench.workloads.images import IMAGES

    chance = torch.Generator().manual_seed(0)
    flat = 2 * IMAGES.flatten(1)
    seen, unseen = flat[:1300].repeat_interleave(VIEWS, 0), flat[1300:]
    seen = seen[torch.randperm(len(seen), generator=chance)]
    noisy, others = (rounded(each + BLUR * torch.randn(each.shape, generator=chance)) for each in (seen, unseen))
    return noisy, seen, others, unseen


@cache
def blotted() -> Data:
    """Which digit is it, with a square of its points gone and noise on the rest? The held-out digits are others."""
    from bench.workloads.images import IMAGES, LABELS

    chance = torch.Generator().manual_seed(0)
    edge = 1300
    pictures = torch.cat([2 * IMAGES[:edge, 0].repeat_interleave(VIEWS, 0), 2 * IMAGES[edge:, 0]])
    labels = torch.cat([LABELS[:edge].repeat_interleave(VIEWS), LABELS[edge:]])
    side = pictures.shape[1]
    down, right = torch.randint(side - BLOT + 1, (2, len(pictures)), generator=chance)
    pictures = pictures + DUST * torch.randn(pictures.shape, generator=chance)
    inside = torch.arange(BLOT)
    rows, columns = down[:, None, None] + inside[:, None], right[:, None, None] + inside
    pictures[torch.arange(len(pictures))[:, None, None], rows, columns] = 0.0
    order = torch.randperm(edge * VIEWS, generator=chance)
    inputs = rounded(pictures)[..., None]
    return inputs[order], labels[order], inputs[edge * VIEWS :], labels[edge * VIEWS :]
