"""The labelled runs judged beside another run: one at four times the peak, a quarter of it, or with a longer warm-up.

Each of them is a single run under another seed of the same case, as a user has them, not the three pairs of the label.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bench.watch.labelled.cases import cases
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.scoring import JUDGED, QUIET, Run, labelled, observed, table
from bench.watch.labelled.training import Trained
from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.beside import beside
from calando.records.diagnosis.noisy import noise

__all__ = ["CONTROLS", "folders", "laid", "spread", "told"]

CONTROLS = {"LR too low": "at 4 times the peak", "LR too high": "at a quarter of the peak",
            "warm-up too short": "with a longer warm-up"}  # fmt: skip
"""The controls of a case that stand beside its runs, by the finding that each is for."""

UNSEEN = "unseen"
Pair = tuple[Run, Run]


def neighbour(recipe: Recipe, trained: Trained) -> Observed:
    """A control as another run: where only its first and last loss were kept, with the rates that it had all the same.

    The last loss stands at the last update.
    """
    seen = observed(recipe, trained)
    if len(trained.train) > 1:
        return seen
    steps, rates = list(range(recipe.steps)), recipe.used().tolist()
    return replace(seen, val=([recipe.steps - 1], trained.val), lr=(steps, rates), asked=(steps, rates), ended_at=None)


def laid(half: str, results: Mapping[Recipe, Trained]) -> Iterator[Pair]:
    """Every labelled run of a half as it is judged alone, and as it is beside its controls of the next seed."""
    for case in cases(half):
        for run in labelled(case, case.seeds, results):
            place = case.seeds.index(run.recipe.seed)
            seed = case.seeds[(place + 1) % len(case.seeds)]
            others = [(f"the one {CONTROLS[finding]}", neighbour(one, results[one]))
                      for finding, control in case.controls if finding in CONTROLS
                      if (one := control.but(seed=seed))]  # fmt: skip
            seen, *_ = beside([("this", observed(run.recipe, run.trained)), *others])
            yield run, replace(run, found=diagnose(seen)) if seen.beside else run


def folders(half: str, results: Mapping[Recipe, Trained]) -> Iterator[Run]:
    """Every labelled run of a half as it is judged among all of its task, as if they lay in one folder."""
    runs = [run for case in cases(half) for run in labelled(case, case.seeds, results)]
    for task in dict.fromkeys(run.recipe.task for run in runs):
        mine = [run for run in runs if run.recipe.task == task]
        named = [(run.case.name, replace(observed(run.recipe, run.trained), settings=settings(run.recipe)))
                 for run in mine]  # fmt: skip
        for run, seen in zip(mine, beside(named), strict=True):
            yield replace(run, found=diagnose(seen))


def settings(recipe: Recipe) -> dict[str, str]:
    """What else may be different between two runs of a task."""
    names = ("few", "wrong", "dropout", "decay", "clip", "glitch")
    return {name: str(getattr(recipe, name)) for name in names}


def told(halves: Mapping[str, Mapping[Recipe, Trained]]) -> Iterator[str]:
    """The sections "Beside another run"."""
    known = {half: results for half, results in halves.items() if half not in ("tools", UNSEEN)}
    if known:
        yield from ("", "## Beside another run", "")
        yield from _section(known, "The same runs", "The thresholds of the comparison were set by these very runs.")
    if UNSEEN in halves:
        yield from ("", "## Beside another run, on the four tasks that set none of its thresholds", "")
        yield from _section({UNSEEN: halves[UNSEEN]}, "Runs of the half `unseen`", "No threshold was set by them.")


def _section(halves: Mapping[str, Mapping[Recipe, Trained]], which: str, set_by: str) -> Iterator[str]:
    yield (
        f"{which}, each judged together with one run for each of its controls of the rate (four times the peak, a "
        "quarter of it, a longer warm-up), of another seed; good runs as well. Labels are as above. A control was kept "
        f"with its first and last loss only. By `python -m bench.watch.labelled --beside`. {set_by}"
    )
    pairs = [pair for half, results in halves.items() for pair in laid(half, results)]
    alone, together = table([one for one, _ in pairs]), table([one for _, one in pairs])
    yield from ("", "| finding | runs | found alone | found beside | false alone | false beside | recall | precision |")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for kind in JUDGED:
        a, b = alone[kind], together[kind]
        shares = (f"{a[name]:.2f} -> {b[name]:.2f}" for name in ("recall", "precision"))
        yield (f"| {kind} | {a['runs']} | {a['found']} | {b['found']} | {a['false']} | {b['false']} | "
               f"{' | '.join(shares)} |")  # fmt: skip
    a, b = alone["healthy"], together["healthy"]
    yield ""
    yield (f"Good runs without any finding: {a['found']} of {a['runs']} alone ({a['recall']:.2f}), {b['found']} beside "
           f"another ({b['recall']:.2f}).")  # fmt: skip
    every = table([run for half, results in halves.items() for run in folders(half, results)])
    found = (f"{kind} {every[kind]['recall']:.2f} and {every[kind]['precision']:.2f}" for kind in CONTROLS)
    yield ""
    yield (
        "As a user has them: all labelled runs of a task in one call, each with its three seeds and whole curves, what "
        "else was changed named as a setting, and no control beside them: recall and precision of "
        f"{', of '.join(found)}; good runs without any finding {every['healthy']['found']} of "
        f"{every['healthy']['runs']} ({every['healthy']['recall']:.2f})."
    )
    yield from ("", "Of the three findings that another run tells of, told wrongly:", "")
    wrong = [line for _, run in pairs if (line := _wrong(run))]
    yield from (wrong or ["- none"])


def _wrong(run: Run) -> str:
    if run.label.left_out:
        return ""
    spare = [kind for kind in run.kinds if kind in CONTROLS and kind not in (run.label.kind, *run.label.fair)]
    missed = run.label.kind in CONTROLS and run.label.kind not in run.kinds
    if run.label.kind == "healthy":
        spare = [kind for kind in run.kinds if kind not in (*QUIET, *run.label.fair)]
    parts = [f"{run.label.kind} missed"] * missed + [f"{', '.join(spare)} said wrongly"] * bool(spare)
    return f"- {run.case.name}, seed {run.recipe.seed}: {'; '.join(parts)}" if parts else ""


def spread(halves: Mapping[str, Mapping[Recipe, Trained]]) -> Iterator[str]:
    """How far repeats of one recipe end apart: as a share of the gain, and over the noise of an evaluation there."""
    yield "| made as | recipes | of the gain: half | four of five | of the noise at the end: half | four of five |"
    yield "|---|--:|--:|--:|--:|--:|"
    found: dict[str, list[tuple[float, float]]] = {}
    for half, results in halves.items():
        for case in cases(half) if half != "tools" else ():
            runs = [results[case.recipe.but(seed=seed)] for seed in case.seeds]
            ends = np.array([run.final for run in runs])
            start = float(np.mean([run.train[0] for run in runs]))
            if len(runs) > 1 and np.isfinite(ends).all() and start - ends.min() > 0.05 * start:
                rough = float(np.mean([noise(np.array(run.val[-8:])) for run in runs]))
                apart = float(ends.std(ddof=1))
                found.setdefault(case.kind, []).append((apart / (start - ends.min()), apart / max(rough, 1e-12)))
    for kind, rows in found.items():
        (gain, rough), (gain_most, rough_most) = np.quantile(rows, [0.5, 0.8], axis=0)
        yield f"| {kind} | {len(rows)} | {gain:.4f} | {gain_most:.4f} | {rough:.3g} | {rough_most:.3g} |"
