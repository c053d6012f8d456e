"""What a run of another tool left: its losses, for the label, and the file that the tool wrote, for the diagnosis."""

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.watch.labelled.training import Trained

__all__ = ["FILES", "Logged", "logged", "workshop"]

FILES = {"hugging_face": "trainer_state.json", "lightning": "metrics.csv", "keras": "history.csv"}
"""What each tool's log is called."""


@dataclass(frozen=True)
class Logged(Trained):
    """Losses of every update and of every evaluation, and beside them the text of the log, as it was written."""

    log: str = ""


def logged(
    train: Sequence[float], val_at: Sequence[int], val: Sequence[float], began: float, file: Path | None = None
) -> Logged:
    """What a run left; like the losses of our own loop they end with the first that is not finite."""
    wild = next((i for i, loss in enumerate(train) if not math.isfinite(loss)), len(train) - 1)
    wild_val = next((i for i, loss in enumerate(val) if not math.isfinite(loss)), len(val) - 1)
    last = min(wild, val_at[wild_val]) if val and not math.isfinite(val[wild_val]) else wild
    kept = [i for i, at in enumerate(val_at) if at <= last]
    return Logged(
        tuple(train[: last + 1]),
        tuple(val_at[i] for i in kept),
        tuple(val[i] for i in kept),
        time.process_time() - began,
        "" if file is None else file.read_bytes().decode(),
    )


@contextmanager
def workshop() -> Iterator[tuple[Path, float]]:
    """A folder for what a tool writes, and the process's time so far."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder), began
