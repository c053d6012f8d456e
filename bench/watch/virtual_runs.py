"""Small trainings at a stable rate, with cooldowns branched off, in PyTorch and in JAX; beside them averaged weights.

A trunk of 1,200 updates warms up over 60 and stays at the task's peak. From its updates 300, 600 and 1,200 real linear
cooldowns to 0 are branched off, over a tenth and a fifth of the updates made. They go on with the trunk's data.
"""

import copy
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bench.watch.labelled.tasks import TASKS, Task

__all__ = ["LENGTHS", "POINTS", "WINDOWS", "Branched", "committed", "jax_run", "torch_run"]

POINTS, LENGTHS, WINDOWS = (300, 600, 1200), (0.1, 0.2), (0.01, 0.05, 0.2)
WARMUP, EVERY = 60, 10
TOTAL = POINTS[-1] + round(POINTS[-1] * LENGTHS[-1])


@dataclass
class Branched:
    """What one trunk gave: held-out losses on the way, at the branch points, of the averages, after the cooldowns."""

    at: list[int] = field(default_factory=list)
    """The updates after which the trunk's held-out loss was taken."""
    losses: list[float] = field(default_factory=list)
    averaged: dict[int, dict[float, float]] = field(default_factory=dict)
    """By branch point and window."""
    cooled: dict[tuple[int, float], float] = field(default_factory=dict)
    """By branch point and length."""
    decayed: dict[float, float] = field(default_factory=dict)
    """Averages at the end of the longer cooldown from the middle point, by window."""
    recalibrated: dict[int, dict[float, float]] = field(default_factory=dict)
    """As `averaged`, with the statistics of batch norms taken anew."""


def committed() -> str:
    """The commit that is measured."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def rate_at(step: int, peak: float) -> float:
    """The trunk's rate: a warm-up, then the peak."""
    return peak * min(1.0, (step + 1) / WARMUP)


