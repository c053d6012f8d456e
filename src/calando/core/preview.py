"""A schedule told in words and in a line of blocks; a small picture for notebooks."""

from html import escape
from typing import TYPE_CHECKING

from calando.core.clock import Clock, Length, round_half_up
from calando.core.plan import Plan
from calando.errors import BadValue

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["html", "lint", "preview", "sparkline"]

BLOCKS = " ▁▂▃▄▅▆▇█"


def sparkline(schedule: "Schedule", width: int) -> str:
    """The curve as `width` blocks, from 0 to its peak."""
    top = schedule.facts.peak or 1.0
    last = schedule.horizon - 1
    values = [schedule(last * i // max(width - 1, 1)) for i in range(width)]
    return "".join(BLOCKS[min(max(round(value / top * 8), value > 0.0), 8)] for value in values)


def number(value: float) -> str:
    """A factor as people read it."""
    return f"{value:.6g}"


def lint(schedule: "Schedule", horizon: int | None = None) -> tuple[str, ...]:
    """What looks unintended in a schedule, in words."""
    facts, found = schedule.facts, []
    found += _against(schedule, horizon)
    found += _early(schedule)
    if facts.peak == 0.0:
        found.append("never learns: the factor is 0 at every step")
    elif abs(facts.peak - 1.0) > 1e-9:
        found.append(
            f"peak is {number(facts.peak)}, not 1: the largest rate is {number(facts.peak)} times the peak that you set"
        )
    if schedule(0) == 0.0 and facts.peak > 0.0:
        found.append("first update is wasted: the factor is 0 at step 0 (warmup(..., first=step) would use it)")
    for jump in facts.jumps[:3]:
        if jump.after > jump.before:
            found.append(
                f"jumps up at step {jump.step}: from {number(jump.before)} to {number(jump.after)}"
                + (" (a restart)" if _restarts(schedule.plan) else "")
            )
        elif not _drops(schedule.plan):
            found.append(f"jumps down at step {jump.step}: from {number(jump.before)} to {number(jump.after)}")
    if len(facts.jumps) > 3:
        found.append(f"has {len(facts.jumps)}{'+' if len(facts.jumps) >= 1000 else ''} jumps in all")
    found += _floors(schedule.plan, schedule)
    found += _never(schedule.plan, _clock(schedule))
    return tuple(found)


def _against(schedule: "Schedule", horizon: int | None) -> list[str]:
    if horizon is None or horizon == schedule.horizon:
        return []
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise BadValue(given=repr(horizon), allowed="steps, >= 1", where="horizon", fix="give the run's length")
    bound = schedule.horizon
    if horizon > bound:
        end = number(schedule.facts.end)
        return [f"under-runs: made for {bound} steps of {horizon}; the last {horizon - bound} stay at {end}"]
    left = number(schedule(horizon))
    return [
        f"over-runs: made for {bound} steps, the run ends at {horizon} with the factor at {left}"
        f" instead of {number(schedule.facts.end)}"
    ]


def _early(schedule: "Schedule") -> list[str]:
    plan = schedule.plan
    if plan.is_flexible():
        return []
    stop = round_half_up(plan.extent(_clock(schedule)))
    if stop >= schedule.horizon:
        return []
    held = schedule.horizon - stop
    return [
        f"ends early: the last piece is over at step {stop} of {schedule.horizon};"
        f" its value {number(schedule.facts.end)} is held for {held} steps"
    ]


def _clock(schedule: "Schedule") -> Clock:
    sizes = (schedule.steps_per_epoch, schedule.tokens_per_step, schedule.samples_per_step)
    return Clock.of(schedule.horizon, *sizes)


def _never(plan: Plan, clock: Clock) -> list[str]:
    """Drops that the run is too short for."""
    lengths: list[Length] = []
    if type(plan).__name__ == "multistep":
        lengths = list(getattr(plan, "milestones", ()))
    elif getattr(plan, "staircase", False) and isinstance(getattr(plan, "every", None), Length):
        lengths = [getattr(plan, "every")]  # noqa: B009  # several plans have it, their base has not
    found = [
        f"never happens: {type(plan).__name__} drops at {length}, the run has {clock.horizon} steps"
        for length in lengths
        if clock.steps(length, type(plan).__name__) >= clock.horizon
    ]
    for child in plan.children:
        found += _never(child, clock)
    return found


def _floors(plan: Plan, schedule: "Schedule") -> list[str]:
    """Ends that were asked for and are not reached by the last update, and marks past the end."""
    found = []
    wanted = _end(plan)
    last, end = schedule.facts.last, schedule.facts.end
    if wanted is not None and abs(end - wanted) > 1e-9:
        found.append(f"floor not reached: end={number(wanted)} was asked for, the run ends at {number(end)}")
    elif wanted is not None and last > max(wanted, 0.0) + 0.05 * schedule.facts.peak:
        found.append(
            f"floor reached only after the run: the last update still has {number(last)}, the end is {number(wanted)}"
        )
    return found


def _end(plan: Plan) -> float | None:
    pieces = plan.children if type(plan).__name__ in ("then", "reduce_on_plateau", "bundle", "hold") else ()
    if pieces:
        return _end(pieces[-1] if type(plan).__name__ == "then" else pieces[0])
    end = getattr(plan, "end", None)
    return end if isinstance(end, float) else None


def _names(plan: Plan) -> set[str]:
    return {type(plan).__name__}.union(*(_names(child) for child in plan.children))


def _restarts(plan: Plan) -> bool:
    return bool(_names(plan) & {"warm_restarts", "repeat", "polynomial_decay"})


def _drops(plan: Plan) -> bool:
    stairs = {"step_decay", "multistep", "points", "hold", "exponential_decay", "inverse_time", "repeat", "function"}
    return bool(_names(plan) & stairs)


def preview(schedule: "Schedule", width: int = 60, horizon: int | None = None) -> str:
    """The curve, its facts and its lint as text."""
    if isinstance(width, bool) or not isinstance(width, int) or not 20 <= width <= 1000:
        raise BadValue(given=f"width={width!r}", allowed="20 to 1000 columns", where="preview", fix="use 60")
    facts = schedule.facts
    about = "" if facts.exact else "about "
    lines = [
        str(schedule.plan),
        sparkline(schedule, width),
        f"horizon {schedule.horizon} steps; peak {number(facts.peak)} at step {facts.peak_step};"
        f" last update {number(facts.last)}; end {number(facts.end)}",
        f"area {about}{number(facts.area)} steps, mean factor {about}{number(facts.mean)}",
    ]
    warnings = lint(schedule, horizon)
    return "\n".join(lines + [f"! {line}" for line in warnings])


def html(schedule: "Schedule") -> str:
    """The curve as a small SVG with its facts, for a notebook; all text is escaped."""
    from calando.core.picture.layout import picture
    from calando.core.picture.svg import svg

    facts, about = schedule.facts, "" if schedule.facts.exact else "about "
    words = "".join(f"<div>⚠ {escape(line)}</div>" for line in lint(schedule))
    return (
        '<div style="max-width:640px;font:13px/1.5 system-ui,sans-serif">'
        f"{svg(picture([schedule]), width=640)}"
        f'<div style="padding:4px 0">{schedule.horizon:,} steps · peak {number(facts.peak)} at step {facts.peak_step:,}'
        f" · last update {number(facts.last)} · end {number(facts.end)} · mean {about}{number(facts.mean)}</div>"
        f"{words}</div>"
    )
