"""Curves on the wire: what a window of some pixels needs of each, as single-precision columns behind one JSON head."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calando.errors import BadValue, shown
from calando.records.logs.log import Floats, Ints
from calando.watch.serve.board import Board
from calando.watch.serve.shown import Shown
from calando.watch.serve.thin import window
from calando.watch.serve.told import planned

__all__ = ["PLANNED", "RATES", "Asked", "asked", "curves", "means"]

PLANNED: Final = "planned lr"
RATES: Final = ("lr", "learning_rate")
"""How names of learning rates begin: they have no noise to be averaged."""

CROWD: Final = 12
"""Runs from which on a screen has no room for detail in each of them."""

PARTS: Final = 160
"""Means of one curve: a hundred in the window, and those of the margins beside it."""

MOST_PIXELS: Final = 6000
MOST_NAMES: Final = 16
MOST_DRAWN: Final = 400_000
"""Points of one answer: a screen has no room for more, nor a browser time to draw them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A window: which runs and quantities, from which step to which, on how many pixels; whether as local means."""

    runs: tuple[str, ...]
    names: tuple[str, ...]
    first: float
    last: float
    pixels: int
    means: bool = False


def asked(query: Sequence[tuple[str, str]], most_runs: int) -> Asked:
    """The window that a query asks for.

    Raises:
        BadValue: for a number that is none, or too many of anything.
    """
    runs = tuple(value for key, value in query if key == "run")
    names = tuple(value for key, value in query if key == "name")
    single = {key: value for key, value in query if key in ("from", "to", "px", "means")}
    try:
        first, last = float(single.get("from", "0")), float(single.get("to", "1"))
        pixels = int(single.get("px", "400"))
    except ValueError as error:
        raise _wrong(f"numbers that are none: {shown(single)}") from error
    if not (math.isfinite(first) and math.isfinite(last) and first < last and abs(first) < 1e17 and abs(last) < 1e17):
        raise _wrong(f"a window from {first:g} to {last:g}")
    if not 1 <= pixels <= MOST_PIXELS:
        raise _wrong(f"{pixels:,} pixels")
    if len(runs) > most_runs or len(names) > MOST_NAMES:
        raise _wrong(f"{len(runs):,} runs and {len(names):,} names")
    return Asked(
        tuple(dict.fromkeys(runs)), tuple(dict.fromkeys(names)), first, last, pixels, single.get("means") == "1"
    )


def curves(board: Board, window_: Asked) -> bytes:
    """The answer: the length of its head in four bytes, the head, then x (from `first`) and y of every curve in it."""
    parts: list[tuple[dict[str, Any], Floats, Floats]] = []
    with board.lock:
        revision = board.revision
        runs = list(board.named(window_.runs))
        longest = max((run.last for _, run in runs), default=-1)
        count = max(sum(name in run.columns for _, run in runs for name in window_.names), 1)
    pixels = max(min(window_.pixels, MOST_DRAWN // (2 * count)), 16)
    for ident, run in runs:
        for name in window_.names:
            with board.lock:  # one curve at a time, so that records are read on meanwhile
                part = _curve(run, name, window_, pixels)
            if part is not None:
                parts.append(({"run": ident, "name": name, "n": part[0].size}, *part))
    head = {"revision": revision, "first": window_.first, "last": longest, "pixels": pixels,
            "curves": [head for head, _, _ in parts]}  # fmt: skip
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    columns = [column for _, x, y in parts for column in ((x - window_.first).astype("<f4"), y.astype("<f4"))]
    return len(text).to_bytes(4, "little") + text + b"".join(column.tobytes() for column in columns)


def _curve(run: Shown, name: str, asked_: Asked, pixels: int) -> tuple[Floats, Floats] | None:
    if name == PLANNED:
        steps, rates = planned(run)
        return window(np.array(steps, np.int64), np.array(rates), asked_.first, asked_.last, pixels)
    if name not in run.columns:
        return None
    column = run.columns[name]
    if asked_.means and not name.startswith(RATES):
        return means(column.steps, column.values, asked_, max(min(pixels, PARTS), 1))
    if name.startswith(RATES) and len(asked_.runs) > CROWD:
        pixels = max(pixels // 4, 16)  # they are not noisy: their extremes are few
    return window(column.steps, column.values, asked_.first, asked_.last, pixels, run.blocks(name))


def means(steps: Ints, values: Floats, asked_: Asked, parts: int) -> tuple[Floats, Floats]:
    """Means over so many parts of the window, of what is finite; a part with one point stays a point."""
    start, stop = np.searchsorted(steps, [asked_.first, asked_.last], side="left")
    x, y = steps[start : stop + 1].astype(np.float64), values[start : stop + 1]
    sound = np.abs(y) < 1e30
    x, y = x[sound], y[sound]
    if x.size <= parts:
        return x, y
    edges = np.searchsorted(x, np.linspace(asked_.first, asked_.last, parts + 1)[:-1])
    starts = np.unique(edges[edges < x.size])
    starts = np.unique(np.concatenate([[0], starts]))
    counts = np.diff(np.append(starts, x.size))
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts


def _wrong(given: str) -> BadValue:
    return BadValue(
        given=given,
        allowed=f"a window of finite steps, 1 to {MOST_PIXELS:,} pixels, {MOST_NAMES} names",
        where="/api/curves",
        fix="ask for less",
    )
