"""Data of four more tasks that no rule was written on: tumours, double pendulums, strayed digits, and tokens of code.

All of it any machine has: measurements of tumours and the digits that come with scikit-learn, a pendulum that is
computed, and the sources of Python's standard library, which hang on the version of Python.
"""

import io
import keyword
import sysconfig
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path

import torch

from bench.watch.labelled.fresh import Data

__all__ = ["pendulums", "strayed", "tokens", "tumours"]

LEARNED = (
    "argparse", "calendar", "codecs", "configparser", "dataclasses", "datetime", "dis", "fractions", "ftplib",
    "functools", "gettext", "heapq", "locale", "mailbox", "optparse", "pdb", "pickle", "plistlib", "random", "shutil",
    "smtplib", "socket", "subprocess", "tarfile",
)  # fmt: skip
ASKED_OF = ("bdb", "cmd", "copy", "csv", "fileinput", "glob", "hashlib", "imaplib")
"""Modules whose code is learned, and those that are held out."""

KINDS, PAST, WINDOWS = 64, 12, 24_000
"""Kinds of tokens, how many of them tell the next, and how many such windows are learned."""

SIDE, GRAIN, VIEWS = 12, 0.2, 6
"""Points of a picture's side, the noise of each, and how often a digit is seen."""

PENDULUMS, UNSEEN, LATER, STEP = 12_000, 600, 0.9, 0.01
"""Swings that are learned and held out, how many seconds ahead is told, and the step of the solver."""


def rounded(values: torch.Tensor) -> torch.Tensor:
    """Numbers on a grid, so that they are the same on any processor."""
    return ((1024 * values).round() / 1024).float()


@cache
def tumours() -> Data:
    """Is a tumour malignant? From thirty measurements of its cells; a third of the women is held out."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    measured, labels = torch.tensor(found.data).log1p(), torch.tensor(found.target)
    inputs = rounded((measured - measured.mean(0)) / measured.std(0))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return inputs[order[190:]], labels[order[190:]], inputs[order[:190]], labels[order[:190]]


def pushed(state: torch.Tensor) -> torch.Tensor:
    """How two rods of length and weight 1 under gravity 9.81 move on: the rates of both angles and both speeds."""
    first, second, slow, fast = state.unbind(-1)
    apart = first - second
    below = 3 - (2 * apart).cos()
    one = (-9.81 * (3 * first.sin() + (first - 2 * second).sin())
           - 2 * apart.sin() * (fast**2 + slow**2 * apart.cos())) / below  # fmt: skip
    two = 2 * apart.sin() * (2 * slow**2 + 19.62 * first.cos() + fast**2 * apart.cos()) / below
    return torch.stack([slow, fast, one, two], -1)


@cache
def pendulums() -> Data:
    """Where are the two bobs of a double pendulum 0.9 seconds later? No noise, but some of them turn over."""
    chance = torch.Generator().manual_seed(0)
    drawn = torch.rand(PENDULUMS + UNSEEN, 4, generator=chance, dtype=torch.float64) * 2 - 1
    state = drawn * torch.tensor([2.4, 2.4, 2.0, 2.0], dtype=torch.float64)
    inputs = torch.cat([state[:, :2].sin(), state[:, :2].cos(), state[:, 2:]], 1)
    for _ in range(round(LATER / STEP)):  # Runge and Kutta's fourth order
        one = pushed(state)
        two = pushed(state + STEP / 2 * one)
        three = pushed(state + STEP / 2 * two)
        state = state + STEP / 6 * (one + 2 * two + 2 * three + pushed(state + STEP * three))
    angles = torch.cat([state[:, :2].sin(), state[:, :2].cos()], 1)
    places, answers = rounded(inputs), rounded(2 * angles)
    return places[:PENDULUMS], answers[:PENDULUMS], places[PENDULUMS:], answers[PENDULUMS:]


@cache
def strayed() -> Data:
    """Which digit stands somewhere in a noisy picture? The held-out digits are others."""
    from bench.workloads.images import IMAGES, LABELS

    chance = torch.Generator().manual_seed(0)
    free = SIDE - IMAGES.shape[-1] + 1
    digits = IMAGES[:, 0].repeat_interleave(VIEWS, 0) + 0.5
    labels = LABELS.repeat_interleave(VIEWS)
    down, right = torch.randint(free, (2, len(digits)), generator=chance)
    pictures = GRAIN * torch.randn(len(digits), SIDE, SIDE, generator=chance)
    inside = torch.arange(IMAGES.shape[-1])
    rows, columns = down[:, None, None] + inside[:, None], right[:, None, None] + inside
    pictures[torch.arange(len(digits))[:, None, None], rows, columns] += digits
    edge = 1400 * VIEWS
    order = torch.randperm(edge, generator=chance)
    inputs = rounded(pictures)[..., None]
    return inputs[order], labels[order], inputs[edge::VIEWS], labels[edge::VIEWS]


def kinds_of(module: str) -> list[str]:
    """What stands in a module's code, one word a token: operators and keywords as they are, all else by its kind."""
    source = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text("utf-8")
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.ENCODING):
            plain = token.type == tokenize.OP or keyword.iskeyword(token.string)
            found.append(token.string if plain else tokenize.tok_name[token.type])
    return found


@cache
def tokens() -> Data:
    """Twelve tokens of Python tell the kind of the next; eight modules are held out."""
    texts = {module: kinds_of(module) for module in (*LEARNED, *ASKED_OF)}
    counts = Counter(kind for module in LEARNED for kind in texts[module])
    common = sorted(counts, key=lambda kind: (-counts[kind], kind))[: KINDS - 1]
    numbers = {kind: number for number, kind in enumerate(common, 1)}
    told = []
    for modules, count in ((LEARNED, WINDOWS), (ASKED_OF, 240)):
        rows = [torch.tensor([numbers.get(kind, 0) for kind in texts[module]]) for module in modules]
        windows = torch.cat([row.unfold(0, PAST + 1, 1) for row in rows])
        some = windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))[:count]]
        told += [some[:, :PAST].contiguous(), some[:, PAST].contiguous()]
    return told[0], told[1], told[2], told[3]
