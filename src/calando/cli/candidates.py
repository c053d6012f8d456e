"""The plans and peaks that `forecast` and `choose` are asked about, as they are typed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calando.errors import BadValue, CalandoError

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve

__all__ = ["asked", "plans_asked", "warmed", "warmup_of", "warmup_told"]

HUMBLE = ("constant()", "linear_decay()", "cosine()", "wsd()", "wsd(cooldown=60%)")
"""What is forecast where nobody names a plan, beside the plans of the runs themselves."""
MOST = 2000
WHOLE = 0.99  # of the peak: where a warm-up ends, so that a plan can go on from it


def asked(texts: Sequence[str], curves: "Sequence[LossCurve]", horizon: int) -> list[tuple[str, float]]:
    """The candidates: each plan at its own peak, else at every peak that was run, behind the runs' warm-up.

    Raises:
        BadValue: for a peak that is none, or more than 2,000 candidates.
        PlanError: what the plan's parser raises.
    """
    from calando.forecast.asked import peaks_run
    from calando.forecast.spreading import peaks_of

    run = peaks_run(curves)
    own = [curve.plan for curve in curves if curve.plan] if not texts else []
    found: list[tuple[str, float]] = []
    for text in texts or HUMBLE:
        plan, at, peak = text.partition("@")
        peaks = peaks_of(peak) if at else run
        found += [(one, value) for one in plans_asked([plan], curves, horizon) for value in peaks]
    found += [(plan, value) for plan in own for value in run]
    found = list(dict.fromkeys(found))
    if len(found) > MOST:
        raise BadValue(given=f"{len(found):,} candidates", allowed=f"at most {MOST:,}", where="--try",
                       fix="name fewer plans, or a peak after each: 'cosine() @ 1e-3'")  # fmt: skip
    return found


def plans_asked(texts: Sequence[str], curves: "Sequence[LossCurve]", horizon: int) -> list[str]:
    """The plans that some texts stand for, behind the runs' warm-up where a text says nothing of one."""
    from calando.forecast.spreading import plans_of

    warmup = warmup_of(curves)
    return [
        one if "warmup" in text else warmed(one, warmup, horizon) for text in texts for one in plans_of(text.strip())
    ]


def warmup_of(curves: "Sequence[LossCurve]") -> int:
    """The warm-up of some runs, in updates: the one that `choose` puts before its own plans."""
    from calando.forecast.choosing import evidence_of

    return evidence_of(curves).warmup


def warmup_told(plans: Sequence[str], curves: "Sequence[LossCurve]") -> tuple[tuple[str, str], ...]:
    """That plans took the runs' warm-up, as a fact of the answer; nothing where none did."""
    from calando.report.words import count

    warmup = warmup_of(curves)
    took = any(f"warmup={warmup}" in plan or f"warmup({warmup})" in plan for plan in plans)
    said = f"{count(warmup, 'update')}, as in the runs, before every plan that names none and has room for it"
    return (("warm-up", said),) if warmup and took else ()


def warmed(plan: str, warmup: int, horizon: int) -> str:
    """A plan with a warm-up before it; as it is where it does not begin at its peak, or where there is no room.

    Args:
        plan: the plan's own text.
        warmup: updates, >= 0.
        horizon: updates of the run.

    Example:
        >>> warmed("cosine()", 300, 15_000), warmed("wsd(cooldown=60%)", 300, 15_000)
        ('warmup(300) | cosine()', 'wsd(warmup=300, cooldown=60%)')
        >>> warmed("one_cycle()", 300, 15_000), warmed("wsd(cooldown=60%)", 300, 500)
        ('one_cycle()', 'wsd(cooldown=60%)')
    """
    from calando.core.text import parse

    text = (
        plan.replace("wsd(", f"wsd(warmup={warmup}, ", 1) if plan.startswith("wsd(") else f"warmup({warmup}) | {plan}"
    )
    try:
        schedule = parse(plan).bind(horizon)
        parse(text).bind(horizon)
    except CalandoError:
        return plan  # what is wrong with the plan itself is said where it is read
    begins = float(schedule(0)) if warmup and schedule.horizon > 1 else 0.0
    goes_on = begins >= WHOLE and float(schedule(1)) <= begins and schedule.facts.peak <= 1 / WHOLE
    return str(parse(text)) if goes_on else plan
