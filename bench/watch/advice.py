"""Does acting on the advice help? A program does what the finding says, and both are trained on three paired seeds.

python -m bench.watch.advice            # what is recorded
python -m bench.watch.advice --record   # trains it: bad runs of the half `fresh`, one a finding and task
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from bench.tuning.recording import commit, versions
from bench.watch.labelled.cases import SEEDS, Case, cases
from bench.watch.labelled.labels import effect
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.recording import HERE, load, number
from bench.watch.labelled.scoring import observed
from bench.watch.labelled.training import train
from calando.records.diagnosis import Change, Diagnosis, diagnose

__all__ = ["advised", "changed", "told"]

FILE = HERE / "advice.json"
HALF = "fresh"


def changed(recipe: Recipe, change: Change) -> Recipe:
    """The recipe with the change made."""
    value = change.value
    if isinstance(value, str):
        return recipe.but(defect="") if change.what == "attach" else recipe.but(plan=value)
    if change.what == "peak":
        return recipe.but(peak=recipe.peak * value)
    if change.what == "horizon":
        return recipe.but(horizon=int(value), stop=0)
    if change.what == "stop":
        return recipe.but(stop=int(value))
    if change.what == "warm-up":
        return recipe.but(plan=warmed(recipe.plan, int(value)))
    if change.what == "cooldown":
        return recipe.but(plan=f"wsd(warmup=5%, cooldown={int(value)})")
    if change.what == "weight decay":
        return recipe.but(decay=value * recipe.decay or 0.01)
    if change.what == "skip":
        return recipe.but(glitch=0)
    return recipe.but(**{change.what: value})


def warmed(plan: str, steps: int) -> str:
    """The plan with so many steps of warm-up."""
    if plan.startswith("wsd("):
        return re.sub(r"warmup=[^,)]+", f"warmup={steps}", plan)
    return f"warmup({steps}) | {plan.partition('| ')[2] if plan.startswith('warmup') else plan}"


def first(case: Case, finding: Diagnosis) -> Change:
    """The first change that is advised and not already so: who clips gradients goes on to the next."""
    return next(change for change in finding.changes if changed(case.recipe, change) != case.recipe)


def advised() -> list[tuple[Case, Diagnosis, Change, Recipe]]:
    """The worst finding of the first seed of each bad case, and its first change; one case a finding and task."""
    results = load(HALF)
    found: dict[tuple[str, str], tuple[Case, Diagnosis, Change, Recipe]] = {}
    for case in cases(HALF):
        if case.kind == "healthy":
            continue
        for finding in diagnose(observed(case.recipe, results[case.recipe])):
            if finding.changes:
                place = (finding.kind, case.recipe.task)
                change = first(case, finding)
                found.setdefault(place, (case, finding, change, changed(case.recipe, change)))
                break
    return sorted(found.values(), key=lambda one: (one[1].kind, one[0].recipe.task))


def record() -> dict[str, Any]:
    """Train the advised runs beside those that they mend."""
    results, rows = load(HALF), []
    every = advised()
    jobs = [new.but(seed=s) for *_, new in every for s in SEEDS[new.task]]
    trained = dict(zip(jobs, train(jobs), strict=True))
    bases = [case.recipe.but(seed=s) for case, *_ in every for s in SEEDS[case.recipe.task]]
    missing = [recipe for recipe in bases if recipe not in results]
    results.update(zip(missing, train(missing), strict=True))
    for case, finding, change, new in every:
        seeds = SEEDS[case.recipe.task]
        base = [results[case.recipe.but(seed=s)] for s in seeds]
        one = effect(finding.kind, base, [trained[new.but(seed=s)] for s in seeds])
        rows.append({
            "run": case.name, "made_to_show": case.kind, "found": finding.kind, "change": change.as_data(),
            "advised": f"{new.plan} @ {new.peak:.3g}, {new.steps} steps", "before": [number(a) for a, _ in one.finals],
            "after": [number(b) for _, b in one.finals], "gain": number(one.gain), "error": number(one.error),
            "better": one.gain > 2 * one.error,
        })  # fmt: skip
    about = {"command": "python -m bench.watch.advice --record", "commit": commit("bench/watch", "src/calando/records"),
             "seeds": SEEDS, "versions": versions(), "cases": rows}  # fmt: skip
    FILE.write_text(json.dumps(about, indent=1) + "\n")
    return about


def told(about: dict[str, Any]) -> str:
    """The page bench/results/watch/advice.md."""
    rows = about["cases"]
    better = sum(row["better"] for row in rows)
    lines = [
        "# Does acting on the advice help?", "",
        "Bad runs of three tasks on which no advice was written, the first of each finding and task; the first change "
        "that the worst finding of one seed's run carries, and that is not made already, was made by a program, and "
        "both were trained on the same three seeds. Better: the mean "
        "paired "
        "gain of the final held-out loss is above twice its standard error.", "",
        f"{better} of {len(rows)} better. Made by `{about['command']}`.", "",
        "| run | found | change | before | after | gain | |", "|---|---|---|--:|--:|--:|---|",
    ]  # fmt: skip
    for row in rows:
        mean = [sum(map(float, row[when])) / len(row[when]) for when in ("before", "after")]
        lines.append(
            f"| {row['run'].replace('|', chr(92) + '|')} | {row['found']} | {row['change']['what']} "
            f"{str(row['change']['value']).replace('|', chr(92) + '|')} | "
            f"{mean[0]:.4g} | {mean[1]:.4g} | {float(row['gain']):.3g} ± {float(row['error']):.2g} | "
            f"{'better' if row['better'] else 'no better'} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Record, or tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="train")
    given = parser.parse_args()
    about = record() if given.record else json.loads(FILE.read_text())
    text = told(about)
    print(text)
    Path(HERE / "advice.md").write_text(text)


if __name__ == "__main__":
    main()
