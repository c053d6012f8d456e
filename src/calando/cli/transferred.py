"""What `calando transfer` prints, as lines."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from calando.cli.show import screen
from calando.cli.tables import bulleted, table
from calando.core.picture.numbers import rate, step_text

if TYPE_CHECKING:
    from calando.forecast.transferring import Cooldown, Extension, Target, Transfer, Way

__all__ = ["extension_lines", "transfer_lines"]


def transfer_lines(found: "Transfer") -> list[str]:
    """A transfer: a row for each plan, then what is to be said about it."""
    from calando.forecast.transferring.between import FROM

    width = screen()[0]
    lines = [*_run("from", found.plan, found.peak, found.horizon, found.assumed), ""]
    if found.targets:
        lines += table(*_target_table(found), width)
    if found.cooldown is not None:
        lines += [*([""] if found.targets else []), *_cooldown_lines(found.cooldown, width)]
    own: list[str] = []
    shared: list[str] = []
    for target in found.targets:
        for reason in target.reasons:
            of_source = reason.startswith(FROM)
            (shared if of_source else own).append(reason if of_source else f"{target.plan}: {_refusal(target)}{reason}")
    said = [*own, *(f"ranges and no best guesses: {reason}" for reason in shared)]
    return [*lines, *_said([*said, *found.notes], width)]


def _target_table(found: "Transfer") -> tuple[list[str], list[list[str]]]:
    moved = any(target.horizon != found.horizon for target in found.targets)
    known = found.peak is not None
    head = ["to", *(["updates"] if moved else []), *(["best peak", "between", "and"] if known else [])]
    head += ["ratio"] if known else ["ratio", "between", "and"]
    head += ["bound", f"keeping {rate(found.peak)}" if known and found.peak else "keeping the peak"]
    rows = []
    for target in found.targets:
        row = [target.plan, *([step_text(target.horizon)] if moved else [])]
        if known:
            row += [_peak(target.peak), _peak(target.peak_low), _peak(target.peak_high)]
        ratio = _ratio(target.ratio)
        row += [ratio] if known else [ratio, _ratio(target.low), _ratio(target.high)]
        same = target.horizon == found.horizon
        rows.append([*row, _more(target.relative) if same else "-", _more(target.keeping)])
    return head, rows


def _refusal(target: "Target") -> str:
    return {"best guess": "", "range": "a range and no best guess: ", "none": "no answer: "}[target.promise]


def _cooldown_lines(found: "Cooldown", width: int) -> Iterator[str]:
    if found.share is not None:
        low, high = ("the shortest" if found.low is None else _share(found.low),
                     "the longest" if found.high is None else _share(found.high))  # fmt: skip
        text = f"a cooldown of {_share(found.share)} has its best peak at {rate(found.peak)}; between {low} and {high}"
        yield from bulleted("=", f"{text}: {found.plan}", width)
    for reason in found.reasons:
        yield from bulleted("!", reason, width)


def extension_lines(found: "Extension") -> list[str]:
    """An extension: a row for each way, then the plans, then what is to be said about it."""
    width = screen()[0]
    times = found.longer / found.horizon
    lines = _run("run", found.plan, found.peak, found.horizon, found.assumed)
    lines += [f"to    {step_text(found.longer)} updates, {times:.4g} times as long", ""]
    if not found.ways:
        return [*lines, *_said(found.notes, width)]
    lines += (_range_lines if found.promise == "range" else _guess_lines)(found, width)
    if found.advice:
        what = "the lowest bound that goes on from the run" if _goes_on(found) else "the lowest bound"
        lines += ["", *bulleted("*", f"{what}: {found.advice}", width)]
    range_ = ["ranges and no best guesses: the theory is known to fail here"] if found.promise == "range" else []
    return [*lines, *_said([*range_, *found.notes], width)]


def _guess_lines(found: "Extension", width: int) -> list[str]:
    rows = []
    for way in found.ways:
        peak = [] if found.peak is None else [_peak(way.peak)]
        rows.append([way.name, _more(way.bound), *peak, f"{way.multiple:.3g}", _leaves(way)])
    peak = [] if found.peak is None else ["peak"]
    lines = table(["way", "bound", *peak, "peak / best", "new from update"], rows, width)
    lines += ["", *bulleted("bound:", "over the lowest there is, a linear decay at its best peak", width), ""]
    for way in found.ways:
        lines += bulleted("*" if way.name == found.advice else "-", f"{way.name}: {way.plan}{_chosen(way)}", width)
    return lines


def _range_lines(found: "Extension", width: int) -> list[str]:
    """Where the theory is known to fail: what is to be looked for between what, and no bounds."""
    unit, what = (found.peak, "peak") if found.peak is not None else (1.0, "peak ratio")
    rows = []
    for way in found.ways:
        low, high = (way.low, way.high) if way.chosen == "peak" else (1.0, 1.0)
        rows.append([way.name, *(_peak(None if one is None else unit * one) for one in (low, high)), _leaves(way)])
    lines = [*table(["way", f"{what} from", "to", "new from update"], rows, width), ""]
    for way in found.ways:
        lines += bulleted("-", f"{way.name}: {_between(way)}{way.plan}", width)
    return lines


def _between(way: "Way") -> str:
    if way.chosen not in ("cooldown", "second stage") or way.low is None or way.high is None:
        return ""
    if way.chosen == "cooldown":
        return f"a cooldown between {_share(way.low)} and {_share(way.high)}, such as "
    return f"a stage's factor between {way.low:.3g} and {way.high:.3g}, such as "


def _leaves(way: "Way") -> str:
    return "the first" if way.leaves == 0 else step_text(way.leaves)


def _goes_on(found: "Extension") -> bool:
    return next(way.leaves for way in found.ways if way.name == found.advice) > 0


def _chosen(way: "Way") -> str:
    if way.value is None or way.low is None or way.high is None:
        return ""
    if way.chosen == "cooldown":
        return f"; the cooldown between {_share(way.low)} and {_share(way.high)}"
    what = "the stage's factor" if way.chosen == "second stage" else f"{way.value:.3g} times the peak,"
    return f"; {what} between {way.low:.3g} and {way.high:.3g}"


def _run(word: str, plan: str, peak: float | None, horizon: int, assumed: bool) -> list[str]:
    at = "" if peak is None else f", best peak {rate(peak)}"
    why = " (assumed: no --horizon)" if assumed else ""
    return bulleted(f"{word:<5}", f"{plan}{at}, {step_text(horizon)} updates{why}", screen()[0])


def _said(sentences: "tuple[str, ...] | list[str]", width: int) -> list[str]:
    lines = [line for text in dict.fromkeys(sentences) for line in bulleted("!", text, width)]
    return ["", *lines] if lines else []


def _peak(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value >= 1e-4 else rate(value, 3)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _more(factor: float | None) -> str:
    if factor is None:
        return "-"
    percent = round(100 * (factor - 1), 1)
    return f"{percent:+.1f} %" if percent else "0 %"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"
