"""What DeepSpeed's schedules mean: from a configuration (a dict, JSON, a file of it) or from a living scheduler."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from calando.errors import BadName, BadValue, Unconvertible, did_you_mean, shown
from calando.peers.asked import check_asked, rates_of
from calando.peers.base import Converted
from calando.peers.deepspeed_schedules import LINEAR, LOG, MAKERS, Spec
from calando.peers.finish import number
from calando.peers.json_source import read_json

__all__ = ["from_deepspeed"]

REQUIRED: Final = object()

DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "LRRangeTest": {
        "lr_range_test_min_lr": 1e-3, "lr_range_test_step_size": 2000, "lr_range_test_step_rate": 1.0,
        "lr_range_test_staircase": False,
    },
    "OneCycle": {
        "cycle_min_lr": REQUIRED, "cycle_max_lr": REQUIRED, "decay_lr_rate": 0.0, "cycle_first_step_size": 2000,
        "cycle_second_step_size": None, "cycle_first_stair_count": 0, "cycle_second_stair_count": None,
        "decay_step_size": 0, "cycle_momentum": True, "cycle_min_mom": 0.8, "cycle_max_mom": 0.9,
        "decay_mom_rate": 0.0,
    },
    "WarmupLR": {
        "warmup_min_lr": 0.0, "warmup_max_lr": None, "warmup_num_steps": 1000, "warmup_type": LOG,
    },
    "WarmupDecayLR": {
        "total_num_steps": REQUIRED, "warmup_min_lr": 0.0, "warmup_max_lr": 1e-3, "warmup_num_steps": 1000,
        "warmup_type": LOG,
    },
    "WarmupCosineLR": {
        "total_num_steps": REQUIRED, "warmup_min_ratio": 0.0, "warmup_num_steps": 1000, "cos_min_ratio": 1e-4,
        "warmup_type": LOG,
    },
}  # fmt: skip
"""Every parameter of every schedule, with DeepSpeed's own default."""

PER_GROUP: Final = ("lr_range_test_min_lr", "cycle_min_lr", "cycle_max_lr", "cycle_min_mom", "cycle_max_mom",
                    "warmup_min_lr", "warmup_max_lr")  # fmt: skip

LIVING: Final = {
    "lr_range_test_min_lr": "min_lr", "lr_range_test_step_size": "step_size", "lr_range_test_step_rate": "step_rate",
    "lr_range_test_staircase": "staircase", "cycle_min_lr": "min_lrs", "cycle_max_lr": "max_lrs",
    "cycle_first_step_size": "first_step_size", "cycle_second_step_size": "second_step_size",
    "cycle_first_stair_count": "first_stair_count", "cycle_second_stair_count": "second_stair_count",
    "warmup_min_lr": "min_lrs", "warmup_max_lr": "max_lrs",
}  # fmt: skip
"""Where a living scheduler keeps a parameter under another name."""


def from_deepspeed(
    source: Any, *, quirks: bool = True, lr: float | Sequence[float] | None = None, horizon: int | None = None
) -> Converted:
    """A DeepSpeed schedule as plans, one per parameter group.

    Formula: value(t) = f(t-1) at update t >= 1 for the warm-up schedules, f being DeepSpeed's, and its constructor's
    value at update 0; LRRangeTest and OneCycle count from 0 as everyone does.

    Args:
        source: the configuration (whole, or its "scheduler" part) as a dict, as JSON or as the path of a JSON file; or
            a living scheduler.
        quirks: equal DeepSpeed at every step, or (False) the plan that was probably meant, all differences listed.
        lr: the optimizer's learning rate, or one per group, where the configuration does not say it.
        horizon: steps of the run, >= 1, for schedules without an end of their own.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say.
        BadName: for a schedule or a parameter that DeepSpeed does not have.
        BadValue: for a value outside its range, or a learning rate that nobody says.

    Example:
        >>> import calando
        >>> found = calando.peers.from_deepspeed({"type": "WarmupDecayLR", "params": {
        ...     "total_num_steps": 100, "warmup_num_steps": 10, "warmup_max_lr": 0.1, "warmup_type": "linear"}})
        >>> found.bases, found.plan.bind(found.horizon)(11)
        ((0.1,), 1.0)

    Source: deepspeed.runtime.lr_schedules.
    """
    check_asked("from_deepspeed", quirks=quirks, horizon=horizon)
    spec = _read(source, None if lr is None else rates_of(lr, "from_deepspeed"))
    return MAKERS[spec.kind](spec, quirks, horizon)


