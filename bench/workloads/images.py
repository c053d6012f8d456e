"""Image classification: a small convolutional net on 8 x 8 digits, shifted at random, some labels wrong.

    calando check bench/workloads/images.py:train

scikit-learn's 1797 digits, 900 to train on and 897 to validate on. A fifth of the training labels is wrong on purpose,
the same ones in every run: with it the end of the schedule decides how much of the noise is learned by heart.
"""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import calando

STEPS, EVALS = 640, 16
PEAK = 0.1  # the middle of the reference grid
TRAINING, BATCH, WRONG, WIDTH = 900, 64, 0.2, 12


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pictures = torch.tensor(images / 16 - 0.5, dtype=torch.float32).view(-1, 1, 8, 8)
    return pictures[order].contiguous(), torch.tensor(labels)[order]


def mislabelled(labels: torch.Tensor) -> torch.Tensor:
    """The labels with one in five replaced by any of the ten."""
    chance = torch.Generator().manual_seed(1)
    wrong = torch.rand(len(labels), generator=chance) < WRONG
    return torch.where(wrong, torch.randint(10, (len(labels),), generator=chance), labels)


IMAGES, LABELS = digits()
NOISY = mislabelled(LABELS[:TRAINING])
PADDED = functional.pad(IMAGES[:TRAINING], (1, 1, 1, 1), value=-0.5)
DATA = hashlib.sha256(IMAGES.numpy().tobytes() + LABELS.numpy().tobytes()).hexdigest()[:16]


def order_of(seed: int, updates: int) -> torch.Tensor:
    """Which images each update sees: whole passes, each in an order of its own."""
    chance = torch.Generator().manual_seed(seed)
    passes = -(-updates * BATCH // TRAINING)
    rows = torch.cat([torch.randperm(TRAINING, generator=chance) for _ in range(passes)])
    return rows[: updates * BATCH].view(updates, BATCH)


@calando.declare(steps=STEPS, evals=EVALS)
def train(run: calando.Run) -> None:
    """One run: 640 updates of SGD with momentum."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    model = nn.Sequential(
        nn.Conv2d(1, WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * WIDTH, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=PEAK, momentum=0.9)
    scheduler = run.attach(optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    loss_of = nn.CrossEntropyLoss()
    order = order_of(run.seed, run.horizon)
    shifts = torch.randint(3, (run.horizon, 2), generator=torch.Generator().manual_seed(run.seed)).tolist()
    for step in run.steps():
        rows, (down, right) = order[step], shifts[step]
        loss = loss_of(model(PADDED[rows, :, down : down + 8, right : right + 8]), NOISY[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            with torch.no_grad():
                scores = model(IMAGES[TRAINING:])
            run.log(val_loss=loss_of(scores, LABELS[TRAINING:]))
