"""What `calando show` prints: names, curves, facts, values and lint, as lines."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from calando.cli.tables import bulleted, paint, table
from calando.cli.values import asked_steps, notable_steps, values_at
from calando.core.picture.layout import Picture, letter, picture, spelled
from calando.core.picture.numbers import rate, step_text
from calando.core.schedule import Schedule

__all__ = ["curves", "fact_rows", "lint_lines", "sheet", "value_rows"]


def sheet(
    schedules: Sequence[Schedule],
    peak: float | None,
    at: Sequence[str],
    width: int,
    height: int,
    *,
    plain: bool = False,
    log: bool = False,
) -> Iterator[str]:
    """The lines of `calando show`, coloured; none wider than `width`, but for a single word that is."""
    several = len(schedules) > 1
    for slot, schedule in enumerate(schedules):
        mark = letter(slot) if several else ""
        first, *rest = bulleted(mark, spelled(schedule), width) if several else wrap(spelled(schedule), width)
        yield paint(mark, slot, bold=True) + first[len(mark) :] if several else first
        yield from rest
    drawn = picture(
        schedules, peak=peak, log=log, buckets=2 * width, about=max(2, height // 4), across=max(3, width // 16)
    )
    yield from curves(drawn, width, height, plain)
    yield ""
    slots = [None, *(slot if several else None for slot in range(len(schedules)))]
    head = ["", *(letter(slot) if several else "" for slot in range(len(schedules)))]
    yield from table(head, fact_rows(schedules, peak), width, slots)
    yield ""
    steps = asked_steps(at, schedules) or notable_steps(schedules)
    head, rows, slots = value_rows(schedules, peak, steps)
    yield from table(head, rows, width, slots)
    words = lint_lines(schedules)
    if words:
        yield ""
    for who, text in words:
        yield from bulleted("!", f"{who}: {text}" if who else text, width)


def curves(drawn: Picture, width: int, height: int, plain: bool) -> Iterator[str]:
    """The lines of a picture in text, coloured."""
    from calando.core.picture.braille import draw

    yield ""
    for row in draw(drawn, width, height, plain=plain):
        line, run, slot = "", "", None
        for cell in row:
            if cell.slot != slot:
                line, run, slot = line + _painted(run, slot), "", cell.slot
            run += cell.sign
        yield (line + _painted(run, slot)).rstrip()


def _painted(run: str, slot: int | None) -> str:
    return paint(run, slot, bold=run.isalpha()) if run.strip() else run


def _clock_rows(schedules: Sequence[Schedule]) -> list[list[str]]:
    """The horizon in steps, and in every unit that is known."""
    rows = [["steps", *(step_text(schedule.horizon) for schedule in schedules)]]
    for unit in ("epochs", "tokens", "samples"):
        cells = []
        for schedule in schedules:
            if unit == "epochs":
                share = None if schedule.steps_per_epoch is None else schedule.horizon / schedule.steps_per_epoch
            else:
                size = schedule.tokens_per_step if unit == "tokens" else schedule.samples_per_step
                share = None if size is None else schedule.horizon * size
            cells.append("" if share is None else rate(share))
        if any(cells):
            rows.append([unit, *cells])
    return rows


def fact_rows(schedules: Sequence[Schedule], peak: float | None) -> list[list[str]]:
    """Facts as rows, one column a schedule."""
    by = 1.0 if peak is None else peak
    known = [schedule.facts for schedule in schedules]
    about = ["" if facts.exact else "~" for facts in known]
    rows = [
        *_clock_rows(schedules),
        ["peak", *(rate(facts.peak * by) for facts in known)],
        ["peak at step", *(step_text(facts.peak_step) for facts in known)],
        ["first update", *(rate(schedule(0) * by) for schedule in schedules)],
        ["last update", *(rate(facts.last * by) for facts in known)],
        ["end, held", *(rate(facts.end * by) for facts in known)],
        ["mean", *(mark + rate(facts.mean * by) for mark, facts in zip(about, known, strict=True))],
        ["area, in steps at the peak", *(m + step_text(round(f.area)) for m, f in zip(about, known, strict=True))],
    ]
    if any(facts.jumps for facts in known):
        rows.append(["jumps", *(f"{len(f.jumps)}{'+' if len(f.jumps) >= 1000 else ''}" for f in known)])
    return rows


def value_rows(
    schedules: Sequence[Schedule], peak: float | None, steps: dict[int, str]
) -> tuple[list[str], list[list[str]], list[int | None]]:
    """Head, rows and colours of the table of values: a row per step, a column per schedule and quantity."""
    several = len(schedules) > 1
    head, slots = ["step"], [None]
    columns: list[tuple[Schedule, str]] = []
    found_slots: list[int | None] = [*slots]
    for slot, schedule in enumerate(schedules):
        names = list(values_at(schedule, 0, peak))
        for name in names:
            if several and name == "factor" and peak is not None:
                continue
            main = name == names[0]
            head.append((letter(slot) if main else f"{letter(slot)} {name}") if several else name)
            columns.append((schedule, name))
            found_slots.append(slot if several else None)
    epochs = {schedule.steps_per_epoch for schedule in schedules}
    size = next(iter(epochs)) if len(epochs) == 1 else None
    rows = []
    for step in steps:
        cells = [rate(values_at(schedule, step, peak)[name]) for schedule, name in columns]
        rows.append([step_text(step), *([f"{step / size:.4g}"] if size else []), *cells])
    if size:
        head.insert(1, "epoch")
        found_slots.insert(1, None)
    place = max(len(row[0]) for row in rows)
    if any(steps.values()):
        rows = [[f"{row[0]:>{place}}  {why}".rstrip(), *row[1:]] for row, why in zip(rows, steps.values(), strict=True)]
    return head, rows, found_slots


def lint_lines(schedules: Sequence[Schedule]) -> list[tuple[str, str]]:
    """What looks unintended, and which schedule it is said of."""
    longest = max(schedule.horizon for schedule in schedules)
    found: list[tuple[str, str]] = []
    for slot, schedule in enumerate(schedules):
        who = letter(slot) if len(schedules) > 1 else ""
        found += [(who, text) for text in schedule.lint(longest)]
        if schedule.rule is not None:
            found.append((who, "listens: what is drawn is the open loop; a metric that stalls scales the rest down"))
    return found
