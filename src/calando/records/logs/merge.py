"""Drafts that are parts of one run put together, and names that tell runs apart."""

from collections.abc import Iterable
from pathlib import Path

from calando.records.logs import mlflow, tensorboard
from calando.records.logs.draft import Draft

__all__ = ["merged", "renamed"]

Found = tuple[Path, Draft]


def merged(found: Iterable[Found]) -> list[Draft]:
    """One draft for each run, in the order in which the runs were first seen.

    Event files of one folder are one run, and so are the metrics of one MLflow run; of a run's checkpoints the last
    holds the whole history; columns of a W&B run may come from several exports.
    """
    groups: dict[tuple[str, ...], list[Found]] = {}
    for number, (path, draft) in enumerate(found):
        groups.setdefault(_run(path, draft, number), []).append((path, draft))
    return [_one(key[0], group) for key, group in groups.items()]


def _run(path: Path, draft: Draft, number: int) -> tuple[str, ...]:
    """What the drafts of one run have in common."""
    if draft.kind == "tensorboard":
        return "tensorboard", str(tensorboard.run_of(path)[0])
    if draft.kind == "mlflow" and len(draft.columns) == 1 and (place := mlflow.run_of(path))[0] != path:
        return "mlflow", str(place[0])
    if draft.kind == "transformers" and path.parent.name.startswith("checkpoint-"):
        return "transformers", str(path.parent.parent)
    if draft.kind == "wandb":
        return "wandb", draft.name, draft.unit
    return "alone", str(number)


def _one(kind: str, group: list[Found]) -> Draft:
    if len(group) == 1 and kind != "tensorboard":
        return group[0][1]
    if kind == "tensorboard":
        folder = tensorboard.run_of(group[0][0])[0]
        parts = sorted(group, key=lambda part: tensorboard.run_of(part[0])[1])
        return tensorboard.join([draft for _, draft in parts], folder)
    if kind == "transformers":
        last = max((draft for _, draft in group), key=lambda draft: int(draft.meta.get("steps", 0)))
        last.notes.append(f"of {len(group)} checkpoints the last was read, which holds the history of all")
        return last
    return _columns_of([draft for _, draft in group])


def _columns_of(drafts: list[Draft]) -> Draft:
    """The first with the others' columns; a name that is there already keeps its first."""
    first = drafts[0]
    for draft in drafts[1:]:
        for name, pair in draft.columns.items():
            first.columns.setdefault(name, pair)
        for problem in draft.problems.found:
            first.problems.found.append(problem)
        first.problems.unlisted += draft.problems.unlisted
        first.edge = None if draft.edge is None else first.edge
    first.problems.unlisted += len(first.problems.found[20:])
    del first.problems.found[20:]
    return first


def renamed(drafts: list[Draft]) -> list[Draft]:
    """The same, no two called alike: what is gets its folder in front, then a number behind."""
    names = [draft.name for draft in drafts]
    for draft in drafts:
        folder = Path(draft.source).parent.name
        if names.count(draft.name) > 1 and folder and draft.kind not in {"study", "wandb"}:
            draft.name = f"{folder}/{draft.name}"
    seen: dict[str, int] = {}
    for draft in drafts:
        seen[draft.name] = seen.get(draft.name, 0) + 1
        if seen[draft.name] > 1:
            draft.name = f"{draft.name} ({seen[draft.name]})"
    return drafts