def _read(source: Any, lr: tuple[float, ...] | None) -> Spec:
    if isinstance(source, str | Path):
        source = read_json(source, "DeepSpeed's configuration", "from_deepspeed(source)")
    if isinstance(source, Mapping):
        return _from_config(source, lr)
    return _from_living(source)


def _from_config(config: Mapping[str, Any], lr: tuple[float, ...] | None) -> Spec:
    part = config.get("scheduler", config)
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind is None:
        raise BadValue(
            given=f"a configuration of {', '.join(sorted(map(str, config))) or 'nothing'}, without a scheduler's type",
            allowed='{"scheduler": {"type": ..., "params": {...}}}, or its inner part', where="from_deepspeed(source)",
            fix="give the configuration's scheduler",
        )  # fmt: skip
    if not isinstance(kind, str) or kind not in DEFAULTS:
        raise BadName(
            given=f"the scheduler {shown(kind)}{did_you_mean(str(kind), DEFAULTS)}", allowed=", ".join(DEFAULTS),
            where="from_deepspeed(source)", fix="use one of DeepSpeed's own; for others use from_torch",
        )  # fmt: skip
    given = {} if part.get("params") is None else part["params"]
    if not isinstance(given, Mapping):
        raise BadValue(
            given=f"params={shown(given)}", allowed="a dict of parameters", where=f"from_deepspeed({kind})",
            fix='give {"type": ..., "params": {...}}',
        )  # fmt: skip
    known = DEFAULTS[kind]
    for name in given:
        if name not in known and name != "last_batch_iteration":
            raise BadName(
                given=f"the parameter {shown(name)}{did_you_mean(str(name), known)}", allowed=", ".join(known),
                where=f"from_deepspeed({kind})", fix="DeepSpeed itself would refuse it: correct the name",
            )  # fmt: skip
    parameters = known | dict(given)
    for name, value in parameters.items():
        if value == "auto":
            raise Unconvertible(
                given=f'{name}="auto"', allowed="numbers", where=f"from_deepspeed({kind})",
                fix="fill it in: the Hugging Face Trainer replaces it by its own arguments when training starts",
            )  # fmt: skip
        if value is REQUIRED:
            raise BadValue(
                given=f"no {name}", allowed="a number", where=f"from_deepspeed({kind})", fix=f"give params.{name}"
            )
    kind_of_warmup = parameters.get("warmup_type", LOG)
    if kind_of_warmup not in (LOG, LINEAR):
        raise BadName(
            given=f"warmup_type={shown(kind_of_warmup)}", allowed=f"{LOG}, {LINEAR}", where=f"from_deepspeed({kind})",
            fix="DeepSpeed itself warns and uses log: write what is meant",
        )  # fmt: skip
    optimizer = config.get("optimizer") if part is not config else None
    own = optimizer.get("params") if isinstance(optimizer, Mapping) else None
    rate = own.get("lr") if lr is None and isinstance(own, Mapping) else lr
    rates = None if rate is None or rate == "auto" else rates_of(rate, "from_deepspeed")
    betas = None
    if isinstance(optimizer, Mapping) and "type" in optimizer:
        betas = "sgd" not in str(optimizer["type"]).lower()
    return Spec(
        kind,
        parameters,
        rates,
        int(number(parameters.pop("last_batch_iteration", -1), "from_deepspeed(last_batch_iteration)")),
        betas,
    )


def _from_living(scheduler: Any) -> Spec:
    kind = type(scheduler).__name__
    if kind not in DEFAULTS or not hasattr(scheduler, "last_batch_iteration"):
        raise Unconvertible(
            given=f"{shown(scheduler)} ({kind})", allowed="a scheduler of DeepSpeed: " + ", ".join(DEFAULTS),
            where="from_deepspeed(source)", fix="give the scheduler itself, or the configuration it was made from",
        )  # fmt: skip
    parameters = {}
    for name, default in DEFAULTS[kind].items():
        parameters[name] = getattr(scheduler, LIVING.get(name, name), default)
    for name in ("cycle_min_mom", "cycle_max_mom"):
        moments = getattr(scheduler, name.replace("cycle_", "") + "s", None)
        if moments is not None:
            parameters[name] = [first for first, _ in moments]
    groups = scheduler.optimizer.param_groups
    own = getattr(scheduler, "org_lrs", None) or [group["lr"] for group in groups]
    rates = tuple(float(rate) for rate in own)
    betas = bool(parameters.get("cycle_momentum")) and all("betas" in group for group in groups)
    return Spec(kind, parameters, rates, int(scheduler.last_batch_iteration), betas)
