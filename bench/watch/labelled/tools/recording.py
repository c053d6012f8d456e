"""The runs of other tools as one small file: logs as they were written, losses, first and last loss of controls."""

import gzip
import hashlib
import json
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.tuning.recording import commit, source, versions
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.recording import HERE, UNDER_WAY, row
from bench.watch.labelled.tools.cases import TOOLS, cases
from bench.watch.labelled.tools.logged import FILES, Logged
from bench.watch.labelled.tools.training import train

__all__ = ["load", "make", "pack", "wanted"]

TRAINED_BY = (*(f"bench/watch/labelled/tools/{name}.py" for name in (*FILES, "logged")),
              *(f"bench/workloads/{name}.py" for name in ("characters", "images", "text")))  # fmt: skip
TOGETHER = 10
Results = dict[Recipe, Logged]


def wanted() -> tuple[list[Recipe], list[Recipe]]:
    """The recipes of the labelled runs, and those of controls alone."""
    runs: dict[Recipe, None] = {}
    controls: dict[Recipe, None] = {}
    for case in cases():
        for seed in case.seeds:
            runs[case.recipe.but(seed=seed)] = None
            for _, control in case.controls:
                controls[control.but(seed=seed)] = None
    return list(runs), [recipe for recipe in controls if recipe not in runs]


def pack(results: Mapping[Recipe, Logged], folder: Path = HERE) -> Path:
    """Write the table, and beside it what it is made of."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, controls = wanted()
    rows = [_row(recipe, results[recipe]) for recipe in runs]
    others = [row(recipe, results[recipe], whole=False) for recipe in controls]
    text = "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in (*rows, *others)) + "\n]\n"
    path = folder / "labelled-tools.json.gz"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    from bench.workloads import characters, images
    from bench.workloads import text as words

    about = {
        "half": "tools", "command": "python -m bench.watch.labelled --record tools", "commit": commit(*TRAINED_BY),
        "source": source(*TRAINED_BY),
        "data": {"characters": characters.DATA, "images": images.DATA, "text": words.DATA},
        "seeds": {name: sorted({recipe.seed for recipe in runs if recipe.tool == name}) for name in TOOLS},
        "runs": len(rows), "controls": len(others), "updates": sum(recipe.steps for recipe in (*runs, *controls)),
        "cpu_seconds": round(sum(results[recipe].seconds for recipe in (*runs, *controls)), 1),
        "versions": {**versions(), **{name: version(name) for name in ("transformers", "lightning", "keras")}},
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }  # fmt: skip
    (folder / "labelled-tools.json").write_text(json.dumps(about, indent=1) + "\n")
    return path


def load(folder: Path = HERE) -> Results:
    """Everything recorded.

    Raises ValueError where table and description disagree.
    """
    text = gzip.decompress((folder / "labelled-tools.json.gz").read_bytes())
    about = json.loads((folder / "labelled-tools.json").read_text())
    if hashlib.sha256(text).hexdigest() != about["sha256"]:
        raise ValueError("labelled-tools.json.gz is not what labelled-tools.json describes; record it again")
    return _results(json.loads(text))


def make() -> Results:
    """Train what is missing; interrupted, it goes on where it was."""
    UNDER_WAY.mkdir(parents=True, exist_ok=True)
    path = UNDER_WAY / f"labelled-tools-{source(*TRAINED_BY)}.json.gz"
    results = _results(json.loads(gzip.decompress(path.read_bytes()))) if path.exists() else {}
    runs, controls = wanted()
    missing = [one for one in (*runs, *controls) if one not in results]
    began = time.monotonic()
    for count, recipe in enumerate(missing, 1):
        results[recipe] = train(recipe)
        if count % TOGETHER == 0 or count == len(missing):
            rows = [_row(one, found) for one, found in results.items()]
            path.write_bytes(gzip.compress(json.dumps(rows).encode(), 1))
            sys.stdout.write(f"tools: {count} of {len(missing)}, {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
    return results


def _row(recipe: Recipe, logged: Logged) -> list[Any]:
    """A run as plain data; its log is a text, in which no number is touched."""
    return [*row(recipe, logged, whole=True), logged.log]


def _results(rows: list[Any]) -> Results:
    return {
        Recipe(**recipe): Logged(
            tuple(map(float, curve)), tuple(at), tuple(map(float, val)), seconds, rest[0] if rest else ""
        )
        for recipe, curve, at, val, seconds, *rest in rows
    }
