"""The one table: workload x budget x method, from the stored results and from nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.tuning.grid import SEEDS, WORKLOADS, Cell, label
from bench.tuning.recorded import HERE, Recorded, load
from bench.tuning.regret import FRESH, Regret, Truth, choices, grid_means, spread_of_shapes, truth

__all__ = ["measured", "text"]

EQUAL = 1.64  # seed SDs between best and worst that eight equal shapes show on average, by means of three seeds
GOAL, AT = 0.5, "0.15"  # seed SDs, at that share of the grid
OURS = {"replays": "tune", "shared": "tune, shared stages", "live": "tune, live"}


def stored(kind: str, folder: Path) -> dict[str, Any]:
    """The choices of one kind of search: "rivals", "replays", "shared" or "live"; empty when none were recorded."""
    path = folder / f"{kind}.json"
    found: dict[str, Any] = json.loads(path.read_text())["workloads"] if path.exists() else {}
    return found


def methods(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """method -> budget -> what is stored: the choices by seed, "steps": mean steps spent, "most": the most."""
    found: dict[str, dict[str, Any]] = {}
    for kind, title in OURS.items():
        if name in (some := stored(kind, folder)):
            found[title] = some[name]
    found.update(stored("rivals", folder).get(name, {}))
    return found


def measured(name: str, folder: Path = HERE) -> tuple[Truth, dict[str, dict[str, Regret]]]:
    """What the fresh runs say of a workload, and the regret of every method at every budget."""
    real = truth(load(name, folder), load(name, folder, "fresh"))
    found = {
        method: {share: real.regret(choices(told)) for share, told in budgets.items()}
        for method, budgets in methods(name, folder).items()
    }
    return real, found


def ready(folder: Path) -> list[str]:
    """The workloads whose grid and fresh runs are recorded."""
    return [name for name in WORKLOADS if (folder / f"fresh-{name}.json").exists()]


def text(folder: Path = HERE) -> str:
    """Everything that `python bench/tune.py` prints, as Markdown."""
    told: dict[bool, list[str]] = {False: [], True: []}
    means: dict[str, dict[str, list[float]]] = {}
    verdicts: list[str] = []
    goals: dict[str, dict[str, tuple[str, str]]] = {}
    for name in ready(folder):
        recorded = load(name, folder)
        _, spread, sd = spread_of_shapes(recorded)
        real, found = measured(name, folder)
        tie = spread <= EQUAL * sd
        told[tie] += list(rows(name, found, folder))
        verdicts += list(story(recorded, real))
        goals[name] = goal(real, found, methods(name, folder))
        for method, budgets in found.items():
            for share, regret in budgets.items():
                means.setdefault(method, {}).setdefault(share, []).append(regret.mean)
    head = ["| workload | budget | method | regret, seed SDs (95 %) | in the tie set | steps spent | searches |"]
    head += ["|---|--:|---|--:|--:|--:|--:|"]
    lines = ["# Does `tune` find the best schedule, cheaply?", "", *PREFACE, "", *head, *told[False], ""]
    if told[True]:
        lines += ["## Where the schedules tie", "", TIES, "", *head, *told[True], ""]
    lines += ["## Over the workloads", "", "| method | 10 % | 15 % | 25 % |", "|---|--:|--:|--:|"]
    lines += [over(method, budgets) for method, budgets in means.items()]
    lines += ["", "## The goal", "", *goal_lines(goals), "", "## What the fresh seeds say", "", *verdicts]
    return "\n".join(lines).rstrip() + "\n"


PREFACE = (
    f"Each search chooses a shape and a peak out of a workload's grid (8 shapes x 5 peaks x {len(SEEDS)} seeds, real",
    f"training). The choice is judged on {len(FRESH)} new paired seeds: regret is the mean paired difference to the",
    "best of the cells trained afresh, in units of the seed standard deviation. The tie set: the cells at most half",
    "of one above the best and not shown to be above it (95 %). The interval resamples seeds and searches.",
    "",
    "**tune** and **tune, shared stages** are the strategy answered from the records; the first pays for every run",
    "whole, the second once for a stage that runs have in common. A study seed decides little there, so each is at",
    "most twelve different searches. **tune, live** is the product as it comes, really training, under other seeds.",
    "At 10 and 15 % nothing would be kept for a confirmation, so that all of the budget chooses, live and replayed;",
    "at 25 % the replays go on choosing with all of it. Three searches a workload say little.",
)
TIES = "Best and worst shape, each at its own best peak, are no further apart than eight equal ones would be."


def rows(name: str, found: dict[str, dict[str, Regret]], folder: Path) -> Iterator[str]:
    """The table's lines of one workload, by budget and then by regret."""
    spent = methods(name, folder)
    for share in sorted({share for budgets in found.values() for share in budgets}):
        here = {method: budgets[share] for method, budgets in found.items() if share in budgets}
        for method, regret in sorted(here.items(), key=lambda item: item[1].mean):
            steps = spent[method][share]["steps"]
            yield (
                f"| {name} | {float(share):.0%} | {method} | {regret.mean:.2f} ({regret.low:.2f} to {regret.high:.2f}) "
                f"| {regret.inside:.0%} | {steps:,.0f} | {regret.searches} |"
            )


