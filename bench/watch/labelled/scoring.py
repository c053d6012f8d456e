"""Labels of the recorded runs, what the diagnosis says of them, and how often it is right."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.watch.labelled.cases import DROP, SMALL, Case, unmoved
from bench.watch.labelled.labels import Effect, effect
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tasks import TASKS
from bench.watch.labelled.training import Trained
from calando.records.diagnosis import Diagnosis, Observed, diagnose

__all__ = ["JUDGED", "LARGE", "QUIET", "Label", "Run", "effects", "labelled", "observed", "table"]

LARGE = 0.2
"""Share of what a run gains in all: a change that brings it is told apart as a large one. Set before the runs on which
the rules are judged were looked at."""

JUDGED = (
    "diverged", "LR not as asked", "not converging", "LR too high", "warm-up too short", "spikes",
    "overfitting after a drop", "overfitting", "oscillation", "LR too low", "horizon too short", "plateau at high LR",
    "plateau at low LR",
)  # fmt: skip
"""Findings whose precision and recall are measured."""

QUIET = ("healthy", "fitted early", "too little data")
"""What may be said of a good run."""

BY_FACT = ("LR not as asked", "spikes", "diverged", "not converging")
"""Findings that a run has because of how it was made, or by its own numbers: no control run decides them."""


@dataclass(frozen=True)
class Label:
    """What a run has, what may also be said of it, and why it says nothing where it is left out."""

    kind: str
    fair: frozenset[str]
    left_out: str = ""
    worth: float = math.nan
    """What the change brought, as a share of what the run gains in all; NaN where no control was run for the label."""


@dataclass(frozen=True)
class Run:
    """A labelled run and what was found."""

    case: Case
    recipe: Recipe
    trained: Trained
    label: Label
    found: tuple[Diagnosis, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The findings' names."""
        return tuple(finding.kind for finding in self.found)


def observed(recipe: Recipe, trained: Trained) -> Observed:
    """What a diagnosis is given of a run."""
    count = len(trained.train)
    steps = list(range(count))
    return Observed(
        horizon=recipe.steps,
        train=(steps, trained.train),
        val=(trained.val_at, trained.val),
        lr=(steps, recipe.used()[:count].tolist()),
        asked=(steps, recipe.asked()[:count].tolist()),
        status="diverged" if trained.diverged else "done",
        ended_at=count - 1 if trained.diverged else None,
    )


def labelled(
    case: Case,
    seeds: Sequence[int],
    results: Mapping[Recipe, Trained],
    seen: Callable[[Recipe, Trained], Observed] = observed,
) -> list[Run]:
    """The runs of a case, one a seed, with their labels and with what is found in what is seen of them."""

    known = effects(case, seeds, results)
    runs = []
    for seed, start in zip(seeds, _starts(case, seeds, results), strict=True):
        recipe = case.recipe.but(seed=seed)
        trained = results[recipe]
        runs.append(Run(case, recipe, trained, label(case, trained, known, start), diagnose(seen(recipe, trained))))
    return runs


def effects(case: Case, seeds: Sequence[int], results: Mapping[Recipe, Trained]) -> list[Effect]:
    """What the changes that the controls of a case make did."""

    def of(recipe: Recipe) -> list[Trained]:
        return [results[recipe.but(seed=seed)] for seed in seeds]

    starts = _starts(case, seeds, results)
    return [effect(finding, of(case.recipe), of(control), starts) for finding, control in case.controls]


def _starts(case: Case, seeds: Sequence[int], results: Mapping[Recipe, Trained]) -> list[float]:
    """The loss of each run before its first update.

    A first batch tells it, unless it is very small: then the run that hardly moves tells it by all of its batches.
    """
    if not case.recipe.tool and TASKS[case.recipe.task].half == SMALL:
        return [float(np.mean(results[unmoved(case.recipe.task, seed)].train)) for seed in seeds]
    return [results[case.recipe.but(seed=seed)].train[0] for seed in seeds]