def order(task: Task, seed: int, count: int) -> torch.Tensor:
    """Which examples each update sees; a branch sees what the trunk would have."""
    chance = torch.Generator().manual_seed(1000 + seed)
    passes = -(-TOTAL * task.batch // count)
    rows = torch.cat([torch.randperm(count, generator=chance) for _ in range(passes)])
    return rows[: TOTAL * task.batch].view(TOTAL, task.batch)


class Net(nn.Module):
    """Dense layers, on the inputs or on the mean of their embeddings; batch norms between them where asked."""

    def __init__(self, task: Task, normalised: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(task.sizes[0], task.sizes[1]) if task.table else None
        sizes = task.sizes[1:] if task.table else task.sizes
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(b) if normalised else nn.Identity() for b in sizes[1:-1]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of classes, or numbers."""
        if self.table is not None:
            there = (x >= 0).unsqueeze(-1)
            x = ((self.table(x.clamp(min=0)) * there).sum(1) / there.sum(1).clamp(min=1)).relu()
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i + 1 < len(self.layers):
                x = self.norms[i](x).relu()
        return x


def loss_in_torch(task: Task, scores: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Cross entropy, or the mean square of the errors."""
    if task.answers == "class":
        return functional.cross_entropy(scores, answers)
    return (scores - answers).square().mean()


def torch_run(name: str, seed: int, normalised: bool = False) -> Branched:
    """One trunk and its branches in PyTorch."""
    import calando.torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    task = TASKS[name]
    inputs, targets, unseen, answers = task.data()
    rows = order(task, seed, len(inputs))
    model = Net(task, normalised)
    if task.optimizer == "momentum":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=task.peak, momentum=0.9)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=task.peak, weight_decay=0.01)
    averages = calando.torch.averages(model, windows=WINDOWS)

    def held(net: nn.Module) -> float:
        net.eval()
        with torch.no_grad():
            return float(loss_in_torch(task, net(unseen), answers))

    def go(step: int, rate: float) -> None:
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_in_torch(task, model(inputs[rows[step]]), targets[rows[step]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        averages.update()

    found = Branched()
    for step in range(POINTS[-1]):
        go(step, rate_at(step, task.peak))
        done = step + 1
        if done % EVERY == 0:
            found.at.append(done)
            found.losses.append(held(model))
        if done in POINTS:
            found.averaged[done] = averages.evaluate(held)
            if normalised:
                batches = [inputs[rows[i]] for i in range(step - 29, step + 1)]
                found.recalibrated[done] = averages.evaluate(held, batches)
            kept = [copy.deepcopy(one.state_dict()) for one in (model, optimizer, averages)]
            for share in LENGTHS:
                length = round(share * done)
                for i in range(length):
                    go(done + i, task.peak * (1 - i / length))
                found.cooled[done, share] = held(model)
                if (done, share) == (POINTS[1], LENGTHS[-1]):
                    found.decayed = averages.evaluate(held)
                for one, state in zip((model, optimizer, averages), kept, strict=True):
                    one.load_state_dict(copy.deepcopy(state))
    return found


def jax_run(name: str, seed: int) -> Branched:
    """One trunk and its branches in JAX, with optax."""
    import jax
    import jax.numpy as jnp
    import optax

    import calando.optax

    task = TASKS[name]
    inputs, targets, unseen, answers = (jnp.asarray(part.numpy()) for part in task.data())
    rows = jnp.asarray(order(task, seed, len(inputs)).numpy())
    chance = np.random.default_rng(seed)
    sizes = task.sizes[1:] if task.table else task.sizes
    params: dict[str, Any] = {
        "layers": [
            (jnp.asarray(chance.uniform(-1, 1, (a, b)) * a**-0.5, jnp.float32), jnp.zeros(b, jnp.float32))
            for a, b in zip(sizes, sizes[1:], strict=False)
        ]
    }
    if task.table:
        params["table"] = jnp.asarray(chance.normal(size=task.sizes[:2]), jnp.float32)
    rule = optax.sgd(1.0, momentum=0.9) if task.optimizer == "momentum" else optax.adamw(1.0, weight_decay=0.01)
    averages = calando.optax.averages(WINDOWS)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        if task.table:
            there = (x >= 0)[..., None]
            x = jax.nn.relu((params["table"][jnp.maximum(x, 0)] * there).sum(1) / jnp.maximum(there.sum(1), 1))
        for i, (weights, bias) in enumerate(params["layers"]):
            x = x @ weights + bias
            x = jax.nn.relu(x) if i + 1 < len(params["layers"]) else x
        if task.answers == "class":
            return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()
        return ((x - y) ** 2).mean()

    def one(carry: Any, now: Any) -> tuple[Any, None]:
        params, state, kept = carry
        some, rate = now
        slopes = jax.grad(loss_of)(params, inputs[some], targets[some])
        steps, state = rule.update(slopes, state, params)
        params = optax.apply_updates(params, jax.tree.map(lambda move: rate * move, steps))
        return (params, state, averages.update(kept, params)), None

    ten = jax.jit(lambda carry, some, rates: jax.lax.scan(one, carry, (some, rates))[0])
    held = jax.jit(lambda params: loss_of(params, unseen, answers))

    def go(carry: Any, first: int, rates: list[float]) -> Iterator[tuple[int, Any]]:
        for i in range(0, len(rates), EVERY):
            some = rows[first + i : first + i + EVERY]
            carry = ten(carry, some, jnp.asarray(rates[i : i + EVERY], jnp.float32))
            yield first + i + EVERY, carry

    found = Branched()
    start = (params, rule.init(params), averages.init(params))
    for done, carry in go(start, 0, [rate_at(step, task.peak) for step in range(POINTS[-1])]):
        found.at.append(done)
        found.losses.append(float(held(carry[0])))
        if done in POINTS:
            found.averaged[done] = averages.evaluate(carry[2], held)
            for share in LENGTHS:
                length = round(share * done)
                *_, (_, last) = go(carry, done, [task.peak * (1 - i / length) for i in range(length)])
                found.cooled[done, share] = float(held(last[0]))
                if (done, share) == (POINTS[1], LENGTHS[-1]):
                    found.decayed = averages.evaluate(last[2], held)
    return found
