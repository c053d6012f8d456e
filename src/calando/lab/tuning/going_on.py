"""How a search may change when it goes on, and what of an earlier sitting stands."""

import json
from collections.abc import Collection
from dataclasses import replace

from calando.errors import LabError
from calando.records.plain import decode
from calando.records.result import Verdict
from calando.records.study import Study
from calando.records.tuning import TuneSpec

__all__ = ["earlier", "emptier", "finished", "go_on_with", "same_kind", "search_of"]


def go_on_with(old: TuneSpec, new: TuneSpec, given: Collection[str]) -> TuneSpec:
    """The search to go on with: the stored one, with the budget that is given now, which may only grow.

    Args:
        given: names of what was asked for now ("seed", "prove", "search", "horizons", "share"); nothing else may
            contradict.

    Raises:
        LabError: naming everything that differs.

    Example:
        >>> go_on_with(TuneSpec("2runs", 20, (10,), seed=3), TuneSpec("4runs", 40, (10,)), ()).seed
        3
    """
    wrong = []
    for name in ("seed", "prove", "search", "horizons", "share"):
        before, now = getattr(old, name), getattr(new, name)
        if name in given and before != now:
            wrong.append(f"{name} was {before} and is {now}")
    kinds = (old.seconds is None, new.seconds is None)
    size = [one.seconds or one.steps or 0 for one in (old, new)]
    if kinds[0] != kinds[1]:
        wrong.append(f"the budget was {old.budget} and is {new.budget}: time and updates cannot be exchanged")
    elif size[1] < size[0]:
        wrong.append(f"the budget was {old.budget} and is {new.budget}: it may only grow")
    if wrong:
        raise LabError(
            given=f"a search that asked something else: {'; '.join(wrong)}",
            allowed="the same search, or the same with a larger budget",
            where="tune.study",
            fix="name another folder by --study, or set the old one aside with --fresh",
        )
    return replace(old, budget=new.budget, steps=new.steps, seconds=new.seconds)


def earlier(study: Study, *, extended: bool) -> tuple[str, ...]:
    """Keys of the runs that a search had made when it was extended: now, or as it was noted then.

    >>> from calando.records.study import StudySpec
    >>> earlier(Study(StudySpec("?", "t.py:train", 10, ()), facts={"earlier": ["a"]}), extended=False)
    ('a',)
    """
    if extended:
        return tuple(sorted(run.spec.key for run in study.runs))
    return tuple(study.facts.get("earlier", ()))


def finished(study: Study) -> bool:
    """Whether the latest sitting came to its end, so that the verdict is of the question that stands there.

    >>> from calando.records.study import StudySpec
    >>> finished(Study(StudySpec("?", "t.py:train", 10, ())))
    False
    """
    return study.verdict is not None and bool(study.sessions) and study.sessions[-1].ended is not None


def emptier(new: Verdict, old: Verdict | None) -> bool:
    """Whether a verdict says less than the one that stands: no choice, or a choice without fresh seeds.

    >>> found = Verdict("val_loss", "min", 0.95, 0.0, baseline="b", leader="a", tie_set=("a",))
    >>> emptier(found, None), emptier(found, found)
    (False, False)
    """
    if old is None or old.leader is None:
        return False
    return new.leader is None or (_fresh(old) and not _fresh(new))


def _fresh(verdict: Verdict) -> bool:
    return any(one.values for one in verdict.standings)


def search_of(study: Study) -> TuneSpec:
    """What the search was asked, as it is stored.

    >>> from calando.records.study import StudySpec
    >>> facts = {"tune": {"budget": "1runs", "steps": 10, "horizons": [10]}}
    >>> search_of(Study(StudySpec("?", "t.py:train", 10, ()), facts=facts)).full
    10
    """
    return decode(TuneSpec, json.dumps(study.facts["tune"]), f"{study.path}: tune")


def same_kind(study: Study) -> None:
    """Refuse a study that is no search.

    Raises:
        LabError: when `calando tune` did not begin it.
    """
    if "tune" not in study.facts:
        raise LabError(
            given=f"a study that is no search: {study.path}",
            allowed="a folder that `calando tune` began",
            where="tune.study",
            fix="name another folder by --study, or set the old one aside with --fresh",
        )
