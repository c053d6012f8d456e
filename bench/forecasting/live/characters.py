"""Six characters tell the seventh: a small language model, hundreds of configurations trained as one batch.

The text is `pydoc_data.topics`, the language reference that ships with Python; every tenth topic is held out. It hangs
on the version of Python: `DATA` tells. Runs of one seed see the same batches in the same order, whatever the horizon.
"""

import math
import os
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch.nn import functional

import calando
from bench.workloads.characters import DATA, LETTERS, SEEN, UNSEEN
from calando.records import Curve, RunRecord, RunSpec

__all__ = ["DATA", "evaluated", "train"]

CONTEXT, WIDTH, BATCH, HELD = 6, 34, 64, 2048
POINTS = 40  # evaluations of a run; at least ten updates apart
WINDOW = torch.arange(CONTEXT + 1)
HELD_OUT = UNSEEN[torch.linspace(0, len(UNSEEN) - CONTEXT - 1, HELD).long()[:, None] + WINDOW]
FIRST, REST = CONTEXT * LETTERS * WIDTH, (WIDTH, WIDTH * LETTERS, LETTERS)  # 25 k parameters in all


def evaluated(horizon: int) -> tuple[int, ...]:
    """After how many updates the held-out loss is taken: evenly, and at the end."""
    every = max(10, horizon // POINTS)
    return tuple(sorted({*range(every, horizon + 1, every), horizon}))


def drawn(seed: int) -> list[torch.Tensor]:
    """The first layer that a seed starts from, and everything else."""
    chance = torch.Generator().manual_seed(seed)
    scales = (0.0, WIDTH**-0.5, 0.0)
    first = CONTEXT**-0.5 * torch.randn(FIRST, generator=chance)
    rest = [scale * torch.randn(size, generator=chance) for scale, size in zip(scales, REST, strict=True)]
    return [first, torch.cat(rest)]


class Stack:
    """As many models as there are rows, each with its own gradient, its own rate and its own state of Adam.

    Values, gradients, means and squares are each two tables: the first layers, and everything else.
    """

    def __init__(self, values: list[torch.Tensor], means: list[torch.Tensor], squares: list[torch.Tensor], step: int):
        self.values, self.means, self.squares = values, means, squares
        self.slopes = [torch.zeros_like(table) for table in values]
        self.count = len(values[0])
        self.places = (torch.arange(self.count) * CONTEXT * LETTERS)[:, None, None] + torch.arange(CONTEXT) * LETTERS
        groups: list[dict[str, Any]] = [{"params": [], "lr": 1.0} for _ in range(self.count)]
        states = {}
        for tables in zip(values, self.slopes, means, squares, strict=True):
            for group, value, slope, mean, square in zip(groups, *map(torch.unbind, tables), strict=True):
                value.grad = slope
                states[value] = {"step": torch.tensor(float(step)), "exp_avg": mean, "exp_avg_sq": square}
                group["params"].append(value)
        self.optimizer = torch.optim.Adam(groups, fused=True)
        self.optimizer.state.update(states)

    @classmethod
    def started(cls, rows: list[list[torch.Tensor]]) -> "Stack":
        """Models that have not been trained."""
        values = [torch.stack(table) for table in zip(*rows, strict=True)]
        return cls(values, *([torch.zeros_like(table) for table in values] for _ in range(2)), step=0)

    def chosen(self, rows: list[int], step: int) -> "Stack":
        """The models of these rows, some of them more than once: from here on they are different ones."""
        return Stack(*([table[rows] for table in kind] for kind in (self.values, self.means, self.squares)), step)

    def parts(self, tables: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The first layers under one another, their offsets, last layers, theirs."""
        shift, last, level = tables[1].split(REST, dim=1)
        return tables[0].view(-1, WIDTH), shift[:, None], last.reshape(self.count, WIDTH, LETTERS), level[:, None]

    def forward(self, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Places of the characters in the first layers, what the middle says, scores of the next character."""
        first, shift, last, level = self.parts(self.values)
        places = (texts[..., :-1] + self.places).view(-1, CONTEXT)
        middle = functional.embedding_bag(places, first, mode="sum").view(self.count, -1, WIDTH).add_(shift).tanh_()
        return places, middle, torch.baddbmm(level, middle, last)

    def losses(self, texts: torch.Tensor) -> torch.Tensor:
        """Every model's mean surprise at the next character, in nats, all on the same texts."""
        total = torch.zeros(self.count)
        for some in texts.split(256):
            scores = self.forward(some.expand(self.count, -1, -1))[2]
            told = scores.gather(2, some[:, -1].expand(self.count, -1)[..., None])[..., 0]
            total += (scores.logsumexp(2) - told).sum(1)
        return total / len(texts)

    def train(self, texts: torch.Tensor, rates: list[float]) -> None:
        """One update of every model on its own batch (rows, batch, characters) at its own rate."""
        first, shift, last, level = self.parts(self.slopes)
        places, middle, scores = self.forward(texts)
        errors = scores.softmax(2).scatter_add_(2, texts[..., -1:], torch.full((*texts.shape[:2], 1), -1.0)).div_(BATCH)
        back = torch.bmm(errors, self.parts(self.values)[2].transpose(1, 2)).mul_(1 - middle * middle)
        last.copy_(torch.bmm(middle.transpose(1, 2), errors))
        level.copy_(errors.sum(1, keepdim=True))
        shift.copy_(back.sum(1, keepdim=True))
        spread = back[:, :, None].expand(-1, -1, CONTEXT, -1).reshape(-1, WIDTH)
        first.zero_().index_add_(0, places.flatten(), spread)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.optimizer.step()


@torch.no_grad()
def train(specs: Sequence[RunSpec]) -> list[RunRecord]:
    """All the runs at once; what several of them share, same seed and same rates so far, is trained once.

    `seconds` is each one's share of the CPU time.
    """
    torch.set_num_threads(1)
    began = time.process_time()
    seeds = sorted({spec.seed for spec in specs})
    starts = torch.stack([batches(seed, max(spec.horizon for spec in specs)) for seed in seeds])
    rates = [rates_of(spec) for spec in specs]
    stack = Stack.started([drawn(seed) for seed in seeds])
    row_of = {run: seeds.index(spec.seed) for run, spec in enumerate(specs)}
    owner = list(range(len(seeds)))  # whose batches each row sees
    taken: list[list[float]] = [[] for _ in specs]
    for step in range(max(spec.horizon for spec in specs)):
        going = [run for run, spec in enumerate(specs) if step < spec.horizon]
        branches = sorted({(row_of[run], rates[run][step]) for run in going})
        if [row for row, _ in branches] != list(range(stack.count)):
            stack = stack.chosen([row for row, _ in branches], step)
            owner = [owner[row] for row, _ in branches]
        place = {branch: row for row, branch in enumerate(branches)}
        row_of = {run: place[row_of[run], rates[run][step]] for run in going}
        stack.train(SEEN[starts[owner, step, :, None] + WINDOW], [rate for _, rate in branches])
        due = [run for run in going if step + 1 in evaluated(specs[run].horizon)]
        if due:
            losses = stack.losses(HELD_OUT).tolist()
            for run in due:
                taken[run].append(losses[row_of[run]])
    seconds = round((time.process_time() - began) / len(specs), 3)
    return [told(spec, losses, seconds) for spec, losses in zip(specs, taken, strict=True)]


def rates_of(spec: RunSpec) -> list[float]:
    """The learning rate of every update."""
    factors = np.asarray(calando.parse(spec.plan).bind(spec.horizon)(np.arange(spec.horizon)))
    rates: list[float] = ((1.0 if spec.peak is None else spec.peak) * factors).tolist()
    return rates


def batches(seed: int, horizon: int) -> torch.Tensor:
    """Where the texts of every update begin (horizon, batch); a longer run begins with a shorter one's."""
    chance = torch.Generator().manual_seed(1_000_003 + seed)
    return torch.randint(len(SEEN) - CONTEXT, (horizon, BATCH), generator=chance)


def told(spec: RunSpec, losses: Sequence[float], seconds: float) -> RunRecord:
    """What a run left; one whose loss is not finite has diverged."""
    when = evaluated(spec.horizon)
    good = next((at for at, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    curve = Curve(tuple(at - 1 for at in when[:good]), tuple(losses[:good]))
    if good < len(losses):
        reason = f"val_loss is not finite after {when[good]} updates"
        return RunRecord(spec, "diverged", reason, curves={"val_loss": curve}, steps=when[good], seconds=seconds)
    return RunRecord(spec, "done", final=losses[-1], curves={"val_loss": curve}, steps=spec.horizon, seconds=seconds)
