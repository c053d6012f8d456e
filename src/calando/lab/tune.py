"""`tune`: which schedule to use, found and proved inside a budget."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.lab import evidence
from calando.lab.candidates import gather
from calando.lab.declare import Declared
from calando.lab.executors.base import Executor
from calando.lab.question import build, real, reconcile, whole
from calando.lab.session import How, not_inside_a_worker, read_folder, read_how, sitting
from calando.lab.trainref import name_train
from calando.lab.tuning.at_work import work_on
from calando.lab.tuning.budget import read_budget
from calando.lab.tuning.given import affordable_steps, read_horizons, read_peaks
from calando.lab.tuning.going_on import go_on_with, same_kind, search_of
from calando.records.plain import decode
from calando.records.run import RunSpec
from calando.records.store import load
from calando.records.study import Candidate, Study, StudySpec
from calando.records.tuning import Tuned, TuneSpec

if TYPE_CHECKING:
    from calando.core.plan import Plan

__all__ = ["SHAPES", "go_on", "tune", "tuned_of"]

SHAPES = ("warmup(5%) | linear_decay()", "warmup(5%) | cosine()", "wsd(warmup=5%, cooldown=50%)", "one_cycle()")
"""What takes part, beside the humble baselines, when no candidates are named."""


def tune(
    train: str | Callable[[Any], Any],
    budget: str | int,
    candidates: "Sequence[str | Plan | Candidate] | Mapping[str, str | Plan]" = (),
    *,
    steps: int | None = None,
    peaks: str | Sequence[float | str] | None = None,
    seeds: int | Iterable[int] = 5,
    confirm_seeds: int | Iterable[int] = 8,
    workers: int | None = None,
    study: str | Path | None = None,
    baseline: "str | Plan | Candidate | None" = None,
    humble: bool = True,
    seed: int | None = None,
    prove: float | None = None,
    search: bool | None = None,
    share: bool | None = None,
    disk: int | str = "2GB",
    ray: str | None = None,
    place: str | Path | None = None,
    evals: int | None = None,
    metric: str | None = None,
    mode: str | None = None,
    steps_per_epoch: int | None = None,
    horizons: Sequence[int] | None = None,
    extend: int | None = None,
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
    executor: Executor | None = None,
    available: Callable[[RunSpec], bool] | None = None,
) -> Study:
    """Find which schedule, and which peak, to use for a train function, inside a budget, and hold it against yours.

    Formula: whole schedules over an eighth and a quarter of the horizon and over all of it, each judged at its end
    and never cut; a Gaussian process over shape, log peak, log horizon and seed says what to run next (the knowledge
    gradient per update); the choice and the baseline then run on fresh paired seeds, where the budget leaves room.
    Calling it again goes on where it stopped; a larger budget extends the search.

    Args:
        train: the train function, or its name as "file.py:function" or "module:function".
        budget: "45m" (time, a hard stop by the clock), "20runs" (full runs), "100k steps" or a number of updates.
        candidates: plans or their text, "[label:] plan [@ peak]", or a mapping label -> plan; a set of common ones
            unless given.
        steps: horizon in updates, >= 1; else what the train function declares.
        peaks: "low..high", or the lattice itself, each > 0; a range test finds them unless given.
        seeds: number of seeds that choose, >= 1, or the seeds themselves.
        confirm_seeds: number of seeds for the evidence, >= 1, or the seeds themselves; the budget may pay for fewer.
        workers: processes at a time, >= 1; as many as cores up to 2 unless given.
        study: folder of the study; "studies/<file>" unless given.
        baseline: the plan that you use today and the choice is held against; `cosine()` unless given.
        humble: whether constant, linear_decay, cosine and wsd take part too.
        seed: of the study itself, >= 0: it decides in which order seeds and peaks are used. None: 0, or as the study
            began; so are `prove`, `search` and `horizons`, and others than it began with are refused.
        prove: share of the budget for fresh seeds, in [0, 0.9], 0.25 unless given; where it pays for fewer than three,
            all of it chooses.
        search: whether values that the train function declares by `run.suggest` are searched along; they are unless
            given.
        share: whether runs go on from one another's snapshots; they do unless this is False.
        disk: bytes that snapshots may use together, as a number or as "2GB"; 0 for none.
        ray: text, the address of a Ray cluster, "auto" for one here; None: this machine.
        place: folder or fsspec URL for snapshots; None: in the study's folder.
        evals: evaluations per full run, >= 1, the last one at the very end; shorter runs have them as far apart.
        metric: the logged name that is judged, "val_loss" unless given or declared.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        horizons: lengths of shorter runs, below the horizon; an eighth and a quarter of it unless given.
        extend: by how many points the lattice may grow past its ends, 0 to 20; above 0 shorter runs may also go two
            points above it. None: 0 where `peaks` are given, 3 where a range test found them.
        confidence: of intervals and of the tie set, in (0, 1).
        margin: differences up to this size do not matter, >= 0, in units of the metric.
        timeout: seconds without a step after which a run is killed and recorded as failed, > 0.
        retries: how often a run is started again after its worker died, 0 to 10.
        isolate: True gives every run a process of its own.
        question: the study's question in your words.
        fresh: set an existing study aside (its folder becomes FOLDER.old-N) and begin anew.
        retry_failed: True makes runs that failed earlier again.
        mixed: True goes on with other packages, another Python or another number of threads.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.
        executor: None for this machine's processes, or what makes the runs instead.
        available: a function that says whether a run exists, for a replay of recorded ones; None: all do.

    Returns:
        The study; `study.verdict` says in words what to use, `tuned_of(study)` as data.

    Raises:
        LabError: for a broken train function or study, or one that another process works on.
        BadValue: for an argument outside its range.
        BadFile: for a study file that is broken, foreign or newer.
        MissingExtra: without SciPy.

    Example:
        >>> from calando.lab import tune
        >>> tune("missing.py:train", "20runs", steps=100)
        Traceback (most recent call last):
        calando.errors.LabError: no such file: 'missing.py'; allowed: FILE.py:FUNCTION or MODULE:FUNCTION
          at: train
          do: check the path; it is relative to the folder you are in
    """
    not_inside_a_worker("tune")
    began = time.monotonic()
    evidence.need_scipy()
    given = read_budget(budget)
    ref = name_train(train)
    sha = ref.fingerprint()
    everyone, reference = gather(candidates or SHAPES, humble=humble, baseline=baseline)
    grid = read_peaks(peaks)
    part = real(0.25 if prove is None else prove, "prove", 0.0, 0.9, ends=True, verb="tune")
    own = whole(0 if seed is None else seed, "seed", 0, 2**32 - 1, verb="tune")
    asked = {"seed": seed, "prove": prove, "search": search, "horizons": horizons, "share": share}
    how = read_how(
        verb="tune",
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
    )
    folder = read_folder(study, ref, fresh=fresh, where="tune.study")

    def ask(declared: Declared) -> tuple[StudySpec, TuneSpec]:
        spec = build(
            verb="tune",
            train=ref.text,
            train_sha256=sha,
            declared=declared,
            candidates=everyone,
            baseline=reference,
            peaks=grid,
            seeds=seeds,
            confirm_seeds=confirm_seeds,
            steps=steps,
            evals=evals,
            steps_per_epoch=steps_per_epoch,
            metric=metric,
            mode=mode,
            extend=(0 if grid else 3) if extend is None else extend,
            confidence=confidence,
            margin=margin,
            question=question or f"Which schedule should {ref.text} use?",
        )
        lengths = read_horizons(horizons, spec.horizon)
        recorded = available is not None
        search_spec = TuneSpec(
            budget=given.text,
            steps=affordable_steps(given, spec.horizon),
            seconds=given.seconds,
            horizons=lengths,
            bracket=not grid,
            search=search is not False,
            prove=part,
            batch=2 if recorded else max(2, how.workers),
            seed=own,
            share=share is not False,
            probe=not recorded,
            workers=how.workers,
        )
        return spec, search_spec

    if steps is not None:
        ask(Declared())  # everything that can be wrong is said before a worker is paid for
    with sitting(ref, folder, how, executor) as here:
        spec, tune_spec = ask(here.ready.declared)
        old = here.adopt()
        if old is not None:
            same_kind(old)
            spec = reconcile(old.spec, spec)
            given_now = [name for name, value in asked.items() if value is not None]
            tune_spec = go_on_with(search_of(old), tune_spec, given_now)
        found = work_on(here, spec, tune_spec, old, available, began, retry_failed=retry_failed)
    return found or load(folder)


def go_on(
    folder: str | Path,
    how: How,
    *,
    executor: Executor | None = None,
    available: Callable[[RunSpec], bool] | None = None,
) -> Study:
    """Go on with a recorded search, asking what it asked.

    Raises:
        LabError: when the study is no search, its train function changed, or another process works on it.
        BadFile: when there is no such study.
    """
    not_inside_a_worker("resume")
    began = time.monotonic()
    old = load(folder)
    same_kind(old)
    ref = name_train(old.spec.train)
    place = Path(old.path).parent
    with sitting(ref, place, how, executor) as here:
        stored = here.adopt()
        if stored is None:
            return old
        now = replace(stored.spec, train_sha256=ref.fingerprint())
        found = work_on(here, reconcile(stored.spec, now), search_of(stored), stored, available, began)
    return found or load(place)


def tuned_of(study: Study) -> Tuned | None:
    """The answer of a search as data; None while there is none.

    >>> tuned_of(Study(StudySpec("?", "t.py:train", 10, ()))) is None
    True
    """
    fact = study.facts.get("tuned")
    return None if fact is None else decode(Tuned, json.dumps(fact), f"{study.path}: tuned")
