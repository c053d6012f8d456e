"""A character language model: one block of causal attention on the language reference that ships with Python.

    calando check bench/workloads/characters.py:train

`pydoc_data.topics`, 0.46 million characters; every tenth topic is held out. The text hangs on the version of Python:
`DATA` tells.
"""

import hashlib
from pydoc_data.topics import topics

import torch
from torch import nn
from torch.nn import functional

import calando

STEPS, EVALS = 640, 16
PEAK = 0.016  # the middle of the reference grid
CONTEXT, BATCH, WIDTH, HEADS, HELD = 24, 12, 32, 2, 384


def encoded() -> tuple[torch.Tensor, torch.Tensor, int]:
    """Training text and held-out text as numbers of characters, and how many characters there are."""
    names = sorted(topics)
    texts = ["".join(topics[name] for i, name in enumerate(names) if (i % 10 == 9) is held) for held in (False, True)]
    letters = {letter: i for i, letter in enumerate(sorted(set("".join(texts))))}
    seen, unseen = (torch.tensor([letters[letter] for letter in text]) for text in texts)
    return seen, unseen, len(letters)


SEEN, UNSEEN, LETTERS = encoded()
PLACES = torch.linspace(0, len(UNSEEN) - CONTEXT - 2, HELD).long()[:, None] + torch.arange(CONTEXT + 1)
ANSWERS = UNSEEN[PLACES]
DATA = hashlib.sha256(SEEN.numpy().tobytes() + UNSEEN.numpy().tobytes()).hexdigest()[:16]


class Model(nn.Module):
    """Embeddings, one block of attention and one of two layers, each added to what came before."""

    def __init__(self) -> None:
        super().__init__()
        self.letter = nn.Embedding(LETTERS, WIDTH)
        self.place = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        self.mix = nn.Linear(WIDTH, 3 * WIDTH)
        self.join = nn.Linear(WIDTH, WIDTH)
        self.before, self.between, self.after = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.think = nn.Sequential(nn.Linear(WIDTH, 3 * WIDTH), nn.GELU(), nn.Linear(3 * WIDTH, WIDTH))
        self.answer = nn.Linear(WIDTH, LETTERS)

    def forward(self, letters: torch.Tensor) -> torch.Tensor:
        """Scores of the next character at every place."""
        x = self.letter(letters) + self.place
        rows = len(letters)
        mixed = self.mix(self.before(x)).view(rows, CONTEXT, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(mixed[0], mixed[1], mixed[2], is_causal=True)
        x = x + self.join(seen.transpose(1, 2).reshape(rows, CONTEXT, WIDTH))
        return self.answer(self.after(x + self.think(self.between(x))))


def loss_of(model: Model, texts: torch.Tensor) -> torch.Tensor:
    """Mean surprise at the next character, in nats."""
    return functional.cross_entropy(model(texts[:, :-1]).flatten(0, 1), texts[:, 1:].flatten())


@calando.declare(steps=STEPS, evals=EVALS)
def train(run: calando.Run) -> None:
    """One run: 640 updates of AdamW."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    scheduler = run.attach(optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    chance = torch.Generator().manual_seed(run.seed)
    starts = torch.randint(len(SEEN) - CONTEXT - 1, (run.horizon, BATCH, 1), generator=chance)
    for step in run.steps():
        loss = loss_of(model, SEEN[starts[step] + torch.arange(CONTEXT + 1)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            with torch.no_grad():
                run.log(val_loss=loss_of(model, ANSWERS))
