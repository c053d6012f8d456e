"""What a scheduler leaves behind, and the three ways to go on from it: exact, rebind, extend."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from calando.core.agree import agreement
from calando.core.codec import from_json
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.errors import BadName, BadState, CalandoError, NotSerialisable, did_you_mean, shown
from calando.torch.budget import misbound
from calando.torch.sketch import Sketch
from calando.torch.track import Continued, Track

if TYPE_CHECKING:
    from calando.torch.scheduler import ScheduleLR

__all__ = ["POLICIES", "VERSION", "check_policy", "load", "to_plain"]

VERSION = 1
STEERED = 2
"""The version of a state with a schedule that was changed; who does not know it would follow the first one."""
POLICIES = ("exact", "rebind", "extend")
_WAYS = {
    "rebind": "follows the new schedule from this step",
    "extend": "spreads what was left over the new horizon",
}
_SAME = 1e-6
"""Bases that agree this closely are the same number, once stored in a float32 tensor."""
_FINEST = 10**300
"""The largest part of a fraction: each extension of a run multiplies them by its own steps."""


def check_policy(name: object) -> str:
    """A resume policy's name, or BadName."""
    if not isinstance(name, str) or name not in POLICIES:
        hint = did_you_mean(name, POLICIES) if isinstance(name, str) else ""
        raise BadName(
            given=f"resume={shown(name)}{hint}",
            allowed=", ".join(POLICIES),
            where="attach(resume)",
            fix="use exact unless the horizon changed on purpose",
        )
    return name


class SavedTrack(NamedTuple):
    """A track as it was saved; `schedule` is None where a function kept it from being written down.

    `sketch` is there where functions are, and tells them by their values. `steered` is the schedule in force where it
    was changed under way.
    """

    schedule: "Schedule | Continued | None"
    sketch: Sketch | None
    told: str
    horizon: int
    rule: Mapping[str, Any] | None
    steered: Schedule | None = None


class Saved(NamedTuple):
    """A checked state."""

    last_epoch: int
    step_count: int
    interval: str
    calls_per_update: int
    bases: list[float]
    lanes: list[int]
    tracks: list[SavedTrack]
    run: str = ""


# ---- writing


def to_plain(scheduler: "ScheduleLR") -> dict[str, Any]:
    """The scheduler as ints, floats, texts, lists and dicts."""
    return {
        "calando": VERSION if all(track.begun is None for track in scheduler.tracks) else STEERED,
        "last_epoch": int(scheduler.last_epoch),
        "_step_count": int(scheduler._step_count),
        "interval": scheduler.options.interval,
        "calls_per_update": scheduler.options.calls_per_update,
        "base_lrs": [float(base) for base in scheduler.base_lrs],
        "_last_lr": [float(rate) for rate in scheduler.get_last_lr()],
        "lanes": list(scheduler.lanes),
        "tracks": [_track_to_plain(track) for track in scheduler.tracks],
        **({"run": scheduler.watched_as} if scheduler.watched_as else {}),
    }


def _track_to_plain(track: Track) -> dict[str, Any]:
    schedule = track.base
    origin = schedule.origin if isinstance(schedule, Continued) else schedule
    changed = {} if track.begun is None else {"steered": track.schedule.to_json()}  # type: ignore[union-attr]
    text: str | None
    fingerprint: str | None
    try:
        text, fingerprint = origin.to_json(), origin.fingerprint()
    except NotSerialisable:
        text = fingerprint = None
    sketch = Sketch.of(origin)
    return {
        "schedule": text,
        "fingerprint": fingerprint,
        "sketch": None if sketch is None else sketch.to_plain(),
        "told": _told(schedule),
        "horizon": schedule.horizon,
        "knots": [[t, p.numerator, p.denominator] for t, p in getattr(schedule, "knots", ())],
        "rule": None if track.rule is None else dict(track.rule.to_plain(track.state)),
        **changed,
    }


def _told(value: "Schedule | Continued | Plan") -> str:
    try:
        return str(value)
    except NotSerialisable:
        return repr(value)


# ---- reading


def _broken(what: str) -> BadState:
    return BadState(
        given=what,
        allowed=f"what state_dict() of a Calando scheduler returned (version {VERSION})",
        where="load_state_dict",
        fix="load the state that was saved from this scheduler, not another object's",
    )


