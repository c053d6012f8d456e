"""Every doubt that some curves, and laws fitted to them, raise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from calando.forecast.curve import LossCurve, checked_curves
from calando.forecast.doubts.alone import all_alone
from calando.forecast.doubts.measured import measured
from calando.forecast.doubts.together import among, left_over, too_few
from calando.forecast.doubts.value import CONSEQUENCES, Doubt

if TYPE_CHECKING:
    from calando.forecast.fitting import Fit

__all__ = ["doubts_of"]


def doubts_of(curves: "LossCurve | Sequence[LossCurve]", fits: "Sequence[Fit]" = ()) -> tuple[Doubt, ...]:
    """Why laws of training may not hold for these curves, the gravest first; empty where nothing speaks against them.

    What is true of several curves is one doubt, with the words and numbers of the first of them.

    Of one curve: "still warming up", "few losses", "turns up" (overfitting, or a rate too large), "starts low"
    (fine-tuning, or nothing learned), "saturated", "cycles", "unstable". Of several: "rate too large". Of fits: "left
    over" (what a law does not explain; it refuses where no law does better) and "few losses" for their parameters.

    Args:
        curves: one loss curve or several.
        fits: laws fitted to them, where there are any.

    Raises:
        BadValue: for something else than curves.

    Example:
        >>> losses = [2.0, 1.5, 1.3, 1.2, 1.25, 1.3, 1.4, 1.5]
        >>> curve = LossCurve.from_plan("a", range(10, 81, 10), losses, "linear_decay()", 0.1, 80)
        >>> [(doubt.name, doubt.consequence) for doubt in doubts_of(curve)]
        [('turns up', 'refuse')]
    """
    asked = checked_curves(curves, "doubts_of")
    seen = [measured(curve) for curve in asked]
    found = list(merged([doubt for one in seen for doubt in all_alone(one)]))
    found += among(seen)
    found += left_over(fits)
    found += too_few(fits) if all(doubt.name != "few losses" for doubt in found) else ()
    return tuple(sorted(found, key=lambda doubt: CONSEQUENCES.index(doubt.consequence)))


def merged(doubts: Iterable[Doubt]) -> Iterator[Doubt]:
    """One doubt for all curves of which the same is true, in the first one's words."""
    alike: dict[tuple[str, str], list[Doubt]] = {}
    for doubt in doubts:
        alike.setdefault((doubt.name, doubt.consequence), []).append(doubt)
    for first, *others in alike.values():
        if others:
            words = f"{first.words} (so it is in {len(others) + 1} curves; these are the numbers of {first.curves[0]})"
            first = replace(first, words=words, curves=tuple(one.curves[0] for one in (first, *others)))
        yield first
