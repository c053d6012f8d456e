"""Whether mini-runs overfit: then the best peak falls with the horizon as one over it, and not as its third root.

Two signs, each in the longest mini-runs: the training loss has fallen far below the validation loss; or a higher peak
trains better and validates worse, so that it is not the optimizer that sets the best peak. Both need a training loss
on the validation loss's scale: the two are compared where hardly anything is trained, at the range tests' beginning.
"""

import math
from collections.abc import Iterable, Sequence

from calando.records.finding import Mini
from calando.records.run import RunRecord

__all__ = ["alike", "overfitting", "tail"]

TRAIN = ("train_loss", "loss")
BEHIND = 2 / 3
"""So far below the validation loss is far below."""
WORSE = 0.01
"""By so much of itself must the validation loss be higher to be worse."""
SCALE = 1.25
"""Training and validation loss begin within this factor of each other, or they are not the same kind of number."""


def tail(record: RunRecord) -> float | None:
    """The mean training loss over the last sixth of a run's updates; None where none was logged there."""
    for name in TRAIN:
        curve = record.curve(name)
        late = [v for at, v in zip(curve.steps, curve.values, strict=True) if at >= record.spec.horizon * 5 / 6]
        if late and all(map(math.isfinite, late)):
            return math.fsum(late) / len(late)
    return None


def alike(tests: Iterable[RunRecord], metric: str) -> bool:
    """Whether the metric and the training loss are of one kind: within a factor 1.25 before anything is trained."""
    before: list[float] = []
    trained: list[float] = []
    for record in tests:
        values = record.curve(metric)
        curve = next((c for name in TRAIN if name != metric and len(c := record.curve(name))), None)
        if curve is None or len(values) < 3:
            continue
        before += values.values[:3]
        trained += [v for at, v in zip(curve.steps, curve.values, strict=True) if at <= values.steps[2]]
    if not before or not trained or not all(math.isfinite(v) and v > 0 for v in (*before, *trained)):
        return False
    ratio = (math.fsum(trained) / len(trained)) / (math.fsum(before) / len(before))
    return 1 / SCALE <= ratio <= SCALE


def overfitting(minis: Sequence[Mini]) -> str:
    """Why the longest of these runs are said to overfit; "" when nothing shows it. Lower values are better.

    >>> overfitting([Mini(160, 0.02, 0, 0.84, train=0.57), Mini(160, 0.08, 0, 0.70, train=0.35)])
    'training loss 0.35 is far below 0.7'
    >>> overfitting([Mini(160, 0.02, 0, 0.84, train=0.80), Mini(160, 0.08, 0, 0.70, train=0.71)])
    ''
    """
    longest = max((mini.horizon for mini in minis), default=0)
    mine = [(m.peak, m.value, m.train) for m in minis if m.horizon == longest]
    told = sorted((p, v, t) for p, v, t in mine if v is not None and t is not None)
    if not told:
        return ""
    _, value, train = min(told, key=lambda one: one[1])
    if train < BEHIND * value:
        return f"training loss {train:.3g} is far below {value:.3g}"
    for (low, v, t), (high, w, u) in zip(told, told[1:], strict=False):
        if w > (1 + WORSE) * v and u < t:
            return f"peak {high:.3g} trains better than {low:.3g} ({u:.3g} against {t:.3g}) and ends worse"
    return ""