def read(state: object) -> Saved:
    """A state with every part checked.

    Raises:
        BadState: when it is foreign, newer or broken.
    """
    if not isinstance(state, Mapping) or "calando" not in state:
        keys = sorted(map(str, state)) if isinstance(state, Mapping) else state
        raise _broken(f"{type(state).__name__} {shown(keys)}")
    if type(state["calando"]) is not int or state["calando"] not in (VERSION, STEERED):
        raise BadState(
            given=f"a state of version {shown(state['calando'])}",
            allowed=f"version {VERSION} or {STEERED}",
            where="load_state_dict",
            fix="load it with the Calando that wrote it, or a newer one",
        )
    try:
        saved = Saved(
            last_epoch=_whole(state["last_epoch"], least=-1),
            step_count=_whole(state["_step_count"]),
            interval=str(state["interval"]),
            calls_per_update=_whole(state["calls_per_update"], least=1),
            bases=[_real(base) for base in state["base_lrs"]],
            lanes=[_whole(lane) for lane in state["lanes"]],
            tracks=[_read_track(track) for track in state["tracks"]],
            run=str(state.get("run", ""))[:100],
        )
    except BadState:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        reason = error.given if isinstance(error, CalandoError) else f"{type(error).__name__}: {error}"
        raise _broken(f"a broken state ({reason})") from error
    if (state["calando"] == STEERED) != any(track.steered for track in saved.tracks):
        raise _broken(f"a state of version {state['calando']} that does not hold what its version says")
    if len(saved.lanes) != len(saved.bases) or any(lane >= len(saved.tracks) for lane in saved.lanes):
        raise _broken("a broken state (groups and schedules do not match)")
    return saved


