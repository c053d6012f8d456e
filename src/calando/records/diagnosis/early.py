"""A rate that is too much only as early as it came: no warm-up, or too short a one."""

from __future__ import annotations

from calando.records.diagnosis.alike import alike
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.heat import thrown
from calando.records.diagnosis.noisy import Level, noise
from calando.records.diagnosis.waves import returns

__all__ = ["abrupt", "warm_up_too_short"]

WARM = "warm-up too short"


def warm_up_too_short(run: Judged) -> Diagnosis | None:
    """The rate was high at once, and the first updates threw the loss up or left it stuck.

    Large enough: a share of the whole gain above the start, a jolt within the first few updates, or many small signs
    that are seldom seen together at a sound rate.
    """
    reached = _at_once(run)
    if reached is None:
        return None
    throw = thrown(run)
    if throw is None or throw.sigmas < 6 or throw.share < limit(WARM, "thrown") or throw.at > 0.2 * run.end:
        return _jolted(run, reached) or _alike(run, reached)
    return _too_soon(
        run, reached, f"the loss was thrown {short(throw.height)} above its start near step {throw.at:,.0f}; it was "
        f"back below it at step {throw.back:,.0f}.",
        ("Clip the norm of the gradient at 1.",),
        (Evidence("thrown up by", throw.height, short(throw.height)),
         Evidence("back at", throw.back, f"step {throw.back:,.0f}")),
        sure(throw.sigmas), (Change("clip", 1.0),),
    )  # fmt: skip


def _jolted(run: Judged, reached: float) -> Diagnosis | None:
    """A loss that the first few full-sized updates threw up, where it came back too soon to cost a share of the gain.

    Losses of single batches scatter in proportion to themselves, so the jolt is measured in their logarithm.
    """
    import numpy as np

    if len(run.train) < 60 or reached > 2 or float(run.train.values.min()) <= 0:
        return None
    first = run.train.window(float(run.train.steps[0]), float(run.train.steps[0]) + 8)
    if len(first) < 4:
        return None
    start, top = float(first.values[0]), float(first.values[1:6].max())
    # The scatter soon after the jolt: batches tell more or less alike as a run goes on. `noise` takes a second half.
    jolt = Level(float(np.log(top / start)), max(noise(np.log(run.train.values[:60])), 1e-9))
    if jolt.value < limit(WARM, "jolt") or jolt.sigmas < limit(WARM, "clear"):
        return None
    return _too_soon(
        run, reached, f"the loss jumped from {short(start)} to {short(top)} within the first updates.",
        ("Clip the norm of the gradient at 1.",),
        (Evidence("jumped to", top, f"{short(top / start)} times its start"),), 0.6, (Change("clip", 1.0),),
    )  # fmt: skip


def _alike(run: Judged, reached: float) -> Diagnosis | None:
    """A rate that was high at once, and curves such as a rate too high leaves: a warm-up carries more."""
    told = alike(run, limit(WARM, "alike"))
    if told is None:
        return None
    score, shown = told
    return _too_soon(
        run, reached, "its curves are such as a rate leaves that was too high from the first steps on.", (),
        (shown,),
        max(0.5, min(0.7, score.chance - 0.15)), (), lower=True,
    )  # fmt: skip


def _at_once(run: Judged) -> float | None:
    """The step by which the rate was high, where that was at once."""
    import numpy as np

    if not len(run.lr) or not run.peak > 0 or len(returns(run)) >= 2:
        return None
    place = int(np.argmax(run.lr.values >= 0.7 * run.peak))
    reached = float(run.lr.steps[place])
    rose = reached + float(run.lr.steps[place] - run.lr.steps[place - 1]) if place else reached  # seen in steps as wide
    return reached if rose <= limit(WARM, "soon") * run.seen.horizon else None


def abrupt(run: Judged) -> Diagnosis | None:
    """A peak that has been found too high, taken without a warm-up: one may carry it."""
    reached = _at_once(run)
    if reached is None:
        return None
    return _too_soon(
        run, reached, "it is too high for this model from the first steps on; after a warm-up the same peak does less "
        "harm.", (), (), 0.6, (),
    )  # fmt: skip


def _too_soon(run: Judged, reached: float, what: str, advice: tuple[str, ...], evidence: tuple[Evidence, ...],
              confidence: float, changes: tuple[Change, ...], *, lower: bool = False) -> Diagnosis:  # fmt: skip
    """A rate that was high by the step reached, what came of it, and the advice and changes beyond a longer warm-up.

    A lower peak comes first where that is what is known of such curves.
    """
    rise = max(10, round(0.1 * run.seen.horizon))
    rising = f"Let the rate rise over {rise:,} steps: `warmup(10%) | ...`.", Change("warm-up", float(rise))
    third = f"Try a peak of {short(run.peak / 3)}.", Change("peak", 1 / 3, "scale 0.33")
    first, then = (third, rising) if lower else (rising, third)
    return Diagnosis(
        WARM, "warning", f"warm-up too short (peak {short(run.peak)} from step {reached:,.0f})",
        f"The rate was at {short(run.lr_at(reached))} by step {reached:,.0f}, and {what}",
        (first[0], f"Or {then[0][0].lower()}{then[0][1:]}", *advice),
        (Evidence("peak reached at", reached, f"step {reached:,.0f}"), *evidence),
        confidence, (first[1], then[1], *changes),
    )  # fmt: skip
