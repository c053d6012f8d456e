"""Sums over the past of a run in blocks that grow with their distance from the point that looks back.

A law's memory sum is sum_k w_k * f(D_k, r_k): w_k a weight of step k, D_k the learning rate spent since, r_k the rate.
Its kernels are smooth in log D and log r, so that steps which share both to within a fifth may stand together as two
terms with their mean and spread: some hundred terms instead of tens of thousands, whatever the length of the run, and
an error near a millionth of the loss. Positive and negative weights stand apart, a jump stands alone, and what has no
weight costs nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.laws.base import Path

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

__all__ = ["Blocks", "begun", "drops_of", "joined", "spent", "squares_of"]

WIDTH = 0.2
"""Spread of log D, and of log r, inside a block; 0 sums step by step. The error: tests/forecast/laws/test_blocks.py."""
FEW_ROWS = 4
FAINT = 1e-12  # of all that was summed so far: what rounds to as little is nothing
MOST_LEVELS = 4000  # blocks by rate: schedules that swing hundreds of times are told more coarsely
NEAR = 65_536  # steps that are summed at once
SMALLEST = 1e-300
SMALLEST_SPENT = 1e-9  # in updates at the peak: a run whose first rates are 0 has not begun


@dataclass(frozen=True, slots=True)
class Blocks:
    """Terms of memory sums: `row` tells the point that a term belongs to, ascending.

    `weight` is the sum of the steps' weights, `since` the rate spent since them, `rate` the logarithm of their rate.
    """

    count: int
    row: "IntArray"
    weight: "FloatArray"
    since: "FloatArray"
    rate: "FloatArray"

    def total(self, terms: "FloatArray") -> "FloatArray":
        """The sum of every point's terms."""
        sums: FloatArray = np.bincount(self.row, weights=terms, minlength=self.count).astype(np.float64, copy=False)
        return sums


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one run that have a weight: `ends` tells how many of them lie before each asked point.

    `spent` is the rate spent before their distance begins, `log_rate` the logarithm of their rate: None where it does
    not count. `steady`: it only rises, or only falls.
    """

    ends: "IntArray"
    weight: "FloatArray"
    spent: "FloatArray"
    log_rate: "FloatArray | None"
    steady: bool


def begun(path: "Path") -> "FloatArray":
    """The rate spent before each update, and in the end."""
    total = np.empty(len(path.rates) + 1)
    total[0] = 0.0
    np.cumsum(path.rates, out=total[1:])
    return total


def spent(path: "Path", before: "FloatArray") -> "FloatArray":
    """The rate spent after each asked number of updates: S1 in the laws. `before` is what `begun` gives."""
    total: FloatArray = np.maximum(before[path.at], SMALLEST_SPENT)
    return total


def drops_of(path: "Path", width: float = WIDTH, before: "FloatArray | None" = None) -> Blocks:
    """Blocks of the falls of the rate: weight eta_{k-1} - eta_k, since S_k = eta_k + ... + eta_{t-1}, rate eta_k.

    Before the first update the rate is 0, so that a run that starts at its peak differs little from one warmed up.
    """
    rates, before = path.rates, begun(path) if before is None else before
    fall = np.empty(len(rates))
    fall[0] = -rates[0]
    np.subtract(rates[:-1], rates[1:], out=fall[1:])
    signs = []
    for sign in (fall > 0, fall < 0):
        place = _places(sign)
        logs = np.maximum(rates[place], SMALLEST)
        np.log(logs, out=logs)
        ends = _ends(place, path.at)
        signs.append(Steps(ends, fall[place], before[:-1][place], logs, isinstance(place, slice)))
    return _blocks(path.at, before[path.at], signs, width)


def squares_of(path: "Path", width: float = WIDTH, before: "FloatArray | None" = None) -> Blocks:
    """Blocks of the squared rates: weight eta_k^2, since eta_{k+1} + ... + eta_{t-1}; they do not tell the rate."""
    before = begun(path) if before is None else before
    place = _places(path.rates != 0)
    weight = path.rates[place]
    steps = Steps(_ends(place, path.at), weight * weight, before[1:][place], None, steady=True)
    return _blocks(path.at, before[path.at], [steps], width)


def _places(chosen: "BoolArray") -> "slice | IntArray":
    """Where it is true: a slice where that is one stretch, which spares copies of what is chosen."""
    turns = np.flatnonzero(chosen[1:] != chosen[:-1]) + 1
    cuts = [0, *turns.tolist(), len(chosen)] if len(turns) <= 2 else []
    stretches = [pair for pair in pairwise(cuts) if chosen[pair[0]]]
    return slice(*stretches[0]) if len(stretches) == 1 else np.flatnonzero(chosen)


def _ends(place: "slice | IntArray", at: "IntArray") -> "IntArray":
    """How many of the places lie before each point."""
    if isinstance(place, slice):
        inside: IntArray = np.clip(at - place.start, 0, place.stop - place.start)
        return inside
    return np.asarray(np.searchsorted(place, at), dtype=np.int64)


def joined(parts: Iterable[Blocks]) -> Blocks:
    """Blocks of several runs, one after the other."""
    count, rows, found = 0, [], []
    for part in parts:
        rows.append(part.row + count)
        found.append(part)
        count += part.count
    return Blocks(
        count,
        np.concatenate(rows),
        np.concatenate([part.weight for part in found]),
        np.concatenate([part.since for part in found]),
        np.concatenate([part.rate for part in found]),
    )


def _blocks(at: "IntArray", now: "FloatArray", signs: "Sequence[Steps]", width: float) -> Blocks:
    """Positive and negative weights apart, the points' rows ascending."""
    parts = [_one_sign(at, now, steps, width) for steps in signs if len(steps.weight)]
    if not parts:
        none = np.zeros(0)
        return Blocks(len(at), np.zeros(0, np.int64), none, none, none)
    if len(parts) == 1:
        return parts[0]
    row = np.concatenate([part.row for part in parts])
    order = np.argsort(row, kind="stable")
    return Blocks(
        len(at),
        row[order],
        np.concatenate([part.weight for part in parts])[order],
        np.concatenate([part.since for part in parts])[order],
        np.concatenate([part.rate for part in parts])[order],
    )


