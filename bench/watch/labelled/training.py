"""Training recipes for real: those of one task together, in this process and by one thread."""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from bench.watch.labelled.bodies import stacked
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tasks import TASKS

__all__ = ["Trained", "train"]

EVALS = 24
TOGETHER = 48


@dataclass(frozen=True)
class Trained:
    """What a run left: its losses up to the first that is not finite, and its share of the cost."""

    train: tuple[float, ...]
    """The training loss of every update."""
    val_at: tuple[int, ...]
    """The updates after which the held-out loss was taken, each named by its own number."""
    val: tuple[float, ...]
    seconds: float = 0.0

    @property
    def diverged(self) -> bool:
        """Whether a loss was not finite."""
        return not all(map(math.isfinite, (*self.train, *self.val)))

    @property
    def final(self) -> float:
        """The held-out loss at the end; infinite where it diverged."""
        return math.inf if self.diverged or not self.val else self.val[-1]


def train(recipes: Sequence[Recipe]) -> list[Trained]:
    """All of them, in their order."""
    found: dict[int, Trained] = {}
    torch.set_num_threads(1)
    for name in dict.fromkeys(recipe.task for recipe in recipes):
        mine = [i for i, recipe in enumerate(recipes) if recipe.task == name]
        mine.sort(key=lambda i: recipes[i].steps)
        for first in range(0, len(mine), TOGETHER):
            some = mine[first : first + TOGETHER]
            found.update(zip(some, _together([recipes[i] for i in some]), strict=True))
    return [found[i] for i in range(len(recipes))]


def _together(recipes: list[Recipe]) -> list[Trained]:
    began = time.process_time()
    task = TASKS[recipes[0].task]
    inputs, targets, unseen, answers = task.data()
    stack = stacked(task, [recipe.seed for recipe in recipes], [recipe.dropout for recipe in recipes])
    steps = [recipe.steps for recipe in recipes]
    longest = max(steps)
    rates, rows = torch.zeros(longest, len(recipes)), torch.zeros(longest, len(recipes), task.batch, dtype=torch.long)
    for i, recipe in enumerate(recipes):
        rates[: steps[i], i] = torch.tensor(recipe.used())
        chance = torch.Generator().manual_seed(1000 + recipe.seed)
        count = min(recipe.few or len(inputs), len(inputs))
        rows[: steps[i], i] = torch.randint(count, (steps[i], task.batch), generator=chance)
    decay, clip = (torch.tensor([getattr(recipe, name) for recipe in recipes]) for name in ("decay", "clip"))
    drawn = torch.rand(len(inputs), generator=torch.Generator().manual_seed(8))
    others = targets[torch.randperm(len(inputs), generator=torch.Generator().manual_seed(7))]
    mistaken = drawn[None] < torch.tensor([recipe.wrong for recipe in recipes])[:, None]
    train, held = [], []
    held_out = (unseen.expand(len(recipes), *unseen.shape), answers.expand(len(recipes), *answers.shape))
    for step in range(longest):
        batch = inputs[rows[step]]
        broken = [recipe.glitch > 0 and step % recipe.glitch == recipe.glitch - 1 for recipe in recipes]
        if any(broken):
            batch = torch.where(torch.tensor(broken).view(-1, *[1] * (batch.ndim - 1)), _broken(batch), batch)
        answers_now = targets[rows[step]]
        if mistaken.any():
            swap = mistaken[torch.arange(len(recipes))[:, None], rows[step]]
            swap = swap.view(*swap.shape, *[1] * (answers_now.ndim - 2))
            answers_now = torch.where(swap, others[rows[step]], answers_now)
        losses = stack.losses(batch, answers_now, learning=True)
        train.append(losses.detach())
        stack.update(losses, rates[step], decay, clip)
        with torch.no_grad():
            due = any((step + 1) % max(1, s // EVALS) == 0 or step + 1 == s for s in steps)
            held.append(stack.losses(*held_out) if due else None)
    share = (time.process_time() - began) / len(recipes)
    return [_told(i, steps[i], train, held, share) for i in range(len(recipes))]


def _broken(batch: torch.Tensor) -> torch.Tensor:
    """A batch as a broken reader gives it: far out of range, or one word over and over."""
    return 10 * batch if batch.is_floating_point() else torch.where(batch < 0, batch, batch[..., :1])


def _told(row: int, steps: int, train: list[torch.Tensor], held: list[torch.Tensor | None], seconds: float) -> Trained:
    every = max(1, steps // EVALS)
    losses, at, values = [], [], []
    for step in range(steps):
        losses.append(float(train[step][row]))
        now = held[step]
        if now is not None and ((step + 1) % every == 0 or step + 1 == steps):
            at.append(step)
            values.append(float(now[row]))
        if not math.isfinite(losses[-1]) or (values and not math.isfinite(values[-1])):
            break
    return Trained(tuple(losses), tuple(at), tuple(values), seconds)
