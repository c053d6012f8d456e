"""What are carried-over peaks worth to `compare`? Its own strategy, replayed over recorded grids.

    python -m bench.forecasting.compare_peaks            # prints the table: seconds, nothing is trained
    python -m bench.forecasting.compare_peaks --write    # also writes bench/results/forecast/compare_peaks.md

For every task and horizon: the linear decay's best peak is known (parabola through the recorded losses); every other
shape is then compared at common peaks (that one; or with a factor 2 below and above) or at its carried-over ones, put
on the nearest recorded peak (a factor 2 apart). One seed chooses, the others judge; no grid grows. Regret: the mean
loss of the judging seeds at the chosen peak above that at the shape's best recorded peak, over the spread between the
shapes' best. Shapes for which theory has a range and no best guess have three peaks over it in every carried-over case
(fewer where two of them fall on one recorded peak); they stand apart.
"""

import argparse
import math
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.forecasting.best_peaks import OWN, Peaks, own_peaks
from bench.forecasting.live import recorded as live_records
from bench.tuning.recorded import Recorded, load
from calando.forecast import transfer
from calando.lab.carried import carried_over
from calando.lab.strategy import still_wanted, walk
from calando.records import Candidate, RunRecord, StudySpec

HERE = Path(__file__).resolve().parents[1] / "results" / "forecast"
WAYS = (("common", 1), ("carried over", 1), ("common", 3), ("carried over", 3))
LINEAR = "linear_decay()"
Row = tuple[str, int, str, str, int, int, float]


def nearest(peak: float, grid: tuple[float, ...]) -> float:
    """The recorded peak that is nearest in octaves."""
    return min(grid, key=lambda one: abs(math.log2(one / peak)))


def question(of: Peaks, shapes: list[Peaks], seeds: list[int], way: str, around: int) -> StudySpec:
    """One comparison of all shapes but the linear decay; every peak is a recorded one."""
    if of.best is None:
        raise ValueError(f"no best peak of {of.plan}")
    plans = tuple(Candidate(one.plan, one.plan) for one in shapes)
    spec = StudySpec("?", "t.py:train", of.horizon, plans, extend=0,
                     select_seeds=tuple(seeds[:1]), confirm_seeds=tuple(seeds[1:]))  # fmt: skip
    if way == "common":
        grid = tuple(of.best * 2.0 ** (i - (around - 1) / 2) for i in range(around))
        spec = replace(spec, candidates=tuple(replace(one, peaks=grid) for one in plans))
    else:
        spec = carried_over(spec, (of.plan, of.best), around)
    placed = []
    for one, shape in zip(spec.candidates, shapes, strict=True):
        grid = tuple(peak for peak, _ in shape.losses)
        placed.append(replace(one, peaks=tuple(sorted({nearest(peak, grid) for peak in one.peaks}))))
    return replace(spec, candidates=tuple(placed))


def chosen(spec: StudySpec, records: Recorded) -> dict[str, float | None]:
    """The peaks that the comparison chooses, by plan."""
    runs: dict[str, RunRecord] = {}
    while wanted := [run for run in still_wanted(spec, runs) if run.phase == "select"]:
        for run in wanted:
            found = records.plain(run)
            if found is None:
                raise ValueError(f"{run} was not recorded")
            runs[run.key] = replace(found, spec=run)
    found = {one.label: walk(spec, one, runs).selection for one in spec.candidates}
    return {label: None if one is None else one.peak for label, one in found.items()}


def rows() -> list[Row]:
    """Task, horizon, plan, way, peaks around, peaks tried, regret."""
    out = []
    for name, live in [*((one, False) for one in OWN), ("characters", True)]:
        records = live_records(name) if live else load(name)
        everything = own_peaks(name, live)
        for horizon in sorted({one.horizon for one in everything}):
            here = [one for one in everything if one.horizon == horizon and len(one.losses) >= 5]
            linear = next((one for one in here if one.plan.endswith(LINEAR)), None)
            if linear is None or linear.best is None:
                continue
            seeds = sorted({run.spec.seed for run in records.runs.values() if run.spec.horizon == horizon})
            whole = [_everywhere(one, records, seeds) for one in here]
            judged = {one.plan: _judged(one, records, seeds[1:]) for one in whole}
            best = {plan: min(by_peak.values()) for plan, by_peak in judged.items()}
            spread = max(best.values()) - min(best.values())
            shapes = [one for one in whole if not one.plan.endswith(LINEAR)]
            for way, around in WAYS:
                spec = question(linear, shapes, seeds, way, around)
                for plan, peak in chosen(spec, records).items():
                    tried = len(spec.candidate(plan).peaks)
                    loss = max(judged[plan].values()) if peak is None else judged[plan][peak]
                    where = f"{name}, live" if live else name
                    out.append((where, horizon, plan, way, around, tried, (loss - best[plan]) / spread))
    return out


