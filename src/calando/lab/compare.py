"""`compare`: given candidates, each at its own best peak, on paired seeds, with a verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.lab import evidence
from calando.lab.ahead import conclude
from calando.lab.candidates import gather
from calando.lab.carried import carried_over, read_known
from calando.lab.comparing import CompareStrategy
from calando.lab.declare import Declared
from calando.lab.question import build, reconcile
from calando.lab.session import not_inside_a_worker, read_folder, read_how, sitting
from calando.lab.shelf import DISK
from calando.lab.trainref import name_train
from calando.records.store import load
from calando.records.study import Candidate, Study, StudySpec

if TYPE_CHECKING:
    from calando.core.plan import Plan

__all__ = ["compare"]


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
    share: bool | None = None,
    disk: int | str = DISK,
    live: bool | None = None,
    command: Sequence[str] | None = None,
    ray: str | None = None,
    place: str | Path | None = None,
    transfer: "tuple[str | Plan, float] | None" = None,
    around: int = 1,
    verb: str = "compare",
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
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
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
        share: whether runs whose whole past is the same train it once, where the train function keeps what
            a snapshot needs (`run.keep`); None where that saves at least 5 % of the steps. Results are the same.
        disk: bytes that snapshots may use, as a number or as "2GB"; 0 for none.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.
        ray: text, the address of a Ray cluster to work on, "auto" for the one of this machine or a local one;
            None: this machine, without Ray.
        place: folder or fsspec URL for snapshots, reachable by every worker; None: in the study's folder.
        transfer: a plan and its best peak > 0, in place of `peaks`: every candidate is tried at the peak that
            theory carries over to it, over a range where theory has no best guess.
        around: how many peaks, a factor 2 apart, around the one carried over, 1 to 9.
        verb: the one that errors name, for verbs that are made of this one.

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
    not_inside_a_worker(verb)
    evidence.need_scipy()
    ref = name_train(train)
    sha = ref.fingerprint()
    known, many = read_known(transfer, peaks, around, verb)
    everyone, reference = gather(candidates, humble=humble, baseline=baseline)
    how = read_how(
        workers=workers,
        timeout=timeout,
        retries=retries,
        isolate=isolate,
        fresh=fresh,
        mixed=mixed,
        live=live,
        command=command,
        share=share,
        disk=disk,
        ray=ray,
        place=place,
        verb=verb,
    )
    folder = read_folder(study, ref, fresh=fresh, where=f"{verb}.study")

    def ask(declared: Declared) -> StudySpec:
        spec = build(
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
            verb=verb,
        )
        return spec if known is None else carried_over(spec, known, many)

    if steps is not None:
        ask(Declared())  # everything that can be wrong is said before a worker is paid for
    with sitting(ref, folder, how) as here:
        spec = ask(here.ready.declared)
        old = here.adopt()
        runs = {}
        if old is not None:
            spec = reconcile(old.spec, spec)
            runs = {run.spec.key: run for run in old.runs if not (retry_failed and run.status == "failed")}
        strategy = CompareStrategy(spec, runs)
        if old is not None:
            more = bool(strategy.left())
            here.hold(old, more=more)
            if spec == old.spec and old.verdict is not None and not more:
                return old
        here.begin(spec, retry_failed=retry_failed)
        conclude(here, spec, here.work(strategy).runs, folder)
    return load(folder)