def label(case: Case, trained: Trained, effects: Sequence[Effect], start: float) -> Label:
    """The label of one run: what it was made for, where its control and its own numbers bear that out."""
    helps = {one.finding for one in effects if one.helps}
    fair = helps | {one.finding for one in effects if one.unclear}
    ends = float(np.mean(trained.train[-20:]))
    bad = trained.diverged or ends > 1.05 * start
    if bad:
        fair.add("diverged")
    if not bad and trained.final > 0.93 * start and ends > 0.85 * start:
        fair.add("not converging")
    if not trained.diverged and len(trained.val) >= 8:
        smooth = np.convolve(trained.val, np.ones(3) / 3, "valid")
        if smooth[-1] - smooth.min() > 0.02 * max(start - smooth.min(), 0.02 * start):
            fair.add("overfitting")  # its validation loss does rise, whatever it was made for
    kind, why = case.kind, ""
    if kind == "healthy":
        if helps:
            why = f"not good after all: {', '.join(sorted(helps))}"
    elif kind == "diverged":
        why = "" if bad else "did not diverge"
    elif kind == "not converging":
        why = "" if not bad and trained.final > 0.985 * start else "learned something, or diverged"
    elif kind == "spikes":
        why = "" if _struck(case.recipe, trained) >= 3 else "its broken batches hardly show"
    elif kind not in BY_FACT:
        if kind not in helps:
            why = "its control is no better"
        elif kind == "overfitting after a drop" and not _turned(case.recipe, trained):
            kind = "overfitting"  # it had begun before
        elif bad and kind != "overfitting":
            kind = "diverged"
        elif kind == "LR too low" and not bad and trained.final > 0.985 * start:
            why = "it did not get anywhere at all"
        elif kind == "plateau at high LR" and _rather(trained, effects) != kind:
            why = "it stands still, and another finding holds more"
    if kind == "LR not as asked":
        fair |= set(JUDGED)  # what its rates did to it is not known: no control tells
    if kind == "overfitting after a drop":
        fair.add("overfitting")
    worth = next((one.gain / one.scale for one in effects if one.finding == kind), math.nan)
    return Label(kind, frozenset(fair - {kind}), why, worth)


def _rather(trained: Trained, effects: Sequence[Effect]) -> str:
    """What a run at a high constant rate has: the finding whose change helped most, or overfitting where its held-out
    loss ends far above its best."""
    smooth = np.convolve(trained.val, np.ones(3) / 3, "valid")
    if smooth[-1] - smooth.min() > 0.1 * max(trained.train[0] - smooth.min(), 0.0):
        return "overfitting"
    return max((one for one in effects if one.helps), key=lambda one: one.gain).finding


def _turned(recipe: Recipe, trained: Trained) -> bool:
    """Whether the held-out loss was lowest about the drop of the rate or after it."""
    smooth = np.convolve(trained.val, np.ones(3) / 3, "valid")
    return float(trained.val_at[int(smooth.argmin()) + 1]) >= (DROP - 6) / 100 * recipe.horizon


def _struck(recipe: Recipe, trained: Trained) -> int:
    """How many of the broken batches, whose steps are known, show in the loss.

    One shows when it is half above its neighbours at least, and further above them than nearly all sound batches are.
    """
    ratios, broken = [], []
    first = int(0.05 * recipe.steps)
    for step in range(first, len(trained.train)):
        near = (*trained.train[max(0, step - 8) : step], *trained.train[step + 4 : step + 8])
        ratio = trained.train[step] / max(float(np.median(near)), 1e-12)
        after = (step + 1) % recipe.glitch
        if after == 0:
            broken.append(ratio)
        elif after > 10:
            ratios.append(ratio)
    usual = max(1.5, float(np.quantile(ratios, 0.98)) if ratios else 1.5)
    return sum(ratio > usual for ratio in broken)


def table(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """Precision and recall of every finding, and the share of good runs without an alarm."""
    kept = [run for run in runs if not run.label.left_out]
    rows: dict[str, dict[str, float]] = {}
    for kind in JUDGED:
        have = [run for run in kept if run.label.kind == kind]
        said = [run for run in kept if kind in run.kinds and kind not in run.label.fair]
        right = [run for run in have if kind in run.kinds]
        large = [run for run in have if run.label.worth >= LARGE]
        rows[kind] = {
            "runs": len(have), "found": len(right), "false": len(said) - len(right),
            "large": len(large), "large found": sum(kind in run.kinds for run in large),
            "recall": len(right) / len(have) if have else float("nan"),
            "precision": len(right) / len(said) if said else float("nan"),
        }  # fmt: skip
    good = [run for run in kept if run.label.kind == "healthy"]
    quiet = [run for run in good if set(run.kinds) <= set(QUIET)]
    rows["healthy"] = {"runs": len(good), "found": len(quiet), "false": len(good) - len(quiet),
                       "recall": len(quiet) / max(len(good), 1), "precision": float("nan")}  # fmt: skip
    return rows
