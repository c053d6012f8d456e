"""A schedule's curve as few points: every jump a jump, every peak kept, however long the run."""

from typing import TYPE_CHECKING, Any

from calando.core.facts import EVERY_STEP_UP_TO, looked_at

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Point", "quantity", "thinned", "trace"]

Point = tuple[float, float]


def quantity(schedule: "Schedule", name: str) -> "Schedule":
    """One quantity of a schedule as a schedule of its own."""
    from calando.core.bundle import bundle
    from calando.core.schedule import Schedule

    if name == "lr" or not isinstance(schedule.plan, bundle):
        return schedule
    settings = schedule.settings() | {"plan": dict(schedule.plan.quantities)[name]}
    return Schedule(settings.pop("plan"), settings.pop("horizon"), **settings)


def trace(schedule: "Schedule", buckets: int = 600) -> tuple[Point, ...]:
    """Points of the curve over steps 0 to the horizon, to be joined by straight lines.

    A jump is two points at one step. A run of more than 2*buckets steps is cut into that many buckets, and of each
    the first, the lowest, the highest and the last value stay; beyond a million steps, of those that
    `facts.looked_at` looks at.

    >>> import calando
    >>> trace(calando.multistep(milestones=[2], factor=0.5).bind(3))
    ((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.5), (3.0, 0.5))
    """
    import numpy as np

    horizon = schedule.horizon
    if horizon <= max(EVERY_STEP_UP_TO, 2 * buckets):
        steps = np.arange(horizon + 1, dtype=np.int64)
    else:
        steps, _ = looked_at(horizon, schedule.breaks())
    values = np.asarray(schedule(steps), dtype=np.float64)
    keep = _extremes(steps, values, horizon, buckets) if len(steps) > 2 * buckets else range(len(steps))
    points = {int(steps[i]): float(values[i]) for i in keep}
    jumps = {jump.step: jump for jump in schedule.facts.jumps}
    if len(jumps) > buckets // 2:
        jumps = {}
    made: list[Point] = []
    for step in sorted({*points, *jumps}):
        jump = jumps.get(step)
        if jump is not None:
            made.append((float(step), jump.before))
        if jump is None or step < horizon:
            made.append((float(step), points[step] if jump is None else jump.after))
    return tuple(made)


def _extremes(steps: Any, values: Any, horizon: int, buckets: int) -> set[int]:
    import numpy as np

    edges = np.searchsorted(steps, np.linspace(0, horizon + 1, buckets + 1))
    keep = {0, len(steps) - 1}
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if b > a:
            part = values[a:b]
            keep |= {a, a + int(part.argmin()), a + int(part.argmax()), b - 1}
    return keep


def thinned(points: list[Point], tolerance: float) -> list[Point]:
    """The points without those that lie on the line between their neighbours, up to a tolerance (Ramer, Douglas).

    >>> thinned([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (2.0, 0.0)], 0.01)
    [(0.0, 0.0), (2.0, 2.0), (2.0, 0.0)]
    """
    keep = {0, len(points) - 1}
    waiting = [(0, len(points) - 1)]
    while waiting:
        a, b = waiting.pop()
        (x0, y0), (x1, y1) = points[a], points[b]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        worst, at = tolerance, 0
        for i in range(a + 1, b):
            x, y = points[i]
            if length:
                off = abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length
            else:
                off = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
            if off > worst:
                worst, at = off, i
        if at:
            keep.add(at)
            waiting += [(a, at), (at, b)]
    return [points[i] for i in sorted(keep)]
