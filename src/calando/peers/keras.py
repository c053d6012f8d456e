"""What Keras' schedules and callbacks mean: living objects, their configurations, or JSON."""

import math
import numbers
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from calando.errors import BadName, BadValue, Unconvertible, did_you_mean, shown
from calando.peers.asked import check_asked
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.json_source import read_json
from calando.peers.keras_callbacks import from_plateau, from_scheduler
from calando.peers.keras_schedules import MAKERS, Settings
from calando.peers.legs import level

__all__ = ["from_keras"]

WHERE: Final = "from_keras(source)"
REQUIRED: Final = object()

SIGNATURES: Final[dict[str, dict[str, Any]]] = {
    "CosineDecay": {
        "initial_learning_rate": REQUIRED, "decay_steps": REQUIRED, "alpha": 0.0, "name": "CosineDecay",
        "warmup_target": None, "warmup_steps": 0,
    },
    "CosineDecayRestarts": {
        "initial_learning_rate": REQUIRED, "first_decay_steps": REQUIRED, "t_mul": 2.0, "m_mul": 1.0, "alpha": 0.0,
        "name": "SGDRDecay",
    },
    "ExponentialDecay": {
        "initial_learning_rate": REQUIRED, "decay_steps": REQUIRED, "decay_rate": REQUIRED, "staircase": False,
        "name": "ExponentialDecay",
    },
    "InverseTimeDecay": {
        "initial_learning_rate": REQUIRED, "decay_steps": REQUIRED, "decay_rate": REQUIRED, "staircase": False,
        "name": "InverseTimeDecay",
    },
    "PiecewiseConstantDecay": {"boundaries": REQUIRED, "values": REQUIRED, "name": "PiecewiseConstant"},
    "PolynomialDecay": {
        "initial_learning_rate": REQUIRED, "decay_steps": REQUIRED, "end_learning_rate": 1e-4, "power": 1.0,
        "cycle": False, "name": "PolynomialDecay",
    },
}  # fmt: skip
"""Every argument of every schedule, with Keras' own default."""


def from_keras(
    source: Any,
    *,
    quirks: bool = True,
    lr: float | None = None,
    horizon: int | None = None,
    mode: str | None = None,
) -> Converted:
    """A Keras schedule or callback as a plan.

    Formula: that of the Keras class, in exact numbers where Keras computes in float32.

    Args:
        source: a schedule of keras.optimizers.schedules; its `get_config()`, its serialised dict, or that of the
            optimizer that holds it; JSON of these, or the path of a JSON file; a number; or a callback:
            ReduceLROnPlateau or LearningRateScheduler.
        quirks: equal Keras at every step, or (False) the plan that was probably meant, all differences listed.
        lr: the optimizer's learning rate, > 0, for callbacks, which do not know it.
        horizon: steps of the run (epochs for LearningRateScheduler), >= 1, for schedules without an end of their own.
        mode: min or max, for a ReduceLROnPlateau whose mode is "auto" and whose metric does not tell.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say.
        BadName: for a class or an argument that Keras does not have.
        BadValue: for a value outside its range, or a learning rate that nobody says.

    Example:
        >>> import calando
        >>> found = calando.peers.from_keras({"class_name": "CosineDecay", "config": {
        ...     "initial_learning_rate": 0.0, "decay_steps": 90, "warmup_target": 0.1, "warmup_steps": 10}})
        >>> str(found.plan), found.bases, found.horizon
        ('warmup(10) | cosine(length=90)', (0.1,), 100)

    Source: keras.optimizers.schedules, keras.callbacks.
    """
    check_asked("from_keras", quirks=quirks, horizon=horizon)
    kind = type(source).__name__
    if kind == "ReduceLROnPlateau" and hasattr(source, "min_delta"):
        return from_plateau(source, quirks, _rate(lr, source), mode)
    if kind == "LearningRateScheduler" and callable(getattr(source, "schedule", None)):
        return from_scheduler(source.schedule, quirks, _rate(lr, source), horizon)
    if isinstance(source, numbers.Real) and not isinstance(source, bool):
        rate = number(source, WHERE, 0.0)
        return finish("Keras", [Group(level(1.0), level(1.0), rate)], quirks, horizon=horizon, own=0)
    name, config = _named(source)
    return MAKERS[name](_complete(name, config), quirks, horizon)


