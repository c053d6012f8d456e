"""Data of four tasks that no rule was written on: noughts and crosses, magnets, loaded dice, and levels of a well.

All of it is computed, the same on any machine: the first from the rules of the game alone, the second and third from
draws that are compared with fixed chances, the fourth from eigenvalues that are rounded.
"""

from functools import cache

import torch

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["levels", "magnets", "noughts", "rolls"]

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))

MAGNETS, SIDE, SWEEPS, WARMTH = 6_000, 9, 30, (1.6, 2.1, 2.5, 3.0, 4.0, 7.0)
"""Magnets that are learned, spins of a side, how often all are turned over or not, and the temperatures."""

GAMES, ROLLED, KEPT, TRICKS, WATCHED = 10_000, 8, 0.9, 4, 96
"""Games that are learned, rolls of each, the chance that the die stays in play, dice there are, and games that
are held out."""

WELLS, PLACES, DEEP, KNOWN, SMEAR = 8_000, 14, 6.0, 4, 0.3
"""Wells that are learned, points of each, how high a point is at most, levels that are told, and the error of a
height."""

HELD = 240
"""Held-out examples of the other tasks."""


def split(inputs: torch.Tensor, labels: torch.Tensor, held: int) -> Data:
    """The last ones are held out."""
    return inputs[:-held], labels[:-held], inputs[-held:], labels[-held:]


@cache
def noughts() -> Data:
    """Does who is to move at noughts and crosses lose (0), draw (1) or win (2) if neither errs? Every open position."""
    worth: dict[tuple[int, ...], int] = {}

    def best(board: tuple[int, ...]) -> int:
        """What a position is worth to who is to move, whose signs are 1 and the other's -1."""
        if any(all(board[place] == -1 for place in line) for line in LINES):
            return 0
        if 0 not in board:
            return 1
        if board not in worth:
            free = [place for place in range(9) if board[place] == 0]
            after = [tuple(-sign if at != place else -1 for at, sign in enumerate(board)) for place in free]
            worth[board] = max(2 - best(one) for one in after)
        return worth[board]

    best((0,) * 9)
    boards = torch.tensor(sorted(worth))
    labels = torch.tensor([worth[board] for board in sorted(worth)])
    inputs = 1.5 * torch.cat([boards == 1, boards == -1], 1).float()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return split(inputs[order], labels[order], HELD)


@cache
def magnets() -> Data:
    """At which of six temperatures is a magnet of up and down spins? By Ising's model and the rule of Metropolis.

    Source: Metropolis and others, "Equation of State Calculations by Fast Computing Machines", J. Chem. Phys. 1953.
    """
    chance = torch.Generator().manual_seed(0)
    count, edge = MAGNETS + HELD, SIDE + 1  # an even edge, so that no two neighbours are of one colour
    labels = torch.randint(len(WARMTH), (count,), generator=chance)
    cold = (-2 / torch.tensor(WARMTH, dtype=torch.float64)[labels])[:, None, None]
    spins = torch.ones(count, edge, edge)  # all up: a cold one would hardly come to rest from noise
    black = (torch.arange(edge)[:, None] + torch.arange(edge)) % 2 == 0
    for _ in range(SWEEPS):
        for colour in (black, ~black):
            around = sum(spins.roll(way, axis) for way in (-1, 1) for axis in (1, 2))
            drawn = torch.rand(count, edge, edge, generator=chance)
            spins = torch.where(colour & (drawn < (cold * spins * around).exp()), -spins, spins)
    upside = torch.randint(2, (count, 1, 1), generator=chance) * 2 - 1
    return split((0.5 * spins * upside)[:, :SIDE, :SIDE, None].contiguous(), labels, HELD)


@cache
def rolls() -> Data:
    """Which of four loaded dice is in play after eight rolls? Now and then it was changed for another.

    Source: the casino that is now and then dishonest of Durbin and others, "Biological sequence analysis" (1998).
    """
    chance = torch.Generator().manual_seed(0)
    count = GAMES + WATCHED
    heavy = torch.eye(TRICKS, 6, dtype=torch.float64)[:, [0, 4, 1, 5, 2, 3]]  # each die shows one face often ...
    faces = 0.1 + 0.25 * heavy + 0.15 * heavy.roll(1, 1)  # ... and the next one rather often
    edges = (faces / faces.sum(1, keepdim=True)).cumsum(1)[:, :-1].contiguous()
    die = torch.randint(TRICKS, (count,), generator=chance)
    shown = []
    for _ in range(ROLLED):
        other = (die + torch.randint(1, TRICKS, (count,), generator=chance)) % TRICKS
        die = torch.where(torch.rand(count, generator=chance) < KEPT, die, other)
        drawn = torch.rand(count, 1, generator=chance, dtype=torch.float64)
        shown.append((drawn > edges[die]).sum(1))
    return split(torch.stack(shown, 1), die, WATCHED)


@cache
def levels() -> Data:
    """Which are the four lowest energies of a particle in an uneven well? Its floor is known roughly."""
    chance = torch.Generator().manual_seed(0)
    count = WELLS + HELD
    floor = DEEP * torch.rand(count, PLACES, generator=chance, dtype=torch.float64) ** 2
    hops = torch.diag(torch.ones(PLACES - 1, dtype=torch.float64), 1)
    energies = torch.linalg.eigvalsh(floor.diag_embed() - hops - hops.T)[:, :KNOWN]
    seen = floor + SMEAR * torch.randn(count, PLACES, generator=chance, dtype=torch.float64)
    return split(rounded(0.6 * (seen - DEEP / 3)), rounded(2 * (energies - energies.mean(0))), HELD)
