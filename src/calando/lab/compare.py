"""`compare`: given candidates, each at its own best peak, on paired seeds, with a verdict."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.errors import LabError, shown
from calando.lab import evidence
from calando.lab.candidates import gather
from calando.lab.coordinator import Coordinator, unloadable
from calando.lab.declare import Declared
from calando.lab.environment import describe
from calando.lab.executors.base import Ready, Unloadable
from calando.lab.executors.local import LocalExecutor
from calando.lab.executors.machine import cores, threads_for
from calando.lab.judge import judge
from calando.lab.live import View, view_for
from calando.lab.question import build, real, reconcile, whole
from calando.lab.sources import same_making
from calando.lab.strategy import still_wanted
from calando.lab.trainref import TrainRef, name_train
from calando.records.store import Store, load
from calando.records.study import Candidate, Study, StudySpec

if TYPE_CHECKING:
    from calando.core.plan import Plan

__all__ = ["compare", "study_folder"]


def compare(
    train: str | Callable[[Any], Any],
    candidates: "Sequence[str | Plan | Candidate] | Mapping[str, str | Plan]" = (),
    *,
    peaks: Sequence[float] = (),
    seeds: int | Iterable[int] = 3,
    confirm_seeds: int | Iterable[int] | None = None,
    steps: int | None = None,
    workers: int | None = None,
    study: str | Path | None = None,
    baseline: "str | Plan | Candidate | None" = None,
    humble: bool = True,
    evals: int | None = None,
    metric: str | None = None,
    mode: str | None = None,
    steps_per_epoch: int | None = None,
    extend: int = 2,
    confidence: float = 0.95,
    margin: float = 0.0,
    timeout: float = 600.0,
    retries: int = 1,
    isolate: bool = False,
    question: str | None = None,
    fresh: bool = False,
    retry_failed: bool = False,
    mixed: bool = False,
    live: bool | None = None,
    command: Sequence[str] | None = None,
) -> Study:
    """Compare schedules, each at its own best peak, on seeds that never chose a peak.

    Formula: per candidate the peak with the best mean over the selection seeds (the grid grows by its own
    factor while the best sits on its edge); then paired differences over the confirmation seeds with
    Student t intervals that hold together. Calling it again goes on where it stopped: finished runs are
    never made again, and more candidates, peaks or seeds extend the study.

    Args:
        train: the train function, or its name as "file.py:function" or "module:function".
        candidates: plans or their text, "[label:] plan [@ peak]", or a mapping label -> plan.
        peaks: grid of learning rates > 0 that factor 1.0 may stand for; one: no peak is chosen; none: the
            optimizer's own rates stand.
        seeds: number of selection seeds per peak, >= 1, or the seeds themselves.
        confirm_seeds: the same for the evidence; twice as many as `seeds` and at least 5 unless given.
        steps: horizon in updates, >= 1; else what the train function declares.
        workers: processes at a time, >= 1; as many as cores up to 2 unless given.
        study: folder of the study; "studies/<file>" unless given.
        baseline: the plan that the others are held against; `cosine()` among the humble ones unless given.
        humble: whether constant, linear_decay, cosine and wsd take part too.
        evals: evaluations per run, >= 1, the last one at the very end.
        metric: the logged name that is judged, "val_loss" unless given or declared.
        mode: "min" where a lower metric is better, "max" where a higher one is.
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        extend: by how many points a grid may grow, 0 to 20.
        confidence: of all intervals together and of the tie set, in (0, 1).
        margin: differences up to this size do not matter, >= 0, in units of the metric.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0.
        retries: how often a run is started again after its worker died, 0 to 10.
        isolate: True gives every run a process of its own, for train functions that leave traces in theirs.
        question: the study's question in your words.
        fresh: set an existing study aside (its folder becomes FOLDER.old-N) and begin anew.
        retry_failed: True makes runs that failed earlier again (not those that diverged).
        mixed: True goes on with other packages, another Python or another number of threads than the
            finished runs were made with; other code is never accepted.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.

    Returns:
        The whole study with its verdict, as `calando.records.load` reads it later.

    Raises:
        LabError: for a broken train function or study, or one that another process works on.
        BadValue: for an argument outside its range.
        BadFile: for a study file that is broken, foreign or newer.
        MissingExtra: without SciPy.

    Example:
        >>> from calando.lab import compare
        >>> compare("missing.py:train", ["cosine()"], steps=10)
        Traceback (most recent call last):
        calando.errors.LabError: no such file: 'missing.py'; allowed: FILE.py:FUNCTION or MODULE:FUNCTION
          at: train
          do: check the path; it is relative to the folder you are in
    """
    if os.environ.get("CALANDO_WORKER"):
        raise LabError(
            given="calando.compare called while a worker was loading the train function",
            allowed="a file that can be imported without starting a study",
            where="calando.compare",
            fix='put the call under `if __name__ == "__main__":`',
        )
    evidence.need_scipy()
    ref = name_train(train)
    sha = ref.fingerprint()
    everyone, reference = gather(candidates, humble=humble, baseline=baseline)
    count = whole(workers if workers is not None else min(2, cores()), "workers", 1, 1024)
    patience = real(timeout, "timeout", 0.0, 1e9, ends=False)
    again = whole(retries, "retries", 0, 10)
    folder = _folder(study, ref, fresh=fresh)

    def ask(declared: Declared) -> StudySpec:
        return build(
            train=ref.text,
            train_sha256=sha,
            declared=declared,
            candidates=everyone,
            baseline=reference,
            peaks=peaks,
            seeds=seeds,
            confirm_seeds=confirm_seeds,
            steps=steps,
            evals=evals,
            steps_per_epoch=steps_per_epoch,
            metric=metric,
            mode=mode,
            extend=extend,
            confidence=confidence,
            margin=margin,
            question=question,
        )

    if steps is not None:
        ask(Declared())  # everything that can be wrong is said before a worker is paid for
    view = view_for(live)
    with Store(folder) as store, _terminable():
        executor = LocalExecutor(ref, count, folder.resolve() / "logs", patience, isolate=isolate)
        try:
            ready = _first_worker(executor, ref, view)
            spec = ask(ready.declared)
            env = describe(ready.packages, threads_for(count), ready.sources)
            if fresh and (aside := store.set_aside()) is not None:
                view.say(f"the old study is kept in {aside}")
            old = store.study()
            if old is not None:
                spec = reconcile(old.spec, spec)
                runs = {run.spec.key: run for run in old.runs if not (retry_failed and run.status == "failed")}
                more = bool(still_wanted(spec, runs))
                same_making(old, env, more=more, mixed=mixed)
                if spec == old.spec and old.verdict is not None and not more:
                    return old
            store.save_spec(spec, retry_failed=retry_failed)
            line = tuple(command) if command is not None else _command_line()
            session = store.begin_session(line, os.getpid(), count, env)
            coordinator = Coordinator(store, spec, executor, view, session, count, again)
            coordinator.work()
            store.save_verdict(judge(spec, coordinator.runs))
            store.end_session(session)
        finally:
            executor.close()
    return load(folder)


def study_folder(ref: TrainRef) -> Path:
    """Where a study lives unless the user says so: `studies/<file>`, or `studies/<file>-<function>`.

    >>> study_folder(TrainRef("examples/digits_torch.py", "train")).as_posix()
    'studies/digits_torch'
    """
    stem = Path(ref.source).stem if ref.is_file else ref.source.replace(".", "-")
    return Path("studies") / (stem if ref.name == "train" else f"{stem}-{ref.name}")


def _folder(study: str | Path | None, ref: TrainRef, *, fresh: bool) -> Path:
    """The study's folder; raises LabError for an empty name, or for --fresh on a folder that cannot move."""
    if study is None:
        return study_folder(ref)
    if not str(study).strip():
        raise LabError(
            given="an empty name for the study's folder",
            allowed="a folder",
            where="compare.study",
            fix="give --study FOLDER, or leave it out for studies/<file>",
        )
    folder = Path(study)
    here, there = Path.cwd(), folder.resolve()
    if fresh and (there == here or there in here.parents):
        raise LabError(
            given=f"{shown(str(study))} with --fresh: you are inside it, and it would be moved aside",
            allowed="a folder that holds nothing but a study",
            where="compare.study",
            fix="name another folder by --study",
        )
    return folder


def _first_worker(executor: LocalExecutor, ref: TrainRef, view: View) -> Ready:
    """Wait until a worker has loaded the train function and says what it declares."""
    view.say(f"starting a worker and loading {ref.text} ...")
    executor.warm()
    while True:
        for event in executor.poll(0.2):
            if isinstance(event, Unloadable):
                raise unloadable(ref.text, event.traceback)
            if isinstance(event, Ready):
                return event


def _command_line() -> tuple[str, ...]:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    if program.endswith(".py"):
        return ("python", *sys.argv)
    return (program, *sys.argv[1:])


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a polite kill end the study like Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
