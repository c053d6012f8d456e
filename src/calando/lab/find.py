"""`find`: an interval for the peak learning rate, for at most the cost of one full run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.core.text import parse
from calando.errors import BadValue, DoesNotFit, LabError, shown
from calando.lab.candidates import read_candidate, read_peak
from calando.lab.declare import Declared
from calando.lab.executors.base import Executor
from calando.lab.finding.ranges import range_steps
from calando.lab.finding.strategy import FindStrategy, Question, asked
from calando.lab.finding.verdict import conclude
from calando.lab.guard import Guard
from calando.lab.logged import read_name
from calando.lab.question import read_mode, read_seeds, real, reconcile, whole
from calando.lab.session import not_inside_a_worker, read_folder, read_how, sitting, study_folder
from calando.lab.trainref import TrainRef, name_train
from calando.lab.tuning.compress import compressed
from calando.records.finding import Finding
from calando.records.study import Candidate, StudySpec

if TYPE_CHECKING:
    from calando.core.plan import Plan

__all__ = ["find", "find_folder", "read_span"]

SHORTEST = 96
"""Updates: below, a sixteenth of the horizon is too short for a whole schedule."""
SPAN = (1e-6, 10.0)


def find(
    train: str | Callable[[Any], Any],
    plan: "str | Plan | Candidate" = "linear_decay()",
    *,
    steps: int | None = None,
    rates: str | Sequence[float] = SPAN,
    seeds: int | Iterable[int] = 3,
    confidence: float = 0.8,
    workers: int | None = None,
    study: str | Path | None = None,
    metric: str | None = None,
    mode: str | None = None,
    steps_per_epoch: int | None = None,
    timeout: float = 600.0,
    retries: int = 1,
    isolate: bool = False,
    fresh: bool = False,
    mixed: bool = False,
    live: bool | None = None,
    command: Sequence[str] | None = None,
    ray: str | None = None,
    place: str | None = None,
    executor: Executor | None = None,
) -> Finding:
    """Find the peak learning rate of a decayed schedule: an interval and a best guess, or why there is none.

    Formula: range tests (the rate rises exponentially) bracket the search; whole schedules on T/16 and T/4 decide: a
    parabola in log-rate per length, whose lowest point is carried from T/4 to T by T^s, s about -0.3, or -1.1 where
    these runs overfit. All of it takes at most T updates. Calling it again goes on where it stopped.

    Args:
        train: the train function, or its name as "file.py:function" or "module:function".
        plan: the schedule whose peak is wanted.
        steps: horizon T in updates, >= 256 with three seeds; else what the train function declares.
        rates: span of the range tests, "1e-6..10" or (lowest, highest), both > 0.
        seeds: number of range tests, >= 3, or their seeds; more of them take a longer horizon.
        confidence: of the interval, in (0, 1).
        workers: runs at a time, >= 1; as many as cores up to 2 unless given.
        study: folder of the study; "studies/<file>-find" unless given.
        metric: the logged name that is judged, "val_loss" unless given or declared.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        timeout: seconds without a step after which a run is killed, > 0.
        retries: how often a run is started again after its worker died, 0 to 10.
        isolate: True gives every run a process of its own.
        fresh: True sets an existing study aside and begins anew.
        mixed: True goes on with other packages, another Python or another number of threads.
        live: True or None shows progress on standard error, False nothing.
        command: words to write down as the command line; this process's own unless given.
        ray: text, the address of a Ray cluster to work on, "auto" for a local one; this machine unless given.
        place: folder or fsspec URL for snapshots; inside the study unless given.
        executor: None for this machine's processes, or what makes the runs instead.

    Raises:
        LabError: for a broken train function or study, or a horizon that is too short.
        BadValue: for an argument outside its range.

    Example:
        >>> from calando.lab import find
        >>> find("missing.py:train", steps=100)
        Traceback (most recent call last):
        calando.errors.LabError: no such file: 'missing.py'; allowed: FILE.py:FUNCTION or MODULE:FUNCTION
          at: train
          do: check the path; it is relative to the folder you are in

    Source:
        L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, for the range test.
    """
    not_inside_a_worker("find")
    ref = name_train(train)
    sha = ref.fingerprint()
    candidate = read_candidate(plan)
    if candidate.peak is not None:
        raise BadValue(
            given=f"a plan with its peak: {candidate.plan} @ {candidate.peak:g}",
            allowed="a plan without a peak: the peak is what is looked for",
            where="find.plan",
            fix=f'give "{candidate.plan}"; --rates says where to look',
        )
    if metric is not None:
        read_name(metric, "find.metric")
    span = read_span(rates)
    chosen = read_seeds(seeds, 0, "seeds", least=3, verb="find")
    sure = real(confidence, "confidence", 0.0, 1.0, ends=False, verb="find")
    how = read_how(
        workers=workers,
        timeout=timeout,
        retries=retries,
        isolate=isolate,
        fresh=fresh,
        mixed=mixed,
        live=live,
        command=command,
        ray=ray,
        place=_read_place(place),
        verb="find",
    )
    folder = find_folder(ref) if study is None else read_folder(study, ref, fresh=fresh, where="find.study")
    if steps is not None:
        horizon = _horizon(steps, Declared(), ref, len(chosen))
        if steps_per_epoch is not None or "ep" not in candidate.plan:
            _fits(candidate.plan, horizon, steps_per_epoch)
    with sitting(ref, folder, how, executor) as here:
        declared = here.ready.declared
        horizon = _horizon(steps, declared, ref, len(chosen))
        judged = read_name(metric if metric is not None else declared.metric or "val_loss", "find.metric")
        question = asked(
            Question(
                ref.text,
                horizon,
                candidate.plan,
                metric=judged,
                mode=read_mode(mode or declared.mode_of(judged), judged, verb="find"),
                steps_per_epoch=steps_per_epoch if steps_per_epoch is not None else declared.steps_per_epoch,
                confidence=sure,
            ),
            chosen,
            span,
        )
        _fits(candidate.plan, horizon, question.steps_per_epoch)
        spec = StudySpec(
            question=f"For {ref.text} over {horizon} updates: at which peak is {candidate.plan} best?",
            train=ref.text,
            train_sha256=sha,
            horizon=horizon,
            candidates=(candidate,),
            steps_per_epoch=question.steps_per_epoch,
            evals=1,
            peaks=span,
            extend=0,
            select_seeds=chosen,
            confirm_seeds=(),
            metric=question.metric,
            mode=read_mode(question.mode, question.metric, verb="find"),
            baseline=candidate.label,
            confidence=sure,
        )
        old = here.adopt()
        if old is not None:
            _same(old.spec, spec)
            reconcile(old.spec, spec)
        strategy = FindStrategy(question, old.runs if old is not None else ())
        if old is not None:
            here.hold(old, more=bool(strategy.left()))
        here.store.save_fact("verb", "find")  # first: a question without its verb would be taken for a comparison
        here.begin(spec)
        here.work(strategy, Guard(steps=horizon))
        found = replace(conclude(strategy), path=str(folder))
        here.store.save_fact("finding", found)
        here.end(None)
    return found


def find_folder(ref: TrainRef) -> Path:
    """Where a search lives unless the user says so.

    >>> find_folder(TrainRef("examples/digits_torch.py", "train")).as_posix()
    'studies/digits_torch-find'
    """
    folder = study_folder(ref)
    return folder.with_name(f"{folder.name}-find")


def read_span(given: object, where: str = "find.rates") -> tuple[float, float]:
    """A span of rates from "low..high" or two numbers; raises BadValue unless 0 < low and high >= 100 x low.

    >>> read_span("1e-5..1")
    (1e-05, 1.0)
    """
    parts: list[object] = []
    if isinstance(given, str):
        parts = [part.strip() for part in given.split("..")]
    elif isinstance(given, Sequence):
        parts = list(given)
    if len(parts) == 2:
        low, high = (read_peak(part, where) for part in parts)
        if high >= 100 * low:
            return low, high
    raise BadValue(
        given=f"the span {shown(given)}",
        allowed="two rates above 0, the second at least a hundred times the first",
        where=where,
        fix="give for example 1e-6..10",
    )


def _read_place(place: object) -> str | None:
    if place is None or (isinstance(place, str | Path) and str(place).strip()):
        return None if place is None else str(place)
    raise BadValue(
        given=f"place={shown(place)}",
        allowed="a folder, or an fsspec URL",
        where="find.place",
        fix="leave it out to keep snapshots in the study's folder",
    )


def _fits(plan: str, horizon: int, steps_per_epoch: int | None) -> None:
    """Refuse, before anything is trained, a plan that cannot be made whole in the mini-runs' updates."""
    try:
        parse(plan).bind(horizon, steps_per_epoch=steps_per_epoch)
    except DoesNotFit as error:
        fix = error.fix.replace("pass steps_per_epoch=... to bind", "add --steps-per-epoch N, or declare it")
        raise DoesNotFit(given=error.given, allowed=error.allowed, where="find.plan", fix=fix) from error
    for short in Question("", horizon).shorts:
        if compressed(plan, horizon, short, steps_per_epoch) is None:
            raise LabError(
                given=f"{plan} over {horizon} updates, which cannot be made whole in {short}",
                allowed="a plan that keeps its shape in a sixteenth and a quarter of the horizon",
                where="find.plan",
                fix="write its lengths as shares, such as 5%, or give more --steps",
            )


