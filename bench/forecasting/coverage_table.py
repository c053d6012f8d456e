"""The measurement of bands as a page of Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from calando.forecast.bands import ALONE as SHIPPED_ALONE
from calando.forecast.bands import OTHERWISE

__all__ = ["MODELS", "observed", "table"]

MODELS = ("llama 124M", "our own small model")
WHY_WIDE = (
    "Why they are not made narrower. At the same ratio the small model needs far wider bands than the large one, and "
    "nothing that is known when a forecast is made (the fits' scatter, the distance of the laws) tells the two apart "
    "beyond twice the horizon: under every form of the spread that was tried the wider of both models' bands holds all "
    "of the large one's losses at 3.3 times. At twice the horizon the two forms that take the larger of a floor and "
    "the scatter do fit both; they were found by trying these forms, and others like them, on these very rows, and "
    "would stay as narrow where the laws disagree. Two models do not choose among so many: the cautious one stays."
)
RISING = (
    "Rates that rise again: two runs of our image classifier (cooldown 20 % and 50 %, those peaks at which nothing "
    "else is doubted) foretell the others, warm restarts and cycles among them. The bands here are those of plans that "
    "fall; `forecast` draws twice as wide ones for plans that rise again and says why. On so few runs, at low peaks, "
    "their errors are no larger than those of the others: that is too little to take the doubt away."
)
ALONE = (
    "One run alone is less than the pairs that the table was made of: its bands are drawn {alone:g} times as wide, and "
    "{otherwise:g} times where the run came down and the candidate stays up. Each factor is the largest that a row of "
    "twelve losses or more asks for, to a tenth. Runs that were cut short foretell their own end, the ratio counted "
    "from the last loss. What comes down further than any run did has no honest factor: it is refused. As pairs: the "
    "share inside the bands that were drawn before, as if of a contrasting pair. Left out: that inside bands whose "
    "factor was made on all other peaks (for the 25M and 100M models: on the other model)."
)


def table(found: dict[str, Any], not_run: str) -> str:
    """Both models, the forms of the spread, and rates that rise again."""
    lines = ["# Bands against final losses that were held out", ""]
    for name in MODELS:
        rows = found.get(name)
        lines += [f"## {name}", "", *(_model(rows) if rows is not None else [not_run]), ""]
    lines += [
        "Nominal share 0.80. Inside: the band's factor was calibrated on all other peaks; interval: the exact 95 %",
        "binomial interval of that share. Shipped: the share inside bands of the shipped table, whose factor is for",
        "each ratio the larger of both models'. Errors at one peak hang together, so that the intervals are narrower",
        "than they ought to be: the shares by peak differ by more. The form of the spread was chosen while looking at",
        "these records.",
        "",
        "## Forms of the spread",
        "",
        WHY_WIDE,
        "",
        *(_forms(found["forms"]) if found.get("forms") else [not_run]),
        "",
        "## Rates that rise again",
        "",
        RISING,
        "",
        *_rising(found.get("rising") or []),
        "",
        "## One run alone",
        "",
        ALONE.format(alone=SHIPPED_ALONE, otherwise=OTHERWISE),
        "",
        *(_alone(found["alone"]) if found.get("alone") else [not_run]),
        "",
        "Made by `python -m bench.forecasting.coverage --write`.",
        "",
    ]
    return "\n".join(lines)


def observed(one: dict[str, Any]) -> str:
    """A share and its interval."""
    return f"{one['share']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


def _model(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "| ratio | losses | 80 % of errors below | mean error | factor | inside | interval | by peak | shipped |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in rows:
        low, high = one["shipped_interval"]
        cells = (
            f"{one['ratio']:g}", str(one["losses"]), f"{one['error_80']:.2%}", f"{one['mean_error']:+.2%}",
            f"{one['factor']:.2f}", f"{one['inside']} of {one['losses']} ({one['share']:.2f})",
            f"{one['low']:.2f} to {one['high']:.2f}",
            ", ".join(f"{peak}: {told}" for peak, told in one["by_peak"].items()),
            observed({"share": one["shipped_share"], "low": low, "high": high}),
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _forms(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "| form | rows out of their interval | 124M at 2 times, shipped likewise | at 3.3 times |"
    yield "| --- | --- | --- | --- |"
    for one in rows:
        yield f"| {one['form']} | {one['outside']} of {one['rows']} | {observed(one['2'])} | {observed(one['3.3'])} |"


def _rising(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "| plans | ratio | losses | inside | largest error | usual half width |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in rows:
        yield (
            f"| {one['plans']} | {one['ratio']:g} | {one['losses']} | {one['inside']} | {one['largest']:.1%} "
            f"| {one['half']:.1%} |"
        )


def _alone(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield (
        "| model | the candidate's end | the run | losses | 80 % of errors below | largest | as pairs | factor "
        "| left out |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in rows:
        left = "–" if one["left_out"] is None else f"{one['left_out']:.2f}"
        yield (
            f"| {one['model']} | {one['source']} | {one['kind']} | {one['losses']} | {one['error_80']:.2%} "
            f"| {one['largest']:.1%} | {one['as_pairs']:.2f} | {one['factor']:.2f} | {left} |"
        )