def _one_sign(at: "IntArray", now: "FloatArray", steps: Steps, width: float) -> Blocks:
    edges = _edges(steps.ends, now, steps, width) if width > 0 else _every_step(steps.ends)
    row, column = np.nonzero(edges[:, 1:] > edges[:, :-1])
    first, stop = edges[row, column], edges[row, column + 1]
    sums = _sums(steps, row, first, stop, few=len(at) <= FEW_ROWS)
    heavy = sums[0] != 0
    row, first, stop, sums = row[heavy], first[heavy], stop[heavy], sums[:, heavy]
    alone = stop - first == 1
    place, rate, weight = steps.spent, steps.log_rate, sums[0]
    middle = _within(sums[1] / weight, place[first], place[stop - 1])
    spread = _within(sums[2] / weight - middle**2, 0.0, (place[stop - 1] - place[first]) ** 2 / 4)
    spread = np.sqrt(spread) * ~alone
    # Two terms with the block's mean and spread; one where it is a single step.
    rows = np.concatenate([row, row[~alone]])
    order = np.argsort(rows, kind="stable")
    weights = np.concatenate([np.where(alone, weight, weight / 2), weight[~alone] / 2])
    since = now[rows] - np.concatenate([middle + spread, (middle - spread)[~alone]])
    rates = np.zeros(len(rows))
    if rate is not None:
        level = _within(sums[3] / weight, rate[first] - width, rate[first] + width)
        tilt = np.divide(sums[4] / weight - middle * level, spread, out=np.zeros_like(spread), where=spread > 0)
        tilt = _within(tilt, -width, width)
        rates = np.concatenate([level + tilt, (level - tilt)[~alone]])
    return Blocks(len(at), rows[order].astype(np.int64), weights[order], np.maximum(since, 0.0)[order], rates[order])


def _within(values: "FloatArray", low: "FloatArray | float", high: "FloatArray | float") -> "FloatArray":
    """What is a mean or a variance lies in its range; a difference of two sums, rounded, may not."""
    kept: FloatArray = np.minimum(np.maximum(values, low), high)  # half the time of `clip`
    return kept


def _sums(steps: Steps, row: "IntArray", first: "IntArray", stop: "IntArray", few: bool) -> "FloatArray":
    """Of the steps in each block: the sums of w, w*place, w*place^2, and where the rate counts w*rate, w*place*rate.

    A row's blocks join without a gap. For few rows each block is summed by itself; for many, one running sum serves
    all, and a block that is nothing beside it is left out, since a difference would only round: its w is 0.
    """
    if few:
        rows = np.searchsorted(row, np.arange(row.max(initial=-1) + 2)).tolist()
        parts = [(first[begin:end], int(stop[end - 1])) for begin, end in pairwise(rows) if begin < end]
        return np.concatenate([_tiled(steps, begins, end) for begins, end in parts], axis=1)
    total = np.stack([_differences(term, first, stop) for term in _terms(steps, 0, len(steps.weight))])
    whole = np.abs(_differences(steps.weight, 0 * first, stop))
    total[0, (np.abs(total[0]) <= FAINT * whole) & (stop - first > 1)] = 0.0
    return total


