"""ignite's schedulers of the engine's state: values by the number of the call, the first call being number 1."""

from collections.abc import Callable
from typing import Any, Final

from calando.core.shapes.exponential import exponential_decay
from calando.core.shapes.function import function
from calando.peers.ahead import ahead
from calando.peers.ignite_cycles import Values, piecewise_values, positive, refuse
from calando.peers.legs import drops, every_so_often, level, scaled
from calando.peers.torch_course import Maker

__all__ = ["STATES", "state_values"]


def state_values(handler: Any) -> Values:
    """The values of calls 0, 1, ... of a handler, as one quantity."""
    values = STATES[type(handler).__name__](handler)
    return values._replace(position=int(handler.event_index))


def _later(make: Callable[[float], Any]) -> Callable[[float], Maker]:
    """A whole curve, one call ahead."""
    return lambda base: lambda _: ahead(make(base), 1)


def _gamma(handler: Any) -> float:
    gamma = positive(handler.gamma, "gamma")
    if gamma == 0.0:
        raise refuse("gamma=0", "a gamma above 0", "use a gamma that decays")
    return gamma


def _called(handler: Any) -> Values:
    return Values(1.0, _later(lambda base: scaled(function(handler.lambda_obj), 1.0 / base)), 0)


def _lines(handler: Any) -> Values:
    found = piecewise_values(handler)
    shifted = type("Shifted", (), {"milestones": [m - 1 for m in handler.milestones], "values": handler.values,
                                   "event_index": handler.event_index})  # fmt: skip
    return piecewise_values(shifted)._replace(top=found.top)


def _exponential(handler: Any) -> Values:
    first, gamma = positive(handler.initial_value, "initial_value"), _gamma(handler)
    curve = level(1.0) if gamma == 1.0 else exponential_decay(factor=gamma)
    return Values(first, _later(lambda base: scaled(curve, first / base)), 0)


def _steps(handler: Any) -> Values:
    first, gamma, size = positive(handler.initial_value, "initial_value"), _gamma(handler), int(handler.step_size)
    curve = every_so_often(size, gamma) if size >= 1 else None
    if curve is None:
        raise refuse(f"step_size={size}", "at least 1", "use 1")
    return Values(first, _later(lambda base: scaled(curve, first / base)), 0)


def _milestones(handler: Any) -> Values:
    first, gamma = positive(handler.initial_value, "initial_value"), _gamma(handler)
    marks = [int(mark) for mark in handler.milestones]
    if marks != sorted(marks):
        raise refuse(f"milestones {marks}", "milestones that rise", "sort them")
    counted = {mark: i + 1 for i, mark in enumerate(marks)}
    changes = [(mark - 1, gamma**count) for mark, count in counted.items()]
    return Values(first, lambda base: lambda _: scaled(drops(changes, 1.0), first / base), 0)


STATES: Final[dict[str, Callable[[Any], Values]]] = {
    "LambdaStateScheduler": _called,
    "PiecewiseLinearStateScheduler": _lines,
    "ExpStateScheduler": _exponential,
    "StepStateScheduler": _steps,
    "MultiStepStateScheduler": _milestones,
}
