"""Standstill: at a high learning rate, or at one that is nearly spent."""

from __future__ import annotations

import math

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, TOO_FEW, Change, Diagnosis, Evidence, Judged, short, whole
from calando.records.diagnosis.gliding import descent, glide
from calando.records.diagnosis.noisy import Trend

__all__ = ["HELD_UP", "held_up", "plateau_high", "plateau_low"]

HIGH = "plateau at high LR"
LOW = "plateau at low LR"
HELD_UP = "trembling to the end"
"""Evidence of a loss that falls on and is held up by the noise of the steps, which is no standstill."""


def plateau_high(run: Judged) -> Diagnosis | None:
    """Flat while the learning rate is still above half of its peak, with a fall afterwards or the end.

    Large enough: the stretch is at least 15 % of the run and gains less than 2 % of the whole,
    even at the upper end of its uncertainty.
    """
    if not len(run.lr) or not run.peak > 0 or run.end <= 0:
        return None
    import numpy as np

    high = run.lr.steps[run.lr.values >= 0.5 * run.peak]
    first, last = float(high[0]), min(float(high[-1]), run.end)
    if bool(np.any(run.lr.window(first, last).values < 0.5 * run.peak)):
        return None  # cyclic or restarted: its high stretches are broken by design
    flat = _flat(run, first + 0.5 * (last - first), last)
    if flat is None and last >= 0.95 * run.end:
        middle = first + 0.5 * (last - first)
        flat = _slow(run, middle, last)  # a rate that never comes down needs less to be blamed
        flat = _shaking(run, middle, last) if flat is None else flat
    if flat is None or last - first < 0.3 * run.end or _moving(run, first + 0.5 * (last - first), last):
        return None
    if ((going := glide(run)) is not None and going.on) or descent(run) is not None:
        return None  # cut off on its way down
    curve, name = _denser(run)
    before = curve.level(last - 0.1 * run.end, last, least=3)
    after = before.minus(curve.level(0.95 * run.end, run.end, least=3))
    # A single late loss above the rest must not move the beginning into what was just found to be flat.
    began = min(_flat_since(curve, before.value + 2 * before.error, last), first + 0.5 * (last - first))
    evidence = [
        Evidence("flat", last - began, f"steps {began:,.0f} to {last:,.0f}"),
        Evidence("gain there", flat, f"{100 * flat:.1f} % of the whole"),
    ]
    words = f"From about step {began:,.0f} to {last:,.0f} the {name} stood still at {short(before.value)} while the " \
            f"learning rate was above half of its peak"  # fmt: skip
    if last < 0.95 * run.end and (after.sigmas < CLEAR or after.value < limit(HIGH, "after") * run.gained(curve).value):
        return None  # the rate came down in time, and nothing had waited for it
    if after.sigmas >= CLEAR:
        evidence.append(Evidence("fell afterwards by", after.value, short(after.value)))
        words += f"; it fell by {short(after.value)} as soon as the rate came down."
        advice = (f"Begin the decay near step {whole(began):,}: the time until {last:,.0f} bought nothing.",
                  "Give the steps saved to a longer cooldown, or save them.")  # fmt: skip
    else:
        words += ", and it did not fall afterwards either."
        advice = ("End with a cooldown to zero over the last 20 %: `wsd(cooldown=20%)` or `linear_decay()`.",
                  f"Or try a peak of {short(run.peak / 3)}: this one may be held up by its own noise.")  # fmt: skip
    return Diagnosis("plateau at high LR", "warning", f"plateau at high learning rate from step {began:,.0f}",
                     words, advice, tuple(evidence), 0.85 if after.sigmas >= CLEAR else 0.7,
                     (Change("cooldown", float(max(1, round(0.3 * run.seen.horizon))), "cooldown 20%"),
                      Change("peak", 1 / 3, "scale 0.33")))  # fmt: skip


