"""Data of four tasks more that no rule was written on: names of signs, names in code, moved patches, and throws.

All of it any machine has: the names that Unicode gives its signs and the sources of Python's standard library, both of
which hang on the version of Python, the photographs that come with scikit-learn, and throws that are computed.
"""

import io
import sysconfig
import tokenize
import unicodedata
import zlib
from functools import cache
from pathlib import Path

import torch
from torch.nn import functional

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["modules", "moved", "signs", "throws"]

LETTERS = ".ABCDEFGHIJKLMNOPQRSTUVWXYZ -0"
BEYOND, BLOCK, CONTEXT, PIECES = 0x3000, 64, 8, 20_000
"""Signs from 32 to this are named, of each eight blocks of so many one is held out; letters that tell the next, and how
many such pieces are learned."""

WRITTEN = (
    "argparse", "mailbox", "pickletools", "subprocess", "tarfile", "turtle", "unittest/mock", "xml/dom/minidom",
)  # fmt: skip
WORDS, ROWS, STRETCH, EACH = 8, 300, 48, 1200
"""Names in a row, rows of the table, names of a stretch (one in four is held out), and how many pieces of each."""

SIDE, GRAIN = 9, 0.1
"""Points of a patch's side, and the noise of each, in units of about the spread of a patch."""

THROWN, STEP, LONGEST, SMEAR = 8_000, 0.02, 12.0, 2.0
"""Throws that are learned, the step of the solver and the longest flight in seconds, and the error of the look
in metres."""

HELD = 400
"""Held-out examples of every task."""


@cache
def signs() -> Data:
    """Eight letters of the names of Unicode's signs tell the next; every eighth block of signs is held out."""
    told = []
    for held, count in ((False, PIECES), (True, HELD)):
        rows = []
        for first in range(32, BEYOND, BLOCK):
            if (first // BLOCK % 8 == 5) is held:
                names = (unicodedata.name(chr(code), "") for code in range(first, first + BLOCK))
                text = ".".join(name for name in names if name)
                rows.append([LETTERS.index("0" if letter.isdigit() else letter) for letter in text])
        windows = torch.cat([torch.tensor(row).unfold(0, CONTEXT + 1, 1) for row in rows if len(row) > CONTEXT])
        some = windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))[:count]]
        told += [some[:, :CONTEXT].contiguous(), some[:, CONTEXT].contiguous()]
    return told[0], told[1], told[2], told[3]


@cache
def modules() -> Data:
    """From which of eight modules are eight names in a row? Every fourth stretch of each is held out."""
    inputs: list[list[torch.Tensor]] = [[], []]
    labels: list[list[torch.Tensor]] = [[], []]
    chance = torch.Generator().manual_seed(0)
    for label, module in enumerate(WRITTEN):
        source = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text("utf-8")
        every = tokenize.generate_tokens(io.StringIO(source).readline)
        numbers = [zlib.crc32(token.string.encode()) % ROWS for token in every if token.type == tokenize.NAME]
        stretches = torch.tensor(numbers).unfold(0, STRETCH, STRETCH)
        hidden = torch.arange(len(stretches)) % 4 == 3
        for held, count in ((False, EACH), (True, HELD // len(WRITTEN))):
            windows = stretches[hidden if held else ~hidden].unfold(1, WORDS, 1).flatten(0, 1)
            inputs[held].append(windows[torch.randperm(len(windows), generator=chance)[:count]])
            labels[held].append(torch.full((len(inputs[held][-1]),), label))
    order = torch.randperm(sum(map(len, labels[0])), generator=chance)
    return torch.cat(inputs[0])[order], torch.cat(labels[0])[order], torch.cat(inputs[1]), torch.cat(labels[1])


@cache
def moved() -> Data:
    """Whither has a noisy patch of a grey photograph moved by a point, of eight ways? The right third is held out."""
    from sklearn.datasets import load_sample_images

    ways = [(down, right) for down in (0, 1, 2) for right in (0, 1, 2) if (down, right) != (1, 1)]
    chance = torch.Generator().manual_seed(0)
    found: list[list[torch.Tensor]] = [[], []]
    for photograph in load_sample_images().images:
        grey = torch.tensor(photograph, dtype=torch.float32).sum(2)[None, None]  # whole numbers: no digits to lose
        grey = functional.avg_pool2d((grey - grey.mean()) / grey.std(), 2)
        edge = 2 * grey.shape[3] // 3
        for kept, part, apart in ((found[0], grey[..., :edge], 3), (found[1], grey[..., edge:], 11)):
            kept.append(functional.unfold(part, SIDE + 2, stride=apart)[0].T.view(-1, SIDE + 2, SIDE + 2))
    told = []
    for parts in found:
        wide = torch.cat(parts)
        wide = wide[torch.randperm(len(wide), generator=chance)]
        labels = torch.randint(len(ways), (len(wide),), generator=chance)
        inside = torch.arange(SIDE)
        down, right = torch.tensor(ways)[labels].unbind(1)
        rows, columns = down[:, None, None] + inside[:, None], right[:, None, None] + inside
        after = wide[torch.arange(len(wide))[:, None, None], rows, columns]
        pair = torch.stack([wide[:, 1:-1, 1:-1], after], 3)
        pair = (pair - pair.mean((1, 2, 3), keepdim=True)) / (0.1 + pair.std((1, 2, 3), keepdim=True))
        told += [rounded(pair + GRAIN * torch.randn(pair.shape, generator=chance)), labels]
    return told[0], told[1], told[2][:HELD], told[3][:HELD]


@cache
def throws() -> Data:
    """On which of eight stretches does a thrown ball come down, as far as a rough look tells? In air, wind and spin."""
    chance = torch.Generator().manual_seed(0)
    count = THROWN + HELD
    drawn = 2 * torch.rand(6, count, generator=chance, dtype=torch.float64) - 1
    speed, angle, up = 20 + 12 * drawn[0], 0.75 + 0.6 * drawn[1], 5 + 5 * drawn[2]
    drag, wind, spin = 0.02 + 0.018 * drawn[3], 8 * drawn[4], 0.02 * drawn[5]
    ahead, across, rise = torch.zeros(count, dtype=torch.float64), speed * angle.cos(), speed * angle.sin()
    landed, flying = ahead, torch.ones(count, dtype=torch.bool)
    for _ in range(round(LONGEST / STEP)):
        past = across - wind
        air = (past * past + rise * rise).sqrt()
        across, rise = (
            across - STEP * air * (drag * past + spin * rise),
            rise - STEP * (9.81 + air * (drag * rise - spin * past)),
        )
        further, lower = ahead + STEP * across, up + STEP * rise
        down = flying & (lower <= 0)
        landed = torch.where(down, ahead + up / (up - lower).clamp(min=1e-9) * (further - ahead), landed)
        flying, ahead, up = flying & ~down, further, lower
    found = rounded(landed + SMEAR * torch.randn(count, generator=chance, dtype=torch.float64))
    edges = found.sort().values[count // 8 :: count // 8][:7].contiguous()
    labels, inputs = torch.bucketize(found, edges), rounded(1.7 * drawn).T.contiguous()
    return inputs[:THROWN], labels[:THROWN], inputs[THROWN:], labels[THROWN:]
