"""Runs that did not get anywhere: failed, diverged, not converging, rising, or hardly logged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.errors import counted
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import (
    CLEAR,
    NINE,
    TOO_FEW,
    Change,
    Diagnosis,
    Evidence,
    Judged,
    main_curve,
    short,
    sure,
    times,
)
from calando.records.diagnosis.fit import overfitting
from calando.records.diagnosis.learned import both_fell, fell_alone, gone_far, mostly_learned, plainly_learned, set_out
from calando.records.diagnosis.noisy import Level, Trend, median, noise

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["diverged", "failed", "not_converging", "rising", "too_little"]


def failed(run: Judged) -> Diagnosis:
    """The train function raised: its last lines are the finding."""
    lines = [line for line in run.seen.error.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "no traceback was recorded"
    at = run.seen.ended_at
    where = f" at step {at}" if at is not None else ""
    advice = [
        "Mend the train function, then give the same command with `--fresh`: results of different code cannot be "
        "mixed, so the study begins anew and this one is set aside.",
        "If the code is right and the machine was at fault: the same command with `--retry-failed` makes only the "
        "failed runs again.",
    ]
    if "memory" in last.lower():
        advice.insert(0, "Out of memory: fewer workers at once, or a smaller batch.")
    return Diagnosis("failed", "failure", f"failed{where}", last, tuple(advice), _steps(("ended at", at)))


def _steps(*pairs: tuple[str, int | None]) -> tuple[Evidence, ...]:
    return tuple(Evidence(name, float(v), f"step {v:,}") for name, v in pairs if v is not None)


def diverged(run: Judged) -> Diagnosis:
    """The loss became infinite, NaN or absurd: at which step, at which learning rate, and since when."""
    at = run.seen.ended_at if run.seen.ended_at is not None else int(run.end)
    lr, peak = run.lr_at(at), run.peak
    evidence = [Evidence("step", float(at), f"{at:,} of {run.seen.horizon:,}")]
    words = f"The loss stopped being a finite number at step {at:,}"
    if math.isfinite(lr):
        share = f", {100 * lr / peak:.0f} % of its highest" if peak > 0 and lr < 0.995 * peak else ""
        words += f", at a learning rate of {short(lr)}{share}"
        evidence.append(Evidence("learning rate", lr, short(lr)))
    left = _left_its_best(run)
    edge = lr
    if left is not None and left < at:
        broke = run.lr_at(left) or run.lr_at(left + 1)  # a warm-up may begin at zero
        edge = min(broke, lr) if lr > 0 else broke
        words += f"; it had been climbing away from its best value since about step {left:,.0f}"
        evidence.append(Evidence("climbing since", left, f"step {left:,.0f}"))
    at_rise = math.isfinite(lr) and run.lr_at(max(0, at - max(2, run.seen.horizon // 50))) < 0.999 * lr
    early = math.isfinite(lr) and 0 < at <= 0.15 * run.seen.horizon
    advice = []
    if edge == 0:
        advice.append("It broke at a rate of zero, where no step moves anything: look first for numbers that are not "
                      "finite in the batch, the labels and the loss itself.")  # fmt: skip
    elif math.isfinite(edge):
        advice.append(f"Choose a peak below {short(edge / 2)}: half of the rate at which it broke away.")
    else:
        advice.append("Choose a lower peak: a third of this one.")
    if at_rise or early:
        advice.append("It broke while the rate was rising or just after: a warm-up two to four times as long "
                      "may carry this peak.")  # fmt: skip
    advice.append("Clip the gradient norm (1.0 is the usual start); in half precision, check the loss scale.")
    title = f"diverged at step {at:,}" + (f", LR {short(lr)}" if math.isfinite(lr) else "")
    changes = [Change("peak", round(0.5 * edge / peak, 4) if math.isfinite(edge) and edge > 0 and peak > 0 else 1 / 3)]
    if at_rise or early:
        changes.append(Change("warm-up", float(max(10, round(0.1 * run.seen.horizon)))))
    changes.append(Change("clip", 1.0))
    return Diagnosis("diverged", "failure", title, words + ".", tuple(advice), tuple(evidence), 1.0, tuple(changes))


def _left_its_best(run: Judged) -> float | None:
    """The last step that is still within the noise of the best level before the loss went away."""
    curve = run.train
    if len(curve) < 5:
        return None
    import numpy as np

    values = curve.values
    lowest = np.minimum.accumulate(values)
    # Up to the best value all was well: a runaway's own noise would hide when it began.
    calm = min(curve.noise, noise(values[: max(8, int(values.argmin()) + 1)]))
    calm = calm if run.signed else min(calm, abs(float(values[0])) / 12)
    # 6 sigma above the best so far: single noisy batches do not reach it, a runaway stays above.
    near = np.flatnonzero(values <= lowest + 6 * calm + 1e-12)
    return float(curve.steps[near[-1]]) if near.size and near[-1] < values.size - 2 else None


def too_little(run: Judged) -> Diagnosis:
    """Too few logged points to say anything."""
    count = max(len(run.train), len(run.val))
    if count == 0 and run.seen.logged:
        return Diagnosis(
            "too little data", "note", "nothing that can be judged",
            f"None of the columns is a loss, or a metric such as an accuracy, by its name: {_few(run.seen.logged)}.",
            ("Say which one is: `--loss NAME` for a training loss, `--val-loss NAME` for what is measured on held-out "
             "data, with `--higher` where higher is better.",),
            (Evidence("points", 0.0, "0"),),
        )  # fmt: skip
    return Diagnosis(
        "too little data", "note", "too few points to judge",
        f"Only {counted(count, 'finite value')} logged." if count else "No finite value was logged.",
        ("Log the training loss at every step: it costs microseconds.",),
        (Evidence("points", float(count), str(count)),),
    )  # fmt: skip


def _smooth_rise(curve: Trend) -> bool:
    """Whether a rise from the lowest point to the end is smooth, as what is learned by heart makes it; a rate that is
    too high throws a loss about."""
    low = float(curve.values.min())
    part = curve.window(float(curve.steps[int(curve.values.argmin())]), float(curve.steps[-1]))
    return len(part) >= 5 and part.tremble() < 0.1 * (float(curve.values[-1]) - low)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def not_converging(run: Judged) -> Diagnosis | None:
    """The loss at the end is no better than at the start.

    Large enough: less than 1 % of the starting level was gained, which no run that learned shows.
    """
    end = run.end
    if (above := _ends_above(run)) is not None:
        return above
    if plainly_learned(run) or mostly_learned(run) or both_fell(run):
        return None
    floor = math.inf
    for curve in (run.train, run.val):
        if len(curve) < TOO_FEW:
            continue
        start = run.start(curve, 0.05)
        if len(run.train) >= 20 and run.begin(curve) > start.value and not run.seen.higher_is_better:
            if gone_far(run, curve, start, 5 * limit("not converging", "share")):
                return None  # however widely the first three scatter
            start = run.began(curve)
        if run.seldom(curve) and not run.seen.higher_is_better and float(curve.values[0]) > start.value:
            start = Level(float(curve.values[0]), curve.noise)  # what came after it was learned already
        if not run.seen.higher_is_better and start.value > floor:
            if curve is run.val and fell_alone(run):
                return None
            start = Level(floor, start.error)  # validated first when the loss had already been thrown up
        floor = min(floor, start.value)
        fell = curve.fall(0, end)  # its own way, whatever the noise of the batches it began with
        least = limit("not converging", "share")
        if fell.sigmas >= 2 * CLEAR and fell.value >= 5 * least * run.size(start.value):
            return None
        gain = start.minus(curve.level(0.8 * end, end, least=3))
        if len(run.lr) and run.lr_at(end) < 0.3 * run.peak:  # what came with the fall of the rate counts, too
            gain = max(gain, start.minus(curve.level(0.93 * end, end, least=3)), key=lambda one: one.sigmas)
        if len(run.train) < 60 and run.seldom(run.train) and gain.value >= 5 * least * run.size(start.value):
            return None  # too few values to be sure either way
        # Half a percent beyond doubt is a fine-tuning run.
        for sigmas, share in ((CLEAR, least), (2 * CLEAR, 0.5 * least)):
            if gain.sigmas >= sigmas and gain.value >= share * run.size(start.value):
                return None
    seldom = len(run.train) < 20 and not run.seen.higher_is_better  # a score is no loss to speak of here
    curve, name = main_curve(run) if seldom else (run.train, "training loss")
    start, last = run.start(curve, 0.05), curve.level(0.8 * end, end, least=3)
    evidence = (
        Evidence("at the start", start.value, short(start.value)),
        Evidence("at the end", last.value, short(last.value)),
        Evidence("highest learning rate", run.peak, short(run.peak)),
    )
    best = curve.smooth()
    low = best.values.argmin()
    lost = last.value - float(best.values[low])
    # The lowest of many blocks is low by chance: its own error counts, not that of the last level.
    chance = CLEAR * 1.25 * curve.noise / math.sqrt(max(1.0, len(curve) / len(best)))
    learned = lost > max(chance, 0.02 * run.size(start.value)) and best.steps[low] > 0.02 * end
    throw = float(best.values.max()) - run.ceiling(curve)
    if not learned and len(run.train) >= 20 and throw > max(chance, 0.1 * run.size(start.value)):
        return Diagnosis(
            "LR too high", "failure", "thrown up and hardly back",
            f"The {name} was thrown {short(throw)} above its start near step {best.steps[best.values.argmax()]:,.0f} "
            f"and "
            f"ends at {short(last.value)}, about where it began: the learning rate is too high.",
            (f"Try a peak of {times(run.peak, 0.25, 'a quarter of this one')}.",
             "A longer warm-up, and gradient clipping."),
            evidence, 0.8, (Change("peak", 0.25, "scale 0.25"), Change("clip", 1.0)),
        )  # fmt: skip
    if learned and curve is run.val and overfitting(run) is not None and _smooth_rise(curve):
        return None
    if learned:
        return Diagnosis(
            "LR too high", "failure", "learned, then lost it",
            f"The {name} came down to {short(float(best.values[low]))} near step {best.steps[low]:,.0f} and then "
            f"rose again to {short(last.value)}, about where it started: the learning rate is too high.",
            (f"Try a peak of {times(run.peak, 0.25, 'a quarter of this one')}.", "A longer warm-up and gradient "
             "clipping help at the edge."),
            evidence, sure(lost / max(last.error, 1e-300)), (Change("peak", 0.25, "scale 0.25"), Change("clip", 1.0)),
        )  # fmt: skip
    rose = last.minus(start)
    if rose.sigmas >= CLEAR and rose.value > limit("diverged", "above") * run.size(start.value):
        return _rose(run, name, evidence, rose.sigmas)
    upward = _unmoved(run, start.value)
    first, other = (upward, 0.1) if upward is not None else (0.1, 10.0)
    where = ("It was not thrown about either: the rate is likely too low by far." if upward is not None else
             "One of these should move it.")  # fmt: skip
    return Diagnosis(
        "not converging", "failure", "not converging",
        f"The {name} ends at {short(last.value)} and began at {short(start.value)}: within the noise, nothing "
        "was learned.",
        (f"Try a peak of {times(run.peak, first, f'{short(first)} times this one')} first, then one of "
         f"{times(run.peak, other, f'{short(other)} times this one')}. {where}",
         "If neither does, it is not the schedule: check that the labels match the inputs, that the optimizer "
         "holds the model's parameters, and that a single batch can be overfitted."),
        evidence, 0.9 if curve.noise > 0 else 1.0, (Change("peak", first), Change("peak", other)),
    )  # fmt: skip


def _rose(run: Judged, name: str, evidence: tuple[Evidence, ...], sigmas: float) -> Diagnosis:
    """What was logged rose from its start to its end: what that means hangs on what it is."""
    advice = [f"Try a peak of {times(run.peak, 0.1, 'a tenth of this one')}."]
    if name != run.seen.train_metric:
        advice = [
            f"If the {name} is better when higher, say so (`--higher`): then it learned.",
            "Log the training loss at every step: where it falls meanwhile, examples are learned by heart, and an "
            f"earlier stop mends that; where it rises as well, the rate is too high. {advice[0]}",
        ]
    began, ends = evidence[0].text, evidence[1].text
    return Diagnosis(
        "not converging", "failure", "not converging",
        f"The {name} ends at {ends} and began at {began}: it rose, further than its noise.",
        tuple(advice), evidence, min(0.75, sure(sigmas)), (Change("peak", 0.1),),
    )  # fmt: skip


def _unmoved(run: Judged, start: float) -> float | None:
    """How many times higher a peak might get somewhere, where the loss only ever lay still: ten to a thousand.

    The way that evaluations did come, however short, gives the factor: at the same pace to a third of the start.
    """
    import numpy as np

    if len(run.train) >= 20:
        rose = float(run.train.smooth().values.max()) - run.begin(run.train)
        if rose > max(CLEAR * run.rise_error(), 0.05 * run.size(start)):
            return None
    if len(run.val) >= TOO_FEW:
        fall = run.val.fall(0, run.end)
        lowest = np.minimum.accumulate(run.val.values)
        if float((run.val.values - lowest).max()) > 0.05 * run.size(start):
            return None  # thrown about, after all
        if fall.sigmas > CLEAR and fall.value > 0:
            return float(f"{min(1000.0, max(10.0, 0.3 * run.size(start) / fall.value)):.0e}")
    return 100.0 if len(run.val) >= TOO_FEW or len(run.train) >= 20 else None


def _ends_above(run: Judged) -> Diagnosis | None:
    """The training loss ends clearly above where it began, not only while the rate was high.

    The end is the mean of the last losses, few of them: what came down with the rate counts.
    """
    curve = run.train
    if len(curve) < 20:
        return None
    start, last = _least_start(run), _last(curve)
    far = limit("diverged", "above") * run.size(start.value)
    above = max(run.ceiling(curve), start.value) + (max(far, 3 * curve.noise) if run.signed else far)
    middle = median(curve.values[-_few_last(curve) :])
    clear = last.value > above and middle > above and last.minus(start).sigmas >= limit("diverged", "clear")
    clear = clear and _moved(curve, start.value, last)
    if not clear and not _never_back(run, start.value):
        return None
    if not clear:
        last = _mean(curve.values[-(len(curve) // 5) :])
    return Diagnosis(
        "diverged", "failure", "ends above its start",
        f"The training loss began at {short(start.value)} and ends at {short(last.value)}: the steps do harm, the "
        "learning rate is far too high.",
        (f"Try a peak of {times(run.peak, 0.1, 'a tenth of this one')}.", "Clip the gradient norm."),
        (Evidence("at the "
                  "start", start.value, short(start.value)), Evidence("at the end", last.value, short(last.value)),
         Evidence("highest learning rate", run.peak, short(run.peak))),
        sure(last.minus(start).sigmas), (Change("peak", 0.1), Change("clip", 1.0)),
    )  # fmt: skip


def _least_start(run: Judged) -> Level:
    """Where a run began; of few losses that scatter widely the middle of nine tells, as a single one is a draw."""
    import numpy as np

    start, values = set_out(run), run.train.values
    if not 24 <= values.size < 60 or float(values.min()) <= 0 or run.signed:
        return start
    scatter = noise(np.log(values))
    middle = median(values[:NINE])
    wild = scatter > limit("LR too high", "scatter") and middle > start.value
    return Level(middle, 1.25 * scatter * middle / NINE**0.5) if wild else start


def _few_last(curve: Trend) -> int:
    return max(min(20, len(curve) // 5), len(curve) // 50)


def _moved(curve: Trend, start: float, last: Level) -> bool:
    """Whether a loss went anywhere: the first three batches may be easier than all others of a run that did not."""
    head = _mean(curve.values[: _few_last(curve)])
    apart = abs(last.minus(head).sigmas) >= CLEAR
    return apart or float(curve.smooth().values.max()) > limit("diverged", "thrown") * max(start, head.value)


def _last(curve: Trend) -> Level:
    return _mean(curve.values[-_few_last(curve) :])


def _mean(values: Floats) -> Level:
    """The mean with its error: in a loss that is nothing on most batches and huge on some, the middle says nothing."""
    return Level(float(values.mean()), float(values.std()) / float(values.size) ** 0.5)


def _never_back(run: Judged, start: float) -> bool:
    """Whether a run was thrown far above its start and neither curve was below it again.

    The mean of the training losses, of which single ones may be nothing, and every evaluation must be above.
    """
    if run.signed or run.seen.higher_is_better or len(run.val) < TOO_FEW:
        return False
    values, above = run.train.values, (1 + limit("diverged", "above")) * start
    if float(values.mean()) < limit("diverged", "thrown") * start or float(run.val.values.min()) < above:
        return False
    return float(values[-max(len(run.train) // 5, 3) :].mean()) > above and _last(run.train).value > start


def rising(run: Judged) -> Diagnosis | None:
    """The training loss itself climbs clearly in the second half: too hot, not overfitting.

    Large enough: it lost a tenth of what it had gained.
    """
    curve = run.train
    if len(curve) < 20:
        return None
    end = run.end
    smooth = curve.smooth()
    low = int(smooth.values.argmin())
    at = float(smooth.steps[low])
    last = curve.level(0.9 * end, end, least=3)
    best = curve.level(at - 0.05 * end, at + 0.05 * end, least=3)
    lost, gained = last.minus(best), run.gained(curve)
    if at > 0.85 * end or lost.sigmas < CLEAR or lost.value < 0.1 * max(gained.value + lost.value, 0.0):
        return None
    rate = f" (LR {short(run.lr_at(at))})" if math.isfinite(run.lr_at(at)) else ""
    return Diagnosis(
        "LR too high", "warning", f"training loss rises after step {at:,.0f}",
        f"The training loss was {short(best.value)} near step {at:,.0f}{rate} and ends at "
        f"{short(last.value)}. Since the training loss itself rises, this is instability, not overfitting.",
        (f"Lower the peak to about {times(run.peak, 0.5, 'half of this one')}, or begin the decay before step "
         f"{at:,.0f}.",
         "Clip the gradient norm."),
        (Evidence("best level", best.value, short(best.value)), Evidence("end", last.value, short(last.value))),
        sure(lost.sigmas), (Change("peak", 0.5, "scale 0.5"), Change("clip", 1.0)),
    )  # fmt: skip
