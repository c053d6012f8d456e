"""One sitting of a search: the runs are made, the clock is kept, the verdict is written."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

from calando.lab.ahead import look_ahead
from calando.lab.guard import Guard
from calando.lab.session import Sitting
from calando.lab.tuning.going_on import earlier, emptier, finished, search_of
from calando.lab.tuning.pace import Pace, Reading, readings_of
from calando.lab.tuning.prospect import prospect
from calando.lab.tuning.verdict import verdict
from calando.records.plain import encode
from calando.records.run import RunSpec
from calando.records.study import Study, StudySpec
from calando.records.tuning import TuneSpec

__all__ = ["used", "work_on"]


def work_on(
    here: Sitting,
    spec: StudySpec,
    tune_spec: TuneSpec,
    old: Study | None,
    available: Callable[[RunSpec], bool] | None,
    began: float,
    *,
    retry_failed: bool = False,
) -> Study | None:
    """Make the runs and write the verdict; gives the old study where there is nothing to do."""
    from calando.lab.tuning.strategy import TuneStrategy  # it needs NumPy, which a worker may not

    # Never "where it saves 5 %": then what runs cost, and so what is run, would hang on where a sitting ended.
    here.how = replace(here.how, share=tune_spec.share and here.how.share is not False)
    runs = {}
    if old is not None:
        runs = {run.spec.key: run for run in old.runs if not (retry_failed and run.status == "failed")}
    guard, pace = Guard(steps=tune_spec.steps), None
    same = old is not None and spec == old.spec and search_of(old) == tune_spec
    if (seconds := tune_spec.seconds) is not None:
        gone = (0.0 if old is None else used(old)) + time.monotonic() - began
        guard = Guard(seconds=max(0.0, seconds - gone))

        def save(readings: Sequence[Reading]) -> None:
            here.store.save_fact("pace", {"seconds": seconds, "readings": [astuple(one) for one in readings]})

        if available is None:
            stored = (
                readings_of(old.facts.get("pace"), seconds) if old is not None and same and not retry_failed else ()
            )
            pace = Pace(seconds, lambda: guard.left, tune_spec.workers, stored, save)
    before = () if old is None else earlier(old, extended=not same or retry_failed)
    strategy = TuneStrategy(spec, tune_spec, runs, available, pace, before)
    if old is not None:
        if same and finished(old) and not retry_failed:
            return old
        here.hold(old, more=True)
    here.begin(spec, retry_failed=retry_failed)
    here.store.save_fact("verb", "tune")
    here.store.save_fact("earlier", list(before))
    if pace is not None:
        pace.keep()
    here.store.save_fact("tune", json.loads(encode(tune_spec)))
    for line in prospect(spec, tune_spec):
        here.view.say(line)
    done = here.work(strategy, guard)
    answer = strategy.tuned(done.cut)
    found = verdict(spec, tune_spec, answer, done.runs, strategy.pair)
    if old is not None and emptier(found, old.verdict):
        here.view.say("the earlier verdict stands: this sitting ended before it could say as much")
        here.end(old.verdict)
        return None
    here.store.save_fact("tuned", json.loads(encode(answer)))
    here.store.save_verdict(found)
    params = next((one.params for one in strategy.pair or () if one.candidate == found.recommended), answer.settings)
    made, folder = done.runs.values(), here.store.folder
    here.store.save_fact("ahead", look_ahead(spec, found, made, folder, here.how.command, params))
    here.end(None)
    return None


def used(study: Study) -> float:
    """Wall seconds of all sittings so far; of one that was killed, until its last run ended.

    >>> used(Study(StudySpec("?", "t.py:train", 10, ())))
    0.0
    """
    found = 0.0
    for session in study.sessions:
        times = [a.ended or a.started for a in study.attempts if a.session == session.id]
        found += max(0.0, (session.ended or max(times, default=session.started)) - session.started)
    return found