def held_up(run: Judged) -> Diagnosis | None:
    """A run that was cut off on its way down while its evaluations trembled: a decay brings something at once."""
    rates, part = run.lr.window(0.5 * run.end, run.end).values, run.val.window(0.5 * run.end, run.end)
    if len(part) < 6 or run.seen.higher_is_better or not run.peak > 0 or not rates.size:
        return None
    gain = run.begin(run.val) - float(run.val.smooth().values.min())
    hot = float(rates.min()) >= 0.6 * run.peak and run.end + 1 > limit("horizon too short", "left") * run.seen.horizon
    if not hot or not gain > 0 or part.tremble() < limit(HIGH, "held up") * gain:
        return None
    share = part.tremble() / gain
    said = f"{100 * share:.2g} % of the gain"
    return Diagnosis(
        HIGH, "warning", "held up by a learning rate that never came down",
        f"It was still on its way down, but over the second half one evaluation strayed from the next by {said}: that "
        "is the noise of steps at a high rate, which a longer run at this rate keeps and a decay takes away.",
        ("End with a cooldown to zero over the last 20 %: `wsd(cooldown=20%)` or `linear_decay()`.",
         "Where the run can be longer, too, cool down at its new end."),
        (Evidence(HELD_UP, share, said),), 0.6,
        (Change("cooldown", float(max(1, round(0.3 * run.seen.horizon))), "cooldown 20%"),),
    )  # fmt: skip


def plateau_low(run: Judged) -> Diagnosis | None:
    """Flat for a long time at the end at a learning rate that is nearly spent.

    Large enough: 30 % of the run below a tenth of the peak. A cosine spends its last 20 % there
    and is meant to be flat there, so less than 30 % is no finding.
    """
    if not len(run.lr) or not run.peak > 0 or run.end <= 0:
        return None
    import numpy as np

    above = np.flatnonzero(run.lr.values > 0.0999 * run.peak)
    first = float(run.lr.steps[above[-1]]) if above.size else 0.0
    if run.end - first < limit("plateau at low LR", "stretch") * run.end:
        return None
    flat = _spent(run, first + 0.1 * run.end)
    flat = _used_up(run, first) if flat is None and len(run.lr) > 2 else flat
    if flat is None or not math.isfinite(flat):
        return None
    _, name = _denser(run)
    return Diagnosis(
        "plateau at low LR", "note", f"plateau at low learning rate from step {first:,.0f}",
        f"The last {100 * (1 - first / run.end):.0f} % of the run went by below a tenth of the peak and brought "
        f"{100 * max(flat, 0):.1f} % of the gain of the {name}.",
        (f"A horizon of about {whole(first * 1.1):,} steps would have ended at the same place.",
         "Or keep the rate higher for longer: a later first milestone, a gentler factor."),
        (Evidence("since", first, f"step {first:,.0f}"), Evidence("gain there", flat, f"{100 * flat:.1f} %")),
        0.85, (Change("plan", "warmup(5%) | cosine()"), Change("horizon", float(whole(first * 1.1)), "stop")),
    )  # fmt: skip


def _used_up(run: Judged, first: float) -> float | None:
    """The share of the gain made from a step on, where the summed rate was as good as used up by then.

    So little of a rate moves little: what still comes is no sign that the rate was low from the start.
    """
    import numpy as np

    steps = run.lr.steps
    spent = run.lr.values * np.diff(steps, prepend=2 * steps[0] - steps[1])  # a rate that was logged holds up to there
    left = float(spent[steps > first].sum() / max(float(spent.sum()), 1e-300))
    curve = run.val if len(run.val) >= 12 else _denser(run)[0]
    gain, fall = run.begin(curve) - float(curve.smooth().values.min()), curve.fall(first + 0.1 * run.end, run.end)
    if gain <= 0 or left > limit(LOW, "left") or fall.value - 2 * fall.error > limit(LOW, "crept") * gain:
        return None
    return fall.value / gain


def _spent(run: Judged, first: float) -> float | None:
    """The share of the gain made from a step on, where the quieter curve surely made hardly any and no other did."""
    found = []
    for curve in (run.train, run.val):
        if len(curve.window(first, run.end)) >= 5 and len(curve) >= TOO_FEW:
            gain = max(run.begin(curve) - float(curve.smooth().values.min()), run.gained(curve).value, 1e-300)
            fall = curve.fall(first, run.end)
            found.append((fall.error / gain, fall.value / gain))
    if not found:
        return None
    error, share = min(found)
    most = limit("plateau at low LR", "gain")
    if any(value - 2 * width > 2 * most for width, value in found):
        return None
    return share if share + 2 * error <= most else None


