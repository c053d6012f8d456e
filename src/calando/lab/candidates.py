"""Who takes part: plans as text or values, with labels, pinned peaks and roles."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from calando.errors import BadFile, BadValue, LabError, shown
from calando.records.study import Candidate, Role

if TYPE_CHECKING:
    from calando.core.plan import Plan

__all__ = ["HUMBLE", "CandidateLike", "gather", "read_candidate", "read_peak"]

HUMBLE = ("constant()", "linear_decay()", "cosine()", "wsd()")
CandidateLike = "str | Plan | Candidate"
_SPELLING = re.compile(r"\A\s*(?:(?P<label>[^:()@|]+):)?(?P<plan>[^@]*)(?:@(?P<peak>[^@]*))?\Z", re.DOTALL)


def read_peak(given: object, where: str = "peaks") -> float:
    """A peak learning rate from a number or its text; raises BadValue unless it is finite and above 0.

    >>> read_peak("3e-4")
    0.0003
    """
    try:
        peak = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else math.nan
    except ValueError:
        peak = math.nan
    if not (math.isfinite(peak) and peak > 0):
        raise BadValue(
            given=f"the peak {shown(given)}",
            allowed="a finite learning rate above 0",
            where=where,
            fix="give for example 0.1 or 3e-4",
        )
    return peak


def read_candidate(given: "str | Plan | Candidate", role: Role = "candidate", label: str = "") -> Candidate:
    """A candidate from a plan, or from text: `[label:] plan [@ peak]`, a plan's JSON, or a .json file of one.

    The plan's own text is the label unless one is given; a peak after `@` is used as it is, where
    others are tried at every peak of the grid. Raises what the plan's parser raises, and BadValue.

    >>> read_candidate("mine: cosine(end=0.1) @ 0.05")
    Candidate(label='mine', plan='cosine(end=0.1)', plan_json='...', peak=0.05, role='candidate', ...)
    """
    from calando.core.plan import Plan
    from calando.core.text import parse

    if isinstance(given, Candidate):
        return replace(given, role=role)
    peak = None
    if isinstance(given, str) and (given.lstrip().startswith("{") or given.rstrip().endswith(".json")):
        given = _from_json(given.strip())
    if isinstance(given, str):
        match = _SPELLING.match(given)
        if match is None:
            raise BadValue(
                given=shown(given),
                allowed="[label:] plan [@ peak]",
                where="candidates",
                fix='write for example "mine: warmup(5%) | cosine() @ 0.1"',
            )
        label = label or (match["label"] or "").strip()
        peak = None if match["peak"] is None else read_peak(match["peak"].strip(), "candidates")
        given = parse(match["plan"].strip())
    if not isinstance(given, Plan):
        raise BadValue(
            given=shown(given),
            allowed="a plan, or its text",
            where="candidates",
            fix='write for example calando.cosine() or "cosine()"',
        )
    text = str(given)
    if not label.isprintable():
        label = "".join(c if c.isprintable() else "�" for c in label)  # no control characters, no half characters
    label = label or (text if peak is None else f"{text} @ {peak:g}")
    return Candidate(label, text, given.to_json(), peak, role)


def _from_json(text: str) -> "Plan":
    """The plan of a JSON text or file; raises BadFile for anything else."""
    from calando.core.codec import from_json
    from calando.core.plan import Plan

    where = "candidates"
    if not text.startswith("{"):
        where = text
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BadFile(
                given=f"the file {shown(where)}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}",
                allowed="a plan as text, as JSON, or a .json file of one",
                where="candidates",
                fix='give a readable file, or a plan such as "cosine(end=0.1)"',
            ) from error
    found = from_json(text)
    if isinstance(found, Plan):
        return found
    raise BadFile(
        given=f"JSON of a {type(found).__name__.lower()}, which has a horizon of its own",
        allowed="JSON of a plan; the study binds it to its own horizon",
        where=where,
        fix="write plan.to_json() where the schedule is made, not schedule.to_json()",
    )


def gather(
    candidates: "Sequence[str | Plan | Candidate] | Mapping[str, str | Plan]",
    *,
    humble: bool = True,
    baseline: "str | Plan | Candidate | None" = None,
) -> tuple[tuple[Candidate, ...], str]:
    """Everyone who takes part, and the label of the baseline.

    The baseline is the user's own; without one, `cosine()` among the humble ones, else the first
    candidate. A plan that is named twice takes part once.

    Raises:
        LabError: when nobody takes part, or two different candidates have one label.
    """
    if isinstance(candidates, str):
        candidates = [candidates]
    if isinstance(candidates, Mapping):
        named = [read_candidate(plan, "candidate", label) for label, plan in candidates.items()]
    elif not isinstance(candidates, Iterable):
        raise BadValue(
            given=f"candidates={shown(candidates)}",
            allowed="a list of plans, or a mapping label -> plan",
            where="candidates",
            fix='write for example ["cosine()", "wsd()"]',
        )
    else:
        named = [read_candidate(plan) for plan in candidates]
    own = None if baseline is None else _own_baseline(baseline, named)
    found: dict[tuple[str, float | None], Candidate] = {}
    for candidate in [*([own] if own else []), *named]:
        found.setdefault((candidate.plan, candidate.peak), candidate)
    order = [(candidate.plan, candidate.peak) for candidate in named]
    everyone = sorted(found.values(), key=lambda c: order.index((c.plan, c.peak)) if (c.plan, c.peak) in order else 1e9)
    if humble:
        present = {candidate.plan for candidate in everyone if candidate.peak is None}
        extra = [read_candidate(text, "humble") for text in HUMBLE]
        everyone += [candidate for candidate in extra if candidate.plan not in present]
    labels = [candidate.label for candidate in everyone]
    if doubled := {label for label in labels if labels.count(label) > 1}:
        raise LabError(
            given=f"two different candidates labelled {shown(min(doubled))}",
            allowed="one candidate per label",
            where="candidates",
            fix='give each its own label: "a: plan" "b: plan"',
        )
    if not everyone:
        raise LabError(
            given="no candidates",
            allowed="at least one plan",
            where="candidates",
            fix='give --candidates "cosine()" "wsd()", or leave the humble ones in',
        )
    if own is not None:
        return tuple(everyone), own.label
    default = next((c.label for c in everyone if c.plan == "cosine()" and c.peak is None), labels[0])
    return tuple(everyone), default


def _own_baseline(given: "str | Plan | Candidate", named: list[Candidate]) -> Candidate:
    if isinstance(given, str):
        for candidate in named:
            if candidate.label == given.strip():
                return replace(candidate, role="baseline")
    own = read_candidate(given, "baseline")
    return next((replace(c, role="baseline") for c in named if (c.plan, c.peak) == (own.plan, own.peak)), own)
