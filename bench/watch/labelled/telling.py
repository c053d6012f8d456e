"""The table of precision and recall, and every run that was told wrongly, in words."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from bench.watch.labelled.cases import cases
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.scoring import JUDGED, LARGE, QUIET, Run, labelled, table
from bench.watch.labelled.tools import cases as tools
from bench.watch.labelled.tools import reading
from bench.watch.labelled.training import Trained

__all__ = ["runs_of", "told"]

NAMES = {
    "write": "Runs on which the rules were written (seven tasks)",
    "judge": "Two further tasks, looked at once before the rule of LR too low was mended by them",
    "fresh": "Three further tasks, looked at once before rules were mended by them",
    "tools": "Runs that Hugging Face's Trainer, Lightning and Keras trained and logged, read from their own files; "
    "looked at once before rules were mended by them",
    "last": "Three last tasks, looked at once before one rule was mended by them",
    "unwarmed": "Good runs without a warm-up, on the same fifteen tasks; the score of a rate too high knows them",
    "unseen": "Four tasks with other networks, looked at once before the rule of LR too low was mended by them",
    "blind": "Four further tasks with further networks, looked at once before rules were mended by them",
    "final": "Four tasks more, looked at once before rules were mended by them",
    "small": "Six tasks with batches of two, four and eight, made to teach what noise is; never judged unseen",
    "sealed": "Four tasks that are computed throughout, looked at once before rules were mended by them",
    "kept": "Four further tasks, looked at once before the rule of plateaus at a high rate was mended by them",
    "other": "Four tasks more, on which no rule was written or mended",
}

LOOKS = (
    "What follows is judged by the rules as they are. How they did on runs that no rule had seen stands in "
    "[look 3](labelled-look-3.md) (three tasks), [look 4](labelled-look-4.md) (other tools), "
    "[look 5](labelled-look-5.md) (three tasks) and looks [6](labelled-look-6.md), [7](labelled-look-7.md), "
    "[8](labelled-look-8.md), [9](labelled-look-9.md), [10](labelled-look-10.md) and [11](labelled-look-11.md) (four "
    "tasks with other networks each): good runs without any finding 79 of 81, 22 of 36, 59 of 81, 87 of 105, 108 of "
    "108, 98 of 105, 75 of 108, 103 of 105 and 101 of 105. Look 9 was at tasks with small batches and much in them "
    "that cannot be learned, and rules were mended by it; at the eight tasks of looks 10 and 11 together each finding "
    "was right, and found, by .80 or more in the run alone (LR too high .80, spikes .82, all else .88 or more; "
    "precision .90 or more). No rule has been mended by look 11."
)


def runs_of(half: str, results: Mapping[Recipe, Trained]) -> list[Run]:
    """Every labelled run of a half with what the diagnosis says of it."""
    if half == "tools":
        return [run for case in tools.cases() for run in labelled(case, case.seeds, results, reading.observed)]
    return [run for case in cases(half) for run in labelled(case, case.seeds, results)]


def told(halves: Mapping[str, Mapping[Recipe, Trained]]) -> str:
    """The page bench/results/watch/labelled.md."""
    return "\n".join(_lines(halves)) + "\n"


def _lines(halves: Mapping[str, Mapping[Recipe, Trained]]) -> Iterator[str]:
    yield "# Is the diagnosis right?"
    yield ""
    yield (
        "Real trainings, made by `python -m bench.watch.labelled --record`. A label is what a run was made to show, "
        "kept "
        "only where the change that the finding calls for helped in a control run: three paired seeds, better by more "
        "than twice the standard error and by 4 % of what the run gained. Runs whose control was no better, good "
        "runs for "
        "which some change did help, and findings whose control is unclear are left out or not counted, as listed. "
        f"Large: runs whose change brought at least {100 * LARGE:.0f} % of what the run gained."
    )
    yield from ("", LOOKS)
    every: list[Run] = []
    for half, results in halves.items():
        runs = runs_of(half, results)
        every += runs
        yield from ("", f"## {NAMES[half]}", "")
        left = Counter(run.label.left_out for run in runs if run.label.left_out)
        count = len(runs) - sum(left.values())
        yield f"{len(runs)} runs, {count} with a label, {len(results)} trainings with their controls."
        yield ""
        yield from _table(runs)
        yield from ("", "Told wrongly:", "")
        wrong = [line for run in runs if (line := _wrong(run))]
        yield from (wrong or ["- none"])
        yield from ("", "Left out:", "")
        yield from (f"- {count} x {why}" for why, count in sorted(left.items()))
    if len(halves) > 1:
        yield from ("", "## All of them", "")
        yield from _table(every)


def _table(runs: list[Run]) -> Iterator[str]:
    yield "| finding | runs | found | false | recall | precision | large | found |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    rows = table(runs)
    for kind in JUDGED:
        one = rows[kind]
        large = (f"{one['large']} | {one['large found']} ({_share(one['large found'] / one['large'])})"
                 if one["large"] else "- | -")  # fmt: skip
        yield (f"| {kind} | {one['runs']} | {one['found']} | {one['false']} | {_share(one['recall'])} | "
               f"{_share(one['precision'])} | {large} |")  # fmt: skip
    good = rows["healthy"]
    yield from ("", f"Good runs without any finding: {good['found']} of {good['runs']} ({_share(good['recall'])}).")


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _wrong(run: Run) -> str:
    if run.label.left_out:
        return ""
    spare = [kind for kind in run.kinds if kind not in (*QUIET, run.label.kind, *run.label.fair)]
    missed = run.label.kind != "healthy" and run.label.kind not in run.kinds
    if not spare and not missed:
        return ""
    return (f"- {run.case.name}, seed {run.recipe.seed}: {run.label.kind if missed else ''}"
            f"{' missed' if missed else ''}{'; ' if missed and spare else ''}"
            f"{', '.join(spare)}{' said wrongly' if spare else ''}")  # fmt: skip
