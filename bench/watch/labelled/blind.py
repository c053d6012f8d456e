"""Data of four further tasks that no rule was written on: blood cells, signals, remarks in code, and noisy patches.

All of it any machine has: a series and signals that are computed, the comments in the sources of Python's standard
library, which hang on the version of Python, and the photographs that come with scikit-learn.
"""

import io
import sysconfig
import tokenize
from functools import cache
from pathlib import Path

import torch
from torch.nn import functional

from bench.watch.labelled.fresh import Data
from bench.watch.labelled.unseen import rounded

__all__ = ["cells", "patches", "remarks", "signals"]

PATIENTS, WAITED, DELAYS = 10_000, 240, (15, 25)
"""Patients that are learned, days before the first count, and how many days a cell needs to ripen (from, below)."""

PAST, APART, AHEAD, SMEAR = 14, 4, 4, 0.03
"""Counts that are known, days from one to the next, how many more are told, and the error of a count."""

LEARNED, LENGTH, GRAIN = 8_000, 64, 0.5
"""Signals that are learned, points of each, and the noise of a point."""

LETTERS = " abcdefghijklmnopqrstuvwxyz.,'-0"
CONTEXT, PIECES = 8, 30_000
"""What remarks are written in, how many letters tell the next, and how many such pieces are learned."""

READ = (
    "_collections_abc", "_pydecimal", "_pyio", "ast", "bdb", "collections/__init__", "concurrent/futures/process",
    "copy", "ctypes/util", "dataclasses", "difflib", "doctest", "email/_header_value_parser", "email/message", "enum",
    "http/client", "http/cookiejar", "http/server", "importlib/_bootstrap", "inspect", "ipaddress",
    "logging/__init__", "mimetypes", "multiprocessing/pool", "ntpath", "os", "pickle", "platform", "posixpath",
    "pydoc", "selectors", "shlex", "site", "ssl", "statistics", "string", "subprocess", "tarfile", "textwrap",
    "threading", "tokenize", "traceback", "turtle", "typing", "unittest/mock", "urllib/parse", "urllib/request",
    "uuid", "zipfile",
)  # fmt: skip
HEARD = ("argparse", "asyncio/base_events", "asyncio/selector_events", "asyncio/sslproto", "asyncio/tasks", "datetime")
"""Modules whose remarks are learned, and those that are held out."""

SIDE, SMUDGE = 8, 0.5
"""Points of a patch's side, and the noise of each in units of the photographs' own spread."""

HELD = 320
"""Held-out examples of every task."""


@cache
def cells() -> Data:
    """How many blood cells will there be on four later days? A series of Mackey and Glass, of another delay each.

    Source: Mackey and Glass, "Oscillation and chaos in physiological control systems", Science 197 (1977).
    """
    chance = torch.Generator().manual_seed(0)
    count = PATIENTS + HELD
    delay = torch.randint(*DELAYS, (count,), generator=chance)
    days = WAITED + APART * (PAST + AHEAD)
    found = torch.zeros(days, count, dtype=torch.float64)
    found[: DELAYS[1]] = 0.5 + torch.rand(DELAYS[1], count, generator=chance, dtype=torch.float64)
    everyone = torch.arange(count)
    for day in range(DELAYS[1], days):
        ripe = found[day - delay, everyone]
        fifth = ripe * ripe * ripe * ripe * ripe
        found[day] = 0.9 * found[day - 1] + 0.2 * ripe / (1 + fifth * fifth)
    counted = found[WAITED::APART].T
    seen = counted[:, :PAST] + SMEAR * torch.randn(count, PAST, generator=chance, dtype=torch.float64)
    inputs, answers = rounded(4 * (seen - 0.9))[..., None], rounded(4 * (counted[:, PAST:] - 0.9))
    return inputs[:PATIENTS], answers[:PATIENTS], inputs[PATIENTS:], answers[PATIENTS:]


@cache
def signals() -> Data:
    """Which of eight kinds is a noisy signal: three tones, two waves with edges, a burst, a bump or a step?"""
    chance = torch.Generator().manual_seed(0)
    count = LEARNED + HELD
    drawn = torch.rand(5, count, 1, generator=chance, dtype=torch.float64)
    labels = torch.randint(8, (count,), generator=chance)
    at = torch.arange(LENGTH, dtype=torch.float64) / LENGTH
    swift, place, width = 3 + 3 * drawn[0], 0.25 + 0.5 * drawn[1], 0.04 + 0.06 * drawn[2]
    turn = 2 * torch.pi * drawn[3]
    angle = 2 * torch.pi * swift * at + turn
    fading = 2 * (at > place) * ((place - at) / (3 * width)).exp()
    kinds = torch.stack([
        angle.sin(), (angle * (0.5 + at / 2)).sin(), (angle * (1.2 - at / 2)).sin(), angle.sin().sign(),
        2 * (angle / (2 * torch.pi) % 1.0) - 1, fading * (2 * angle).sin(),
        2 * (-(((at - place) / width) ** 2)).exp(), ((at > place).double() - 0.5) * (turn.sin().sign() + 0 * at) * 2,
    ])  # fmt: skip
    found = (0.7 + 0.6 * drawn[4]) * kinds[labels, torch.arange(count)]
    inputs = rounded(found + GRAIN * torch.randn(count, LENGTH, generator=chance, dtype=torch.float64))[..., None]
    return inputs[:LEARNED], labels[:LEARNED], inputs[LEARNED:], labels[LEARNED:]


def remarked(module: str) -> str:
    """All comments of a module, one after another, in few letters: small ones, and 0 for any digit."""
    source = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text("utf-8")
    every = tokenize.generate_tokens(io.StringIO(source).readline)
    text = " ".join(token.string.strip("# ") for token in every if token.type == tokenize.COMMENT)
    plain = "".join("0" if letter.isdigit() else letter for letter in text.lower())
    return " ".join("".join(letter for letter in plain if letter in LETTERS).split())


@cache
def remarks() -> Data:
    """Eight letters of a comment tell the next; six modules are held out."""
    told = []
    for modules, count in ((READ, PIECES), (HEARD, HELD)):
        rows = [torch.tensor([LETTERS.index(letter) for letter in remarked(module)]) for module in modules]
        windows = torch.cat([row.unfold(0, CONTEXT + 1, 1) for row in rows])
        some = windows[torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))[:count]]
        told += [some[:, :CONTEXT].contiguous(), some[:, CONTEXT].contiguous()]
    return told[0], told[1], told[2], told[3]


@cache
def patches() -> Data:
    """How does a noisy patch of a grey photograph look without the noise? The right third of both is held out."""
    from sklearn.datasets import load_sample_images

    found: list[list[torch.Tensor]] = [[], []]
    for photograph in load_sample_images().images:
        grey = torch.tensor(photograph, dtype=torch.float32).sum(2)[None, None]  # whole numbers: no digits to lose
        grey = functional.avg_pool2d((grey - grey.mean()) / grey.std(), 2)
        edge = 2 * grey.shape[3] // 3
        for kept, part, apart in ((found[0], grey[..., :edge], 2), (found[1], grey[..., edge:], 9)):
            kept.append(functional.unfold(part, SIDE, stride=apart)[0].T)
    chance = torch.Generator().manual_seed(0)
    told = []
    for parts in found:
        clean = torch.cat(parts)
        clean = rounded(clean[torch.randperm(len(clean), generator=chance)])
        told += [rounded(clean + SMUDGE * torch.randn(clean.shape, generator=chance)), clean]
    return told[0], told[1], told[2][:HELD], told[3][:HELD]
