"""A law fitted to curves: its parameters, what it predicts, and why it may not be believed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, shown
from calando.forecast.curve import LossCurve, kept_numbers, seen_numbers
from calando.forecast.laws.base import Law, Path

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Fit"]

MOST_AT_ONCE = 100_000  # points: beyond, candidates are told in several goes
KEPT = 1 << 21  # numbers
ENDS_AT_ONCE = 64  # candidates, where the end alone is asked


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A law with the parameters that fit some curves best; its numbers are copies that nobody can change.

    Args:
        law: the law, one of `LAWS` or a member of an effective-rate family.
        theta: its parameters, for rates divided by `unit`.
        unit: the largest peak of the curves, a rate > 0.
        curves: what was fitted: without warm-up losses, thinned.
        residuals: logarithm of the law's loss over the recorded one, all curves one after the other.
        cost: what the search made smallest.
        delta: the residual from which on a loss counts as an outlier, a number > 0.
        belief: how many of the losses counted as much as what is believed beforehand of one parameter, >= 0.
        seconds: of one core that the search took.
        reasons: why not to believe it, as sentences; empty when none was found.
    """

    law: Law
    theta: "FloatArray"
    unit: float
    curves: tuple[LossCurve, ...]
    residuals: "FloatArray"
    cost: float
    delta: float
    belief: float
    seconds: float
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", kept_numbers(self.theta))
        object.__setattr__(self, "residuals", kept_numbers(self.residuals))

    @property
    def values(self) -> dict[str, float]:
        """Every parameter by its name, for rates divided by `unit`."""
        named = {p.name: float(v) for p, v in zip(self.law.parameters, self.theta, strict=True)}
        outer = getattr(self.law, "outer", None)
        return named if outer is None else named | {outer.name: float(getattr(self.law, "growth", 0.0))}

    @property
    def scatter(self) -> float:
        """The usual size of a residual: a share of the loss."""
        return float(1.4826 * np.median(np.abs(self.residuals)))

    def predict(self, rates: "ArrayLike", at: "ArrayLike | None" = None) -> "FloatArray":
        """The law's loss after so many updates of a run.

        Args:
            rates: learning rate of every update, absolute numbers >= 0.
            at: numbers of updates, 1 to as many as there are rates; left out, the end alone.

        Raises:
            BadValue: for numbers outside their range.
        """
        return self.predict_at([(rates, at)])[0]

    def predict_at(self, runs: "Iterable[tuple[ArrayLike, ArrayLike | None]]") -> "list[FloatArray]":
        """The losses of many runs, each as rates and numbers of updates (None: the end alone)."""
        found: list[FloatArray] = []
        for paths in self._in_goes(runs):
            losses = self.law.losses(self.theta, self.law.prepare(paths))
            found += np.split(losses, np.cumsum([len(path.at) for path in paths])[:-1])
        return found

    def predict_ends(self, runs: "Iterable[ArrayLike]", thetas: "Sequence[FloatArray] | None" = None) -> "FloatArray":
        """The final loss of many runs, one row for each set of parameters: the fit's own, or those of `resample`."""
        tried = [self.theta] if thetas is None else list(thetas)
        columns = []
        np.empty(KEPT)  # and freed: from then on the allocator keeps what the next run needs, and touches nothing anew
        paths = (self._path(rates, None) for rates in runs)
        for first in paths:  # one after the other, in memory that the last one left
            prepared = self.law.prepare(chain([first], islice(paths, ENDS_AT_ONCE - 1)))
            columns.append(np.stack([self.law.losses(theta, prepared) for theta in tried]))
        return np.concatenate(columns, axis=1) if columns else np.zeros((len(tried), 0))

    def _in_goes(self, runs: "Iterable[tuple[ArrayLike, ArrayLike | None]]") -> "Iterable[list[Path]]":
        paths: list[Path] = []
        held = 0
        for rates, at in runs:
            path = self._path(rates, at)
            paths.append(path)
            held += len(path.at) + len(path.rates) // 20
            if held > MOST_AT_ONCE:
                yield paths
                paths, held = [], 0
        if paths:
            yield paths

    def _path(self, rates: "ArrayLike", at: "ArrayLike | None") -> Path:
        known = seen_numbers(rates, "predict, rates", 0.0, 1e9)
        if not known.max() > 0:
            raise BadValue(
                given="learning rates that are all 0", allowed="a rate above 0 somewhere", where="predict, rates",
                fix="give the rates of a run that trains",
            )  # fmt: skip
        points = np.array([len(known)]) if at is None else np.asarray(at)
        if points.ndim != 1 or not len(points) or points.dtype.kind not in "iu":
            raise BadValue(
                given=f"at={shown(at)}", allowed="a list of whole numbers of updates", where="predict, at",
                fix="leave it out for the end of the run",
            )  # fmt: skip
        if points.min() < 1 or points.max() > len(known) or (np.diff(points) <= 0).any():
            raise BadValue(
                given=f"at={shown(at)}", allowed=f"rising numbers of updates, 1 to {len(known)}", where="predict, at",
                fix="give the rates up to the last point asked",
            )  # fmt: skip
        return Path(known / self.unit, points.astype(np.int64), self.unit)
