"""Fine-tuning: the model of `characters`, trained on one half of Python's language reference, goes on with the other.

The topics are halved by the alphabet; every tenth is held out, and the held-out ones of the second half are what a run
is judged by. `tuning` goes on with all of that half; `tuning-few` with its first 6000 characters, read again and again,
so that they are learned by heart. `train_loss` is taken when the held-out loss is, on places of the text trained on.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from functools import cache
from pydoc_data.topics import topics

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from bench.forecasting.live.characters import BATCH, CONTEXT, WINDOW, Stack, drawn, evaluated, rates_of
from bench.forecasting.live.outcome import told
from calando.records import RunRecord, RunSpec

__all__ = ["DATA", "evaluated", "train"]

FEW, HELD, BEFORE = 6000, 2048, "warmup(20) | linear_decay()"
UPDATES, PEAK = 1500, 0.048  # of the training that comes before


def encoded() -> dict[str, torch.Tensor]:
    """The four texts as numbers of characters."""
    names = sorted(topics)
    numbers = {letter: i for i, letter in enumerate(sorted(set("".join(topics[name] for name in names))))}
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    seen = [[name for i, name in enumerate(half) if i % 10 != 9] for half in halves]
    chosen = {"before": seen[0], "tuning": seen[1], "held": halves[1][9::10]}
    texts = {key: torch.tensor([numbers[x] for name in some for x in topics[name]]) for key, some in chosen.items()}
    return {**texts, "tuning-few": texts["tuning"][:FEW]}


TEXTS = encoded()
DATA = hashlib.sha256(b"".join(text.numpy().tobytes() for text in TEXTS.values())).hexdigest()[:16]


def places(text: torch.Tensor) -> torch.Tensor:
    """Pieces of a text, evenly spread."""
    return text[torch.linspace(0, len(text) - CONTEXT - 1, HELD).long()[:, None] + WINDOW]


def batches(text: torch.Tensor, seed: int, updates: int) -> torch.Tensor:
    """What every update sees (updates, batch, characters)."""
    chance = torch.Generator().manual_seed(2_000_003 + seed)
    return text[torch.randint(len(text) - CONTEXT, (updates, BATCH, 1), generator=chance) + WINDOW]


@cache
def learned(seed: int) -> list[torch.Tensor]:
    """The parameters after the first half."""
    stack = Stack.started([drawn(seed)])
    seen = batches(TEXTS["before"], seed, UPDATES)
    for step, rate in enumerate(rates_of(RunSpec("before", BEFORE, PEAK, seed, UPDATES))):
        stack.train(seen[step, None], [rate])
    return [table[0] for table in stack.values]


@torch.no_grad()
def train(specs: Sequence[RunSpec], few: bool = False) -> list[RunRecord]:
    """All the runs at once by Adam; they share their horizon. `seconds` is each one's share of what comes after."""
    torch.set_num_threads(1)
    (horizon,) = {spec.horizon for spec in specs}
    stack = Stack.started([learned(spec.seed) for spec in specs])
    began = time.process_time()
    seeds = sorted({spec.seed for spec in specs})
    text = TEXTS["tuning-few" if few else "tuning"]
    seen = torch.stack([batches(text, seed, horizon) for seed in seeds])
    own = [seeds.index(spec.seed) for spec in specs]
    rates = [list(column) for column in zip(*map(rates_of, specs), strict=True)]
    held, known = places(TEXTS["held"]), places(text)
    when = evaluated(horizon)
    val, trained = [], []
    for step in range(horizon):
        stack.train(seen[own, step], rates[step])
        if step + 1 in when:
            val.append(stack.losses(held))
            trained.append(stack.losses(known))
    seconds = round((time.process_time() - began) / len(specs), 3)
    told_of = zip(specs, torch.stack(val, 1).tolist(), torch.stack(trained, 1).tolist(), strict=True)
    return [told(spec, when, after, before, seconds) for spec, after, before in told_of]