def _terms(steps: Steps, begin: int, end: int) -> "Iterator[FloatArray]":
    """What is summed over a stretch, one after the other in the same memory."""
    w, place = steps.weight[begin:end], steps.spent[begin:end]
    yield w
    moved = w * place
    yield moved
    product = moved * place
    yield product
    if steps.log_rate is not None:
        rate = steps.log_rate[begin:end]
        yield np.multiply(w, rate, out=product)
        yield np.multiply(moved, rate, out=product)


def _tiled(steps: Steps, begins: "IntArray", end: int) -> "FloatArray":
    """The sums over blocks that begin there and join without a gap, as many at once as fit into little memory."""
    total = np.empty((3 if steps.log_rate is None else 5, len(begins)))
    at = 0
    while at < len(begins):
        begin = int(begins[at])
        stop = len(begins) if end - begin <= NEAR else max(at + 1, int(np.searchsorted(begins, begin + NEAR)) - 1)
        last = end if stop == len(begins) else int(begins[stop])
        cuts = begins[at:stop] - begin
        for sums, term in zip(total[:, at:stop], _terms(steps, begin, last), strict=True):
            np.add.reduceat(term, cuts, out=sums)
        at = stop
    return total


def _differences(term: "FloatArray", first: "IntArray", stop: "IntArray") -> "FloatArray":
    """Sums over [first, stop) from one running sum; single values as they are."""
    running = np.empty(len(term) + 1)
    running[0] = 0.0
    np.cumsum(term, out=running[1:])
    total: FloatArray = np.where(stop - first == 1, term[first], running[stop] - running[first])
    return total


def _every_step(ends: "IntArray") -> "IntArray":
    most = int(ends.max(initial=0))
    return np.minimum(np.arange(most + 1)[None, :], ends[:, None])


def _edges(ends: "IntArray", now: "FloatArray", steps: Steps, width: float) -> "IntArray":
    """Where the blocks of each point begin and end among the steps: one row a point, ascending."""
    reach = now - steps.spent[0]
    before = np.searchsorted(steps.spent, now, side="left") - 1  # the last step that lies a rate behind, not none
    if before.max() < 0:
        return np.stack([np.zeros_like(ends), ends], axis=1)
    nearest = (now - steps.spent[before])[before >= 0]
    least, most = float(nearest.min()), float(reach.max())
    number = int(np.ceil(np.log(most / least) / width)) + 1
    far = least * np.exp(width * np.arange(number))
    by_distance = np.searchsorted(steps.spent, now[:, None] - far[None, ::-1], side="right")
    by_rate = _levels(steps, width)
    known = by_distance.shape[1], by_distance.shape[1] + len(by_rate)
    edges = np.empty((len(ends), known[1] + 2), np.int64)
    edges[:, : known[0]] = by_distance
    edges[:, known[0] : known[1]] = by_rate
    edges[:, -2], edges[:, -1] = 0, ends
    np.minimum(edges, ends[:, None], out=edges)
    edges.sort(axis=1)
    return edges


def _levels(steps: Steps, width: float) -> "IntArray":
    """Where the rate has moved on by another width, up or down, since the first step."""
    logs = steps.log_rate
    if logs is None:
        return np.zeros(0, np.int64)
    if steps.steady:  # no running sum of its moves is needed
        falls = logs[-1] < logs[0]
        total, begin = abs(float(logs[-1] - logs[0])), float(logs[0])
        moves = _paces(total, width)
        if falls:
            return len(logs) - np.searchsorted(logs[::-1], begin - moves, side="right")
        return np.searchsorted(logs, begin + moves)
    moved = np.diff(logs, prepend=logs[0])
    np.abs(moved, out=moved)
    np.cumsum(moved, out=moved)
    return np.searchsorted(moved, _paces(float(moved[-1]), width))


def _paces(total: float, width: float) -> "FloatArray":
    pace = max(width, total / MOST_LEVELS)
    moves: FloatArray = pace * np.arange(1.0, int(total / pace) + 1)
    return moves
