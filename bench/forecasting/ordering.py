"""Would a forecast put a comparison's runs in a better order? Its own strategy, replayed over the reference grids.

    python -m bench.forecasting.ordering            # prints the table: about a CPU minute, nothing is trained
    python -m bench.forecasting.ordering --write    # also writes bench/results/forecast/ordering.md

A comparison of eight shapes at five peaks wants the runs of one seed equally; which it begins first matters where it is
stopped half-way. Ways: "as it is" (shape by shape as they were given, peaks ascending); "middle first" (every shape at
the middle peak, then outwards: no forecast); "by forecast" (once 12 runs are finished, and again at 24, those not begun
go by what laws fitted to the finished ones foretell, peaks where a run diverged last; as it is where the laws' own
doubts refuse); "by forecast, doubts ignored". One seed chooses the peaks, the two others judge. The shapes are given in
two shuffled orders, each of the three seeds chooses once: six replays a workload. Counted at a stop: whether the
setting that leads at the end was run; regret: the mean loss, over all seeds, of the best finished setting above that of
the best of the grid, in standard deviations between seeds.
"""

import argparse
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.tuning.grid import SEEDS, STEPS, WORKLOADS, Cell, cells
from bench.tuning.recorded import Recorded, load
from calando.errors import CalandoError
from calando.forecast.asked import Candidate as Asked
from calando.forecast.averaging import averaged
from calando.forecast.doubts import doubts_of
from calando.forecast.forecasting import ends_of, fitted
from calando.forecast.studied import curve_of_run, usable_runs
from calando.lab.comparing import CompareStrategy
from calando.lab.strategy import walk
from calando.records import Candidate, RunRecord, RunSpec, StudySpec

HERE = Path(__file__).resolve().parents[1] / "results" / "forecast"
WAYS = ("as it is", "middle first", "by forecast", "by forecast, doubts ignored")
FITTED = (12, 24)  # finished runs at which laws are fitted
STOPS = (0.25, 0.5)
SHUFFLES = 2
Order = dict[Cell, tuple[bool, float]]


def foretold(spec: StudySpec, runs: Sequence[RunRecord], *, heed: bool) -> tuple[Order | None, str]:
    """Every setting by what the laws foretell, and what became of them: "used", "refused" or "no fit"."""
    edge = min((run.spec.peak or 0.0 for run in runs if not run.sound), default=math.inf)
    try:
        curves = [curve_of_run(run, spec.metric) for run in usable_runs(spec, runs)]
        fits, _ = fitted(curves)
    except CalandoError:
        return None, "no fit"
    if heed and any(doubt.refuses for doubt in doubts_of(curves, fits)):
        return None, "refused"
    settings = [(one.plan, peak) for one in spec.candidates for peak in spec.peaks]
    ends, _ = averaged(ends_of(fits, [Asked(plan, peak, spec.horizon) for plan, peak in settings]))
    return {one: (one[1] >= edge, float(end)) for one, end in zip(settings, ends, strict=True)}, "used"


def played(spec: StudySpec, records: Recorded, way: str) -> tuple[list[RunRecord], Counter[str]]:
    """The runs of one comparison in the order of that way, one at a time, and what became of the laws."""
    strategy, made, told = CompareStrategy(spec, {}), list[RunRecord](), Counter[str]()
    place = {one.label: i for i, one in enumerate(spec.candidates)}
    middle = {peak: abs(i - len(spec.peaks) // 2) for i, peak in enumerate(spec.peaks)}
    order: Order | None = None

    def key(run: RunSpec) -> tuple[object, ...]:
        peak = run.peak or 0.0
        first = () if order is None else order[run.plan, peak]
        outward = (middle[peak],) if way == "middle first" else ()
        return (run.phase != "select", run.seed, *first, *outward, place[run.candidate], peak)

    while wanted := strategy.left():
        if way.startswith("by forecast") and len(made) in FITTED:
            found, how = foretold(spec, made, heed="ignored" not in way)
            order = found or order
            told[how] += 1
        run = min(wanted, key=key)
        record = records.plain(run)
        if record is None:
            raise ValueError(f"{run} was not recorded")
        made.append(replace(record, spec=run))
        strategy.finished(made[-1])
    return made, told


def leader(spec: StudySpec, made: Sequence[RunRecord]) -> Cell:
    """The setting with the best mean over the judging seeds."""
    runs = {run.spec.key: run for run in made}

    def ends(one: Candidate) -> float:
        proof = [runs[run.key] for run in walk(spec, one, runs).wanted if run.phase == "confirm"]
        return fmean(math.inf if run.final is None else run.final for run in proof) if proof else math.inf

    best = min(spec.candidates, key=ends)
    found = walk(spec, best, runs).selection
    return best.plan, (found.peak if found is not None else None) or 0.0


def rows(name: str) -> tuple[dict[tuple[float, str], list[tuple[bool, float]]], dict[str, Counter[str]]]:
    """By stop and way: whether the eventual leader was run, and the regret; by way what became of the laws."""
    records, grid, steps = load(name), cells(name), STEPS[name]
    ends = {one: [records.final(one, seed, steps) or math.inf for seed in SEEDS] for one in grid}
    truth = {one: fmean(known) for one, known in ends.items()}
    best = min(truth.values())
    near = [stdev(ends[one]) for one in grid if truth[one] < 1.2 * best]
    spread = math.sqrt(fmean(sd * sd for sd in near))
    found, laws = defaultdict(list), defaultdict(Counter[str])
    for shuffle in range(SHUFFLES):
        plans = list(dict.fromkeys(plan for plan, _ in grid))
        random.Random(shuffle).shuffle(plans)  # noqa: S311 - not for secrets
        for seed in SEEDS:
            spec = StudySpec("?", "t.py:train", steps, tuple(Candidate(plan, plan) for plan in plans), extend=0,
                             peaks=tuple(sorted({peak for _, peak in grid})), select_seeds=(seed,),
                             confirm_seeds=tuple(other for other in SEEDS if other != seed))  # fmt: skip
            for way in WAYS:
                made, told = played(spec, records, way)
                laws[way] += told
                total, last = sum(run.steps for run in made), leader(spec, made)
                for stop in STOPS:
                    spent, seen = 0, defaultdict[Cell, list[float]](list)
                    for run in made:
                        spent += run.steps
                        if spent > stop * total:
                            break
                        setting = (run.spec.plan, run.spec.peak or 0.0)
                        seen[setting].append(math.inf if run.final is None else run.final)
                    pick = min(seen, key=lambda one: fmean(seen[one]))
                    found[stop, way].append((last in seen, (truth[pick] - best) / spread))
    return found, laws


def table() -> list[str]:
    """The table of all workloads."""
    lines = [
        "# The order of a comparison's runs", "", "`python -m bench.forecasting.ordering --write`", "",
        "| workload | stopped at | way | eventual leader was run | regret, seed SDs | fits used / refused |",
        "| --- | --: | --- | --: | --: | --: |",
    ]  # fmt: skip
    for name in WORKLOADS:
        found, laws = rows(name)
        for stop in STOPS:
            for way in WAYS:
                one, told = found[stop, way], laws[way]
                fits = f"{told['used']} / {told['refused'] + told['no fit']}" if told else ""
                lines.append(
                    f"| {name} | {stop:.0%} | {way} | {sum(ran for ran, _ in one)} of {len(one)} "
                    f"| {fmean(regret for _, regret in one):.2f} | {fits} |"
                )
        print(*lines[-len(STOPS) * len(WAYS) :], sep="\n", flush=True)
    return lines


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    lines = table()
    if write:
        (HERE / "ordering.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
