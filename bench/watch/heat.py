"""How the score of a rate that was too high is made, and how it does on tasks it was not made from.

    python -m bench.watch.heat            # left-out tasks: how often it is right
    python -m bench.watch.heat --write    # also src/calando/records/diagnosis/heat.json, bench/results/watch/heat.md

Boosted stumps (scikit-learn) over the numbers of `calando.records.diagnosis.traces`, of the labelled runs whose control
says whether a peak of a quarter was better. A sum of stumps is a sum of one step function for each number, which is
what is stored: the points that each number is worth. Every run is taken as it was logged, without its evaluations, with
a third of them, with losses that scatter more, and as logs that hold means of five and ten updates or every fifth would
show it. Whole tasks are left out, two or three at a time, to see how it does on a task that it does not know.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.tuning.recording import commit, source
from bench.watch.labelled.cases import SMALL, UNWARMED, Case, cases
from bench.watch.labelled.recording import HERE, ROOT, load
from bench.watch.labelled.scoring import Run, effects, labelled, observed
from bench.watch.labelled.tools import recording as tools
from bench.watch.labelled.tools.cases import cases as tools_cases
from bench.watch.labelled.tools.reading import observed as read
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Judged, Observed
from calando.records.diagnosis.heat import HIGH
from calando.records.diagnosis.noisy import trend
from calando.records.diagnosis.traces import EVALUATED, TRACES, traces

CARD = ROOT / "src" / "calando" / "records" / "diagnosis" / "heat.json"
MADE_BY = ("bench/watch/heat.py", "src/calando/records/diagnosis/traces.py")
STUMPS, RATE, PART, LEAF = 200, 0.15, 0.6, 30
SHARE = 0.6
"""Of the points of either kind: both tell of the same rate, and their sum must not count it twice."""
TAUGHT = ("write", "judge", "fresh", "last", UNWARMED, "unseen", "blind", "final", SMALL, "sealed")
"""Halves that teach, beside the runs of other tools: none that nobody has looked at."""
UNKNOWN = -20.0
"""Where the numbers that a log does not tell stand: below all others."""
CARDS = 7
"""Cards that are made from some of the tasks, to judge the others by."""
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Sample:
    """One run as one kind of log shows it."""

    task: str
    view: str
    run: Run
    numbers: tuple[float, ...]
    helps: bool
    """Whether a lower peak is known to be better; else it is known not to be, or nothing speaks for it."""


def views(seen: Observed) -> Iterator[tuple[str, Observed]]:
    """A run as other logs would show it."""
    at, losses = np.asarray(seen.train[0]), np.asarray(seen.train[1])
    yield "whole", seen
    yield "no evaluations", replace(seen, val=((), ()))
    yield "a third of the evaluations", replace(seen, val=(seen.val[0][::3], seen.val[1][::3]))
    for width in (5, 10):
        count = len(at) // width
        if count >= 20:
            means = losses[: count * width].reshape(count, width).mean(1)
            yield f"means of {width}", replace(seen, train=(at[width - 1 :: width][:count].tolist(), means.tolist()))
    scatter = np.random.default_rng(0).normal(size=len(at))
    yield "small batches", replace(seen, train=(seen.train[0], (losses * (1 + 0.3 * scatter)).tolist()))
    if len(at) >= 200:
        yield "every fifth", replace(seen, train=(at[4::5].tolist(), losses[4::5].tolist()))


def samples() -> list[Sample]:
    """All labelled runs that may teach: those of ours in every view, those of other tools as they were logged."""
    found: list[Sample] = []
    for half in TAUGHT:
        results = load(half)
        for case in cases(half):
            found += _of(case, results, case.recipe.task, own=True)
    results = tools.load()
    for case in tools_cases():
        found += _of(case, results, case.recipe.task, own=False)
    return found


def _of(case: Case, results: Any, task: str, *, own: bool) -> Iterator[Sample]:
    if case.kind == "LR not as asked":
        return
    seen = observed if own else read
    told = [one for one in effects(case, case.seeds, results) if one.finding == HIGH]
    for run in labelled(case, case.seeds, results, seen):
        if run.trained.diverged:
            continue
        known = run.label.kind == HIGH and not run.label.left_out
        if not known and (told[0].unclear if told else HIGH in run.label.fair):
            continue  # nobody knows
        helps = known or bool(told and told[0].helps)
        whole = seen(run.recipe, run.trained)
        for view, shown in views(whole) if own else (("tool", whole),):
            numbers = traces(Judged(shown, trend(*shown.train), trend(*shown.val), trend(*shown.lr)))
            if numbers is not None:
                yield Sample(task, view, run, tuple(numbers.values()), helps)


def folded(numbers: Any) -> Any:
    """Numbers of any size as such that trees split evenly; what is not known far below."""
    values = np.asarray(numbers, dtype=float)
    return np.where(np.isfinite(values), np.arcsinh(30 * values), UNKNOWN)


def weights(some: list[Sample]) -> Any:
    """Each run counts once, however many views there are of it; within each shape of plan both answers count alike.

    Which plans were run at rates too high is our choice, and must not be taken for a sign of it.
    """
    runs = [(one.task, one.view == "tool", one.run.recipe) for one in some]
    place = {run: i for i, run in enumerate(dict.fromkeys(runs))}
    where, helps = np.array([place[run] for run in runs]), np.array([one.helps for one in some])
    shapes = np.array([shape(one.run.recipe.plan) for one in some])
    found = 1.0 / np.bincount(where)[where]
    for one in set(shapes):
        same = shapes == one
        if (same & helps).any():
            found[same & helps] *= found[same & ~helps].sum() / found[same & helps].sum()
    found[shapes == "other"] *= 0.5
    return found


def shape(plan: str) -> str:
    """The kind of a plan, among those that were run both at sound rates and at rates too high."""
    if plan == "cosine()" or "warmup=0" in plan:
        return "no warm-up"
    return "wsd" if "wsd" in plan else "cosine" if "cosine" in plan else "other"


def fitted(some: list[Sample]) -> dict[str, Any]:
    """The points that every number is worth, from these samples: evaluations and training losses each by themselves.

    A log may hold either alone, and where noise hides what training losses tell, evaluations are heard alone.
    """
    losses = tuple(name for name in TRACES if name not in EVALUATED)
    told = [one for one in some if math.isfinite(one.numbers[list(TRACES).index("evaluated late")])]
    points = _points(some, losses) | _points(told, EVALUATED)
    prior = float(np.average([one.helps for one in some], weights=weights(some)))
    return {"base": round(math.log(prior / (1 - prior)), 3), "card": {n: points[n] for n in TRACES if n in points}}


def _points(some: list[Sample], names: tuple[str, ...]) -> dict[str, Any]:
    """Step functions by boosted stumps."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=STUMPS, max_depth=1, learning_rate=RATE, subsample=PART, min_samples_leaf=LEAF, random_state=0
    )
    places = [list(TRACES).index(name) for name in names]
    x, y = folded([one.numbers for one in some])[:, places], np.array([one.helps for one in some])
    model.fit(x, y, sample_weight=weights(some))
    points: dict[str, dict[str, Any]] = {}
    for (tree,) in model.estimators_:
        tree = tree.tree_
        if tree.node_count != 3:
            continue
        name, edge = names[int(tree.feature[0])], float(tree.threshold[0])
        left, right = (RATE * float(tree.value[node][0][0]) for node in (tree.children_left[0], tree.children_right[0]))
        one = points.setdefault(name, {"steps": {}, "first": 0.0, "unknown": 0.0})
        one["first"] += left
        one["unknown"] += left
        place = float(f"{math.sinh(edge) / 30:.3g}") if edge > 0.6 * UNKNOWN else -math.inf
        one["steps"][place] = one["steps"].get(place, 0.0) + right - left
    card = {}
    for name, one in points.items():
        below = one["steps"].pop(-math.inf, 0.0)
        edges = sorted(one["steps"])
        sums = np.concatenate(
            [[one["first"] + below], one["first"] + below + np.cumsum([one["steps"][e] for e in edges])]
        )
        card[name] = {"edges": edges, "points": [round(SHARE * float(v), 3) for v in sums],
                      "unknown": round(SHARE * one["unknown"], 3)}  # fmt: skip
    return card


