"""Text classification: from which package of the standard library does a snippet of source come?

    calando check bench/workloads/text.py:train

Eight packages; every fourth snippet of a file is held out. A snippet is some lines of code without its imports; its
words and pairs of neighbouring words are hashed into a small table of embeddings. The data hang on the version of
Python: `DATA` tells.
"""

import hashlib
import re
import sysconfig
import zlib
from pathlib import Path

import torch
from torch import nn

import calando

STEPS, EVALS = 640, 16
PEAK = 0.008  # the middle of the reference grid
PACKAGES = ("asyncio", "email", "idlelib", "importlib", "multiprocessing", "tkinter", "unittest", "xml")
DROPPED = 0.1
LINES, EACH, HELD, WORDS = 5, 1000, 300, 40
TABLE, DEPTH, HIDDEN, BATCH = 4096, 24, 48, 64


def snippets(package: str, held_out: bool) -> list[list[int]]:
    """Every LINES lines of the package's files, as hashed words and pairs; every fourth is held out."""
    root = Path(sysconfig.get_path("stdlib")) / package
    found = []
    for file in sorted(file for file in root.rglob("*.py") if not {"test", "tests", "idle_test"} & set(file.parts)):
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip() and "import" not in line]
        for number, first in enumerate(range(0, len(lines) - LINES, LINES)):
            words = re.findall(r"[A-Za-z_]{2,}", " ".join(lines[first : first + LINES]))[:WORDS]
            if len(words) > 5 and (number % 4 == 3) is held_out:
                terms = words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]
                found.append([zlib.crc32(term.encode()) % TABLE for term in terms])
    wanted = HELD if held_out else EACH
    return found[:: max(1, len(found) // wanted)][:wanted]


def corpus(held_out: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Snippets padded to the longest with the table's last row, and the numbers of their packages."""
    texts, labels = [], []
    for label, package in enumerate(PACKAGES):
        for terms in snippets(package, held_out):
            texts.append(terms + [TABLE] * (2 * WORDS - len(terms)))
            labels.append(label)
    return torch.tensor(texts), torch.tensor(labels)


TEXTS, LABELS = corpus(held_out=False)
UNSEEN, ANSWERS = corpus(held_out=True)
DATA = hashlib.sha256(b"".join(x.numpy().tobytes() for x in (TEXTS, LABELS, UNSEEN, ANSWERS))).hexdigest()[:16]


def order_of(seed: int, updates: int) -> torch.Tensor:
    """Which snippets each update sees: whole passes, each in an order of its own."""
    chance = torch.Generator().manual_seed(seed)
    passes = -(-updates * BATCH // len(TEXTS))
    rows = torch.cat([torch.randperm(len(TEXTS), generator=chance) for _ in range(passes)])
    return rows[: updates * BATCH].view(updates, BATCH)


@calando.declare(steps=STEPS, evals=EVALS)
def train(run: calando.Run) -> None:
    """One run: 640 updates of AdamW."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    model = nn.Sequential(
        nn.EmbeddingBag(TABLE + 1, DEPTH, mode="mean", padding_idx=TABLE),
        nn.Linear(DEPTH, HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPPED),
        nn.Linear(HIDDEN, len(PACKAGES)),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    scheduler = run.attach(optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    loss_of = nn.CrossEntropyLoss()
    order = order_of(run.seed, run.horizon)
    for step in run.steps():
        rows = order[step]
        loss = loss_of(model(TEXTS[rows]), LABELS[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            model.eval()
            with torch.no_grad():
                run.log(val_loss=loss_of(model(UNSEEN), ANSWERS))
            model.train()
