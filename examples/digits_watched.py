"""Handwritten digits with PyTorch, watched: look on from another terminal, and tell the run what to do.

    python examples/digits_watched.py 3000          # updates; 600 unless given
    calando watch runs
    calando steer runs/digits "cooldown 10%"

The loop is anybody's own. Two lines are Calando's, besides the schedule: one opens the record, one logs.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

import calando
import calando.torch

TRAINING, BATCH = 1000, 32


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(images / 16 - 0.5, dtype=torch.float32)[order], torch.tensor(labels)[order]


def main(horizon: int) -> None:
    """Train for so many updates, or as many as the run is told on its way."""
    images, labels = digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    scheduler = calando.torch.attach(optimizer, calando.wsd(warmup="5%", cooldown="20%").bind(horizon))
    loss_of = nn.CrossEntropyLoss()

    with calando.watch("digits", scheduler=scheduler) as watched:
        while not watched.over:
            batch = torch.randint(TRAINING, (BATCH,))
            loss = loss_of(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=loss)
            if watched.step % 50 == 49:
                with torch.no_grad():
                    watched.log(val_loss=loss_of(model(images[TRAINING:]), labels[TRAINING:]))
    print(f"{watched.ending} after {watched.step + 1} updates; its record is in {watched.folder}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
