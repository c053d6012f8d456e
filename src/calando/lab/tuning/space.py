"""What is searched: shapes, a lattice of peaks, horizons and settings, as the rows of the surrogate."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from calando.lab.tuning.compress import compressed, profile
from calando.records.run import Phase, RunSpec
from calando.records.stage import Knob
from calando.records.study import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calando.lab.tuning.kernel import Cells

__all__ = ["HIGHER", "Row", "Space", "lattice", "settings_for"]

HIGHER = 2  # points of the lattice above the full horizon's: shorter runs like higher rates
NEAR = 0.25  # distance of two shapes' factors at which what is known of one says little of the other
POINTS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that could run, apart from its seed: indices of shape, peak, level (horizon) and settings."""

    shape: int
    peak: int
    level: int
    setting: int


@dataclass(frozen=True)
class Space:
    """Everything that could run.

    Args:
        candidates: the shapes.
        plans: by shape and level the plan's text for that horizon; None where it has none.
        peaks: the lattice, ascending; those from `top` on are for shorter horizons alone.
        horizons: ascending, the full one last.
        settings: JSON of each setting of the declared values, "" for none, the default first.
        cube: the settings in the unit cube.
        top: how many peaks of the lattice the full horizon has.
    """

    candidates: tuple[Candidate, ...]
    plans: tuple[tuple[str | None, ...], ...]
    peaks: tuple[float, ...]
    horizons: tuple[int, ...]
    settings: tuple[str, ...]
    cube: tuple[tuple[float, ...], ...]
    top: int
    rows: tuple[Row, ...]
    cells: "Cells" = field(repr=False)
    profiles: "NDArray[np.float64]" = field(repr=False)

    @property
    def full(self) -> int:
        """The level of the full horizon."""
        return len(self.horizons) - 1

    def cost(self, row: Row) -> float:
        """A run's cost in full runs."""
        return self.horizons[row.level] / self.horizons[-1]

    def ask(self, row: Row, seed: int) -> RunSpec:
        """The run of a row under a seed."""
        return _ask(self.candidates, self.plans, self.peaks, self.horizons, self.settings, row, seed)


def _ask(
    candidates: Sequence[Candidate],
    plans: Sequence[Sequence[str | None]],
    peaks: Sequence[float],
    horizons: Sequence[int],
    settings: Sequence[str],
    row: Row,
    seed: int,
) -> RunSpec:
    candidate, horizon = candidates[row.shape], horizons[row.level]
    peak = candidate.peak if candidate.peak is not None else peaks[row.peak]
    phase: Phase = "final" if row.level == len(horizons) - 1 else "short"
    plan = plans[row.shape][row.level] or candidate.plan
    return RunSpec(candidate.label, plan, peak, seed, horizon, phase, settings[row.setting])


def lattice(low: float, high: float, factor: float = 2.0) -> tuple[float, ...]:
    """Peaks a factor apart from `low` to `high`, at most twelve, to three digits.

    >>> lattice(1e-3, 1e-2)
    (0.001, 0.002, 0.004, 0.008)
    """
    count = max(1, math.floor(math.log(high / low, factor) + 1e-9) + 1)
    if count > POINTS:
        factor = (high / low) ** (1 / (POINTS - 1))
        count = POINTS
    return tuple(float(f"{low * factor**i:.3g}") for i in range(count))


def settings_for(knobs: Sequence[Knob], count: int) -> tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]:
    """The default of the declared values and `count` others that fill their ranges evenly, with their places.

    They are Halton points, the same in every study: the surrogate, which knows what shape, peak, horizon and seed
    do, decides which of them are worth a run.

    >>> settings_for([Knob("decay", 0.01, 1.0, log=True, default="0.1")], 2)[0]
    ('{"decay":0.1}', '{"decay":0.1}', '{"decay":0.0316228}')
    """
    from calando.lab.tuning.kernel import halton

    if not knobs:
        return ("",), ((),)
    usual = {knob.name: json.loads(knob.default) if knob.default else _value(knob, 0.5) for knob in knobs}
    texts = [json.dumps(dict(sorted(usual.items())), separators=(",", ":"))]
    places = [tuple(_place(knob, usual[knob.name]) for knob in knobs)]
    for point in halton(count, min(len(knobs), 9)):
        values = {knob.name: _value(knob, float(point[i % len(point)])) for i, knob in enumerate(knobs)}
        texts.append(json.dumps(dict(sorted(values.items())), separators=(",", ":")))
        places.append(tuple(_place(knob, values[knob.name]) for knob in knobs))
    return tuple(texts), tuple(places)


