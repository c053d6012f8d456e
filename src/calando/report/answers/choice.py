"""A choice as a page: the ranking with its regrets, the humble baselines beside it, and what to run next."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Final

from calando.report.answers.drawing import ranks
from calando.report.answers.forecast import DRAWN, behind, export_line, losses_picture, named
from calando.report.answers.page import AnswerPage, Column, Part, Picture, Table
from calando.report.words import count, peak_text, percent, rounded, signed

if TYPE_CHECKING:
    from calando.forecast.choosing.answers import Baseline, Choice

__all__ = ["choice_page"]

OPENING: Final = {"choose": "", "tie": "Not to be told apart: ", "not enough": "Not enough evidence to choose. "}
LEAST: Final = 1e-5
"""Share of the loss by which a baseline has to be better to be called so."""
FINEST: Final = 1e-4
"""Width of a band below which no further decimals are written."""


def choice_page(found: Choice, command: str = "", made: str = "", more: tuple[tuple[str, str], ...] = ()) -> AnswerPage:
    """Which schedule to take for the long run, as a page.

    Example:
        >>> from calando.forecast.choosing.answers import Choice
        >>> choice_page(Choice("not enough", (), (), (), ("one run alone",), (), None, 50_000, 0.8, 0.1)).headline
        'Not enough evidence to choose.'
    """
    every = found.forecast.doubts if found.forecast is not None else ()
    doubts = [one.words for one in every if not any(reason.endswith(one.words) for reason in found.reasons)]
    reasons = tuple(dict.fromkeys((*found.reasons, *doubts, *found.notes)))
    parts = []
    if found.ranked:
        lead = f"By predicted loss after {count(found.horizon, 'update')}; a regret is the loss above the best one's."
        parts.append(Part("Ranking", (lead,), _pictures(found), _ranking(found)))
    if found.baselines:
        parts.append(Part("Beside the humble", (), (), _baselines(found), notes=(_humble(found),)))
    if found.next_runs:
        parts.append(Part("Run these next", (), (), _next(found)))
    if found.forecast is not None:
        parts += behind(found.forecast)
    curves = found.forecast.curves if found.forecast is not None else ()
    facts = [("horizon", count(found.horizon, "update")), ("candidates", f"{len(found.ranked):,}")]
    facts += (
        [("runs read", str(len(curves))), ("longest run", count(max(c.horizon for c in curves), "update"))]
        if curves
        else []
    )
    settled = found.verdict != "not enough" and _beaten_by(found) is None
    return AnswerPage(
        "Choice", f"Which schedule for {count(found.horizon, 'update')}", _headline(found), settled, (), reasons,
        (*facts, *more), tuple(parts), _commands(found), made, command,
    )  # fmt: skip


def _headline(found: Choice) -> str:
    if found.verdict == "not enough" or not found.ranked:
        return OPENING["not enough"].strip()
    better = _beaten_by(found)
    if found.verdict == "choose" and better is None:
        return f"Take {named(found.best.prediction)}."
    tied = found.tie
    others = f", {count(len(tied) - 3, 'other')}" if len(tied) > 3 else ""
    told = "; ".join(named(one.prediction) for one in tied[:3]) + others
    if better is None:
        return OPENING["tie"] + told + "."
    lower = f'but "{better.name}" ({named(better)}) is predicted {-better.regret:.2g} lower.'
    if found.verdict == "tie":
        return f"{OPENING['tie']}{told}; {lower}"
    return f"{told} is {'the best of those asked for' if len(found.ranked) > 1 else 'all that was asked for'}, {lower}"


def _beaten_by(found: Choice) -> Baseline | None:
    """The baseline that is predicted to do better than every candidate, if there is one."""
    best = min(found.baselines, key=lambda one: one.regret, default=None)
    return best if best is not None and best.regret < -LEAST * best.loss else None


def _scale(found: Choice) -> float:
    """What the numbers of the ranking are told to: the middle one of its bands."""
    return max(median(one.regret_high - one.regret_low for one in found.ranked), FINEST)


def _ranking(found: Choice) -> Table:
    scale = _scale(found)
    tied = "tied" if len(found.tie) > 1 else ""
    rows = tuple(
        (one.plan, str(one.rank), peak_text(one.peak, 4), rounded(one.loss, scale), signed(one.regret, scale),
         f"{rounded(one.regret_low, scale)} to {rounded(one.regret_high, scale)}", tied if one.tied else "")
        for one in found.ranked
    )  # fmt: skip
    columns = (
        Column("plan", number=False), Column("rank"), Column("peak"), Column("final loss"), Column("regret"),
        Column(f"its {percent(found.level)} band"), Column("", number=False),
    )  # fmt: skip
    strong = frozenset(i for i, one in enumerate(found.ranked) if one.tied)
    return Table(columns, rows, strong, tuple(range(1, DRAWN + 1)))


def _pictures(found: Choice) -> tuple[Picture, ...]:
    shown = found.ranked[:DRAWN]
    marks = [(one.rank, one.regret, one.regret_low, one.regret_high) for one in shown]
    key = tuple((one.rank, named(one.prediction)) for one in shown)
    draw = partial(ranks, marks, "regret: loss above the best candidate's")
    pictures = [Picture("regrets", "A mark is the predicted regret, its bar the band.", draw, key)]
    if found.forecast is not None:
        pictures.append(losses_picture(found.forecast, [one.prediction for one in shown], key))
    return tuple(pictures)


def _baselines(found: Choice) -> Table:
    rows = tuple(
        (one.name, one.plan, peak_text(one.peak, 4), rounded(one.loss), signed(one.regret, 1e-3))
        for one in found.baselines
    )
    columns = (
        Column("baseline", number=False),
        Column("plan", number=False),
        Column("peak"),
        Column("final loss"),
        Column("regret"),
    )
    return Table(columns, rows)


def _humble(found: Choice) -> str:
    best = min(found.baselines, key=lambda one: one.regret)
    if _beaten_by(found) is not None:
        return f'"{best.name}" is predicted {-best.regret:.2g} below the best of those asked for.'
    if best.regret <= LEAST * best.loss:
        return f'"{best.name}" is predicted to do as well: nothing is gained by the laws here.'
    return f"The best of them is predicted {rounded(best.regret, 1e-3)} above the choice."


def _next(found: Choice) -> Table:
    rows = tuple((one.plan, peak_text(one.peak, 4), f"{one.horizon:,}", one.why) for one in found.next_runs)
    return Table((Column("plan", number=False), Column("peak"), Column("updates"), Column("why", number=False)), rows)


def _commands(found: Choice) -> tuple[str, ...]:
    if found.verdict == "not enough" or not found.ranked:
        return ()
    best = _beaten_by(found) or found.best
    return (export_line(best.plan, found.horizon, best.peak),)
