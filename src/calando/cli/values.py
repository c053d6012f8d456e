"""The steps at which a schedule is worth a look, and its values there."""

from collections.abc import Sequence
from typing import Any

from calando.core.clock import Clock, length_of, round_half_up
from calando.core.picture.layout import letter
from calando.core.schedule import Schedule
from calando.errors import BadValue

__all__ = ["asked_steps", "facts_plain", "notable_steps", "values_at"]

MOST = 14


def asked_steps(texts: Sequence[str], schedules: Sequence[Schedule]) -> dict[int, str]:
    """The steps that were asked for as "0,500,5%", and each one's spelling; a share is of the longest schedule.

    Raises:
        BadValue: for anything but lengths.

    >>> import calando
    >>> asked_steps(["0,50%"], [calando.cosine().bind(100)])
    {0: '', 50: '50%'}
    """
    longest = max(schedules, key=lambda schedule: schedule.horizon)
    clock = Clock.of(longest.horizon, longest.steps_per_epoch, longest.tokens_per_step, longest.samples_per_step)
    found: dict[int, str] = {}
    for text in texts:
        for word in filter(None, (part.strip() for part in text.split(","))):
            digits = word.replace("_", "")
            if digits.lstrip("+-").isdigit() and len(digits) < 20:
                if int(digits) < 0:
                    raise BadValue(
                        given=f"step {word}", allowed="steps from 0 on, or 5%, 3ep", where="--at", fix="count from 0"
                    )
                found.setdefault(int(digits), "")
            else:
                found.setdefault(round_half_up(clock.steps(length_of(word, "--at"), "--at")), word)
    return dict(sorted(found.items()))


def notable_steps(schedules: Sequence[Schedule]) -> dict[int, str]:
    """First and last update, peaks, both sides of jumps, turns and quarters; what each is, in words.

    >>> import calando
    >>> notable_steps([calando.multistep(milestones=[50]).bind(100)])
    {0: 'first update, peak', 25: '', 49: 'before the jump', 50: 'jump', 75: '', 99: 'last update', 100: 'end, held'}
    """
    marks: dict[int, list[str]] = {}

    def mark(step: int, word: str = "", who: str = "") -> None:
        words = marks.setdefault(step, [])
        text = f"{word} {who}".strip()
        if text and text not in words:
            words.append(text)

    several = len(schedules) > 1
    for horizon in dict.fromkeys(schedule.horizon for schedule in schedules):
        mark(0, "first update")
        for quarter in (1, 2, 3):
            mark(horizon * quarter // 4)
        who = (
            ""
            if len({s.horizon for s in schedules}) == 1
            else "of " + "".join(letter(i) for i, s in enumerate(schedules) if s.horizon == horizon)
        )
        mark(horizon - 1, "last update", who)
        mark(horizon, "end, held", who)
    for i, schedule in enumerate(schedules):
        who = f"of {letter(i)}" if several else ""
        facts = schedule.facts
        mark(facts.peak_step, "peak", who)
        jumps = [jump.step for jump in facts.jumps if 0 < jump.step < schedule.horizon]
        if len(jumps) <= 4:
            for step in jumps:
                mark(step - 1, "before the jump", who)
                mark(step, "jump", who)
        turns = [piece.first for piece in facts.pieces[1:] if piece.first not in jumps and piece.first + 1 not in jumps]
        if len(turns) <= 5:
            for step in turns:
                mark(step)
    steps = sorted(marks)
    if len(steps) > MOST + 4:
        steps = [step for step in steps if marks[step]]
    return {step: ", ".join(_gathered(marks[step])) for step in steps}


def _gathered(words: list[str]) -> list[str]:
    """ "peak of A" and "peak of B" as "peak of A and B"."""
    heads: dict[str, list[str]] = {}
    for word in words:
        head, _, who = word.partition(" of ")
        heads.setdefault(head, []).extend([who] if who else [])
    return [f"{head} of {' and '.join(who)}" if who else head for head, who in heads.items()]


def values_at(schedule: Schedule, step: int, peak: float | None) -> dict[str, float]:
    """All quantities at a step: the factor, the learning rate where a peak is known, and the others."""
    found = schedule.at(step)
    factor = float(found.pop("lr"))
    rates = {"factor": factor} if peak is None else {"lr": factor * peak, "factor": factor}
    return rates | {name: float(value) for name, value in found.items()}


def facts_plain(schedule: Schedule, peak: float | None) -> dict[str, Any]:
    """The facts as plain data, in factors, and the rates where a peak is known."""
    facts = schedule.facts
    plain: dict[str, Any] = facts._asdict()
    plain["jumps"] = [jump._asdict() for jump in facts.jumps]
    plain["pieces"] = [piece._asdict() for piece in facts.pieces]
    if peak is not None:
        plain["lr"] = {name: plain[name] * peak for name in ("peak", "last", "end", "mean")}
    return plain
