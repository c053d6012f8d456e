"""The one table: workload x budget x method, from the stored results and from nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.tuning.grid import SEEDS, WORKLOADS, Cell, label
from bench.tuning.recorded import HERE, Recorded, load
from bench.tuning.regret import FRESH, Regret, Truth, grid_means, spread_of_shapes, truth, uncounted

__all__ = ["measured", "text"]

EQUAL = 1.64  # seed SDs between best and worst that eight equal shapes show on average, by means of three seeds
GOAL, AT = 0.5, "0.15"  # seed SDs, at that share of the grid


def stored(kind: str, folder: Path) -> dict[str, Any]:
    """The choices of one kind of search: "rivals", "replays" or "live"; empty when none were recorded."""
    path = folder / f"{kind}.json"
    found: dict[str, Any] = json.loads(path.read_text())["workloads"] if path.exists() else {}
    return found


def methods(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """method -> budget -> {"choices": counts, "steps": mean steps spent, "most": the most}."""
    found: dict[str, dict[str, Any]] = {}
    for kind, title in (("replays", "tune"), ("live", "tune, live")):
        if name in (some := stored(kind, folder)):
            found[title] = some[name]
    found.update(stored("rivals", folder).get(name, {}))
    return found


def measured(name: str, folder: Path = HERE) -> tuple[Truth, dict[str, dict[str, Regret]]]:
    """What the fresh runs say of a workload, and the regret of every method at every budget."""
    real = truth(load(name, folder), load(name, folder, "fresh"))
    found = {
        method: {share: real.regret(uncounted(told["choices"])) for share, told in budgets.items()}
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
    verdicts, met = [], []
    for name in ready(folder):
        recorded = load(name, folder)
        _, spread, sd = spread_of_shapes(recorded)
        real, found = measured(name, folder)
        tie = spread <= EQUAL * sd
        told[tie] += list(rows(name, found, folder))
        verdicts += list(story(recorded, real))
        met += list(goal(real, found, methods(name, folder)))
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
    lines += ["", *met, *[""][: len(met)], "## What the fresh seeds say", "", *verdicts]
    return "\n".join(lines).rstrip() + "\n"


PREFACE = (
    f"Each search chooses a shape and a peak out of a workload's grid (8 shapes x 5 peaks x {len(SEEDS)} seeds, real",
    f"training). The choice is judged on {len(FRESH)} new paired seeds: regret is the mean paired difference to the",
    "best of the cells trained afresh, in units of the seed standard deviation. The tie set: the cells at most half",
    "of one above the best and not shown to be above it (95 %). The interval resamples seeds and searches.",
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


def goal(real: Truth, found: dict[str, dict[str, Regret]], chosen: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Whether the goal was met: below 0.5 seed SD at 15 %, and below every rival; and how sure the latter is."""
    ours = found.get("tune", {}).get(AT)
    rivals = {m: budgets[AT].mean for m, budgets in found.items() if not m.startswith("tune") and AT in budgets}
    if ours is None or not rivals:
        return
    best = min(rivals, key=lambda method: rivals[method])
    mine, theirs = (uncounted(chosen[method][AT]["choices"]) for method in ("tune", best))
    more, low, high = real.apart(mine, theirs)
    met = ours.mean < GOAL and more > 0
    yield (
        f"- {real.name}: `tune` at 15 % {ours.mean:.2f}, the best rival ({best}) {rivals[best]:.2f}, "
        f"which is {more:.2f} more ({low:.2f} to {high:.2f}): goal {'met' if met else 'not met'}"
    )


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