def over(method: str, budgets: dict[str, list[float]]) -> str:
    """One method's mean regret over the workloads."""
    some = [f"{fmean(budgets[share]):.2f}" if share in budgets else "" for share in ("0.1", "0.15", "0.25")]
    return f"| {method} | {' | '.join(some)} |"


def goal(
    real: Truth, found: dict[str, dict[str, Regret]], chosen: dict[str, dict[str, Any]]
) -> dict[str, tuple[str, str]]:
    """Each of our methods' verdict on the goal, and what it rests on: below 0.5 seed SD at 15 %, and every rival's."""
    rivals = {m: budgets[AT].mean for m, budgets in found.items() if m not in OURS.values() and AT in budgets}
    told: dict[str, tuple[str, str]] = {}
    for method in [title for title in OURS.values() if rivals and AT in found.get(title, {})]:
        regret, best = found[method][AT], min(rivals, key=lambda rival: rivals[rival])
        more, low, high = real.apart(*(choices(chosen[one][AT]) for one in (method, best)))
        word = verdict(regret.mean, more, low)
        text = (
            f"{regret.mean:.2f} ({regret.low:.2f} to {regret.high:.2f}), the best rival ({best}) {rivals[best]:.2f}, "
            f"difference {more:+.2f} ({low:+.2f} to {high:+.2f})"
        )
        told[method] = (word, text)
    return told


def verdict(mean: float, more: float, low: float) -> str:
    """The goal judged: by the mean regret, how much more the best rival's is, and the lower end of that interval."""
    if mean < GOAL and more > 0:
        return "met" if low > 0 else UNSURE
    failed = [f"below {GOAL:g}"] * (mean >= GOAL) + ["below the best rival"] * (more <= 0)
    return f"not met: not {' and not '.join(failed)}"


UNSURE = "below the best rival, but not separated from it"


def goal_lines(goals: dict[str, dict[str, tuple[str, str]]]) -> Iterator[str]:
    """Replayed and live apart, and one sentence for each of how many workloads it is met on."""
    yield "Mean regret below 0.5 seed SD at 15 %, and below every rival's; the interval of the difference is paired."
    for method in OURS.values():
        words = {name: told[method] for name, told in goals.items() if method in told}
        if not words:
            continue
        sorts = {"met": "met on", UNSURE: f"{UNSURE}, on", "not met": "not met on"}
        split: dict[str, list[str]] = {sort: [] for sort in sorts}
        for name, (word, _) in words.items():
            split[word.partition(":")[0]].append(name)
        yield ""
        parts = [f"{sorts[sort]} {', '.join(names)}" for sort, names in split.items() if names]
        yield f"**{method}**: {'; '.join(parts)}."
        yield ""
        yield from (f"- {name}: {text}: {word}" for name, (word, text) in words.items())


def story(recorded: Recorded, real: Truth) -> Iterator[str]:
    """Best cell, tie set, what the whole grid would have chosen, and the shapes at their own best peaks."""
    shapes, gap, sd = spread_of_shapes(recorded)
    ties = sorted((cell for cell in real.tied if cell != real.best), key=lambda cell: real.losses[cell].mean())
    yield (
        f"**{real.name}**: best is {named(real.best)}, loss {real.losses[real.best].mean():.4f}; "
        f"seed SD {real.sd:.4f}; {len(real.losses)} cells trained afresh. "
        f"Tied with it: {', '.join(map(named, ties)) or 'nothing'}."
    )
    means = grid_means(recorded)
    lucky = min(means, key=lambda cell: means[cell])
    told = real.regret([lucky])
    yield (
        f"All 120 runs would have chosen {named(lucky)}: regret {told.mean:.2f} ({told.low:.2f} to {told.high:.2f}). "
        f"Shapes at their own best peak in the grid, {gap / sd:.1f} seed SDs from best to worst:"
    )
    order = sorted(shapes.items(), key=lambda item: item[1][1])
    yield "; ".join(f"{shape} {loss:.4f} at {peak:.4g}" for shape, (peak, loss) in order) + "."
    yield ""


def named(cell: Cell) -> str:
    """A cell in words."""
    return f"{label(cell[0])} at {cell[1]:.4g}"
