"""The study's question from what the user gave, and how it may change when the study goes on."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from calando.errors import BadValue, DoesNotFit, LabError, shown
from calando.lab.candidates import read_peak
from calando.lab.declare import Declared
from calando.lab.logged import read_name
from calando.records.logs.guess import better
from calando.records.study import Candidate, Mode, StudySpec

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["bind", "build", "read_mode", "read_seeds", "real", "reconcile", "whole"]

CONFIRM_FROM = 1000  # confirmation seeds begin here, so that more selection seeds never meet them


def whole(given: object, name: str, low: int, high: int = 10**12, *, verb: str = "compare") -> int:
    """A whole number in [low, high]; raises BadValue that names the verb and its argument.

    >>> whole(3, "workers", 1)
    3
    """
    if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
        raise BadValue(
            given=f"{name}={shown(given)}",
            allowed=f"a whole number from {low} to {high}",
            where=f"{verb}.{name}",
            fix=f"give a whole number for {name}",
        )
    return given


def real(given: object, name: str, low: float, high: float, ends: bool, *, verb: str = "compare") -> float:
    """A finite number between low and high (ends included where `ends`); raises BadValue.

    >>> real(0.95, "confidence", 0.0, 1.0, ends=False)
    0.95
    """
    good = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if not good or not (low <= given <= high if ends else low < given < high):  # type: ignore[operator]
        kind = f"a number from {low:g} to {high:g}" if ends else f"a number between {low:g} and {high:g}"
        raise BadValue(
            given=f"{name}={shown(given)}", allowed=kind, where=f"{verb}.{name}", fix=f"give for {name} {kind}"
        )
    return float(given)  # type: ignore[arg-type]


def read_mode(given: object, metric: str, *, verb: str = "compare") -> Mode:
    """The mode, where none is given as the metric's name says; raises BadValue for anything but "min" and "max".

    >>> read_mode("max", "val_loss"), read_mode(None, "val_loss"), read_mode(None, "reward")
    ('max', 'min', 'max')
    """
    if given is None:
        return better(metric)
    if given == "min" or given == "max":
        return given
    raise BadValue(
        given=f"mode={shown(given)}",
        allowed="'min' or 'max'",
        where=f"{verb}.mode",
        fix="use min where a lower metric is better, else max",
    )


def read_seeds(
    given: int | Iterable[int], first: int, name: str, least: int = 1, *, verb: str = "compare"
) -> tuple[int, ...]:
    """Seeds from how many, or from the seeds themselves; raises BadValue.

    >>> read_seeds(3, 0, "seeds"), read_seeds([7, 5], 0, "seeds")
    ((0, 1, 2), (5, 7))
    """
    if isinstance(given, int):
        return tuple(range(first, first + whole(given, name, least, CONFIRM_FROM, verb=verb)))
    try:
        seeds = [whole(seed, name, 0, 2**32 - 1, verb=verb) for seed in given]
    except TypeError:
        seeds = []
    if len(seeds) < least or len(set(seeds)) < len(seeds):
        raise BadValue(
            given=f"{name}={shown(given)}",
            allowed="a number of seeds, or different whole numbers >= 0",
            where=f"{verb}.{name}",
            fix=f"give for example {name}=3",
        )
    return tuple(sorted(seeds))


def build(
    *,
    train: str,
    train_sha256: str,
    declared: Declared,
    candidates: tuple[Candidate, ...],
    baseline: str,
    peaks: Sequence[float],
    seeds: int | Iterable[int],
    confirm_seeds: int | Iterable[int] | None,
    steps: int | None,
    evals: int | None,
    steps_per_epoch: int | None,
    metric: str | None,
    mode: str | None,
    extend: int,
    confidence: float,
    margin: float,
    question: str | None,
    verb: str = "compare",
) -> StudySpec:
    """The whole question, every value checked, every candidate bound to the horizon once; errors name the verb.

    Raises:
        BadValue, LabError: for a value outside its range, or no horizon.
        DoesNotFit: when a candidate does not fit the horizon.
    """
    if question is not None and not isinstance(question, str):
        raise BadValue(
            given=f"question={shown(question)}",
            allowed="a text",
            where=f"{verb}.question",
            fix="write the question in words, or leave it out",
        )
    horizon = steps if steps is not None else declared.steps
    if horizon is None:
        raise LabError(
            given=f"no horizon for {train}",
            allowed="a number of updates per run",
            where=f"{verb}.steps",
            fix="give --steps N, or write @calando.declare(steps=N) above the train function",
        )
    chosen = read_seeds(seeds, 0, "seeds", verb=verb)
    count = max(5, 2 * len(chosen)) if confirm_seeds is None else confirm_seeds
    confirm = read_seeds(count, CONFIRM_FROM, "confirm_seeds", verb=verb)
    if both := sorted(set(chosen) & set(confirm)):
        raise BadValue(
            given=f"the seeds {both} for selection and for confirmation",
            allowed="different seeds: what chose a peak is no evidence for it",
            where=f"{verb}.confirm_seeds",
            fix="give other confirmation seeds",
        )
    grid = sorted({read_peak(peak) for peak in peaks})
    metric = read_name(metric or declared.metric or "val_loss", f"{verb}.metric")
    spec = StudySpec(
        question=question or "",
        train=train,
        train_sha256=train_sha256,
        horizon=whole(horizon, "steps", 1, 2**53, verb=verb),
        candidates=candidates,
        steps_per_epoch=steps_per_epoch if steps_per_epoch is not None else declared.steps_per_epoch,
        evals=whole(evals if evals is not None else declared.evals or 20, "evals", 1, verb=verb),
        peaks=tuple(grid),
        extend=whole(extend, "extend", 0, 20, verb=verb),
        select_seeds=chosen,
        confirm_seeds=confirm,
        metric=metric,
        mode=read_mode(mode or declared.mode_of(metric), metric, verb=verb),
        baseline=baseline,
        confidence=real(confidence, "confidence", 0.0, 1.0, ends=False, verb=verb),
        margin=real(margin, "margin", 0.0, math.inf, ends=True, verb=verb),
    )
    for candidate in candidates:
        bind(spec, candidate)
    return spec if question else replace(spec, question=_sentence(spec))


def bind(spec: StudySpec, candidate: Candidate) -> "Schedule":
    """The candidate's schedule over the study's horizon; raises DoesNotFit."""
    from calando.core.text import parse

    try:
        return parse(candidate.plan).bind(spec.horizon, steps_per_epoch=spec.steps_per_epoch)
    except (BadValue, DoesNotFit) as error:
        fix = error.fix.replace("pass steps_per_epoch=... to bind", "add --steps-per-epoch N, or declare it")
        for name in ("tokens_per_step", "samples_per_step"):
            if f"pass {name}" in error.fix:
                fix = "a study counts in updates and epochs only: write the length as 500, 5% or 3ep"
        if fix == error.fix:
            raise
        raise type(error)(given=error.given, allowed=error.allowed, where=error.where, fix=fix) from error


def reconcile(old: StudySpec, new: StudySpec) -> StudySpec:
    """The question to go on with: the new one, when nothing that was promised before is taken back.

    More candidates, peaks or seeds extend the study; how it is judged (baseline, confidence, margin) may
    change freely; everything else must be as it was.

    Raises:
        LabError: naming everything that differs.
    """
    wrong = []
    for name in ("horizon", "steps_per_epoch", "evals", "metric", "mode", "extend"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            wrong.append(f"{'steps' if name == 'horizon' else name} was {before} and is {now}")
    same_name = old.train.rpartition(":")[2] == new.train.rpartition(":")[2]
    if old.train == new.train and old.train_sha256 != new.train_sha256:
        wrong.append(f"the source of {new.train} has changed since")
    elif not same_name or old.train_sha256 != new.train_sha256:
        wrong.append(f"the train function was {old.train} and is {new.train}")
    mine = {(c.label, c.plan, c.peak) for c in new.candidates}
    gone = [c.label for c in old.candidates if (c.label, c.plan, c.peak) not in mine]
    if gone:
        wrong.append(f"the candidates {', '.join(gone)} are missing")
    for name in ("peaks", "select_seeds", "confirm_seeds"):
        lost = sorted(set(getattr(old, name)) - set(getattr(new, name)))
        if lost:
            wrong.append(f"{name.replace('_', ' ')} {', '.join(f'{x:g}' for x in lost)} are missing")
    now_tried = {c.label: c.peaks for c in new.candidates}
    others = [c.label for c in old.candidates if not set(c.peaks) <= set(now_tried.get(c.label, c.peaks))]
    if others:
        wrong.append(f"the peaks that theory carried over to {', '.join(others)} are others now")
    if not old.peaks and new.peaks:
        wrong.append("peaks were the optimizer's own and are a grid now")
    if wrong:
        raise LabError(
            given=f"a study that asked something else: {'; '.join(wrong)}",
            allowed="the same question, or the same with more candidates, peaks or seeds",
            where=f"study of {old.train}",
            fix="name another folder by --study, or set the old one aside with --fresh",
        )
    return new


def _sentence(spec: StudySpec) -> str:
    best = "lowest" if spec.mode == "min" else "highest"
    many = f"which of {len(spec.candidates)} schedules" if len(spec.candidates) > 1 else "how well one schedule"
    return f"For {spec.train} over {spec.horizon} updates: {many} gives the {best} {spec.metric}?"
