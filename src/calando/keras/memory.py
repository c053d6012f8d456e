"""What a checkpoint keeps of a driven optimizer: the rule's state to the last bit, and which schedule it was."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import keras

from calando.core.codec import from_json
from calando.core.feedback import PlateauRule, PlateauState
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.errors import BadName, BadState, CalandoError, NotSerialisable, did_you_mean, shown

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "POLICIES",
    "WORDS",
    "check_origin",
    "check_plan",
    "check_policy",
    "check_stamp",
    "from_stamp",
    "from_words",
    "stamp",
    "to_words",
]

POLICIES = ("exact", "rebind")
WORDS = 2 * len(PlateauState._fields)
"""A float64 is two words of int32, which every backend keeps exactly; JAX has no float64 unless it is told to."""


def to_words(state: PlateauState) -> "np.ndarray[Any, Any]":
    """A rule's state as int32 words."""
    import numpy as np

    numbers = [math.nan if value is None else float(value) for value in state]
    return np.asarray(numbers, dtype="<f8").view("<i4")


def from_words(rule: PlateauRule, words: Any) -> PlateauState:
    """A rule's state back from its words, checked.

    Raises:
        BadState: when they are not what `to_words` gave.
    """
    import numpy as np

    scale, best, *counts = np.ascontiguousarray(words, dtype="<i4").view("<f8").tolist()
    whole = [int(count) if math.isfinite(count) and count == int(count) else count for count in counts]
    plain = dict(zip(PlateauState._fields, [scale, None if math.isnan(best) else best, *whole], strict=True))
    return rule.from_plain(plain)


def check_policy(name: object) -> str:
    """A resume policy's name, or BadName."""
    if not isinstance(name, str) or name not in POLICIES:
        hint = did_you_mean(name, POLICIES) if isinstance(name, str) else ""
        raise BadName(
            given=f"resume={shown(name)}{hint}", allowed=", ".join(POLICIES), where="attach(resume)",
            fix="use exact unless the horizon changed on purpose",
        )  # fmt: skip
    return name


def stamp(schedule: Schedule, peak: float) -> "np.ndarray[Any, Any] | None":
    """Schedule and peak as bytes to keep beside the variables, or None where a nameless function has no JSON."""
    import numpy as np

    try:
        document = {"schedule": schedule.to_json(), "peak": peak}
    except NotSerialisable:
        return None
    return np.frombuffer(json.dumps(document).encode(), dtype="uint8")


def from_stamp(saved: Any) -> tuple[Schedule | Plan, float]:
    """What `stamp` was given, or a plan, back from the bytes.

    Raises:
        BadState: when they cannot be read.
    """
    import numpy as np

    try:
        document = json.loads(np.asarray(saved, dtype="uint8").tobytes().decode())
        return from_json(document["schedule"]), float(document["peak"])
    except (ValueError, KeyError, TypeError, CalandoError) as error:
        raise BadState(
            given=f"a checkpoint whose schedule cannot be read ({shown(error)})",
            allowed="what Keras saved of this optimizer",
            where="load_weights",
            fix="load the checkpoint with the Calando that wrote it, or a newer one",
        ) from error


def check_stamp(saved: Any, schedule: Schedule, peak: float, policy: str) -> None:
    """Whether what was saved belongs to this schedule.

    Formula: "exact" wants the same schedule and peak; "rebind" the same plan, at any horizon and peak.

    Raises:
        BadState: telling what differs.
    """
    if saved is None:
        return
    was, was_peak = from_stamp(saved)
    told = differences(was, schedule) if isinstance(was, Schedule) else ["a plan that is not bound"]
    if policy == "rebind":
        told = [] if isinstance(was, Schedule) and was.plan == schedule.plan else told
    elif not math.isclose(was_peak, peak, rel_tol=1e-6):
        told.append(f"peak {was_peak:g} -> {peak:g}")
    if told:
        raise BadState(
            given="a checkpoint of another schedule: " + "; ".join(told),
            allowed="the same plan, at any horizon and peak" if policy == "rebind" else "the same schedule and peak",
            where=f"load_weights (resume={policy!r})",
            fix="attach the schedule that was saved"
            + ("" if policy == "rebind" else ", or attach(..., resume='rebind') to follow the new one from this step"),
        )


def check_plan(was: Schedule, now: Schedule) -> None:
    """Whether a model that follows one schedule may go on with another: the same plan, at any horizon.

    Raises:
        BadState: telling the two plans.
    """
    if was.plan != now.plan:
        raise BadState(
            given="another plan than the model follows: " + differences(was, now)[0],
            allowed="the same plan, at any horizon",
            where="rebind(schedule)",
            fix="bind the plan that the model follows, or compile the model with an optimizer of the new one",
        )


def check_origin(store: Mapping[str, Any], schedule: Schedule) -> None:
    """Whether a checkpoint with an optimizer in it is one of an attached optimizer, which tells its schedule.

    Raises:
        BadState: for a plain optimizer's, which would leave the schedule at step 0 and the moments behind.
    """
    if "schedule" not in store and "0" in store and stamp(schedule, 1.0) is not None:
        raise BadState(
            given="a checkpoint of an optimizer that no schedule of ours drove",
            allowed="what Keras saved of an attached optimizer",
            where="load_weights",
            fix="build the plain optimizer, load the weights into a model compiled with it, and compile again with"
            " attach(that optimizer, ...): it goes on from its step",
        )


def differences(was: Schedule, now: Schedule) -> list[str]:
    """What differs between two schedules, one text each."""
    told = []
    if was.plan != now.plan:
        told.append(f"plan {was.plan} -> {_told(now)}")
    names = ("horizon", "steps_per_epoch", "tokens_per_step", "samples_per_step", "strict")
    changed = [name for name in names if getattr(was, name) != getattr(now, name)]
    return told + [f"{name} {getattr(was, name)} -> {getattr(now, name)}" for name in changed]


def _told(schedule: Schedule) -> str:
    with suppress(NotSerialisable):
        return str(schedule.plan)
    return repr(schedule.plan)


def write_in(variable: Any, value: Any) -> None:
    """Put a value into an optimizer's variable."""
    variable.assign(keras.ops.convert_to_tensor(value, variable.dtype))


def read_from(store: Mapping[str, Any], key: str) -> Any:
    """An entry of a store of Keras', or None."""
    return store[key] if key in store else None  # noqa: SIM401  # its stores have no get
