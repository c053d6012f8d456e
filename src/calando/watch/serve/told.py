"""What is told of a run, as plain data that is safe to show: progress, time left, numbers, findings, decisions."""

import math
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from calando.errors import tame
from calando.records.diagnosis import CATALOGUE, Observed, diagnose, undecided
from calando.records.diagnosis.observe import ahead, settings
from calando.records.live.answered import schedule_of
from calando.records.logs.log import Column, broke
from calando.watch.serve.shown import Live, Shown

__all__ = ["clean", "details", "findings", "open_yet", "planned", "seen", "steerable", "summary", "troubled"]

LONGEST: Final = 2000
DEEPEST: Final = 6
MOST_EVENTS: Final = 300
MOST_NAMES: Final = 64
JUDGED: Final = 20_000
"""Points of a curve that diagnosis looks at; longer ones are taken every so many."""

SHORTEST: Final = 1e-6
RECENT: Final = 300.0
"""Seconds over which the pace is measured, so that a pause for a while ago is forgotten."""


def clean(value: object, depth: int = 0) -> Any:
    """Plain data for a page: texts without control signs, numbers that JSON has words for, nothing long or deep.

    >>> clean({"a\\x1b": [float("nan"), "x" * 3000]})["a\\u241b"][0] is None
    True
    """
    if isinstance(value, str):
        text = tame(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")
        return text.replace("\u2028", " ").replace("\u2029", " ")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(one, depth + 1) for key, one in list(value.items())[:200]}
    if isinstance(value, list | tuple):
        return [clean(one, depth + 1) for one in value[:500]]
    return clean(str(value))


def summary(name: str, run: Shown) -> dict[str, Any]:
    """One line of the list of runs; what trips over one run is told there, and of no other."""
    try:
        return _summary(name, run)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs are to be seen
        return _untold(name, run, error)


def details(name: str, run: Shown) -> dict[str, Any]:
    """All there is to say of one run; what trips over it is told."""
    try:
        return _details(name, run)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs are to be seen
        bare = {"plan": "", "peak": None, "error": "", "undecided": [], "forecast": None, "virtual": [],
                "findings": [troubled(error)], "problems": [], "events": []}  # fmt: skip
        return _untold(name, run, error) | bare


def troubled(error: Exception) -> dict[str, Any]:
    """The finding that something of a run could not be told."""
    why = f"{type(error).__name__}, {error}"
    words = f"What the curves say could not be told: {why}. The curves themselves are as they were logged."
    said: dict[str, Any] = clean({
        "kind": "not judged", "severity": "note", "title": "not judged", "words": words, "certainty": "certain",
        "advice": [], "evidence": [], "changes": [], "why": "", "confidence": 1.0,
    })  # fmt: skip
    return said


def _untold(name: str, run: Shown, error: Exception) -> dict[str, Any]:
    """What stands in the list for a run that cannot be told."""
    why = f"it cannot be told: {type(error).__name__}, {error}"
    return {
        "id": name, "name": clean(str(run.facts.name)) or "(no name)", "kind": run.facts.kind, "group": "",
        "state": "failed", "why": clean(why), "step": -1, "horizon": None, "metric": "val_loss", "mode": "min",
        "began": None, "heard": None, "pace": None, "left": None, "names": [], "last": [], "best": None,
        "worst": [["note", "not judged", "not judged"]], "revision": 0, "steer": {"can": "nothing", "why": clean(why)},
    }  # fmt: skip


def _summary(name: str, run: Shown) -> dict[str, Any]:
    facts, last = run.facts, run.last
    can, why = steerable(run)
    pace = _pace(run.clock) if facts.state == "running" else None
    left = None
    if pace and facts.horizon:
        left = max(facts.horizon - 1 - last, 0) / pace
    shown = sorted(run.columns, key=lambda column: (_rank(column, facts.metric), column))[:MOST_NAMES]
    return {
        "id": name, "name": clean(facts.name) or "(no name)", "kind": facts.kind, "group": clean(facts.group),
        "state": facts.state, "why": clean(facts.why), "step": last, "horizon": facts.horizon,
        "metric": clean(facts.metric), "mode": facts.mode,
        "began": clean(facts.began) or None, "heard": clean(facts.heard) or None, "pace": pace, "left": clean(left),
        "names": [[column, clean(column)] for column in shown],
        "last": [_last(run.columns[column]) for column in shown],
        "best": {"value": best[0], "step": best[1]} if (best := run.best) is not None else None,
        "worst": _worst(run),
        "revision": facts.revision, "steer": {"can": can, "why": why},
    }  # fmt: skip


def _worst(run: Shown) -> list[list[str]]:
    """The worst finding, in a list of one or none, but what the run's state says already."""
    more = (one for one in run.findings if one["kind"] != run.facts.state)
    return [[one["severity"], one["kind"], one["title"]] for one in more][:1]


def _details(name: str, run: Shown) -> dict[str, Any]:
    facts = run.facts
    bound = schedule_of(run.facts.schedule)
    return {
        **_summary(name, run),
        "plan": clean(str(bound)) if bound is not None else "", "peak": clean(facts.peak), "error": clean(facts.error),
        "findings": run.findings, "undecided": run.undecided,
        "forecast": run.foretold, "virtual": _virtual(run),
        "problems": [clean(line) for line in facts.problems[:40]],
        "events": [
            {"step": event.step, "when": clean(event.when), "kind": clean(event.kind), **_told(event.data)}
            for event in run.events[-MOST_EVENTS:]
        ],
    }  # fmt: skip