def _slow(run: Judged, first: float, last: float) -> float | None:
    """The share of the whole gain made in a window, where no curve surely made much."""
    shares = []
    held_out = len(run.val.window(first, last)) >= 5  # a training loss may fall on what is being learned by heart
    for curve in (run.val,) if held_out else (run.train,):
        if len(curve.window(first, last)) >= 5:
            fall, gained = curve.fall(first, last), max(run.begin(curve) - float(curve.smooth().values.min()), 1e-300)
            if fall.value + 2 * fall.error < limit(HIGH, "unsure") * gained:
                shares.append(fall.value / gained)
            if fall.sigmas > CLEAR and fall.value > limit(HIGH, "slow") * gained:
                return None
    return min(shares) if shares and min(shares) < limit(HIGH, "slow") else None


def _moving(run: Judged, first: float, last: float) -> bool:
    """Whether a curve clearly fell by a good part of what is left of it: little of the whole gain, yet much to have."""
    curve = run.val if len(run.val.window(first, last)) >= 5 else run.train
    if len(curve.window(first, last)) < 5 or run.seen.higher_is_better:
        return False
    fall, now = curve.fall(first, last), run.size(curve.level(last - 0.1 * (last - first), last, least=3).value)
    return fall.sigmas > 3 and fall.value > limit(HIGH, "moving") * now


def _shaking(run: Judged, first: float, last: float) -> float | None:
    """The share of the whole gain made in a window, where evaluations shake by much and go nowhere.

    Such a window is too noisy to be called flat; but its noise is what a lower rate would take away. Where it shakes by
    as much as was ever gained, nothing stands still.
    """
    part = run.val.window(first, last)
    if len(part) < 8 or run.seen.higher_is_better:
        return None
    gain = max(run.begin(run.val) - float(run.val.smooth().values.min()), 1e-300)
    fall = run.val.fall(first, last)
    shakes = limit(HIGH, "shaking") * gain <= part.tremble() <= limit(HIGH, "wild") * gain
    return fall.value / gain if shakes and abs(fall.sigmas) < 2 else None


def _flat(run: Judged, first: float, last: float) -> float | None:
    """The share of the whole gain made in a window, when one curve is surely flat there and none falls.

    Flat: even the upper end of its gain is below 2 % of the whole. A short validation curve may be
    too noisy to say either; it then leaves the word to the training curve.
    """
    if last - first < limit(HIGH, "stretch") * run.end:
        return None
    shares = []
    gains = {c: run.gained(c).value for c in (run.train, run.val) if len(c) >= TOO_FEW}
    for curve, own in gains.items():
        # A validation curve often starts when most is gained already: losses share their scale.
        gained = own if run.seen.higher_is_better else max(gains.values())
        if gained <= 0 or len(curve.window(first, last)) < 5:
            continue
        fall = curve.fall(first, last)
        if fall.value + 2 * fall.error <= limit(HIGH, "gain") * gained:
            if fall.value + 2 * fall.error < limit(HIGH, "unsure") * gained:
                shares.append(fall.value / gained)
        elif fall.sigmas > 2 and fall.value > limit(HIGH, "gain") * gained:
            return None
    return max(shares) if shares else None


def _flat_since(curve: Trend, level: float, last: float) -> float:
    """The first step from which the smoothed curve stays at or below a level until `last`."""
    part = curve.smooth().window(0, last)
    above = (part.values > level + curve.noise).nonzero()[0]
    return float(part.steps[min(int(above[-1]) + 1, len(part) - 1)]) if above.size else 0.0


def _denser(run: Judged) -> tuple[Trend, str]:
    """The curve with more points: levels and places are read off it."""
    return (run.train, "training loss") if len(run.train) >= len(run.val) else (run.val, run.seen.metric)