def _rate(lr: float | None, callback: Any) -> float | None:
    """The learning rate that a callback starts from: as given, else its model's."""
    if lr is not None:
        return number(lr, "from_keras(lr)")
    optimizer = getattr(getattr(callback, "_model", None), "optimizer", None)
    found = getattr(optimizer, "learning_rate", None)
    return None if found is None else number(found, "from_keras(lr)")


def _named(source: Any) -> tuple[str, dict[str, Any]]:
    """The class and the configuration that a source stands for."""
    if isinstance(source, str | Path):
        source = read_json(source, "a Keras configuration", WHERE)
    if isinstance(source, Mapping):
        return _of_config(source)
    name = type(source).__name__
    inner = getattr(source, "_learning_rate", None)
    if inner is not None and name not in SIGNATURES:  # an optimizer
        return _named(inner)
    if name not in SIGNATURES or not callable(getattr(source, "get_config", None)):
        raise Unconvertible(
            given=f"{shown(source)} ({name})", allowed="a schedule of Keras: " + ", ".join(SIGNATURES), where=WHERE,
            fix="say the whole of a schedule of your own by calando.function(lambda t: float(schedule(t)) / peak)",
        )  # fmt: skip
    return name, dict(source.get_config())


def _of_config(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    inner = config.get("config")
    if isinstance(inner, Mapping):
        name = str(config.get("class_name"))
        if isinstance(inner.get("learning_rate"), Mapping):
            return _of_config(inner["learning_rate"])
        if name not in SIGNATURES:
            raise BadName(
                given=f"the class {shown(name)}{did_you_mean(name, SIGNATURES)}", allowed=", ".join(SIGNATURES),
                where=WHERE, fix="give a schedule, or an optimizer whose learning_rate is one",
            )  # fmt: skip
        return name, dict(inner)
    if isinstance(config.get("learning_rate"), Mapping):
        return _of_config(config["learning_rate"])
    fitting = [name for name, known in SIGNATURES.items() if _fits(config, known)]
    if len(fitting) > 1:  # ExponentialDecay and InverseTimeDecay have the same arguments
        fitting = [name for name in fitting if SIGNATURES[name]["name"] == config.get("name")]
    if len(fitting) != 1:
        raise BadValue(
            given=f"a configuration of {', '.join(sorted(map(str, config))) or 'nothing'}, which names no class",
            allowed="what keras.optimizers.schedules.serialize writes, or get_config() with its own name", where=WHERE,
            fix='give {"class_name": ..., "config": {...}}, or the schedule itself',
        )  # fmt: skip
    return fitting[0], dict(config)


def _fits(config: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    needed = {name for name, default in known.items() if default is REQUIRED}
    return needed <= set(config) <= set(known)


def _complete(name: str, config: Mapping[str, Any]) -> Settings:
    known = SIGNATURES[name]
    for argument in config:
        if argument not in known:
            raise BadName(
                given=f"the argument {shown(argument)}{did_you_mean(str(argument), known)}", allowed=", ".join(known),
                where=f"from_keras({name})", fix="Keras itself would refuse it: correct the name",
            )  # fmt: skip
    filled = known | dict(config)
    for argument, value in filled.items():
        if value is REQUIRED:
            raise BadValue(
                given=f"no {argument}", allowed="a number", where=f"from_keras({name})", fix=f"give {argument}"
            )
    del filled["name"]
    for argument in ("decay_steps", "first_decay_steps"):
        if argument in filled and not number(filled[argument], f"from_keras({name}.{argument})") > 0:
            raise BadValue(
                given=f"{argument}={shown(filled[argument])}", allowed="a number > 0", where=f"from_keras({name})",
                fix="Keras itself refuses it: give a number above 0",
            )  # fmt: skip
    return Settings(name, filled, _is_whole(filled.get("initial_learning_rate")))


def _is_whole(value: Any) -> bool:
    """Whether Keras would make an integer tensor of it, and then count everything in integers."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and math.isfinite(value)
