"""What a run left, as a record."""

import math
from collections.abc import Sequence

from calando.records import Curve, RunRecord, RunSpec

__all__ = ["told"]


def told(spec: RunSpec, when: Sequence[int], val: Sequence[float], train: Sequence[float], seconds: float) -> RunRecord:
    """A run by its losses after so many updates each; one whose loss is not finite has diverged there."""
    good = next((at for at, pair in enumerate(zip(val, train, strict=True)) if not all(map(math.isfinite, pair))), None)
    at = tuple(updates - 1 for updates in when[:good])
    curves = {"val_loss": Curve(at, tuple(val[:good])), "train_loss": Curve(at, tuple(train[:good]))}
    if good is not None:
        reason = f"a loss is not finite after {when[good]} updates"
        return RunRecord(spec, "diverged", reason, curves=curves, steps=when[good], seconds=seconds)
    return RunRecord(spec, "done", final=val[-1], curves=curves, steps=spec.horizon, seconds=seconds)
