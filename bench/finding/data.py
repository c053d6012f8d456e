"""The data of the small trainings: tables that scikit-learn brings, made-up functions, text that Python brings."""

import math
import re
import sysconfig
import zlib
from pathlib import Path

import numpy as np
import torch

__all__ = ["Data", "digits", "functions", "letters", "sources", "table"]

Data = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Inputs and answers to train on, inputs and answers held out."""


def _order(count: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))


def digits(count: int, wrong: float = 0.0) -> Data:
    """So many of the digits, a share of them mislabelled, and 800 others."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = _order(len(labels))
    x, y = torch.tensor(images / 16 - 0.5, dtype=torch.float32)[order], torch.tensor(labels)[order]
    chance = torch.Generator().manual_seed(1)
    bad = torch.rand(count, generator=chance) < wrong
    seen = torch.where(bad, torch.randint(10, (count,), generator=chance), y[:count])
    return x[:count], seen, x[count : count + 800], y[count : count + 800]


def table(name: str, count: int) -> Data:
    """So many rows of one of scikit-learn's tables, and the rest; columns, and numbers to be told, standardised."""
    from sklearn import datasets

    rows, target = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = _order(len(rows))
    x = torch.tensor(rows, dtype=torch.float32)[order]
    x = (x - x[:count].mean(0)) / (x[:count].std(0) + 1e-6)
    y = torch.tensor(target)[order]
    if name == "diabetes":
        y = y.float()
        y = (y - y[:count].mean()) / y[:count].std()
    return x[:count], y[:count], x[count:], y[count:]


def functions(count: int, noise: float) -> Data:
    """So many values of a random function of twenty numbers, with noise, and a thousand others."""
    chance = torch.Generator().manual_seed(5)
    x = torch.randn(count + 1000, 20, generator=chance)
    inner = torch.randn(20, 16, generator=chance) / math.sqrt(20)
    outer = torch.randn(16, generator=chance) / 4
    y = torch.tanh(2 * x @ inner) @ outer * 2
    y = y + noise * torch.randn(len(y), generator=chance)
    return x[:count], y[:count], x[count:], y[count:]


def sources(packages: str, width: int, each: int) -> Data:
    """From which package of the standard library are five lines of source? As hashed counts of their words."""
    found: dict[bool, list[np.ndarray]] = {False: [], True: []}
    labels: dict[bool, list[int]] = {False: [], True: []}
    for label, package in enumerate(packages.split()):
        rows = _snippets(Path(sysconfig.get_path("stdlib")) / package, width)
        for held, wanted in ((False, each), (True, 150)):
            mine = [row for number, row in rows if (number % 4 == 3) is held]
            mine = mine[:: max(1, len(mine) // wanted)][:wanted]
            found[held] += mine
            labels[held] += [label] * len(mine)
    seen, unseen = (torch.tensor(np.array(found[held])) for held in (False, True))
    return seen, torch.tensor(labels[False]), unseen, torch.tensor(labels[True])


def _snippets(root: Path, width: int) -> list[tuple[int, np.ndarray]]:
    rows = []
    for file in sorted(f for f in root.rglob("*.py") if not {"test", "tests", "idle_test"} & set(f.parts)):
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip() and "import" not in line]
        for number, first in enumerate(range(0, len(lines) - 5, 5)):
            words = re.findall(r"[A-Za-z_]{2,}", " ".join(lines[first : first + 5]))[:40]
            if len(words) > 5:
                row = np.zeros(width, dtype=np.float32)
                for word in words:
                    row[zlib.crc32(word.encode()) % width] += 1
                rows.append((number, row / math.sqrt(len(words))))
    return rows


def letters() -> Data:
    """The letter after five others in Python's language reference, every tenth topic of it held out."""
    from pydoc_data.topics import topics

    names = sorted(topics)
    both = ["".join(topics[n] for i, n in enumerate(names) if (i % 10 == 9) is held) for held in (False, True)]
    folded = [re.sub(r"[^a-z .,\n]", "#", text.lower()) for text in both]
    number = {letter: i for i, letter in enumerate(sorted(set("".join(folded))))}
    seen, unseen = (torch.tensor([number[letter] for letter in text]) for text in folded)

    def cut(text: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        past = text[at[:, None] + torch.arange(5)]
        return torch.nn.functional.one_hot(past, len(number)).float().flatten(1), text[at + 5]

    places = torch.randint(len(seen) - 6, (60000,), generator=torch.Generator().manual_seed(0))
    return *cut(seen, places), *cut(unseen, torch.linspace(0, len(unseen) - 7, 1500).long())
