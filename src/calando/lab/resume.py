"""`resume`: go on with the question that a folder holds, whatever verb asked it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calando.lab import evidence
from calando.lab.ahead import conclude
from calando.lab.comparing import CompareStrategy
from calando.lab.question import reconcile
from calando.lab.session import How, not_inside_a_worker, read_how, sitting
from calando.lab.trainref import name_train
from calando.records.store import load
from calando.records.study import Study

__all__ = ["resume", "verb_of"]


def resume(
    folder: str | Path,
    *,
    workers: int | None = None,
    timeout: float = 600.0,
    retries: int = 1,
    isolate: bool = False,
    mixed: bool = False,
    live: bool | None = None,
    command: Sequence[str] | None = None,
    share: bool | None = None,
    disk: int | str = "2GB",
    ray: str | None = None,
    place: str | Path | None = None,
) -> Study:
    """Go on with a study, asking what it asked; one that is through is given back as it is.

    Args:
        folder: of the study, or the file inside it. A train function named by a file is looked for from the folder
            you are in, as when the study began.
        workers: processes at a time, >= 1; as many as the study had unless given.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0.
        retries: how often a run is started again after its worker died, 0 to 10.
        isolate: True gives every run a process of its own.
        mixed: True goes on with other packages, another Python or another number of threads.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.
        share: whether runs go on from one another's snapshots; None where it saves at least 5 % of the steps.
        disk: bytes that snapshots may use together, as a number or as "2GB"; 0 for none.
        ray: text, the address of a Ray cluster, "auto" for one here; None: this machine.
        place: folder or fsspec URL for snapshots; None: in the study's folder.

    Raises:
        LabError: when the train function changed, or another process works on the study.
        BadFile: when there is no such study, or its file is broken.
        MissingExtra: without SciPy.

    Example:
        >>> from calando.lab import resume
        >>> resume("nowhere")
        Traceback (most recent call last):
        calando.errors.BadFile: no such study; allowed: a study folder or the study.sqlite3 inside it
          at: nowhere
          do: check the path; studies are written by `calando compare`
    """
    not_inside_a_worker("resume")
    old = load(folder)
    evidence.need_scipy()
    if workers is None and old.sessions:
        workers = old.sessions[-1].workers
    how = read_how(
        workers=workers,
        timeout=timeout,
        retries=retries,
        isolate=isolate,
        mixed=mixed,
        live=live,
        command=command,
        share=share,
        disk=disk,
        ray=ray,
        place=place,
        verb="resume",
    )
    verb = verb_of(old)
    if verb == "tune":
        from calando.lab.tune import go_on

        return go_on(folder, how)
    if verb == "find":
        return _find(old, how)
    return _compare(old, how)


def verb_of(study: Study) -> str:
    """Which verb asked a study's question.

    >>> from calando.records.study import StudySpec
    >>> verb_of(Study(StudySpec("?", "t.py:train", 10, ())))
    'compare'
    """
    told = study.facts.get("verb")
    return next((verb for verb in ("tune", "find") if verb == told or verb in study.facts), "compare")


def _compare(old: Study, how: How) -> Study:
    ref, folder = name_train(old.spec.train), Path(old.path).parent
    sha = ref.fingerprint()
    with sitting(ref, folder, how) as here:
        stored = here.adopt() or old
        spec = reconcile(stored.spec, replace(stored.spec, train_sha256=sha))
        strategy = CompareStrategy(spec, {run.spec.key: run for run in stored.runs})
        more = bool(strategy.left())
        here.hold(stored, more=more)
        if stored.verdict is not None and not more:
            return stored
        here.begin(spec)
        conclude(here, spec, here.work(strategy).runs, folder)
    return load(folder)


def _find(old: Study, how: How) -> Study:
    from calando.lab.find import find

    spec, folder = old.spec, Path(old.path).parent
    find(
        spec.train,
        spec.candidates[0],
        steps=spec.horizon,
        rates=spec.peaks,
        seeds=spec.select_seeds,
        confidence=spec.confidence,
        workers=how.workers,
        study=folder,
        metric=spec.metric,
        mode=spec.mode,
        steps_per_epoch=spec.steps_per_epoch,
        timeout=how.timeout,
        retries=how.retries,
        isolate=how.isolate,
        mixed=how.mixed,
        live=how.live,
        command=how.command,
        ray=how.ray,
        place=how.place,
    )
    return load(folder)