def _virtual(run: Shown) -> list[dict[str, Any]]:
    """The latest of what averaged weights say of a cooldown from here, one of each source."""
    latest = {str(event.data.get("source", "")): event for event in run.events if event.kind == "virtual"}
    told = [{"step": event.step, **_told(event.data)} for event in list(latest.values())[-8:]]
    for one in told:
        for name in ("value", "low", "high", "steps"):
            one[name] = found if isinstance(found := one.get(name), int | float) and found is not True else None
        one["source"] = str(one.get("source", ""))
    return told


def _rank(column: str, metric: str) -> int:
    """Where a quantity stands, so that of very many the ones that matter are shown."""
    if column == metric:
        return 0
    return 1 if "loss" in column else 2 if column.startswith(("lr", "learning_rate")) else 3


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "text", "by", "reason", "rule", "status", "from", "value", "low", "high", "source", "steps",
            "revision", "horizon", "title", "kind_of", "words")  # fmt: skip
    return {key: clean(data[key]) for key in kept if key in data}


def steerable(run: Shown) -> tuple[str, str]:
    """What may be asked of a run, "all", "stop" or "nothing", and why not more."""
    if not isinstance(run, Live):
        what = "a finished run of a study" if run.facts.kind == "study" else "a log of another tool"
        return "nothing", f"This is {what}: nobody reads commands there."
    if run.facts.state == "waiting":
        return "nothing", "It has not begun."
    if run.facts.state == "running" and isinstance(why := run.facts.meta.get("steering"), str) and why:
        return "nothing", str(clean(why))
    if run.facts.state != "running":
        return "nothing", "It is over." if run.facts.state != "lost" else "Its process is gone."
    if run.folder is not None and not os.access(run.folder, os.W_OK):
        return "nothing", "This user may not write to its folder: steer as the one who trains."
    if run.study:
        return "stop", "A run of a study can only be stopped: its runs are a fair comparison."
    if run.facts.schedule is None:
        return "stop", "It was opened without a schedule of ours, so there is none to change."
    return "all", ""


def seen(run: Shown) -> Observed:
    """What is known of a run by now, copied, so that it may be judged while the run goes on."""
    facts = run.facts
    train, metric = run.columns.get("train_loss"), run.columns.get(facts.metric)
    if facts.metric == "train_loss":
        metric = run.columns.get("val_loss")
    rates, status, ended = _pairs(run.columns.get("lr")), facts.state, None
    if status in ("diverged", "failed"):
        ended = run.last
    if status != "failed" and (wild := broke(*(one for one in (train, metric) if one is not None))) is not None:
        status, ended = "diverged", max(wild, 0)
    return Observed(
        horizon=facts.horizon or run.last + 1, train=_pairs(train), val=_pairs(metric), lr=rates,
        asked=_asked(rates, run.columns.get("lr_asked")),
        status=status if status in ("running", "diverged", "failed") else "done",
        ended_at=ended, error=facts.error or facts.why,
        metric=facts.metric, higher_is_better=facts.mode == "max", settings=settings(facts.meta),
        ahead=ahead(schedule_of(facts.schedule), facts.peak, run.last + 1, facts.horizon)
        if status == "running" else math.nan,
    )  # fmt: skip


def _asked(rates: tuple[Any, Any], asked: Column | None) -> tuple[Any, Any]:
    """The rates that the schedule has, where a record says that they are not the ones used."""
    if asked is None or not len(asked) or not len(rates[0]):
        return (), ()
    places = np.minimum(np.searchsorted(asked.steps, rates[0]), len(asked) - 1)
    return rates[0], np.where(asked.steps[places] == rates[0], asked.values[places], rates[1])


def findings(known: Observed) -> list[dict[str, Any]]:
    """What the curves say, worst first, each with why such a thing happens."""
    found: list[dict[str, Any]] = clean([one.as_data() for one in diagnose(known)])
    for one in found:
        entry = CATALOGUE.get(one["kind"])
        one["why"] = "" if entry is None else entry.why
    return found


def open_yet(known: Observed) -> list[list[str]]:
    """What cannot be told of a run under way, and when it will be."""
    return [list(pair) for pair in undecided(known)]


def _pairs(column: Column | None) -> tuple[Any, Any]:
    if column is None or not len(column):
        return (), ()
    part = slice(None, None, -(-len(column) // JUDGED))
    return column.steps[part].copy(), column.values[part].copy()


def planned(run: Shown, points: int = 400) -> tuple[list[float], list[float]]:
    """The rates that are still to come, from the last step to the horizon."""
    bound, peak = schedule_of(run.facts.schedule), run.facts.peak
    if bound is None or peak is None or run.facts.state not in ("running", "waiting"):
        return [], []
    first = max(run.last, 0)
    steps = np.unique(np.linspace(first, max(bound.horizon - 1, first), points).astype(np.int64))
    return steps.tolist(), [float(peak * bound(int(step))) for step in steps]


def _pace(clock: Column) -> float | None:
    """Updates per second of late; None where nothing can be said."""
    if len(clock) < 2:
        return None
    start = int(np.searchsorted(clock.values, clock.values[-1] - RECENT))
    start = min(start, len(clock) - 2)
    seconds = float(clock.values[-1] - clock.values[start])
    pace = float(clock.steps[-1] - clock.steps[start]) / seconds if seconds > SHORTEST else 0.0
    return pace if pace > 0 else None


def _last(column: Column) -> float | str | None:
    if not len(column):
        return None
    value = float(column.values[-1])
    return value if math.isfinite(value) else str(value)
