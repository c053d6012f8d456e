"""Accuracies of real trainings, seconds long: good ones raise no alarm however little of them was logged."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from calando.core.text import parse
from calando.records.diagnosis import Observed, diagnose

STEPS, EVERY = 300, 10


@cache
def data():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x = torch.tensor(images[order] / 16.0, dtype=torch.float32)
    y = torch.tensor(labels[order])
    return x[:1200], y[:1200], x[1200:], y[1200:]


@cache
def trained(optimizer, plan, peak, seed):
    """Training losses, accuracies of training batches and held-out ones, and rates."""
    x, y, held_x, held_y = data()
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    rates = [peak * float(parse(plan).bind(STEPS)(step)) for step in range(STEPS)]
    known = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer](model.parameters(), lr=peak)
    losses, batch, held = [], [], []
    for step, rate in enumerate(rates):
        known.param_groups[0]["lr"] = rate
        part = torch.randint(0, len(y), (64,))
        out = model(x[part])
        loss = torch.nn.functional.cross_entropy(out, y[part])
        known.zero_grad()
        loss.backward()
        known.step()
        losses.append(loss.item())
        batch.append(float((out.argmax(1) == y[part]).float().mean()))
        if step % EVERY == EVERY - 1:
            with torch.no_grad():
                held.append(float((model(held_x).argmax(1) == held_y).float().mean()))
    return losses, batch, held, rates


@pytest.mark.parametrize(("optimizer", "peak"), [("sgd", 0.3), ("sgd", 1.0), ("adamw", 0.003), ("adamw", 0.01)])
@pytest.mark.parametrize("plan", ["warmup(5%) | cosine()", "wsd(warmup=5%, cooldown=20%)", "linear_decay()"])
def test_a_real_good_accuracy_raises_no_alarm(optimizer, plan, peak):
    losses, batch, held, rates = trained(optimizer, plan, peak, 1)
    assert held[-1] > 0.94
    every, at = range(STEPS), range(EVERY - 1, STEPS, EVERY)
    for lr in ((every, rates), ((), ())):
        for scale in (1.0, 100.0):
            score = (at, [scale * value for value in held])
            mean = (at, [scale * float(np.mean(batch[i - EVERY + 1 : i + 1])) for i in at])
            forms = (
                Observed(STEPS, val=score, lr=lr, higher_is_better=True),
                Observed(STEPS, val=score, lr=lr, higher_is_better=True, unsure=True),
                Observed(STEPS, val=score, train=mean, lr=lr, higher_is_better=True, train_higher=True),
                Observed(STEPS, train=(every, batch), lr=lr, train_higher=True),
                Observed(STEPS, train=(every, losses), val=score, lr=lr, higher_is_better=True),
            )  # fmt: skip
            for seen in forms:
                found = diagnose(seen)
                assert all(one.severity in ("good", "note") for one in found), [one.words for one in found]


def test_an_accuracy_that_the_rate_broke_is_no_good_one():
    steps = list(range(EVERY - 1, STEPS, EVERY))
    *_, held, rates = trained("adamw", "constant()", 3.0, 0)
    found = diagnose(Observed(STEPS, val=(steps, held), lr=(range(STEPS), rates), higher_is_better=True))
    assert held[-1] < 0.5
    assert found[0].severity != "good"
