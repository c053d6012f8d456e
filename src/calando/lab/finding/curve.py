"""One range test's loss over the logarithm of the rate, smoothed, with its slope and its noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calando.records.run import RunRecord

__all__ = ["Sweep", "smoothed", "sweep_of", "together"]

WIDTH = 0.035
"""Standard deviation of the smoothing kernel, as a share of the test's length."""
LEAST = 8  # logged losses, fewer say nothing


@dataclass(frozen=True, slots=True)
class Sweep:
    """A range test read as a curve: log-rate (natural), raw and smoothed losses, their slope per unit of log-rate.

    `noise` is the standard deviation of a raw loss about the smoothed one, `error` that of the smoothed one.
    `broke` is the rate at which it ended early, non-finite or exploded. What lies above the first loss by more
    than was gained below it, or six times its early jitter, is cut off before smoothing, so that a divergence does not
    reach back.
    """

    seed: int
    logs: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    slopes: tuple[float, ...]
    noise: float
    error: float
    broke: float | None = None

    @property
    def gained(self) -> float:
        """How far the smoothed loss fell below where it began: its middle over the first fifth."""
        return self.start - min(self.smooth)

    @property
    def start(self) -> float:
        """Where the loss began, before any rate did anything."""
        early = sorted(self.smooth[: max(3, len(self.smooth) // 5)])
        return early[len(early) // 2]


def sweep_of(record: RunRecord, names: Sequence[str]) -> Sweep | None:
    """The curve of a range test; None when it logged too few finite losses to be read."""
    used = dict(zip(record.curve("lr").steps, record.curve("lr").values, strict=True))
    rides = (record.curve(name) for name in names)
    curve = next((ride for ride in rides if len(ride)), None)
    if curve is None:
        return None
    pairs = zip(curve.steps, curve.values, strict=True)
    points = {step: loss for step, loss in pairs if math.isfinite(loss) and used.get(step, 0.0) > 0}
    broke = None
    if record.status == "diverged":
        broke = max(used.values(), default=None)
    if len(points) < LEAST:
        return None
    return _sweep(record.spec.seed, [math.log(used[step]) for step in points], list(points.values()), broke)


def together(sweeps: Sequence[Sweep], length: int) -> Sweep:
    """The mean of several seeds' curves at equal rates; one that broke off stays as high as it may be.

    `length` is the number of logged losses of a test that did not break off.
    """
    longest = max(sweeps, key=lambda sweep: len(sweep.logs))
    count = min(length, len(longest.logs))
    columns = [[*sweep.losses[:count], *[_ceiling(sweep)] * (count - len(sweep.losses))] for sweep in sweeps]
    mean = [math.fsum(column) / len(sweeps) for column in zip(*columns, strict=True)]
    broken = sorted(sweep.broke for sweep in sweeps if sweep.broke is not None)
    broke = broken[len(broken) // 2] if 2 * len(broken) > len(sweeps) else None
    return _sweep(-1, list(longest.logs[:count]), mean, broke)


def smoothed(values: Sequence[float], places: Sequence[float], width: float) -> tuple[list[float], list[float]]:
    """Local straight lines through values, weighted by a Gaussian of the place: levels and slopes.

    >>> levels, slopes = smoothed([0.0, 2.0, 4.0, 6.0], [0.0, 1.0, 2.0, 3.0], 1.0)
    >>> [round(level, 6) for level in levels], round(slopes[0], 6)
    ([0.0, 2.0, 4.0, 6.0], 2.0)
    """
    levels, slopes = [], []
    for here in places:
        near = [(x, y) for x, y in zip(places, values, strict=True) if abs(x - here) <= 4 * width]
        weights = [math.exp(-0.5 * ((x - here) / width) ** 2) for x, _ in near]
        total = math.fsum(weights)
        middle = math.fsum(w * x for w, (x, _) in zip(weights, near, strict=True)) / total
        mean = math.fsum(w * y for w, (_, y) in zip(weights, near, strict=True)) / total
        square = math.fsum(w * (x - middle) ** 2 for w, (x, _) in zip(weights, near, strict=True))
        rise = math.fsum(w * (x - middle) * (y - mean) for w, (x, y) in zip(weights, near, strict=True))
        slope = rise / square if square > 1e-12 * total * width**2 else 0.0
        levels.append(mean + slope * (here - middle))
        slopes.append(slope)
    return levels, slopes


def _sweep(seed: int, logs: list[float], losses: list[float], broke: float | None) -> Sweep:
    first = sorted(losses[: max(3, len(losses) // 12)])
    start = first[len(first) // 2]
    rough, _ = smoothed(losses, logs, _width(logs))
    early = losses[: max(4, len(losses) // 3)]
    middle = math.fsum(early) / len(early)
    jitter = math.sqrt(math.fsum((loss - middle) ** 2 for loss in early) / len(early))
    top = start + max(start - min(rough), 6 * jitter, 1e-12 * max(1.0, abs(start)))
    tame = [min(loss, top) for loss in losses]
    levels, slopes = smoothed(tame, logs, _width(logs))
    lowest = levels.index(min(levels))
    calm = max(lowest + 1, len(tame) // 2)  # where nothing breaks yet
    quiet = [loss - level for loss, level in zip(tame[:calm], levels[:calm], strict=True)]
    used = max(2, len(quiet))
    noise = math.sqrt(math.fsum(x * x for x in quiet) / used) * math.sqrt(1.15)
    alike = 2 * math.sqrt(math.pi) * _width(logs) * (len(logs) - 1) / max(logs[-1] - logs[0], 1e-9)
    error = noise / math.sqrt(max(1.0, alike))
    return Sweep(seed, tuple(logs), tuple(tame), tuple(levels), tuple(slopes), noise, error, broke)


def _width(logs: Sequence[float]) -> float:
    """A share of the whole test, at least the way of one step and a half: in log-rate."""
    step = (logs[-1] - logs[0]) / max(1, len(logs) - 1)
    return max(WIDTH * len(logs), 1.5) * step or 1.0


def _ceiling(sweep: Sweep) -> float:
    return max(sweep.losses)
