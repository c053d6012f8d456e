"""Image classification by one hidden layer on scikit-learn's 8 x 8 digits, all runs trained as one batch.

Two settings. `images`: 900 images to train on, labels as they are. `images-few`: 150 of them, three in ten labels
wrong, so that the net learns them by heart and the held-out loss turns up.
"""

import hashlib
import os
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

import calando
from bench.forecasting.live.outcome import told
from calando.records import RunRecord, RunSpec

__all__ = ["DATA", "evaluated", "train"]

TRAINING, FEW, WRONG = 900, 150, 0.3
WIDTH, BATCH, MOMENTUM, POINTS = 64, 32, 0.9, 40


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(images / 8 - 1, dtype=torch.float32)[order].contiguous(), torch.tensor(labels)[order]


def mislabelled(labels: torch.Tensor) -> torch.Tensor:
    """The labels with some replaced by any of the ten."""
    chance = torch.Generator().manual_seed(1)
    wrong = torch.rand(len(labels), generator=chance) < WRONG
    return torch.where(wrong, torch.randint(10, (len(labels),), generator=chance), labels)


IMAGES, LABELS = digits()
NOISY = mislabelled(LABELS[:FEW])
DATA = hashlib.sha256(IMAGES.numpy().tobytes() + LABELS.numpy().tobytes()).hexdigest()[:16]


def evaluated(horizon: int) -> tuple[int, ...]:
    """After how many updates the held-out loss is taken: evenly, and at the end."""
    every = max(1, horizon // POINTS)
    return tuple(sorted({*range(every, horizon + 1, every), horizon}))


def drawn(seed: int) -> list[torch.Tensor]:
    """The weights and offsets that a seed starts from."""
    chance = torch.Generator().manual_seed(seed)
    first = torch.randn(64, WIDTH, generator=chance) / 8
    last = torch.randn(WIDTH, 10, generator=chance) / WIDTH**0.5
    return [first, torch.zeros(1, WIDTH), last, torch.zeros(1, 10)]


def order_of(seed: int, updates: int, images: int) -> torch.Tensor:
    """Which images each update sees: whole passes, each in an order of its own."""
    chance = torch.Generator().manual_seed(1_000_003 + seed)
    passes = -(-updates * BATCH // images)
    rows = torch.cat([torch.randperm(images, generator=chance) for _ in range(passes)])
    return rows[: updates * BATCH].view(updates, BATCH)


def losses(model: Sequence[torch.Tensor], images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean loss of every net in the stack on its own images."""
    first, shift, last, level = model
    scores = torch.baddbmm(level, torch.baddbmm(shift, images, first).relu(), last)
    each = functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(len(first), -1).mean(1)


def train(specs: Sequence[RunSpec], few: bool = False) -> list[RunRecord]:
    """All the runs at once by SGD with momentum; they share their horizon. `seconds` is each one's share."""
    torch.set_num_threads(1)
    (horizon,) = {spec.horizon for spec in specs}
    began = time.process_time()
    count, answers = (FEW, NOISY) if few else (TRAINING, LABELS)
    order = torch.stack([order_of(spec.seed, horizon, count) for spec in specs])
    factors = [calando.parse(spec.plan).bind(horizon)(np.arange(horizon)) for spec in specs]
    peaks = [1.0 if spec.peak is None else spec.peak for spec in specs]
    rates = torch.tensor(np.array(factors) * np.array(peaks)[:, None], dtype=torch.float32)
    model = [torch.stack(tables).requires_grad_() for tables in zip(*(drawn(spec.seed) for spec in specs), strict=True)]
    pace = [torch.zeros_like(table) for table in model]
    held = (IMAGES[TRAINING:].expand(len(specs), -1, -1), LABELS[TRAINING:].expand(len(specs), -1))
    when = evaluated(horizon)
    val, trained, lately = [], [], []
    for step in range(horizon):
        rows = order[:, step]
        loss = losses(model, IMAGES[rows], answers[rows])
        slopes = torch.autograd.grad(loss.sum(), model)
        lately.append(loss.detach())
        with torch.no_grad():
            for table, speed, slope in zip(model, pace, slopes, strict=True):
                speed.mul_(MOMENTUM).add_(slope)
                table -= rates[:, step, None, None] * speed
            if step + 1 in when:
                val.append(losses(model, *held))
                trained.append(torch.stack(lately).mean(0))
                lately = []
    seconds = round((time.process_time() - began) / len(specs), 3)
    told_of = zip(specs, torch.stack(val, 1).tolist(), torch.stack(trained, 1).tolist(), strict=True)
    return [told(spec, when, after, before, seconds) for spec, after, before in told_of]
