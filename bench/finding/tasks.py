"""Which small trainings there are, and how many runs of one are made in a single batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from bench.finding.data import Data, digits, functions, letters, sources, table

__all__ = ["SEEN", "SET_ASIDE", "Ended", "Task"]


@dataclass(frozen=True)
class Ended:
    """What came of a batch of runs, one row each: held-out losses, when they were taken, and every training loss."""

    held_out: np.ndarray
    at: tuple[int, ...]
    training: np.ndarray


@dataclass
class Task:
    """A training of a network of dense layers: its data, its optimizer, its horizon, the middle of its grid."""

    name: str
    data: Callable[[], Data]
    layers: tuple[int, ...]
    optimizer: str
    batch: int
    horizon: int
    middle: float
    decay: float = 0.0
    number: bool = False  # the answer is a number, not a class
    _held: list[Data] = field(default_factory=list, repr=False)

    def train(self, rates: np.ndarray, seeds: Sequence[int], evals: int) -> Ended:
        """Runs side by side: rates of shape (updates, runs), one seed a run; the last evaluation is at the end."""
        if not self._held:
            self._held.append(self.data())
        x, y, unseen, answers = self._held[0]
        horizon, count = rates.shape
        classes = int(max(y.max(), answers.max())) + 1
        weights = [w.requires_grad_() for w in self._begin(x.shape[1], classes, seeds)]
        first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
        order = torch.stack([self._order(seed, horizon, len(x)) for seed in seeds])
        table = torch.tensor(rates, dtype=torch.float32).view(horizon, count, 1, 1)
        at = sorted({round(horizon * (i + 1) / evals) for i in range(evals)})
        held_out, training = [], []
        for step in range(horizon):
            rows = order[:, step]
            losses = self._losses(weights, x[rows], y[rows])
            training.append(losses.detach())
            slopes = torch.autograd.grad(losses.sum(), weights)
            with torch.no_grad():
                self._update(weights, slopes, first, second, table[step], step)
                if step + 1 in at:
                    everyone = (unseen.expand(count, -1, -1), answers.expand(count, -1))
                    held_out.append(self._losses(weights, *everyone))
        return Ended(torch.stack(held_out, 1).numpy(), tuple(at), torch.stack(training, 1).numpy())

    def _begin(self, width: int, classes: int, seeds: Sequence[int]) -> list[torch.Tensor]:
        sizes = (width, *self.layers, 1 if self.number else classes)
        found = []
        for layer, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
            chances = [torch.Generator().manual_seed(1000 * seed + layer) for seed in seeds]
            found += [
                torch.stack([(torch.rand(rows, b, generator=chance) * 2 - 1) * a**-0.5 for chance in chances])
                for rows in (a, 1)
            ]
        return found

    def _order(self, seed: int, horizon: int, count: int) -> torch.Tensor:
        chance = torch.Generator().manual_seed(seed)
        passes = -(-horizon * self.batch // count)
        rows = torch.cat([torch.randperm(count, generator=chance) for _ in range(passes)])
        return rows[: horizon * self.batch].view(horizon, self.batch)

    def _losses(self, weights: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for i in range(0, len(weights), 2):
            x = torch.baddbmm(weights[i + 1], x, weights[i])
            if i + 2 < len(weights):
                x = x.relu()
        if self.number:
            return (x.squeeze(2) - y).square().mean(1)
        each = functional.cross_entropy(x.flatten(0, 1), y.reshape(-1), reduction="none")
        return each.view(y.shape).mean(1)

    def _update(
        self,
        weights: Sequence[torch.Tensor],
        slopes: Sequence[torch.Tensor],
        first: Sequence[torch.Tensor],
        second: Sequence[torch.Tensor],
        rate: torch.Tensor,
        step: int,
    ) -> None:
        for w, g, a, b in zip(weights, slopes, first, second, strict=True):
            if self.optimizer == "sgd":
                a.mul_(0.9).add_(g)
                w.sub_(rate * a)
                continue
            w.mul_(1 - rate * self.decay)
            a.mul_(0.9).add_(g, alpha=0.1)
            b.mul_(0.999).addcmul_(g, g, value=0.001)
            w.sub_(rate * (a / (1 - 0.9 ** (step + 1))) / ((b / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8))


SIX = "asyncio email idlelib importlib multiprocessing tkinter"
OTHERS = "concurrent ctypes distutils json lib2to3 logging unittest http html sqlite3"
SEEN = (
    Task("digits", lambda: digits(900), (48,), "adam", 32, 600, 0.008, 0.01),
    Task("few digits", lambda: digits(200, 0.1), (32,), "adam", 16, 480, 0.008),
    Task("mislabelled digits", lambda: digits(900, 0.2), (64,), "adam", 32, 600, 0.008, 0.01),
    Task("mislabelled digits, SGD", lambda: digits(900, 0.2), (48, 48), "sgd", 32, 600, 0.1),
    Task("cancer", lambda: table("breast_cancer", 300), (16,), "adam", 16, 400, 0.01, 0.01),
    Task("function, much noise", lambda: functions(2000, 0.5), (32,), "adam", 32, 640, 0.008, number=True),
    Task("function, few values", lambda: functions(400, 0.5), (32,), "adam", 32, 480, 0.008, 0.01, number=True),
    Task("function, SGD", lambda: functions(4000, 0.05), (32, 32), "sgd", 32, 640, 0.1, number=True),
    Task("function, few, SGD", lambda: functions(500, 0.3), (32,), "sgd", 32, 480, 0.1, number=True),
    Task("sources", lambda: sources(SIX, 384, 500), (24,), "adam", 32, 480, 0.016, 0.01),
    Task("few sources", lambda: sources(SIX, 384, 150), (24,), "adam", 32, 480, 0.016, 0.01),
    Task("more sources", lambda: sources(f"{SIX} unittest xml", 512, 1000), (24,), "adam", 64, 480, 0.016),
)
"""Looked at while the rules were made."""
SET_ASIDE = (
    Task("diabetes", lambda: table("diabetes", 300), (24,), "adam", 16, 500, 0.008, number=True),
    Task("wine", lambda: table("wine", 100), (16,), "adam", 8, 320, 0.01, 0.01),
    Task("letters", letters, (64,), "adam", 64, 600, 0.016),
    Task("other sources", lambda: sources(OTHERS, 512, 400), (32,), "adam", 32, 640, 0.016, 0.02),
    Task("the example's digits, SGD", lambda: digits(1000, 0.1), (64, 64), "sgd", 32, 400, 0.1),
)
"""Not looked at while the rules were made; but for the last, they were in two simulations of searches after that."""
