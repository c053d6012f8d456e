"""Whether the learning rate reached the optimizer as the schedule has it, and if not, which slip it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short
from calando.records.diagnosis.noisy import trend

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["not_as_asked"]

KIND = "LR not as asked"
FASTER = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
"""Steps of the schedule an update that have been seen in the wild: processes, accumulated batches, double calls."""


def not_as_asked(run: Judged) -> Diagnosis | None:
    """The rates that the optimizer used are not those of the schedule.

    Large enough: at more than a fiftieth of the steps they are more than half a percent of the peak apart, which no
    rounding makes.
    """
    import numpy as np

    if not len(run.seen.asked[0]) or len(run.lr) < 2:
        return None
    wanted = trend(*run.seen.asked)
    if not len(wanted):
        return None
    at, used = run.lr.steps, run.lr.values
    asked = np.interp(at, wanted.steps, wanted.values)
    top = max(float(asked.max()), 1e-300)
    off = np.abs(used - asked) > limit(KIND, "apart") * np.maximum(asked, 0.2 * top)
    share = float(off.mean())
    if share <= limit(KIND, "share") or int(off.sum()) < 2:
        return None
    first = float(at[int(np.argmax(off))])
    what, advice, mild = _slip(at, used, asked, first, top)
    evidence = (
        Evidence("steps apart", share, f"{100 * share:.0f} %"),
        Evidence("first at", first, f"step {first:,.0f}"),
        Evidence("used there", float(used[int(np.argmax(off))]), short(float(used[int(np.argmax(off))]))),
        Evidence("asked there", float(asked[int(np.argmax(off))]), short(float(asked[int(np.argmax(off))]))),
    )
    return Diagnosis(
        KIND, "note" if mild else "warning", f"the learning rate was not what the schedule says: {what}",
        f"From step {first:,.0f} on, at {100 * share:.0f} % of the steps, the optimizer used another rate than the "
        f"schedule asks for ({evidence[2].text} instead of {evidence[3].text} there): {what}. Everything else that is "
        "said of this run is said of the rates that were used.",
        advice, evidence, 1.0, (Change("attach", what),),
    )  # fmt: skip


def _slip(at: Floats, used: Floats, asked: Floats, first: float, top: float) -> tuple[str, tuple[str, ...], bool]:
    """What happened, what to do, and whether it does little harm."""
    import numpy as np

    def near(guess: Floats, part: slice = slice(None)) -> bool:
        return bool(np.mean(np.abs(used[part] - guess[part])) < 0.004 * top)

    def schedule(places: Floats) -> Floats:
        return np.interp(places, at, asked)

    varies = float(np.ptp(asked)) > 0.01 * top
    if np.ptp(used) <= 1e-6 * top and varies:
        return (
            f"it stayed at {short(float(used[0]))}",
            ("Call `scheduler.step()` once after every `optimizer.step()`.",
             "Make the scheduler over the optimizer that trains: one made before the optimizer was wrapped, prepared "
             "or "
             "made anew moves another one's rate."),
            False,
        )  # fmt: skip
    above = asked > 0.01 * top
    ratio = float(np.median(used[above] / asked[above])) if above.any() else 1.0
    if abs(ratio - 1) > 0.004 and near(ratio * asked):
        return (
            f"it is {short(ratio)} times what was asked, at every step",
            ("Give the optimizer the peak as its own `lr`: a schedule multiplies it.",
             "Another scheduler or a scaling rule (batch size, processes) may have its hand on the same rate."), False,
        )  # fmt: skip
    for shift, word in ((1.0, "early"), (-1.0, "late")):
        if varies and np.mean(np.abs(used - schedule(at + shift))) < 0.1 * np.mean(np.abs(used - asked)):
            return (
                f"every update has the rate one step too {word}",
                ("Step the scheduler after the optimizer, once an update."
                 if shift > 0 else "Step the scheduler right after the optimizer, not at the next update's "
                                   "beginning.",),
                True,
            )  # fmt: skip
    for times in FASTER:
        if near(schedule(at * times)):
            return (
                f"the schedule runs {times} times too fast",
                (f"It is stepped {times} times an update: count updates, not processes or micro-batches, and step it "
                 f"in "
                 "one place only.",), False,
            )  # fmt: skip
    for times in _slower(at, used, schedule):
        return (
            f"the schedule runs about {times} times too slow",
            (f"It is stepped once in about {times} updates. If that is an epoch: `attach(..., interval=\"epoch\")`, or "
             "step it after every update.",), False,
        )  # fmt: skip
    after = at >= first
    if after.sum() >= 8 and near(np.where(after, schedule(at - first), used)):
        return (
            f"it began anew at step {first:,.0f}",
            ("Save and load the scheduler's state with the model's: `state_dict()` and `load_state_dict()`.",), False,
        )  # fmt: skip
    return (
        f"it differs from step {first:,.0f} on",
        ("See that nothing else sets the rate: a second scheduler, a trainer's own, a callback.",), False,
    )  # fmt: skip


def _slower(at: Floats, used: Floats, schedule: object) -> list[int]:
    """How many updates there are to a step of the schedule, where that explains what was used."""
    import numpy as np

    found = []
    last = max(float(at[-1]), 2.0)
    for times in sorted({2, 3, 4, 5, *np.unique(np.geomspace(6, max(7.0, last), 60).astype(int)).tolist()}):
        guess = schedule(np.floor(at / times))  # type: ignore[operator]
        found.append((float(np.mean(np.abs(used - guess))), times))
    error, times = min(found)
    return [times] if error < 0.01 * float(max(used.max(), 1e-300)) and float(np.ptp(used)) > 0 else []