def _value(knob: Knob, x: float) -> object:
    if knob.choices:
        return json.loads(knob.choices[min(len(knob.choices) - 1, int(x * len(knob.choices)))])
    value = knob.low * (knob.high / knob.low) ** x if knob.log else knob.low + (knob.high - knob.low) * x
    if knob.whole:
        return round(value)
    return float(f"{value:.6g}")


def _place(knob: Knob, value: object) -> float:
    if knob.choices:
        texts = [json.loads(choice) for choice in knob.choices]
        return texts.index(value) / max(1, len(texts) - 1) if value in texts else 0.0
    number = float(value)  # type: ignore[arg-type]
    if knob.log:
        return math.log(number / knob.low) / max(1e-12, math.log(knob.high / knob.low))
    return (number - knob.low) / max(1e-300, knob.high - knob.low)


@lru_cache(maxsize=64)
def _shapes(
    plans: tuple[str, ...], horizons: tuple[int, ...], steps_per_epoch: int | None
) -> "tuple[tuple[tuple[str | None, ...], ...], NDArray[np.float64]]":
    import numpy as np

    from calando.core.text import parse

    full = horizons[-1]
    told = tuple(
        (*(compressed(plan, full, horizon, steps_per_epoch) for horizon in horizons[:-1]), plan) for plan in plans
    )
    curves = np.array([profile(parse(plan).bind(full, steps_per_epoch=steps_per_epoch)) for plan in plans])
    return told, curves


def build(
    candidates: Sequence[Candidate],
    peaks: Sequence[float],
    horizons: Sequence[int],
    *,
    steps_per_epoch: int | None = None,
    settings: tuple[str, ...] = ("",),
    cube: tuple[tuple[float, ...], ...] = ((),),
    offered: "Callable[[RunSpec], bool] | None" = None,
    seeds: Sequence[int] = (0,),
    higher: int = HIGHER,
) -> Space:
    """The space over candidates, peaks and horizons.

    Args:
        offered: which runs there are (a replay); every one unless given.
        seeds: of which one at least must be offered.
        higher: points above the lattice that shorter horizons may try.
    """
    import numpy as np

    from calando.lab.tuning.bound import prior
    from calando.lab.tuning.kernel import Cells

    plans, curves = _shapes(tuple(c.plan for c in candidates), tuple(horizons), steps_per_epoch)
    grid = list(peaks)
    for _ in range(higher if len(grid) > 1 else 0):
        grid.append(float(f"{grid[-1] * (grid[-1] / grid[-2]):.6g}"))
    full = len(horizons) - 1
    rows = []
    for level in range(len(horizons)):
        for shape, candidate in enumerate(candidates):
            if plans[shape][level] is None:
                continue
            count = 1 if candidate.peak is not None else len(peaks) if level == full else len(grid)
            for peak in range(count):
                for setting in range(len(settings)):
                    row = Row(shape, peak, level, setting)
                    if offered is None or any(
                        offered(_ask(candidates, plans, grid, horizons, settings, row, seed)) for seed in seeds
                    ):
                        rows.append(row)
    logs = [math.log2(c.peak) if (c := candidates[r.shape]).peak is not None else math.log2(grid[r.peak]) for r in rows]
    known = [prior(curve) for curve in curves]
    apart = np.sqrt(((curves[:, None, :] - curves[None, :, :]) ** 2).mean(-1))
    cells = Cells(
        shape=np.array([r.shape for r in rows], dtype=np.int64),
        peak=np.array(logs),
        level=np.array([r.level for r in rows], dtype=np.int64),
        setting=np.array([r.setting for r in rows], dtype=np.int64),
        height=np.array([math.log2(horizons[r.level] / horizons[-1]) for r in rows]),
        shift=np.array([p[0] for p in known]),
        price=np.array([p[1] for p in known]),
        near=np.exp(-0.5 * (apart / NEAR) ** 2),
        knobs=np.array(cube, dtype=np.float64).reshape(len(settings), -1),
    )
    return Space(
        tuple(candidates), plans, tuple(grid), tuple(horizons), settings, cube, len(peaks), tuple(rows), cells, curves
    )