def _whole(value: object, least: int = 0, most: int = 2**63 - 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _broken(f"{shown(value)} where a whole number from {least} on should be")
    return value


def _real(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    raise _broken(f"{shown(value)} where a finite number should be")


def _read_track(track: Mapping[str, Any]) -> SavedTrack:
    schedule: Schedule | Continued | None = None
    horizon = _whole(track["horizon"])
    sketch = None if track["sketch"] is None else Sketch.from_plain(track["sketch"])
    if track["schedule"] is not None:
        origin = from_json(track["schedule"])
        if not isinstance(origin, Schedule):
            raise _broken("a plan where a schedule should be")
        knots = _read_knots(track["knots"], origin.horizon)
        schedule = Continued(origin, knots) if knots else origin
        if schedule.horizon != horizon:
            raise _broken(f"a horizon of {horizon} beside a schedule of {schedule.horizon} steps")
    elif sketch is None:
        raise _broken("a track without a schedule")
    rule = track["rule"]
    if rule is not None and not isinstance(rule, Mapping):
        raise _broken("a rule's state that is no dict")
    steered = None if track.get("steered") is None else from_json(track["steered"])
    if steered is not None and not isinstance(steered, Schedule):
        raise _broken("a plan where a schedule should be")
    return SavedTrack(schedule, sketch, str(track["told"]), horizon, rule, steered)


def _read_knots(knots: Any, horizon: int) -> list[tuple[int, Fraction]]:
    read = [(_whole(t), Fraction(_whole(p, most=_FINEST), _whole(q, 1, _FINEST))) for t, p, q in knots]
    steps, places = [t for t, _ in read], [place for _, place in read]
    rising = all(a < b and p <= q for a, b, p, q in zip(steps, steps[1:], places, places[1:], strict=False))
    if read and not (rising and len(read) > 1 and places[0] == steps[0] and places[-1] == horizon):
        raise _broken("knots that do not lead from where the run was to its end")
    return read


# ---- going on


def load(scheduler: "ScheduleLR", state: object, policy: str) -> None:
    """Put a scheduler where a saved one stood, or raise BadState and leave it alone."""
    saved = read(state)
    scheduler._arrange(scheduler.optimizer.param_groups)
    differences = _differences(scheduler, saved, policy)
    resized = _resized(scheduler, saved, policy)
    if resized is not None and policy != "exact":
        raise resized
    if differences:
        raise BadState(
            given="a state of another schedule: " + "; ".join(differences),
            allowed={
                "exact": "the same schedule, horizon and bases",
                "rebind": "the same plan, at any horizon and with any bases",
                "extend": "the same plan and bases, at any horizon that is still ahead",
            }[policy],
            where=f"load_state_dict (resume={policy!r})",
            fix=_fix(scheduler, saved, policy) if resized is None else resized.fix,
        )
    position = _position(scheduler, saved)
    schedules = [_successor(t, s, position, policy) for t, s in zip(scheduler.tracks, saved.tracks, strict=True)]
    rules = [_rule_state(t, s) for t, s in zip(scheduler.tracks, saved.tracks, strict=True)]
    for track, (schedule, begun), rule in zip(scheduler.tracks, schedules, rules, strict=True):
        track.schedule, track.begun = schedule, begun
        track.state = rule
        track.forget()
    calls = scheduler.options.calls_per_update
    scheduler.last_epoch = max(saved.last_epoch // saved.calls_per_update * calls, -1)
    scheduler._step_count = saved.step_count
    scheduler.watched_as = saved.run or scheduler.watched_as
    if policy != "rebind":
        scheduler.base_lrs = list(saved.bases)


def _position(scheduler: "ScheduleLR", saved: Saved) -> int:
    return max(saved.last_epoch, 0) * scheduler.options.stride // saved.calls_per_update


def _resized(scheduler: "ScheduleLR", saved: Saved, policy: str) -> BadState | None:
    """The error where only the horizon stands against a change of the tokens or samples in an update."""
    if saved.interval != "step" or _differences(scheduler, saved, "rebind"):
        return None
    made = _position(scheduler, saved)
    for track, old in zip(scheduler.tracks, saved.tracks, strict=True):
        new = track.base
        now = new.origin if isinstance(new, Continued) else new
        was, left = old.sketch.sizes if old.sketch else {}, Fraction(old.horizon - made)
        if old.schedule is not None:
            run = old.schedule if isinstance(old.schedule, Continued) else Continued(old.schedule, ())
            was, left = run.origin.settings(), run.origin.horizon - run.place(min(made, run.horizon))
        error = misbound(was, left, made, now, new.horizon, f"load_state_dict (resume={policy!r})")
        if error is not None:
            return error
    return None


def _fix(scheduler: "ScheduleLR", saved: Saved, policy: str) -> str:
    if any(track.schedule is None for track in saved.tracks):
        return (
            "attach the very plan, functions and horizon that were saved; functions given a name before the run, "
            "calando.register('a_name', function), may also be rebound and extended to another horizon"
        )
    ways = [way for way in _WAYS if way != policy and not _differences(scheduler, saved, way)]
    if ways:
        told = ", ".join(f"{way!r} {_WAYS[way]}" for way in ways)
        return f"attach the schedule that was saved, or say how to go on: attach(..., resume=...): {told}"
    same = saved.interval == scheduler.options.interval
    made = max(saved.last_epoch, 0) // saved.calls_per_update * scheduler.options.calls_per_update
    return (
        "attach what was saved, at another horizon if you like; to go on with something else, attach that without "
        f"loading and call scheduler.step(epoch={made if same else f'N), N in {scheduler.options.interval}s'}"
        + ")"
        * same
    )


def _differences(scheduler: "ScheduleLR", saved: Saved, policy: str) -> list[str]:
    told: list[str] = []
    if saved.interval != scheduler.options.interval:
        told.append(f"interval {saved.interval} -> {scheduler.options.interval}")
    if len(saved.bases) != len(scheduler.base_lrs):
        told.append(f"parameter groups {len(saved.bases)} -> {len(scheduler.base_lrs)} (add groups before loading)")
    elif len(saved.tracks) != len(scheduler.tracks):
        told.append(f"schedules {len(saved.tracks)} -> {len(scheduler.tracks)}")
    elif saved.lanes != scheduler.lanes:
        told.append(f"schedule of each group {saved.lanes} -> {scheduler.lanes}")
    elif policy != "rebind" and not _close(saved.bases, scheduler.base_lrs):
        told.append(f"bases {shown(saved.bases)} -> {shown(list(scheduler.base_lrs))}")
    if told:
        return told
    position = _position(scheduler, saved)
    for i, (track, old) in enumerate(zip(scheduler.tracks, saved.tracks, strict=True)):
        where = f"schedule {i}: " if len(saved.tracks) > 1 else ""
        told += [where + difference for difference in _track_differences(track, old, position, policy, saved.interval)]
    return told


def _track_differences(track: Track, old: SavedTrack, position: int, policy: str, interval: str) -> list[str]:
    new = track.base
    now = new.origin if isinstance(new, Continued) else new
    if (old.rule is None) != (track.rule is None):
        return [f"schedule {old.told} -> {_told(new)}"]
    end = new.horizon if old.steered is None or policy == "rebind" else old.steered.horizon
    if now.strict and position > end:
        return [f"step {position}, which is past the horizon {end} of a strict schedule"]
    if old.schedule is None:
        if old.sketch is None or old.horizon != new.horizon:
            return [f"horizon {old.horizon} -> {new.horizon} of {old.told}, which holds a function without a name"]
        return old.sketch.differences(now, old.told, policy == "exact")
    was = old.schedule.origin if isinstance(old.schedule, Continued) else old.schedule
    if old.sketch is None:
        told = [] if was.plan == now.plan else [f"plan {_told(was.plan)} -> {_told(now.plan)}"]
    elif _told(was.plan) != _told(now.plan):
        told = [f"plan {_told(was.plan)} -> {_told(now.plan)}"]
    else:  # a name that is defined anew, as by a notebook's cell, is the same function while it gives the same values
        told = old.sketch.differences(was if policy == "extend" or was.horizon != now.horizon else now, old.told, False)
    if policy == "exact" and not told:
        told = [f"horizon {old.horizon} -> {new.horizon}"] if old.horizon != new.horizon else []
        for name in ("steps_per_epoch", "tokens_per_step", "samples_per_step", "strict"):
            if getattr(was, name) != getattr(now, name):
                told.append(f"{name} {getattr(was, name)} -> {getattr(now, name)}")
        if not told and getattr(old.schedule, "knots", ()) != getattr(new, "knots", ()):
            told = [f"{_told(old.schedule)} -> {_told(new)}"]
    if policy == "extend" and old.steered is not None and old.horizon != new.horizon:
        told.append(f"horizon {old.horizon} -> {new.horizon} of a run that was steered (calando steer RUN extend N)")
    if policy == "extend" and interval == "epoch" and was.steps_per_epoch != now.steps_per_epoch:
        told.append(f"steps_per_epoch {was.steps_per_epoch} -> {now.steps_per_epoch}, and epochs are what is counted")
    if policy == "extend" and not told and old.horizon != new.horizon and position >= min(old.horizon, new.horizon):
        reached = "the run had ended, nothing is left of it to spread" if position >= old.horizon else "it is past that"
        told = [f"horizon {old.horizon} -> {new.horizon} at step {position}: {reached}"]
    return told


_Both = tuple["Schedule | Continued", "Schedule | Continued | None"]
"""A schedule, and the one that the run began with where it was changed."""


def _successor(track: Track, old: SavedTrack, position: int, policy: str) -> _Both:
    begun, steered = track.begun, old.steered
    if policy == "rebind" or (begun is not None and _continues(track.schedule, steered or track.base, position)):
        return track.schedule, begun
    if steered is not None:
        return steered, track.base
    if policy != "extend" or old.schedule is None:
        return track.base, None  # without a name, hence at the horizon that was saved
    if old.horizon == track.base.horizon:
        return old.schedule, None
    run = old.schedule if isinstance(old.schedule, Continued) else Continued(old.schedule, ())
    return run.stretched(at=position, horizon=track.base.horizon), None


def _continues(mine: "Schedule | Continued", saved: "Schedule | Continued", position: int) -> bool:
    """Whether a schedule that was changed since is the saved one's going on: the same up to where that stood."""
    if not isinstance(mine, Schedule) or not isinstance(saved, Schedule):
        return False
    return agreement(mine, saved) >= min(position, mine.horizon, saved.horizon)


def _rule_state(track: Track, old: SavedTrack) -> Any:
    if track.rule is None or old.rule is None:
        return track.state
    try:
        return track.rule.from_plain(dict(old.rule))
    except CalandoError as error:
        raise _broken(f"a broken rule state ({error.given})") from error


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(math.isclose(x, y, rel_tol=_SAME) for x, y in zip(a, b, strict=True))
