"""A rate that is too much for the model."""

from __future__ import annotations

from dataclasses import dataclass

from calando.records.diagnosis.alike import looks_too_high
from calando.records.diagnosis.calm import trembling
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, NINE, Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.noisy import Level, Trend, median, medians, noise
from calando.records.diagnosis.pace import spent, steady
from calando.records.diagnosis.score import unharmed
from calando.records.diagnosis.waves import returns

__all__ = ["Throw", "lr_too_high", "thrown"]

HIGH = "LR too high"
LOW = "LR too low"


@dataclass(frozen=True, slots=True)
class Throw:
    """A loss that was thrown above its start early on: how far, as a share of the whole gain, and until when."""

    share: float
    height: float
    sigmas: float
    at: float
    back: float


def thrown(run: Judged) -> Throw | None:
    """Whether the training loss was thrown clearly above its start within the first 40 % of the run.

    What a model gains within its first few updates counts too: the start is the first value or the best of the first
    hundredth, whichever is lower. Where batches are so small that single losses scatter widely, neither the first nor
    two in three say much: there it is the middle of nine, and so is the throw.
    """
    import numpy as np

    curve = run.train if len(run.train) >= 40 else run.val
    if len(curve) < 12:
        return None
    values, end = curve.values, run.end
    head = curve.window(0, max(0.01 * end, float(curve.steps[min(2, len(curve) - 1)]))).values
    few = _early(curve)
    wild = few > limit(HIGH, "scatter")  # the first batch of a few may be an easy one
    start = median(head) if head.size >= 5 else float(values[0])
    start = median(values[:NINE]) if wild else min(start, float(values[0]))
    low = min(float(curve.smooth().values.min()), start)
    gain = max(start - low, limit(HIGH, "least") * run.size(start), 1e-300)
    blocks = _sliding(curve, NINE if wild else 3 if len(curve) >= 60 else 1)
    early = blocks.window(0, 0.4 * end)
    if not len(early):
        return None
    top = int(np.argmax(early.values))
    height = float(early.values[top]) - max(start, run.ceiling(curve) if curve is run.train else start)
    scatter = max(curve.noise, noise(values[:60]) if run.signed else few * abs(start), 1e-300)
    if height <= 0:
        return None
    at = float(early.steps[top])
    below = np.flatnonzero((blocks.values < start - 0.05 * gain) & (blocks.steps > at))
    back = float(blocks.steps[below[0]]) if below.size else end
    return Throw(height / gain, height, height / scatter, at, back)


def _early(curve: Trend) -> float:
    """The scatter of the first losses, as a share of themselves: single batches differ most where the loss is high."""
    import numpy as np

    first = curve.values[:60]
    return noise(np.log(first)) if first.size >= 24 and float(first.min()) > 0 else 0.0


def _sliding(curve: Trend, width: int) -> Trend:
    """Medians of neighbouring points, so that one wild batch is no throw."""
    import numpy as np

    if width == 1 or len(curve) < width:
        return curve
    windows = np.lib.stride_tricks.sliding_window_view(curve.values, width)
    half = width // 2
    return Trend(curve.steps[half : half + len(windows)], medians(windows), curve.noise)


def stalled(run: Judged) -> Level | None:
    """What the last quarter of the summed rate brought, as a share of the gain, after a quick start and a stall."""
    import numpy as np

    curve = steady(run)
    found = spent(run, curve)
    if found is None or run.lr_at(run.end) > 0.3 * run.peak:
        return None
    share, done = found
    gain = run.begin(curve) - median(curve.values[-3:])
    scale = max(gain, limit(HIGH, "least") * run.size(run.begin(curve)), 1e-300)
    late = Level((1.0 - float(np.interp(0.75, share, done))) * gain / scale, 1.5 * curve.noise / scale)
    quick = float(np.max(done[share <= 0.12], initial=0.0)) >= limit(HIGH, "quick")
    if not (gain > 0 and quick and late.value >= limit(HIGH, "stall") and late.sigmas >= 2):
        return None
    middle = (share >= 0.1) & (share <= 0.75)
    went = Trend(share[middle], -done[middle], curve.noise / scale).fall(0.1, 0.75)
    return late if went.value + went.error < limit(HIGH, "still") * late.value else None


def cooled(run: Judged) -> tuple[float, Level, Level, float] | None:
    """The step at which the rate fell to half of its peak for good, what was gained after it and in all, and the share
    of the summed rate that was left then."""
    import numpy as np

    if not len(run.lr) or not run.peak > 0:
        return None
    curve = _dense(run)
    if len(curve) < 12 or run.end <= 0:
        return None
    hot = run.lr.steps[run.lr.values >= 0.5 * run.peak]
    last = float(hot[-1])
    if last < 0.2 * run.end or last > 0.97 * run.end:
        return None
    width = 0.06 * run.end
    before = curve.level(last - width, last, least=3)
    after = before.minus(curve.level(run.end - width, run.end, least=3))
    first = run.start(curve)
    top = Level(max(first.value, float(np.max(curve.smooth().values[:20]))), first.error)
    every = np.interp(np.linspace(0, run.end, 513), run.lr.steps, run.lr.values)
    left = float(every[int(512 * last / run.end) :].sum() / max(float(every.sum()), 1e-300))
    return last, after, top.minus(curve.level(run.end - width, run.end, least=3)), left


