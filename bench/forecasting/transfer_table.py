"""The tables of bench/forecasting/transfer.py, from what it measured and from nothing else."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from bench.forecasting import transfer
from bench.forecasting.records import NOT_RUN

__all__ = ["table"]


def table(found: dict[str, Any]) -> str:
    """Everything, as Markdown."""
    return "\n".join(lines(found)) + "\n"


def lines(found: dict[str, Any]) -> Iterator[str]:
    yield from [
        "# Best peaks by theory, against recorded ones",
        "",
        (transfer.__doc__ or "").split("\n\n")[2].strip(),
        "",
    ]
    yield from summaries(found)
    yield from [
        "## Table T3: as printed in an earlier evaluation of these logs (llama 124M, 50,000, over a 20 % cooldown)",
        "",
    ]
    yield from rows(found["printed"])
    yield from ["", "## The same, computed from the records (three peaks: 1e-4, 5e-4, 2e-3)", ""]
    yield from rows(found["recorded"]) if found["recorded"] else [NOT_RUN]
    yield from ["", "## Our own reference grids (over a linear decay)", ""]
    yield from rows(found["own"])
    yield from ["", "## The live task (over a linear decay)", ""]
    yield from rows(found["live"]) if found["live"] else ["NOT RUN: bench/results/forecast/live-characters is not here"]
    yield from ["", "## How the best peak moves with the horizon", ""]
    yield from horizons(found["exponents"])
    yield from ["", "## Twice as long: WSD with 20 %, llama 124M, from 25,000 to 50,000 updates", ""]
    yield from longer(found["extensions"]) if found["extensions"] else [NOT_RUN]


def summaries(found: dict[str, Any]) -> Iterator[str]:
    """The one table of verdicts."""
    yield "| against | rows | mean error | no transfer | largest | bias | in the range told |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    parts = {"T3 as printed": found["printed"]}
    for horizon in (25_000, 50_000):
        parts[f"records, {horizon:,}"] = [one for one in found["recorded"] or [] if one["horizon"] == horizon]
    for name in transfer.OWN:
        parts[f"own: {name}"] = [one for one in found["own"] if one["where"] == name]
    parts["live task"] = found["live"] or []
    for name, some in parts.items():
        known = transfer.promised(some)
        if not known:
            yield f"| {name} | NOT RUN | | | | | |"
            continue
        s = transfer.summary(known)
        yield (
            f"| {name} | {s['rows']} | {s['mean_error']:.3f} | {s['mean_unmoved']:.3f} | {s['largest_error']:.2f} "
            f"| {s['bias']:+.2f} | {s['inside']} of {s['rows']} |"
        )
    s = transfer.summary(transfer.promised(found["printed"]))
    met = "met" if s["mean_error"] <= transfer.GOAL else "NOT met"
    yield from [
        "",
        f"The goal, a mean error of at most {transfer.GOAL} against table T3: {met} ({s['mean_error']:.3f}).",
    ]
    for horizon in (25_000, 50_000):
        some = transfer.promised(parts[f"records, {horizon:,}"])
        if some:
            mean, none, count = transfer.roots_error(some)
            yield (
                f"At {horizon:,} updates with a + b/sqrt(peak) + c sqrt(peak) in place of the parabola: "
                f"{mean:.3f} (no transfer {none:.3f}, {count} rows). Three peaks far apart leave that much open."
            )
    yield ""


def rows(some: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A row for each comparison; what has no best peak of its own is told as such."""
    yield "| where | updates | plan | empirical | predicted | told range | error |"
    yield "|---|--:|---|--:|--:|---|--:|"
    for one in some:
        head = f"| {one['where']} | {one['horizon']:,} | `{one['plan'].replace('|', chr(92) + '|')}` "
        if "edge" in one:
            yield f"{head}| not among those tried; lowest loss at {one['edge']:.2f} | | | |"
            continue
        mark = "" if one["promise"] == "best guess" else " (no best guess)"
        yield (
            f"{head}| {one['empirical']:.3f} | {one['predicted']:.3f}{mark} | {one['low']:.2f} to {one['high']:.2f}"
            f"{'' if one['inside'] else ', outside'} | {one['error']:+.2f} |"
        )


def horizons(some: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Exponents by task."""
    yield "| where | plans | exponents, lowest to highest | median | inside -0.5 to -0.2 |"
    yield "|---|--:|---|--:|--:|"
    for where in dict.fromkeys(one["where"] for one in some):
        mine = sorted(one["exponent"] for one in some if one["where"] == where)
        inside = sum(-0.5 <= e <= -0.2 for e in mine)
        told = ", ".join(f"{e:.2f}" for e in mine)
        yield f"| {where} | {len(mine)} | {told} | {median(mine):.2f} | {inside} of {len(mine)} |"


def longer(some: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What each way gives."""
    yield "| way | plan | peak | nearest recorded | loss there |"
    yield "|---|---|--:|---|--:|"
    for one in some:
        yield f"| {one['way']} | `{one['plan']}` | {one['peak']:.3g} | `{one['recorded']}` | {one['loss']:.4f} |"
    naive = next(one["loss"] for one in some if one["way"] == "as it is")
    best = min(some, key=lambda one: one["loss"])
    yield ""
    yield f"Over the run as it is: {best['way']} gains {naive - best['loss']:.4f}."
