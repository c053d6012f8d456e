"""How fast the run got on: learning rate too low, horizon too short."""

from __future__ import annotations

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, Change, Diagnosis, Evidence, Judged, main_curve, short, sure

__all__ = ["horizon_too_short", "lr_too_low"]


def lr_too_low(run: Judged) -> Diagnosis | None:
    """The loss is still limited by the distance travelled, the sum of learning rates so far.

    Large enough: half of the gain took more than 35 % of the summed learning rate, and the last
    quarter still brought 15 % of the gain (25 % and 10 % where a higher peak is known to be better).
    A run with a sound peak is through half of its gain in the first few percent of that sum; one
    that crawls shows a nearly straight line, whose half lies at 50 %. Progress is counted in summed
    learning rate, not in steps, so that a long warm-up or a short cooldown does not look like
    crawling.
    """
    import numpy as np

    curve = run.train if len(run.train) >= 20 else run.val
    if len(curve) < 12 or len(run.lr) < 2 or not run.peak > 0:
        return None
    hotter = run.seen.hotter
    if hotter is not None and hotter.sigmas < 1:
        return None  # a higher peak was tried and was no better
    if len(run.val) >= 12 and run.gained(curve).sigmas < 2 * CLEAR:
        curve = run.val  # less noise, where the gain is small
    smooth, gained = curve.smooth(), run.gained(curve)
    if gained.sigmas < 2 * CLEAR:
        return None
    every = np.linspace(0.0, run.end, 513)
    rates = np.interp(every, run.lr.steps, run.lr.values)
    walked = np.concatenate([[0.0], np.cumsum(0.5 * (rates[1:] + rates[:-1]))])
    share = np.interp(smooth.steps, every, walked / max(float(walked[-1]), 1e-300))
    start = run.start(curve).value
    done = (start - smooth.values) / max(start - float(smooth.values[-1]), 1e-300)
    half = float(share[int(np.argmax(done >= 0.5))])
    late = 1.0 - float(np.interp(0.75, share, done))
    better = hotter is not None and hotter.sigmas >= 2
    ease = 0.7 if better else 1.0
    if half < ease * limit("LR too low", "half") or late < ease * limit("LR too low", "late"):
        return None
    words = (
        f"Half of the gain took {100 * half:.0f} % of the summed learning rate, and its last quarter still brought "
        f"{100 * late:.0f} %: the loss is held back by how far the steps carry it."
    )
    if better:
        words += " The next higher peak of the same plan did better, which confirms it."
    title = f"learning rate too low (peak {short(run.peak)})" if better else (
        f"learning rate too low (peak {short(run.peak)}) or run too short")  # fmt: skip
    evidence = [
        Evidence("half of the gain at", half, f"{100 * half:.0f} % of summed LR"),
        Evidence("gain of the last quarter", late, f"{100 * late:.0f} %"),
        Evidence("peak", run.peak, short(run.peak)),
    ]
    return Diagnosis(
        "LR too low", "warning", title, words,
        (f"Try peaks of {short(run.peak * 3)} and {short(run.peak * 10)}.",
         "If the peak cannot rise because it diverges, lengthen the warm-up or the run."),
        tuple(evidence), 0.95 if better else 0.7, (Change("peak", 5.0, "scale 3"), Change("peak", 10.0)),
    )  # fmt: skip


def horizon_too_short(run: Judged) -> Diagnosis | None:
    """The loss is still falling steeply in the last steps.

    Large enough: the last tenth of the steps brought 5 % of the whole gain. A loss that falls like
    any power law brings below 1 % there; a straight line brings 10 %. A cooldown is steep by nature,
    so the fifth of the run before it must have gone at half of that pace.
    """
    curve, name = main_curve(run)
    if len(curve.window(0.9 * run.end, run.end)) < 3:
        curve, name = run.train, "training loss"
    if run.seen.status == "running" and run.end < 0.95 * run.seen.horizon or len(curve) < 20:
        return None
    # The line is laid through the last fifth, which is steadier, and read over a tenth.
    fall, gained = curve.fall(0.8 * run.end, run.end), run.gained(curve)
    share = 0.5 * fall.value / max(gained.value, 1e-300)
    newest = curve.fall(0.9 * run.end, run.end)
    if fall.sigmas < CLEAR or share < limit("horizon too short", "share") or newest.value < 0.25 * fall.value:
        return None
    if len(run.lr):
        hot = run.lr.steps[run.lr.values >= 0.7 * run.peak]
        cooled = min(float(hot[-1]), 0.8 * run.end)
        before = curve.fall(max(0.0, cooled - 0.2 * run.end), cooled)
        if before.value < 0.05 * gained.value:
            return None
    longer = 2 * run.seen.horizon
    return Diagnosis(
        "horizon too short", "warning", "still falling steeply at the end",
        f"The last tenth of the run brought {100 * share:.0f} % of all that the {name} gained; a run that is done "
        "shows below 1 %.",
        (f"Bind the same plan to a longer horizon, such as {longer:,} steps: lengths in percent stretch with it.",
         "If the budget is fixed, a higher peak buys some of the same."),
        (Evidence("gain of the last tenth", share, f"{100 * share:.1f} %"),),
        sure(fall.sigmas), (Change("horizon", float(longer), f"extend {run.seen.horizon}"),),
    )  # fmt: skip
