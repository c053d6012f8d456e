"""Six characters tell the seventh: a small language model, hundreds of configurations trained as one batch.

The text is `pydoc_data.topics`, the language reference that ships with Python; every tenth topic is held out. It hangs
on the version of Python: `DATA` tells. Runs of one seed see the same batches in the same order, whatever the horizon.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pydoc_data.topics import topics

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch.nn import functional

import calando
from calando.records import Curve, RunRecord, RunSpec

__all__ = ["DATA", "evaluated", "train"]

CONTEXT, WIDTH, BATCH, HELD = 6, 34, 64, 2048
POINTS = 40  # evaluations of a run; at least ten updates apart


def encoded() -> tuple[torch.Tensor, torch.Tensor, int]:
    """Training text and held-out text as numbers of characters, and how many characters there are."""
    names = sorted(topics)
    texts = ["".join(topics[name] for i, name in enumerate(names) if (i % 10 == 9) is held) for held in (False, True)]
    letters = {letter: i for i, letter in enumerate(sorted(set("".join(texts))))}
    seen, unseen = (torch.tensor([letters[letter] for letter in text]) for text in texts)
    return seen, unseen, len(letters)


SEEN, UNSEEN, LETTERS = encoded()
DATA = hashlib.sha256(SEEN.numpy().tobytes() + UNSEEN.numpy().tobytes()).hexdigest()[:16]
WINDOW = torch.arange(CONTEXT + 1)
HELD_OUT = UNSEEN[torch.linspace(0, len(UNSEEN) - CONTEXT - 1, HELD).long()[:, None] + WINDOW]
SIZES = (CONTEXT * LETTERS * WIDTH, WIDTH, WIDTH * LETTERS, LETTERS)  # 25 k parameters in all


def evaluated(horizon: int) -> tuple[int, ...]:
    """After how many updates the held-out loss is taken: evenly, and at the end."""
    every = max(10, horizon // POINTS)
    return tuple(sorted({*range(every, horizon + 1, every), horizon}))


def drawn(seed: int) -> torch.Tensor:
    """The parameters that a seed starts from."""
    chance = torch.Generator().manual_seed(seed)
    scales = (CONTEXT**-0.5, 0.0, WIDTH**-0.5, 0.0)
    return torch.cat([scale * torch.randn(size, generator=chance) for scale, size in zip(scales, SIZES, strict=True)])


class Stack:
    """As many models as there are runs, one row of parameters each, and the exact gradient of every one's own loss."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.rows = torch.stack([drawn(seed) for seed in seeds])
        self.slopes = torch.zeros_like(self.rows)
        self.count = len(seeds)
        self.offsets = (torch.arange(self.count) * CONTEXT * LETTERS)[:, None, None] + torch.arange(CONTEXT) * LETTERS

    def parts(self, rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The rows as first layer, its offset, last layer, its offset."""
        first, shift, last, level = rows.split(SIZES, dim=1)
        return first, shift[:, None], last.reshape(self.count, WIDTH, LETTERS), level[:, None]

    def forward(self, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Places of the characters in the first layers, what the middle says, scores of the next character."""
        first, shift, last, level = self.parts(self.rows)
        places = (texts[..., :-1] + self.offsets).view(-1, CONTEXT)
        table = first.reshape(-1, WIDTH)  # a copy: the rows of all models under one another
        middle = functional.embedding_bag(places, table, mode="sum").view(self.count, -1, WIDTH).add_(shift).tanh_()
        return places, middle, torch.baddbmm(level, middle, last)

    def losses(self, texts: torch.Tensor) -> torch.Tensor:
        """Every model's mean surprise at the next character, in nats, all on the same texts."""
        total = torch.zeros(self.count)
        for some in texts.split(256):
            scores = self.forward(some.expand(self.count, -1, -1))[2].log_softmax(2)
            total -= scores.gather(2, some[:, -1].expand(self.count, -1)[..., None]).sum((1, 2))
        return total / len(texts)

    def differentiate(self, texts: torch.Tensor) -> None:
        """Write every model's gradient on its own batch (runs, batch, characters) into `slopes`."""
        first, shift, last, level = self.parts(self.slopes)
        places, middle, scores = self.forward(texts)
        errors = scores.softmax(2).scatter_add_(2, texts[..., -1:], torch.full((*texts.shape[:2], 1), -1.0)).div_(BATCH)
        back = torch.bmm(errors, self.parts(self.rows)[2].transpose(1, 2)).mul_(1 - middle * middle)
        last.copy_(torch.bmm(middle.transpose(1, 2), errors))
        level.copy_(errors.sum(1, keepdim=True))
        shift.copy_(back.sum(1, keepdim=True))
        spread = back[:, :, None].expand(-1, -1, CONTEXT, -1).reshape(-1, WIDTH)
        table = torch.zeros(self.count * CONTEXT * LETTERS, WIDTH).index_add_(0, places.flatten(), spread)
        first.copy_(table.view(self.count, -1))


@torch.no_grad()
def train(specs: Sequence[RunSpec]) -> list[RunRecord]:
    """All the runs at once; they share their horizon. `seconds` is each one's share of the CPU time."""
    torch.set_num_threads(1)
    (horizon,) = {spec.horizon for spec in specs}
    began = time.process_time()
    seeds = sorted({spec.seed for spec in specs})
    starts = torch.stack([batches(seed, horizon) for seed in seeds])
    own = torch.tensor([seeds.index(spec.seed) for spec in specs])
    rates = np.stack([peak_of(spec) * calando.parse(spec.plan).bind(horizon)(np.arange(horizon)) for spec in specs])
    stack = Stack([spec.seed for spec in specs])
    parameters = list(stack.rows.unbind())
    for row, slope in zip(parameters, stack.slopes.unbind(), strict=True):
        row.grad = slope
    optimizer = torch.optim.Adam([{"params": [row], "lr": 1.0} for row in parameters], fused=True)
    when, taken = evaluated(horizon), []
    for step in range(horizon):
        stack.differentiate(SEEN[starts[:, step, :, None] + WINDOW][own])
        for group, rate in zip(optimizer.param_groups, rates[:, step], strict=True):
            group["lr"] = float(rate)
        optimizer.step()
        if step + 1 in when:
            taken.append(stack.losses(HELD_OUT))
    seconds = round((time.process_time() - began) / len(specs), 3)
    return [
        told(spec, when, losses, seconds) for spec, losses in zip(specs, torch.stack(taken, 1).tolist(), strict=True)
    ]


def batches(seed: int, horizon: int) -> torch.Tensor:
    """Where the texts of every update begin (horizon, batch); a longer run begins with a shorter one's."""
    chance = torch.Generator().manual_seed(1_000_003 + seed)
    return torch.randint(len(SEEN) - CONTEXT, (horizon, BATCH), generator=chance)


def peak_of(spec: RunSpec) -> float:
    """The peak, which every run here has."""
    return 1.0 if spec.peak is None else spec.peak


def told(spec: RunSpec, when: Sequence[int], losses: Sequence[float], seconds: float) -> RunRecord:
    """What a run left; one whose loss is not finite has diverged."""
    good = next((at for at, loss in enumerate(losses) if not np.isfinite(loss)), len(losses))
    curve = Curve(tuple(at - 1 for at in when[:good]), tuple(losses[:good]))
    if good < len(losses):
        reason = f"val_loss is not finite after {when[good]} updates"
        return RunRecord(spec, "diverged", reason, curves={"val_loss": curve}, steps=when[good], seconds=seconds)
    return RunRecord(spec, "done", final=losses[-1], curves={"val_loss": curve}, steps=spec.horizon, seconds=seconds)
