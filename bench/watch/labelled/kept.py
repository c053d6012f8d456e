"""Data of four tasks that no rule was written on: ways through graphs, automata, names of HTML's signs, and spectra.

All but the names are computed; those are the table of Python's standard library, which is the one of HTML 5 and has
stood since Python 3.3. How Unicode sorts the signs that they name may still hang on the version of Python.
"""

import unicodedata
import zlib
from functools import cache
from html.entities import html5

import torch

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["automata", "entities", "spectra", "ways"]

NODES, LINKED, GRAPHS = 8, 0.27, 8_000
"""Nodes of a graph, the share of pairs that are linked, and how many graphs are learned."""

RULES, CELLS, BEFORE, FLIPPED, GROWN = (22, 30, 45, 54, 90, 110, 150, 182), 24, 12, 0.04, 8_000
"""Wolfram's numbers of the automata, cells that are seen, steps before, the share of cells that is misread, and how
many pictures are learned."""

ROWS, PAIRS = 250, 10
"""Rows of the table of pairs of letters, and how many pairs of a name are read."""

POINTS, LINES, GRAIN, TAKEN = 40, 2, 0.25, 8_000
"""Points and lines of a spectrum, the noise of a point, and how many spectra are learned."""

HELD = 300
"""Held-out examples of every task."""


@cache
def ways() -> Data:
    """How many links lead from the first node of a random graph to the second: two, three, more, or is there no way?"""
    chance = torch.Generator().manual_seed(0)
    count = GRAPHS + HELD
    above = torch.triu_indices(NODES, NODES, 1)[:, 1:]  # the first pair is never linked
    linked = torch.rand(count, above.shape[1], generator=chance, dtype=torch.float64) < LINKED
    table = torch.zeros(count, NODES, NODES)
    table[:, above[0], above[1]] = linked.float()
    table = table + table.mT
    reached = table[:, 0]
    labels = torch.full((count,), 3)
    for links in range(2, NODES):
        reached = ((reached[:, None] @ table)[:, 0] + reached).clamp(max=1)
        labels = torch.where((labels == 3) & (reached[:, 1] > 0), min(links, 4) - 2, labels)
    inputs = 2 * linked.float() - 1
    return inputs[:GRAPHS], labels[:GRAPHS], inputs[GRAPHS:], labels[GRAPHS:]


@cache
def automata() -> Data:
    """By which of eight rules do the cells of a line change? Two steps of it are seen, some cells of them wrongly."""
    chance = torch.Generator().manual_seed(0)
    count = GROWN + HELD
    labels = torch.randint(len(RULES), (count,), generator=chance)
    becomes = torch.tensor([[rule >> seen & 1 for seen in range(8)] for rule in RULES])[labels]
    cells = torch.randint(2, (count, 3 * CELLS), generator=chance)
    shown = []
    for _ in range(BEFORE + 2):
        shown = [*shown[-1:], cells[:, CELLS : 2 * CELLS]]
        cells = becomes.gather(1, 4 * cells.roll(1, 1) + 2 * cells + cells.roll(-1, 1))
    pair = torch.stack(shown, 2)
    wrong = torch.rand(pair.shape, generator=chance, dtype=torch.float64) < FLIPPED
    inputs = (2 * (pair ^ wrong.long()) - 1).float()
    return inputs[:GROWN], labels[:GROWN], inputs[GROWN:], labels[GROWN:]


def sort_of(sign: str) -> int:
    """Which of six sorts a sign is of."""
    kinds = {"Lu": 0, "Ll": 1, "Sm": 2, "So": 3}
    arrow = len(sign) == 1 and "ARROW" in unicodedata.name(sign, "")
    return 4 if arrow else kinds.get(unicodedata.category(sign[0]), 5)


@cache
def entities() -> Data:
    """What sort of sign does HTML call by a name: a letter, large or small, of mathematics, an arrow, or another?"""
    inputs, labels = [], []
    for name in sorted(html5):
        if name.endswith(";"):
            spelled = f"^{name}"
            numbers = [zlib.crc32(spelled[at : at + 2].encode()) % ROWS for at in range(len(spelled) - 1)][:PAIRS]
            inputs.append(numbers + [-1] * (PAIRS - len(numbers)))
            labels.append(sort_of(html5[name]))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    every, answers = torch.tensor(inputs)[order], torch.tensor(labels)[order]
    return every[HELD:], answers[HELD:], every[:HELD], answers[:HELD]


@cache
def spectra() -> Data:
    """How does a noisy spectrum of two lines on a slope look without the noise? Lines are of Lorentz's shape."""
    chance = torch.Generator().manual_seed(0)
    count = TAKEN + HELD
    place, width, height = torch.rand(3, LINES, count, 1, generator=chance, dtype=torch.float64)
    level, slope = torch.rand(2, count, 1, generator=chance, dtype=torch.float64) - 0.5
    at = torch.linspace(0, 1, POINTS, dtype=torch.float64)
    away = (at - place) / (0.05 + 0.1 * width)
    clean = ((0.8 + 1.6 * height) / (1 + away * away)).sum(0) + level + 2 * slope * (at - 0.5)
    noisy = clean + GRAIN * torch.randn(count, POINTS, generator=chance, dtype=torch.float64)
    inputs, answers = rounded(noisy - 0.8), rounded(clean - 0.8)
    return inputs[:TAKEN], answers[:TAKEN], inputs[TAKEN:], answers[TAKEN:]
