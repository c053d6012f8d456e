"""The written plan: what a search will run and what it costs, before anything runs."""

from dataclasses import replace

from calando.errors import counted
from calando.lab.phrases import number, share
from calando.lab.tuning.budget import proving
from calando.records.study import StudySpec
from calando.records.tuning import TuneSpec

__all__ = ["prospect"]


def prospect(spec: StudySpec, tune: TuneSpec) -> list[str]:
    """The plan of a search in lines for people.

    >>> from calando.records import Candidate
    >>> spec = StudySpec("?", "t.py:train", 1000, (Candidate("c", "cosine()"),), peaks=(0.1, 0.2))
    >>> print(*prospect(spec, TuneSpec("20runs", 20000, (125, 250, 1000))), sep="\\n")
    budget: 20,000 updates = 20 full runs of 1,000
    probe: 1 run of 20 updates at peak 0.1: the pace, and what the train function declares
    first look: 4 runs, 500 updates, nothing to share
    choosing: 20,000 updates on 1 shape x 2 peaks, over 125, 250 and 1,000 updates, never cut
    proving: nothing is kept for it: 24,000 updates would leave room for 3 fresh seeds
    """
    full, budget = tune.full, tune.steps
    lines = []
    if budget is None:
        lines.append(f"budget: {tune.budget} by the clock; a probe measures the pace, then it is planned in updates")
    else:
        lines.append(f"budget: {budget:,} updates = {budget / full:.4g} full runs of {full:,}")
    if tune.probe:
        from calando.lab.tuning.opening import probe_run

        probe = probe_run(full, 0, spec.peaks)
        at = f"1 run of {probe.horizon:,} updates at peak {number(probe.peak or 0.0)}"
        lines.append(f"probe: {at}: the pace, and what the train function declares")
    if tune.bracket and not spec.peaks:
        from calando.lab.tuning.ranging import Ranging

        runs = Ranging(spec, tune).round().runs
        lines.append(f"range test: {counted(len(runs), 'run')} of {runs[0].horizon:,} updates: which peaks to search")
    peaks = counted(len(spec.peaks), "peak") if spec.peaks else "the peaks found"
    *short, last = [f"{horizon:,}" for horizon in tune.horizons]
    lengths = f"{', '.join(short)} and {last}" if short else last
    shapes = counted(len(spec.candidates), "shape")
    if budget is None:
        lines.append(f"choosing: on {shapes} x {peaks}, over {lengths} updates, never cut")
        kept = share(tune.prove) if tune.prove else "nothing"
        lines.append(f"proving: {kept} of the budget is kept for fresh seeds, where that pays for three")
        return lines
    if spec.peaks:
        lines += _shared(spec, tune)
    seeds = proving(budget / full, tune.prove, len(spec.confirm_seeds))
    cost = 2 * seeds * full
    lines.append(f"choosing: {budget - cost:,} updates on {shapes} x {peaks}, over {lengths} updates, never cut")
    if seeds:
        lines.append(f"proving: {cost:,} updates: the choice against the baseline on {counted(seeds, 'fresh seed')}")
    elif tune.prove:
        need = int(6 / tune.prove) * full
        lines.append(f"proving: nothing is kept for it: {need:,} updates would leave room for 3 fresh seeds")
    return lines


def _shared(spec: StudySpec, tune: TuneSpec) -> list[str]:
    """What the first runs cost, with and without sharing what they have in common."""
    from calando.lab.stages import Tree
    from calando.lab.tuning.strategy import TuneStrategy

    strategy = TuneStrategy(spec, replace(tune, probe=False))
    tree, runs = Tree(), strategy.left()
    for run in runs:
        tree.add(run, strategy.schedule(run), strategy.evals(run))
    saving = tree.saving(tree.plan(runs, share=tune.share))
    alone, shared = saving.steps_alone, saving.steps_shared
    less = f", {alone - shared:,} fewer by sharing" if shared < alone else ", nothing to share"
    return [f"first look: {counted(len(runs), 'run')}, {shared:,} updates{less}"]
