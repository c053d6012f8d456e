"""The tasks that the labelled runs learn: two on which rules were written, three on which they are judged.

Data that any machine has: digits and snippets of source code; the language reference that ships with Python, a year of
weather, and two photographs that come with scikit-learn. The models are small and dense, so that scores of runs are
trained as one batch of matrices.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional

__all__ = ["TASKS", "Task", "data_of"]

Data = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Task:
    """What is learned: data, model, loss, optimizer, and where its good peak lies."""

    half: str
    """"write" where rules were written, "judge" where they are judged."""
    peak: float
    horizon: int
    batch: int
    few: int
    """So few examples are overfitted within the horizon."""
    data: Callable[[], Data]
    """Training inputs and targets, held-out inputs and targets."""
    sizes: tuple[int, ...]
    """Widths of the layers, from the inputs (or rows of the table of embeddings) to the outputs."""
    table: bool = False
    """Whether inputs are numbers of rows of a table of embeddings, of which the mean is taken; -1 is no row."""
    answers: str = "class"
    """What is told: a "class" (cross entropy) or a "number" (squared error)."""
    optimizer: str = "adam"
    """"adam" (AdamW) or "momentum" (SGD with 0.9)."""


@cache
def images() -> Data:
    """Digits; a fifth of the training labels is wrong on purpose."""
    from bench.workloads.images import IMAGES, LABELS, NOISY, TRAINING

    flat = IMAGES.flatten(1)
    return flat[:TRAINING], NOISY, flat[TRAINING : TRAINING + 600], LABELS[TRAINING : TRAINING + 600]


@cache
def text() -> Data:
    """Snippets of source: from which package are they?"""
    from bench.workloads.text import ANSWERS, LABELS, TABLE, TEXTS, UNSEEN

    some = torch.randperm(len(UNSEEN), generator=torch.Generator().manual_seed(0))[:300]
    order = torch.randperm(len(TEXTS), generator=torch.Generator().manual_seed(0))
    seen, unseen = (torch.where(ids == TABLE, -1, ids % 400) for ids in (TEXTS[order, :32], UNSEEN[some, :32]))
    return seen, LABELS[order], unseen, ANSWERS[some]


@cache
def characters() -> Data:
    """Eight characters tell the ninth."""
    from bench.workloads.characters import SEEN, UNSEEN

    found = []
    for letters, count, seed in ((SEEN, 30_000, 0), (UNSEEN, 800, 1)):
        starts = torch.randperm(len(letters) - 9, generator=torch.Generator().manual_seed(seed))[:count]
        windows = letters[starts[:, None] + torch.arange(9)]
        found += [windows[:, :8] + 104 * torch.arange(8), windows[:, 8]]
    return found[0], found[1], found[2], found[3]


@cache
def weather() -> Data:
    """How much warmer is it in twelve hours?"""
    from bench.workloads.weather import ANSWERS, SEEN, TARGETS, UNSEEN

    order = torch.randperm(len(SEEN), generator=torch.Generator().manual_seed(0))
    return SEEN[order], TARGETS[order, None], UNSEEN[::4][:600].contiguous(), ANSWERS[::4, None][:600].contiguous()


@cache
def photographs() -> Data:
    """A point's colour told by the ring of points around it; the right third of both photographs is held out."""
    from sklearn.datasets import load_sample_images

    ring = [i for i in range(147) if not 2 <= i % 49 // 7 <= 4 or not 2 <= i % 7 <= 4]
    found: list[list[torch.Tensor]] = [[], []]
    for photograph in load_sample_images().images:
        pixels = torch.tensor(photograph / 128 - 1, dtype=torch.float32).permute(2, 0, 1)[None]
        edge = 2 * pixels.shape[3] // 3
        for kept, part, apart in ((found[0], pixels[..., :edge], 3), (found[1], pixels[..., edge:], 17)):
            kept.append(functional.unfold(part, 7, stride=apart)[0].T)
    seen, unseen = torch.cat(found[0]), torch.cat(found[1])
    seen = seen[torch.randperm(len(seen), generator=torch.Generator().manual_seed(0))]
    middle = [24, 73, 122]
    return seen[:, ring], seen[:, middle], unseen[:, ring], unseen[:, middle]


TASKS = {
    "images": Task("write", 0.1, 400, 32, 60, images, (64, 48, 48, 10), optimizer="momentum"),
    "text": Task("write", 0.01, 400, 48, 200, text, (400, 16, 32, 8), table=True),
    "characters": Task("judge", 0.01, 400, 32, 300, characters, (8 * 104, 24, 104), table=True),
    "weather": Task("judge", 0.003, 600, 24, 150, weather, (148, 32, 32, 1), answers="number"),
    "photographs": Task(
        "judge", 0.05, 500, 24, 40, photographs, (120, 40, 40, 3), answers="number", optimizer="momentum"
    ),
}


def data_of(name: str) -> str:
    """The hash of a task's data on this machine."""
    return hashlib.sha256(b"".join(part.contiguous().numpy().tobytes() for part in TASKS[name].data())).hexdigest()[:16]
