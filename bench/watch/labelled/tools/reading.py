"""What `calando diagnose LOG` sees of a run of another tool: its file, and what a user says beside it.

All is guessed from the file but for two things. The plan is named where the run was to be seen not to follow it, and
for the runs under `wsd`, which did follow theirs; a log that counts epochs is then told how many updates one has.
"""

import tempfile
from pathlib import Path

from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tools.logged import FILES, Logged
from bench.watch.labelled.training import Trained
from calando.records.diagnosis import Observed
from calando.records.diagnosis.observe import from_log
from calando.records.logs import Log, read_logs

__all__ = ["log_of", "named", "observed"]

EPOCH = 8
"""Updates in an epoch of Keras' runs."""


def named(recipe: Recipe) -> bool:
    """Whether the plan is said beside the log."""
    return bool(recipe.defect) or recipe.plan.startswith("wsd")


def log_of(recipe: Recipe, text: str) -> Log:
    """A log as calando's readers have it, from its text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, FILES[recipe.tool])
        file.write_bytes(text.encode())
        (log,) = read_logs(file, steps_per_epoch=EPOCH if recipe.tool == "keras" and named(recipe) else None)
    return log


def observed(recipe: Recipe, trained: Trained) -> Observed:
    """What a diagnosis is given of a run.

    Raises TypeError where the run left no log.
    """
    if not isinstance(trained, Logged):
        raise TypeError(f"no log of {recipe}")
    log = log_of(recipe, trained.log)
    return from_log(log, plan=recipe.plan, peak=recipe.peak) if named(recipe) else from_log(log)