def _everywhere(one: Peaks, records: Recorded, seeds: list[int]) -> Peaks:
    """The peaks that every seed has."""
    kept = [
        p for p in one.losses if all(records.final((one.plan, p[0]), seed, one.horizon) is not None for seed in seeds)
    ]
    return replace(one, losses=tuple(kept))


def _judged(one: Peaks, records: Recorded, seeds: list[int]) -> dict[float, float]:
    """The mean loss of the judging seeds by peak; where one diverged, the worst finite mean."""
    known = {p: fmean(records.final((one.plan, p), seed, one.horizon) or 0.0 for seed in seeds) for p, _ in one.losses}
    worst = max(loss for loss in known.values() if math.isfinite(loss))
    return {peak: loss if math.isfinite(loss) else worst for peak, loss in known.items()}


def text(found: list[Row]) -> str:
    """The tables as Markdown."""
    plans = list(dict.fromkeys(row[2] for row in found))
    promises = transfer(LINEAR, plans, horizon=640).targets
    ranged = {plan for plan, one in zip(plans, promises, strict=True) if one.promise != "best guess"}
    told = (__doc__ or "").split("\n\n")[2].strip()
    lines = ["# Carried-over peaks in compare, against common ones", "", "`python -m bench.forecasting.compare_peaks`"]
    lines += ["", told, "", "## Shapes with a best guess", ""]
    lines += _tables([row for row in found if row[2] not in ranged])
    lines += ["", f"## Shapes with a range alone: {', '.join(sorted(ranged))}", ""]
    lines += _tables([row for row in found if row[2] in ranged])
    return "\n".join(lines) + "\n"


def _tables(found: list[Row]) -> list[str]:
    by: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    tried: dict[tuple[str, int], list[int]] = defaultdict(list)
    for where, _, _, way, around, many, regret in found:
        by[where, way, around].append(regret)
        by["all", way, around].append(regret)
        tried[way, around].append(many)
    names = [*dict.fromkeys(where for where, *_ in found), "all"]
    heads = " | ".join(f"{way}, {around}" for way, around in WAYS)
    lines = ["Mean regret, as a share of the spread between shapes:", ""]
    lines += [f"| task | cells | {heads} |", "| --- |" + " --: |" * 5]
    for name in names:
        values = [by[name, way, around] for way, around in WAYS]
        lines.append(f"| {name} | {len(values[0])} | " + " | ".join(f"{fmean(one):.3f}" for one in values) + " |")
    lines.append("| peaks a shape | | " + " | ".join(f"{fmean(tried[way]):.2f}" for way in WAYS) + " |")
    lines += ["", "Wins, draws and losses of carried-over peaks, shape by shape:", ""]
    lines += ["| task | 1 against common 1 | 3 against common 3 | 1 against common 3 |", "| --- | --- | --- | --- |"]
    for name in names:
        cells = []
        for mine, theirs in ((WAYS[1], WAYS[0]), (WAYS[3], WAYS[2]), (WAYS[1], WAYS[2])):
            pairs = list(zip(by[name, *mine], by[name, *theirs], strict=True))
            won, lost = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
            cells.append(f"{won}, {len(pairs) - won - lost}, {lost}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Print, and write when asked."""
    parser = argparse.ArgumentParser(description="Carried-over peaks in compare, against common ones.")
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/compare_peaks.md")
    told = text(rows())
    print(told)
    if parser.parse_args().write:
        (HERE / "compare_peaks.md").write_text(told)


if __name__ == "__main__":
    main()