def _horizon(steps: int | None, declared: Declared, ref: TrainRef, seeds: int) -> int:
    horizon = steps if steps is not None else declared.steps
    if horizon is None:
        raise LabError(
            given=f"no horizon for {ref.text}",
            allowed="a number of updates per run",
            where="find.steps",
            fix="give --steps N, or write @calando.declare(steps=N) above the train function",
        )
    horizon = whole(horizon, "steps", 1, 2**53, verb="find")
    if horizon < SHORTEST:
        raise LabError(
            given=f"a horizon of {horizon} updates",
            allowed=f"at least {SHORTEST}: a sixteenth of it must hold a whole schedule",
            where="find.steps",
            fix=f"so short a run is quickly tried: calando compare {ref.text} --peaks 0.001 0.01 0.1",
        )
    need = seeds * range_steps(horizon, seeds)
    minis = sum(count * short for count, short in zip((4, 2), Question("", horizon).shorts, strict=True))
    if need + minis > horizon:
        raise LabError(
            given=f"{seeds} range tests of {range_steps(horizon, seeds)} updates for a run of {horizon}",
            allowed=f"at most {horizon - minis} updates for range tests: the mini-runs take {minis}",
            where="find.seeds" if seeds > 3 else "find.steps",
            fix=f"give {'fewer seeds or ' if seeds > 3 else ''}more steps, for example --steps {4 * need + 16}",
        )
    return horizon


def _same(old: StudySpec, new: StudySpec) -> None:
    """A search cannot be extended: another span or other seeds would be another search."""
    differs = [name for name in ("candidates", "peaks", "select_seeds") if getattr(old, name) != getattr(new, name)]
    if differs:
        words = {"candidates": "the plan", "peaks": "the span of rates", "select_seeds": "the seeds"}
        raise LabError(
            given=f"a search that asked something else: {', '.join(words[name] for name in differs)} differ",
            allowed="the same search again, which goes on where it stopped",
            where="find.study",
            fix="name another folder by --study, or set the old one aside with --fresh",
        )