def scores(made: dict[str, Any], some: list[Sample]) -> Any:
    """The score of each sample, by the very code that scores a user's run."""
    from calando.records.diagnosis.score import Card

    card, most = Card.read(made), limit(HIGH, "noise")
    return np.array([card.chance(dict(zip(TRACES, one.numbers, strict=True)), most) for one in some])


def left_out(some: list[Sample]) -> Any:
    """The score of each sample by a card made without its task, and without one or two others."""
    found, tasks = np.zeros(len(some)), sorted({one.task for one in some})
    for first in range(CARDS):
        out = tasks[first::CARDS]
        mine = np.array([one.task in out for one in some])
        found[mine] = scores(fitted([s for s in some if s.task not in out]), [s for s in some if s.task in out])
    return found


def table(some: list[Sample], score: Any) -> Iterator[str]:
    """How often a score at each level is right, view by view."""
    yield "| log | runs too high | " + " | ".join(f"at {level:g}" for level in LEVELS) + " |"
    yield "|---|--:|" + "--:|" * len(LEVELS)
    for view in dict.fromkeys(one.view for one in some):
        chosen = [(one, told) for one, told in zip(some, score, strict=True) if one.view == view]
        high = [told for one, told in chosen if one.run.label.kind == HIGH and not one.run.label.left_out]
        good = [told for one, told in chosen if not one.helps and not one.run.label.left_out]
        spare = [told for one, told in chosen if not one.helps and one.run.label.left_out]
        cells = (f"{sum(s > level for s in high)}, {sum(s > level for s in good)}, {sum(s > level for s in spare)}"
                 for level in LEVELS)  # fmt: skip
        yield f"| {view} | {len(high)} ({len(good)}, {len(spare)}) | " + " | ".join(cells) + " |"


def page(some: list[Sample], made: dict[str, Any]) -> str:
    """The result for readers."""
    return "\n".join([
        "# The score of a rate that was too high", "",
        "Made by `python -m bench.watch.heat --write` from the labelled runs of all halves looked at so far. Cells: "
        "runs whose rate is known to be too high that score above the level, runs known to be sound that do so, and "
        "runs that are left out of the labelled set though a lower peak is known not to be better.", "",
        "## Each task by a card made without it", "", *table(some, left_out(some)), "",
        "## The card as shipped, on what it was made from", "", *table(some, scores(made, some)), "",
    ])  # fmt: skip


def main() -> None:
    """Fit, judge, and store where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="store the card and the page")
    asked = parser.parse_args()
    some = samples()
    made = fitted(some)
    text = page(some, made)
    print(text)
    if asked.write:
        about = {"command": "python -m bench.watch.heat --write", "commit": commit(*MADE_BY),
                 "source": source(*MADE_BY), "samples": len(some), "seed": 0}  # fmt: skip
        rows = ",\n  ".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in made["card"].items())
        CARD.write_text(
            f'{{"about": {json.dumps(about)},\n "base": {made["base"]},\n "card": {{\n  {rows}\n }}\n}}\n',
            encoding="utf-8",
        )
        (HERE / "heat.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
