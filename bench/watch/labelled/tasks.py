"""What the labelled runs learn: seven tasks on which rules were written, and those by which they were mended.

Data that any machine has: digits, snippets of source code, the language reference that ships with Python, a year of
weather and two photographs that come with scikit-learn; flights, and where in the photographs a patch is from. Those
of the second half: the lower halves of digits, and the time of day by the weather. Three more each are told in `fresh`
and `last`, four with other networks each in `unseen`, `blind` and `final`, and six with very small batches in `small`.
The models are small, so that scores of runs are trained as one batch of matrices; most are of plain layers.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional

from bench.watch.labelled.blind import cells, patches, remarks, signals
from bench.watch.labelled.final import modules, moved, signs, throws
from bench.watch.labelled.fresh import Data, airports, carriers, flown, manuals
from bench.watch.labelled.kept import automata, entities, spectra, ways
from bench.watch.labelled.last import delays, products, turned
from bench.watch.labelled.other import arms, genes, hands, julia
from bench.watch.labelled.sealed import levels, magnets, noughts, rolls
from bench.watch.labelled.small import blotted, moons, smudged, squeezed, sugars, wines
from bench.watch.labelled.unseen import pendulums, strayed, tokens, tumours

__all__ = ["TASKS", "Task", "data_of"]


@dataclass(frozen=True)
class Task:
    """What is learned: data, model, loss, optimizer, and where its good peak lies."""

    half: str
    """"write" where rules were written; all others mended them."""
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
    """"adam" (AdamW), "momentum" (SGD with 0.9), "nesterov" (the same, looking ahead), or "plain" (SGD)."""
    body: str = "plain"
    """Plain layers, or "residual", "convolution", "steps", "attention", "pooled", "recurrent", "memory", "signal" or
    "normed" as in `bodies`."""


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


@cache
def flights() -> Data:
    """How long is a flight in the air? From destination, carrier, month and hour, all of 2013 from New York."""
    rows = flown(12)
    names = {name: sorted({row[name] for row in rows}) for name in ("dest", "carrier", "month", "hour")}
    columns = [torch.tensor([kinds.index(row[name]) for row in rows]) for name, kinds in names.items()]
    counts = [len(kinds) for kinds in names.values()]
    inputs = torch.cat([functional.one_hot(c, n) for c, n in zip(columns, counts, strict=True)], 1).float()
    inputs = functional.pad(2 * inputs, (0, 200 - inputs.shape[1]))
    times = torch.tensor([float(row["air_time"]) for row in rows])[:, None]
    times = (times - times.mean()) / times.std()
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return inputs[order[600:]], times[order[600:]], inputs[order[:600]], times[order[:600]]


@cache
def places() -> Data:
    """Which of two photographs is a patch from, and from which of four bands of it?"""
    from sklearn.datasets import load_sample_images

    inputs, labels = [], []
    for number, photograph in enumerate(load_sample_images().images):
        pixels = torch.tensor(photograph / 128 - 1, dtype=torch.float32).permute(2, 0, 1)[None]
        rows = functional.unfold(pixels, 5, stride=4)[0].T
        across = (pixels.shape[3] - 5) // 4 + 1
        down = len(rows) // across
        inputs.append(rows)
        labels.append(4 * number + (4 * (torch.arange(len(rows)) // across) // down))
    order = torch.randperm(sum(map(len, inputs)), generator=torch.Generator().manual_seed(0))
    every, answers = torch.cat(inputs)[order], torch.cat(labels)[order]
    return every[800:], answers[800:], every[:800], answers[:800]


@cache
def halves() -> Data:
    """The lower half of a digit, told by the upper one."""
    from bench.workloads.images import IMAGES

    flat = IMAGES.flatten(1)
    return flat[:1200, :32], 4 * flat[:1200, 32:], flat[1200:, :32], 4 * flat[1200:, 32:]


@cache
def hours() -> Data:
    """Which eighth of the day is it, by the last day's weather?"""
    from bench.workloads.weather import SEEN, UNSEEN

    found = []
    for rows, count, seed in ((SEEN, 12_000, 0), (UNSEEN, 600, 1)):
        some = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:count]]
        angle = torch.atan2(some[:, 144], some[:, 146])
        found += [some[:, :144].contiguous(), ((angle / (2 * torch.pi)) % 1.0 * 7.999).long()]
    return found[0], found[1], found[2], found[3]


