"""Data of four tasks made for a last look: hands of poker, Julia's sets, an arm's tip, and motifs of genes.

All of them are computed, from seeds, and hang on nothing but torch's generators.
"""

from functools import cache

import torch

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["arms", "genes", "hands", "julia"]

DEALT, MISREAD = 12_000, 0.1
"""Hands that are learned, and the share of them of which one card is misread."""

PICTURES, SIDE, ROUNDS, STIR = 8_000, 12, 5, 0.8
"""Pictures that are learned, points of a side, how often a point is moved, and the noise of each."""

REACHES, JOINTS, ERROR = 8_000, 6, 1.5
"""Positions that are learned, joints of the arm, and the error of a look at its tip, in half lengths of the first."""

MOTIFS, STRAND, COPIED, MUTATED = ("TATAAT", "GGCCAA", "CACGTG", "TGACTC", "AGGTCA", "GATAAG"), 14, 8_000, 0.12
"""Motifs, bases of a strand, strands that are learned, and the share of a motif's bases that are others."""

HELD = 300
"""Held-out examples of every task."""


def parted(inputs: torch.Tensor, answers: torch.Tensor) -> Data:
    """The last ones are held out."""
    return inputs[:-HELD], answers[:-HELD], inputs[-HELD:], answers[-HELD:]


@cache
def hands() -> Data:
    """What are five cards at poker: nothing, a pair, two, three alike, a straight, or a flush? Each is as frequent."""
    chance = torch.Generator().manual_seed(0)
    count = DEALT + HELD
    kinds = torch.randint(6, (count,), generator=chance)
    ranks = torch.rand(count, 13, generator=chance, dtype=torch.float64).argsort(1)[:, :5]
    suits = torch.randint(4, (count, 5), generator=chance)
    alike = torch.tensor([[0, 1, 2, 3, 4], [0, 0, 2, 3, 4], [0, 0, 1, 1, 4], [0, 0, 0, 3, 4], [0, 1, 2, 3, 4]])
    ranks = ranks.gather(1, alike[kinds.clamp(max=4)])
    lowest = torch.randint(9, (count, 1), generator=chance)
    ranks = torch.where((kinds == 4)[:, None], lowest + torch.arange(5), ranks)
    turned = (suits[:, :1] + torch.arange(5)) % 4  # no two cards alike
    suits = torch.where(((kinds > 0) & (kinds < 4))[:, None], turned, suits)
    suits = torch.where((kinds == 5)[:, None], suits[:, :1], suits)
    cards = 13 * suits + ranks
    wrong = torch.rand(count, generator=chance, dtype=torch.float64) < MISREAD
    cards[:, 4] = torch.where(wrong, torch.randint(52, (count,), generator=chance), cards[:, 4])
    told = torch.zeros(count, 17)
    told.scatter_add_(1, cards % 13, torch.ones(count, 5)).scatter_add_(1, 13 + cards // 13, torch.ones(count, 5))
    return parted(told, kinds)


@cache
def julia() -> Data:
    """On which sixth of a ring lies the number that a noisy picture of Julia's set was made with?"""
    chance = torch.Generator().manual_seed(0)
    count = PICTURES + HELD
    share, size = torch.rand(2, count, 1, 1, generator=chance, dtype=torch.float64)
    angle, size = 2 * torch.pi * share, 0.4 + 0.4 * size
    at = torch.linspace(-1.3, 1.3, SIDE, dtype=torch.float64)
    real, other = (part.expand(count, SIDE, SIDE) for part in (at[None, :], at[:, None]))
    for _ in range(ROUNDS):
        real, other = real * real - other * other + size * angle.cos(), 2 * real * other + size * angle.sin()
        real, other = real.clamp(-2, 2), other.clamp(-2, 2)
    noise = STIR * torch.randn(count, SIDE, SIDE, generator=chance, dtype=torch.float64)
    inputs = rounded((real * real + other * other).sqrt() - 1.3 + noise)[..., None]
    return parted(inputs, (6 * share.flatten()).long())


@cache
def arms() -> Data:
    """Where is the tip of an arm of six joints, seen from the side? From their angles; the look at it errs."""
    chance = torch.Generator().manual_seed(0)
    count = REACHES + HELD
    angles = 3 * torch.rand(count, JOINTS, generator=chance, dtype=torch.float64) - 1.5
    lengths = 0.85 ** torch.arange(JOINTS, dtype=torch.float64)
    turned = angles.cumsum(1)
    tip = torch.stack([(lengths * turned.cos()).sum(1) - 1.5, (lengths * turned.sin()).sum(1)], 1) / 2
    answers = tip + ERROR * torch.randn(count, 2, generator=chance, dtype=torch.float64)
    return parted(rounded(angles), rounded(answers))


@cache
def genes() -> Data:
    """Which of six motifs stands somewhere in a strand of bases, with a few of its own mutated? Three bases a token."""
    chance = torch.Generator().manual_seed(0)
    count, length = COPIED + HELD, len(MOTIFS[0])
    labels = torch.randint(len(MOTIFS), (count,), generator=chance)
    strands = torch.randint(4, (count, STRAND), generator=chance)
    motif = torch.tensor([["ACGT".index(base) for base in one] for one in MOTIFS])[labels]
    mutated = torch.rand(motif.shape, generator=chance, dtype=torch.float64) < MUTATED
    motif = torch.where(mutated, torch.randint(4, motif.shape, generator=chance), motif)
    where = torch.randint(STRAND - length + 1, (count, 1), generator=chance) + torch.arange(length)
    strands = strands.scatter(1, where, motif)
    return parted(16 * strands[:, :-2] + 4 * strands[:, 1:-1] + strands[:, 2:], labels)
