"""When a study cannot go on: a broken contract, a function that never works, code that changed, a source that does
not load."""

from collections.abc import Collection
from pathlib import Path

from calando.errors import LabError, counted
from calando.lab.stop import BROKEN
from calando.records.run import RunRecord

__all__ = ["broken", "changed_code", "hopeless", "no_room", "stop_when_broken", "unloadable"]

HOPELESS = 4  # so many failures, over two candidates or all, and nothing but failures: it is the train function


def broken(run: RunRecord) -> bool:
    """Whether a run ended because the train function broke its contract.

    >>> from calando.records.run import RunSpec
    >>> broken(RunRecord(RunSpec("a", "cosine()", None, 0, 10), "failed", reason="broken contract: no update"))
    True
    """
    return run.status == "failed" and run.reason.startswith(BROKEN)


def stop_when_broken(train: str, run: RunRecord) -> None:
    """A broken contract concerns the train function, so that what other runs gave proves nothing either.

    Raises:
        LabError: when the run ended so.
    """
    if not broken(run):
        return
    what, _, change = run.reason.removeprefix(f"{BROKEN}: ").partition("; ")
    peak = "" if run.spec.peak is None else f", peak {run.spec.peak:g}"
    who = f"{run.spec.candidate}{peak}, seed {run.spec.seed}"
    raise LabError(
        given=f"a train function that broke its contract ({who}): {what}",
        allowed="a train function that keeps the run contract; without it nothing is proven about any candidate",
        where=train,
        fix=f"{change or 'mend it'}; then run the same command with --fresh (the old folder is kept aside)",
    )


def hopeless(train: str, runs: Collection[RunRecord], candidates: int, last: RunRecord) -> None:
    """Give up when nothing but failures came, over several candidates or all of them.

    Raises:
        LabError: with the last failure and its traceback.
    """
    hit = {run.spec.candidate for run in runs}
    if len(runs) >= HOPELESS and len(hit) >= min(2, candidates):
        raise LabError(
            given=f"a train function that failed in each of the first {counted(len(runs), 'run')}: {last.reason}\n"
            f"{last.traceback}".rstrip(),
            allowed="a train function that reaches the end of its run",
            where=train,
            fix="mend it, then run the same command with --fresh (the old folder is kept aside)",
        )


def changed_code(train: str, names: Collection[str]) -> LabError:
    """The error for code that is not the same any more while the study runs."""
    return LabError(
        given=f"code that changed while the study runs: {', '.join(sorted(names)[:5])}",
        allowed="the code that the study began with",
        where=train,
        fix="change it back and run the same command, or begin anew with --fresh",
    )


def no_room(folder: Path, reason: str) -> LabError:
    """The error for a disk that had no room for what a run wanted to write; that is no result of the run."""
    return LabError(
        given=f"a disk without room ({reason})",
        allowed="room for snapshots, logs and the study's file",
        where=str(folder),
        fix="make room; what is finished is kept, the same command goes on",
    )


def unloadable(train: str, traceback: str) -> LabError:
    """The error for a train function that a worker could not load."""
    return LabError(
        given=f"a train function that cannot be loaded:\n{traceback.rstrip()}",
        allowed="a source that imports without an error and holds the function",
        where=train,
        fix="mend the error above; `python -c 'import ...'` shows it too",
    )
