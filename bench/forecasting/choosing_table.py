"""The measurement of choosing as a page of Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from calando.forecast.spelling import spelled

NOISE = 0.004

TITLES = {
    "one_peak": "One peak: a 124M language model, two short runs (cooldown 20 % and 60 %), all plans at 50,000 updates",
    "one_peak_more": "The same with other cooldowns, lengths and horizons",
    "several_peaks": "Peak and plan: two short runs at each peak, all settings at 50,000 updates",
    "live_one_peak": "Our own small model, one peak: two short runs (cooldown 20 % and 50 %), nine plans",
    "live_several_peaks": "Our own small model, peak and plan: two short runs at each peak, 54 settings",
}
CONFESSION = (
    "How this came about: the two laws for one peak (multi-power and generalised bound, their plain mean) and those "
    "for several peaks (the bound, with and without an effective peak), the residual from which on a law does not "
    "count, and the rule that a best peak beyond the runs is a refusal were all chosen while looking at these very "
    "records, ours and theirs. Nothing is fitted to the long runs, but the rows are no proof for other models. Tried "
    "over several peaks, and failed on our own task: multi-power and functional laws, with and without effective rates."
)


def table(found: dict[str, Any], sums: dict[str, dict[str, Any]], not_run: str) -> str:
    """Every part: its cases where they are few, and its sums."""
    lines = ["# Choosing for the long run from short ones", ""]
    for part, title in TITLES.items():
        lines += [f"## {title}", ""]
        if found.get(part) is None:
            lines += [not_run, ""]
            continue
        if part in ("one_peak_more", "live_one_peak"):
            lines += ["Every case stands in the JSON file beside this one.", ""]
        else:
            lines += [*_cases(found[part]), ""]
        lines += [*_sums(sums[part]), ""]
    every = [row["verdict"] for part in TITLES for row in found.get(part) or []]
    told = {verdict: every.count(verdict) for verdict in ("choose", "tie", "not enough")}
    lines += [
        f"Of {len(every)} questions {told['choose']} were answered by one candidate alone, {told['tie']} by a tie, and "
        f"{told['not enough']} were refused.",
        "",
        "Regret: final loss above the best candidate's, replicates and seeds averaged; keep: regret of the better",
        "short run's setting; linear: of a cooldown of 60 % at that run's peak.",
        f"Below {NOISE} the 124M runs are not told apart.",
        "",
        CONFESSION,
        "",
        "Made by `python -m bench.forecasting.choosing --write`.",
        "",
    ]
    return "\n".join(lines)


def _cases(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "| short runs | horizon | verdict | chosen | regret | keep | linear | tied |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in rows:
        plan = spelled(one["plan"]).replace("|", "\\|")
        chosen = f"`{plan}` @ {one['peak']:g}"
        numbers = (number(one[key]) for key in ("regret", "keep", "linear"))
        cells = (one["case"], f"{one['horizon']:,}", one["verdict"], chosen, *numbers)
        yield f"| {' | '.join(cells)} | {one['tied']} of {one['candidates']} |"


def _sums(one: dict[str, Any]) -> Iterable[str]:
    yield (
        f"{one['cases']} cases, {one['refused']} refused. Of those answered: mean regret {number(one['regret'])}, "
        f"worst {number(one['worst'])}; keep the better short run {number(one['keep'])} (better than it "
        f"{one['better']} times, worse {one['worse']}); the true best was among the tied {one['best_is_tied']} times."
    )
    if one["linear"] is not None:
        yield f"Linear cooldown of 60 %: {number(one['linear'])} (worse than it {one['worse_than_linear']} times)."
    if one["refused"]:
        yield (
            f"Where it refused, its first rank would have cost {number(one['refused_regret'])}, keeping the better "
            f"short run {number(one['refused_keep'])}."
        )
    yield f"Slowest fit: {one['slowest_fit']:.2f} s."


def number(value: float | None) -> str:
    """A regret, or that there is none."""
    return "none" if value is None else f"{value:.4f}"
