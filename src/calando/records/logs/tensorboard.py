"""TensorBoard's event files; those of one folder are one run, in the order of the times in their names.

Lightning's and Hugging Face's writers are known by their tags, and so is Keras' callback, whose two folders, train and
validation, are one run.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calando.records.logs.draft import Asked, Draft, Pair, Problems
from calando.records.logs.events import is_record, read_events
from calando.records.logs.opened import Opened

__all__ = ["join", "looks", "read", "run_of"]

TIME = re.compile(r"tfevents\.(\d+)")
ENDS = ("train/train_runtime", "train/total_flos")


def looks(file: Opened) -> bool:
    """Whether it begins with a sealed record, or is called as such files are."""
    return is_record(file.head) or ("tfevents" in file.path.name and b"\0" in file.head[:16])


def read(file: Opened, _asked: Asked) -> list[Draft]:
    """What one file holds of its run.

    Raises:
        BadFile: when its first record is damaged.
    """
    if not is_record(file.head):
        raise file.refused(
            "a file that is called as event files are and begins with no sealed record",
            "a TensorBoard event file",
            "give a whole file; TensorBoard itself reads this one no more than we do",
        )
    problems = Problems(file.source)
    columns = read_events(file, problems)
    return [_draft(file.path.parent, file.source, columns, problems)]


def run_of(path: Path) -> tuple[Path, tuple[int, str]]:
    """The folder that stands for a run, and the place of a file among those in it."""
    found = TIME.search(path.name)
    folder = path.parent
    if (
        folder.name in {"train", "validation"}
        and (folder.parent / "train").is_dir()
        and (folder.parent / "validation").is_dir()
    ):
        folder = folder.parent
    return folder, (int(found[1]) if found else 0, path.name)


def join(drafts: Sequence[Draft], folder: Path) -> Draft:
    """One run of what its files hold, the later ones' rows after the earlier ones'."""
    columns: dict[str, Pair] = {}
    problems = Problems(str(folder))
    for draft in drafts:
        own = Path(draft.source).parent
        prefix = f"{own.name}/" if own != folder else ""
        for name, (steps, values) in draft.columns.items():
            before = columns.get(prefix + name)
            if before is not None:
                steps, values = np.concatenate([before[0], steps]), np.concatenate([before[1], values])
            columns[prefix + name] = steps, values
        problems.found += draft.problems.found[: 20 - len(problems.found)]
        problems.unlisted += draft.problems.unlisted
    return _draft(folder, str(folder) if len(drafts) > 1 else drafts[0].source, columns, problems)


def _draft(folder: Path, source: str, columns: dict[str, Pair], problems: Problems) -> Draft:
    draft = Draft(folder.absolute().name or "run", source, "tensorboard", columns, problems, counted_from=None)
    tails = {name: name.rpartition("/")[2] for name in columns}
    by_epoch = [name for name, tail in tails.items() if tail.startswith("epoch_")]
    if "train/loss" in columns and ("train/learning_rate" in columns or "train/epoch" in columns):
        draft.edge, draft.counted_from = None, 1  # Hugging Face's, under the number of updates made
        for name in ENDS:
            if name in columns and columns[name][0].size:
                draft.meta["horizon"] = int(columns[name][0].max())
    elif any(tails[name] == "epoch_loss" for name in by_epoch) and not any(t == "batch_loss" for t in tails.values()):
        draft.unit = "epoch"
        others = [name for name in columns if name not in by_epoch]
        draft.columns = {name: columns[name] for name in by_epoch}
        if others:
            draft.notes.append(f"{len(others)} tags that do not count epochs were left out")
    elif by_epoch and len(by_epoch) < len(columns) and any(t == "batch_loss" for t in tails.values()):
        draft.columns = {name: pair for name, pair in columns.items() if name not in by_epoch}
        draft.notes.append(f"{len(by_epoch)} tags that count epochs were left out: batch_loss counts updates")
    return draft