TASKS = {
    "images": Task("write", 0.1, 400, 32, 60, images, (64, 48, 48, 10), optimizer="momentum"),
    "text": Task("write", 0.01, 400, 48, 200, text, (400, 16, 32, 8), table=True),
    "characters": Task("write", 0.01, 400, 32, 300, characters, (8 * 104, 24, 104), table=True),
    "weather": Task("write", 0.003, 600, 24, 150, weather, (148, 32, 32, 1), answers="number"),
    "photographs": Task(
        "write", 0.05, 500, 24, 40, photographs, (120, 40, 40, 3), answers="number", optimizer="momentum"
    ),
    "flights": Task("write", 0.02, 400, 32, 40, flights, (200, 32, 24, 1), answers="number"),
    "places": Task("write", 0.03, 500, 40, 60, places, (75, 40, 32, 8), optimizer="momentum"),
    "halves": Task("judge", 0.1, 500, 32, 30, halves, (32, 40, 40, 32), answers="number", optimizer="momentum"),
    "hours": Task("judge", 0.003, 500, 32, 100, hours, (144, 40, 32, 8)),
    "carriers": Task("fresh", 0.08, 600, 32, 120, carriers, (27, 48, 48, 48, 48, 8), optimizer="momentum"),
    "manuals": Task("fresh", 0.03, 450, 40, 400, manuals, (500, 32, 40, 10), table=True),
    "airports": Task("fresh", 0.0075, 500, 24, 100, airports, (112, 64, 48, 15), answers="number"),
    "products": Task("last", 0.03, 500, 64, 250, products, (40, 96, 24, 9)),
    "delays": Task("last", 0.04, 500, 48, 400, delays, (39, 100, 4)),
    "turned": Task("last", 0.25, 550, 16, 45, turned, (64, 48, 48, 64), answers="number", optimizer="momentum"),
    "tumours": Task("unseen", 0.15, 900, 8, 60, tumours, (30, 20, 2), optimizer="plain"),
    "pendulums": Task(
        "unseen", 0.025, 420, 100, 200, pendulums, (6, 32, 64, 64, 64, 4), answers="number", body="residual"
    ),
    "strayed": Task(
        "unseen", 0.08, 480, 20, 150, strayed, (1, 12, 16, 32, 10), optimizer="nesterov", body="convolution"
    ),
    "tokens": Task("unseen", 0.007, 340, 12, 150, tokens, (64, 24, 48, 48, 64), body="attention"),
    "cells": Task("blind", 0.04, 400, 32, 60, cells, (1, 24, 4), answers="number", body="recurrent"),
    "signals": Task("blind", 0.1, 480, 24, 100, signals, (1, 12, 16, 24, 8), optimizer="momentum", body="signal"),
    "remarks": Task("blind", 0.014, 300, 24, 200, remarks, (32, 16, 40, 40, 32), body="attention"),
    "patches": Task("blind", 0.03, 400, 128, 80, patches, (64, 80, 16, 80, 64), answers="number", body="normed"),
    "signs": Task("final", 0.03, 400, 24, 200, signs, (30, 12, 24, 30), body="memory"),
    "modules": Task("final", 0.04, 300, 48, 250, modules, (300, 16, 32, 8), body="pooled"),
    "moved": Task("final", 0.3, 450, 16, 150, moved, (2, 12, 12, 8), optimizer="nesterov", body="steps"),
    "throws": Task("final", 0.1, 600, 32, 120, throws, (6, 96, 96, 8), optimizer="momentum"),
    "wines": Task("small", 0.1, 600, 2, 15, wines, (5, 3), optimizer="plain"),
    "sugars": Task("small", 0.012, 400, 4, 30, sugars, (10, 24, 1), answers="number"),
    "moons": Task("small", 0.06, 500, 8, 40, moons, (2, 24, 24, 2), optimizer="momentum"),
    "smudged": Task("small", 0.008, 600, 4, 60, smudged, (64, 32, 48, 48, 10), body="residual"),
    "squeezed": Task("small", 0.08, 700, 2, 40, squeezed, (64, 40, 8, 40, 64), answers="number", optimizer="nesterov"),
    "blotted": Task("small", 0.008, 500, 4, 60, blotted, (1, 12, 24, 24, 10), optimizer="momentum", body="convolution"),
    "noughts": Task("sealed", 0.06, 700, 12, 60, noughts, (18, 64, 48, 3), optimizer="momentum"),
    "magnets": Task(
        "sealed", 0.05, 400, 16, 100, magnets, (1, 12, 16, 32, 6), optimizer="nesterov", body="convolution"
    ),
    "rolls": Task("sealed", 0.01, 320, 12, 100, rolls, (6, 16, 32, 4), body="attention"),
    "levels": Task("sealed", 0.02, 420, 32, 100, levels, (14, 64, 64, 64, 4), answers="number"),
    "ways": Task("kept", 0.02, 450, 32, 60, ways, (27, 32, 32, 32, 32, 4)),
    "automata": Task("kept", 0.07, 500, 24, 80, automata, (2, 12, 16, 16, 8), optimizer="momentum", body="signal"),
    "entities": Task("kept", 0.07, 280, 24, 120, entities, (250, 16, 24, 6), table=True),
    "spectra": Task("kept", 0.3, 480, 16, 40, spectra, (40, 32, 10, 32, 40), answers="number", optimizer="nesterov"),
    "hands": Task("other", 0.012, 450, 32, 60, hands, (17, 32, 32, 32, 32, 6)),
    "julia": Task("other", 0.025, 400, 32, 80, julia, (1, 8, 12, 24, 6), optimizer="momentum", body="convolution"),
    "arms": Task(
        "other", 0.05, 500, 56, 60, arms, (6, 48, 48, 12, 2), answers="number", optimizer="nesterov", body="normed"
    ),
    "genes": Task("other", 0.025, 280, 24, 80, genes, (64, 12, 24, 6), body="pooled"),
}


def data_of(name: str) -> str:
    """The hash of a task's data on this machine."""
    return hashlib.sha256(b"".join(part.contiguous().numpy().tobytes() for part in TASKS[name].data())).hexdigest()[:16]
