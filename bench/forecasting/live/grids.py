"""Which runs of our own are recorded, and which of them are trained as one batch."""

from collections.abc import Iterable
from functools import cache

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
    "warm restarts": "warm_restarts(first=25%)",
    "cycles": "cyclical(low=0.1, half=12.5%)",
}
PLAIN = ("constant", "wsd 20 %", "wsd 50 %", "linear")
WAVES = ("warm restarts", "cycles")
PEAKS = tuple(0.004 * 2.0**index for index in range(6))
HORIZONS = (300, 600, 1200, 2400, 4800)
SEEDS = (0, 1, 2, 3)


@cache
def plan(text: str) -> str:
    """A plan's text as Calando itself writes it."""
    return str(calando.parse(text))


@cache
def shape_of(text: str) -> str:
    """The name of a shape in the tables; the text itself where it has none."""
    return next((name for name, written in SHAPES.items() if plan(written) == plan(text)), text)


def runs(
    shapes: Iterable[str], peaks: Iterable[float], horizons: Iterable[int], seeds: Iterable[int] = SEEDS
) -> list[RunSpec]:
    """Every combination."""
    return [
        RunSpec(name, plan(SHAPES[name]), peak, seed, horizon)
        for horizon in horizons
        for name in shapes
        for peak in peaks
        for seed in seeds
    ]


def characters() -> list[list[RunSpec]]:
    """Five horizons, nine shapes, six peaks, four seeds; those that stay at the peak for a while share that while."""
    shapes = [name for name in SHAPES if name not in WAVES]
    staying = [name for name in shapes if name == "constant" or name.startswith("wsd")]
    falling = [name for name in shapes if name not in staying]
    batches = [runs(staying, [peak], HORIZONS) for peak in PEAKS]
    return batches + [runs([name], PEAKS, [horizon]) for horizon in HORIZONS for name in falling]


def images() -> list[list[RunSpec]]:
    """From peaks that are too low to some at which nothing is learned."""
    peaks = [0.0125 * 2.0**index for index in range(8)]
    return [runs([*PLAIN, *WAVES], peaks, [horizon], range(3)) for horizon in (400, 1600)]


def few_images() -> list[list[RunSpec]]:
    """At every one of these peaks the net learns wrong labels by heart."""
    peaks = [0.0125 * 2.0**index for index in range(4)]
    return [runs([*PLAIN, *WAVES], peaks, [horizon], range(3)) for horizon in (400, 1600)]


def tuning() -> list[list[RunSpec]]:
    """Fine-tuning, up to peaks that spoil what had been learned."""
    return [runs(PLAIN, [0.0005 * 4.0**index for index in range(4)], [horizon], range(3)) for horizon in (400, 1200)]


GRIDS = {
    "characters": characters, "images": images, "images-few": few_images, "tuning": tuning, "tuning-few": tuning,
}  # fmt: skip


def wanted(name: str) -> list[list[RunSpec]]:
    """The batches of a workload."""
    return GRIDS[name]()
