"""The labelled runs as one small file a half: whole curves of the runs, first and last loss of their controls."""

import gzip
import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.tuning.recording import commit, source, versions
from bench.watch.labelled.cases import SEEDS, cases
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tasks import data_of
from bench.watch.labelled.training import Trained, train

__all__ = ["HERE", "load", "make", "pack", "wanted"]

ROOT = Path(__file__).parents[3]
HERE = ROOT / "bench" / "results" / "watch"
UNDER_WAY = ROOT / "build" / "watch"
TRAINED_BY = tuple(
    f"bench/watch/labelled/{name}.py"
    for name in (
        "blind",
        "bodies",
        "final",
        "fresh",
        "kept",
        "last",
        "other",
        "recipe",
        "sealed",
        "small",
        "stack",
        "tasks",
        "training",
        "unseen",
    )
)
TOGETHER = 48
Results = dict[Recipe, Trained]


def wanted(half: str) -> tuple[list[Recipe], list[Recipe]]:
    """The recipes of the labelled runs, and those of controls alone."""
    runs: dict[Recipe, None] = {}
    controls: dict[Recipe, None] = {}
    for case in cases(half):
        for seed in case.seeds:
            runs[case.recipe.but(seed=seed)] = None
            for _, control in case.controls:
                controls[control.but(seed=seed)] = None
    return list(runs), [recipe for recipe in controls if recipe not in runs]


def number(value: float) -> float | str:
    """Four digits; what is not finite as a word."""
    return float(f"{value:.4g}") if math.isfinite(value) else str(value)


def row(recipe: Recipe, trained: Trained, *, whole: bool) -> list[Any]:
    """A run as plain data."""
    curve, at, val = trained.train, trained.val_at, trained.val
    if not whole:  # of a control only where it began and where it ended is asked
        end = math.nan if trained.diverged else trained.final
        curve, at, val = curve[:1], (len(curve) - 1,), (end,)
    return [recipe.as_data(), [number(v) for v in curve], list(at), [number(v) for v in val], round(trained.seconds, 3)]


def pack(half: str, results: Mapping[Recipe, Trained], folder: Path = HERE) -> Path:
    """Write a half: the table, and beside it what it is made of."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, controls = wanted(half)
    rows = [row(recipe, results[recipe], whole=True) for recipe in runs]
    others = [row(recipe, results[recipe], whole=False) for recipe in controls]
    text = "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in (*rows, *others)) + "\n]\n"
    path = folder / f"labelled-{half}.json.gz"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    tasks = list(dict.fromkeys(recipe.task for recipe in runs))
    about = {
        "half": half, "command": f"python -m bench.watch.labelled --record {half}", "commit": commit(*TRAINED_BY),
        "source": source(*TRAINED_BY), "data": {name: data_of(name) for name in tasks},
        "seeds": {name: list(SEEDS[name]) for name in tasks},
        "runs": len(rows), "controls": len(others), "updates": sum(recipe.steps for recipe in (*runs, *controls)),
        "cpu_seconds": round(sum(results[recipe].seconds for recipe in (*runs, *controls)), 1), "versions": versions(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }  # fmt: skip
    (folder / f"labelled-{half}.json").write_text(json.dumps(about, indent=1) + "\n")
    return path


def load(half: str, folder: Path = HERE) -> Results:
    """Everything recorded of a half.

    Raises ValueError where table and description disagree.
    """
    text = gzip.decompress((folder / f"labelled-{half}.json.gz").read_bytes())
    about = json.loads((folder / f"labelled-{half}.json").read_text())
    if hashlib.sha256(text).hexdigest() != about["sha256"]:
        raise ValueError(f"labelled-{half}.json.gz is not what labelled-{half}.json describes; record it again")
    return _results(json.loads(text))


def _results(rows: list[Any]) -> Results:
    return {
        Recipe(**recipe): Trained(tuple(map(float, curve)), tuple(at), tuple(map(float, val)), seconds)
        for recipe, curve, at, val, seconds in rows
    }


def make(half: str) -> Results:
    """Train what is missing of a half, beyond what is recorded; interrupted, it goes on where it was."""
    UNDER_WAY.mkdir(parents=True, exist_ok=True)
    path = UNDER_WAY / f"labelled-{half}-{source(*TRAINED_BY)}.json.gz"
    results = load(half) if (HERE / f"labelled-{half}.json").exists() else {}
    if path.exists():
        results |= _results(json.loads(gzip.decompress(path.read_bytes())))
    runs, controls = wanted(half)
    missing = sorted((one for one in (*runs, *controls) if one not in results), key=lambda one: (one.task, one.steps))
    began = time.monotonic()
    for first in range(0, len(missing), TOGETHER):
        some = missing[first : first + TOGETHER]
        results.update(zip(some, train(some), strict=True))
        rows = [row(recipe, trained, whole=True) for recipe, trained in results.items()]
        path.write_bytes(gzip.compress(json.dumps(rows).encode(), 1))
        sys.stdout.write(f"{half}: {first + len(some)} of {len(missing)}, {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
    return results
