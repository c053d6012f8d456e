"""Training curves made by formula, so that what a diagnosis should say about them is known."""

import numpy as np

from calando.records.diagnosis import Observed

SHAPES = ("cosine", "linear", "constant", "wsd", "step", "exponential", "inverse_sqrt")


def rates(shape, steps, peak=1.0):
    t = np.arange(steps)
    warm = max(1, steps // 20)
    x = np.clip((t - warm) / (steps - warm), 0, 1)
    body = {
        "cosine": lambda: (1 + np.cos(np.pi * x)) / 2,
        "linear": lambda: 1 - x,
        "constant": lambda: np.ones(steps),
        "wsd": lambda: np.clip((steps - t) / (0.2 * steps), 0, 1),
        "step": lambda: 0.1 ** np.floor(3 * t / steps),
        "exponential": lambda: np.exp(-5 * x),
        "inverse_sqrt": lambda: 1 / np.sqrt(1 + t / (0.1 * steps)),
    }[shape]()
    return peak * np.minimum(1, t / warm) * body


def training(shape="cosine", *, steps=1000, peak=1.0, seed=0, noise=0.05, speed=60.0, held_up=0.15, evals=20):
    """A run whose loss is a power law in the summed rate, plus what the rate itself holds it up by."""
    random = np.random.default_rng(seed)
    lr = rates(shape, steps, peak)
    travelled = np.cumsum(lr) * speed / steps
    hold, held = np.zeros(steps), 0.0
    for t in range(steps):
        held += (lr[t] * held_up - held) * min(1.0, 0.02 + 10 * 5 * lr[t] / steps)
        hold[t] = held
    true = 0.3 + 2 / (1 + travelled) ** 0.7 + hold
    train = true * (1 + noise * random.normal(size=steps))
    at = np.unique(np.linspace(0, steps - 1, evals + 1).astype(int)[1:])
    val = 1.03 * true[at] + 0.01 * random.normal(size=at.size)
    return Curves(steps, np.arange(steps), train, lr, at, val)


class Curves:
    """The curves of one made-up run, to be bent by a test before they are looked at."""

    def __init__(self, horizon, at, train, lr, val_at, val):
        self.horizon, self.at, self.train, self.lr, self.val_at, self.val = horizon, at, train, lr, val_at, val

    def seen(self, **changes):
        given = {
            "horizon": self.horizon,
            "train": (self.at.tolist(), self.train.tolist()),
            "val": (self.val_at.tolist(), self.val.tolist()),
            "lr": (self.at.tolist(), self.lr.tolist()),
        }
        return Observed(**{**given, **changes})