def _descending(run: Judged, last: float) -> bool:
    """Whether the loss fell as fast before the rate came down as after: a slow start, and nothing that held it up."""
    curve = _dense(run)
    before, after = curve.fall(0.5 * last, last), curve.fall(last, run.end)
    pace = before.value / max(0.5 * last, 1e-300)
    return before.sigmas > 3 and pace > limit(HIGH, "pace") * after.value / max(run.end - last, 1e-300)


def _dense(run: Judged) -> Trend:
    return run.train if len(run.train) >= 20 else run.val


def shaken(run: Judged) -> Level | None:
    """How far an evaluation strayed from its curve while the rate was high, as a share of the gain, where by much.

    Only where the rate came down and the run ends no worse than it was before: what is learned by heart shakes, too.
    """
    curve = run.val
    hot = run.lr.steps[run.lr.values >= 0.5 * run.peak]
    if not run.peak > 0 or run.end <= 0 or len(curve) < 12 or run.seen.higher_is_better:
        return None
    if not 0.3 <= float(hot[-1]) / run.end <= 0.97:
        return None
    if len(run.train) < 60 and _early(run.train) > limit(HIGH, "scatter"):
        return None  # where it began, and so what it gained, is in no few losses that scatter so
    begin = run.begin(curve)
    gain = max(begin - float(curve.smooth().values.min()), limit(HIGH, "least") * run.size(begin))
    part = curve.window(0.15 * run.end, float(hot[-1]))
    if len(part) < 7 or gain <= 0 or float(curve.values[-3:].mean()) > median(part.values):
        return None
    size = part.tremble() / gain
    return Level(size, size / len(part) ** 0.5) if size >= limit(HIGH, "shaken") and not unharmed(run) else None


def _far(throw: Throw) -> bool:
    """Whether a throw is clear and large; a very large one needs less to be clear."""
    return throw.share >= limit(HIGH, "thrown") and throw.sigmas >= (3 if throw.share > 0.4 else 6)


def lr_too_high(run: Judged) -> Diagnosis | None:
    """The loss is held up by the rate: most of the gain came only when the rate had come down.

    Large enough: a share of the whole gain after the rate fell to half of its peak, a throw above the start, or
    evaluations that shake by a good part of the gain.
    """
    if len(returns(run)) >= 2 or not len(run.lr):
        return None
    late, throw, stall = cooled(run), thrown(run), None if run.unseen else stalled(run)
    share = (
        late[1].value / max(late[2].value, limit(HIGH, "least") * run.size(run.begin(_dense(run))), 1e-300)
        if late
        else 0.0
    )
    clear = late is not None and late[1].sigmas >= CLEAR and share >= limit(HIGH, "late") + late[3]
    clear = clear and late is not None and not _descending(run, late[0])
    hurled = throw is not None and _far(throw) and throw.back > limit(HIGH, "back") * run.end
    shake = None if run.unseen else shaken(run)
    if not clear and not hurled and stall is None and shake is None:
        return looks_too_high(run)
    quiet = trembling(run)
    if not hurled and quiet is not None and quiet.ratio > limit(LOW, "calm"):
        return None  # what makes no noise at all is not too high
    words, evidence = [], [Evidence("peak", run.peak, short(run.peak))]
    if hurled and throw is not None:
        words.append(f"the training loss was thrown {short(throw.height)} above its start near step {throw.at:,.0f} "
                     f"and was "
                     f"back below it at step {throw.back:,.0f}")  # fmt: skip
        evidence.append(Evidence("thrown up by", throw.height, short(throw.height)))
    if clear and late is not None:
        words.append(f"{100 * share:.0f} % of the gain came only after the rate had fallen to half of its peak at step "
                     f"{late[0]:,.0f}")  # fmt: skip
        evidence.append(Evidence("gain after the peak", share, f"{100 * share:.0f} %"))
    if stall is not None:
        words.append(f"after a quick start it stood nearly still, and the last quarter of the summed rate brought "
                     f"{100 * stall.value:.0f} % of the gain")  # fmt: skip
        evidence.append(Evidence("gain of the last quarter", stall.value, f"{100 * stall.value:.0f} %"))
    if shake is not None:
        words.append(f"while the rate was high, evaluations strayed from their curve by {100 * shake.value:.0f} % of "
                     "the gain")  # fmt: skip
        evidence.append(Evidence("trembling while hot", shake.value, f"{100 * shake.value:.0f} % of the gain"))
    text = " and ".join(words)
    return Diagnosis(
        HIGH, "warning", f"learning rate too high (peak {short(run.peak)})",
        text[0].upper() + text[1:] + ": at its peak the rate holds the loss up.",
        (f"Try a peak of {short(run.peak / 4)}, a quarter of this one.",
         "A longer warm-up and gradient clipping help at the edge."),
        tuple(evidence), sure(max(late[1].sigmas if clear and late else 0.0, throw.sigmas if hurled and throw else 0.0,
                                   stall.sigmas if stall else 0.0, shake.sigmas if shake else 0.0)),
        (Change("peak", 0.25, "scale 0.25"), Change("clip", 1.0)),
    )  # fmt: skip
