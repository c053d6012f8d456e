"""Which runs of our own are recorded, and which of them are trained as one batch."""

from collections.abc import Iterable

import calando
from calando.records import RunSpec

__all__ = ["GRIDS", "HORIZONS", "PEAKS", "SEEDS", "SHAPES", "shape_of", "wanted"]

RISE = 20  # updates of warm-up, the same at every horizon: longer runs begin like shorter ones
SHAPES = {
    "constant": f"warmup({RISE}) | constant()",
    "wsd 20 %": f"wsd(warmup={RISE}, cooldown=20%)",
    "wsd 50 %": f"wsd(warmup={RISE}, cooldown=50%)",
    "wsd 80 %": f"wsd(warmup={RISE}, cooldown=80%)",
    "wsd 20 % 1-sqrt": f"wsd(warmup={RISE}, cooldown=20%, cooldown_shape=1-sqrt)",
    "wsd 50 % 1-sqrt": f"wsd(warmup={RISE}, cooldown=50%, cooldown_shape=1-sqrt)",
    "linear": f"warmup({RISE}) | linear_decay()",
    "cosine": f"warmup({RISE}) | cosine()",
    "cosine to 10 %": f"warmup({RISE}) | cosine(end=0.1)",
}
PEAKS = tuple(0.004 * 2.0**index for index in range(6))
HORIZONS = (300, 600, 1200, 2400, 4800)
SEEDS = (0, 1, 2, 3)


def plan(text: str) -> str:
    """A plan's text as Calando itself writes it."""
    return str(calando.parse(text))


def shape_of(text: str) -> str:
    """The name of a shape in the tables; the text itself where it has none."""
    return next((name for name, written in SHAPES.items() if plan(written) == plan(text)), text)


def runs(shapes: Iterable[str], peaks: Iterable[float], horizons: Iterable[int]) -> list[RunSpec]:
    """Every combination, by every seed."""
    return [
        RunSpec(name, plan(SHAPES[name]), peak, seed, horizon)
        for horizon in horizons
        for name in shapes
        for peak in peaks
        for seed in SEEDS
    ]


def characters() -> list[list[RunSpec]]:
    """Five horizons, nine shapes, six peaks, four seeds; those that stay at the peak for a while share that while."""
    staying = [name for name in SHAPES if name == "constant" or name.startswith("wsd")]
    falling = [name for name in SHAPES if name not in staying]
    batches = [runs(staying, [peak], HORIZONS) for peak in PEAKS]
    return batches + [runs([name], PEAKS, [horizon]) for horizon in HORIZONS for name in falling]


GRIDS = {"characters": characters}


def wanted(name: str) -> list[list[RunSpec]]:
    """The batches of a workload."""
    return GRIDS[name]()
