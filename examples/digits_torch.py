"""Handwritten digits with PyTorch: a train function for every study, and a plain script.

    calando check examples/digits_torch.py:train
    calando tune examples/digits_torch.py:train --budget 40runs
    calando compare examples/digits_torch.py:train --peaks 0.03 0.1 0.3
    python examples/digits_torch.py

scikit-learn's 1797 digits of 8 x 8 pixels. A tenth of the training labels is wrong on purpose: the end of
the schedule then decides how much of that noise the model has learned by heart.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import calando

TRAINING, BATCH, WRONG = 1000, 32, 0.1


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(images / 16 - 0.5, dtype=torch.float32)[order], torch.tensor(labels)[order]


IMAGES, LABELS = digits()


def training_data(seed: int) -> DataLoader:
    """The first thousand digits, a tenth of them mislabelled; which, and in what order, hangs on the seed."""
    chance = torch.Generator().manual_seed(seed)
    labels = LABELS[:TRAINING].clone()
    wrong = torch.rand(TRAINING, generator=chance) < WRONG
    labels[wrong] = torch.randint(10, (int(wrong.sum()),), generator=chance)
    data = TensorDataset(IMAGES[:TRAINING], labels)
    return DataLoader(data, BATCH, shuffle=True, drop_last=True, generator=chance)


@calando.declare(steps=400, evals=20, steps_per_epoch=TRAINING // BATCH)
def train(run: calando.Run) -> None:
    """One run: everything random comes from run.seed, the learning rate from run.attach alone."""
    torch.manual_seed(run.seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = run.attach(optimizer)
    loader = training_data(run.seed)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader)  # what runs share and resume from
    loss_of = nn.CrossEntropyLoss()
    for images, labels in run.steps(loader):
        loss = loss_of(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            with torch.no_grad():
                scores = model(IMAGES[TRAINING:])
            right = (scores.argmax(1) == LABELS[TRAINING:]).float().mean()
            run.log(val_loss=loss_of(scores, LABELS[TRAINING:]), val_accuracy=right)


if __name__ == "__main__":
    train(calando.standalone("warmup(5%) | cosine()", horizon=400, peak=0.1, steps_per_epoch=TRAINING // BATCH))
