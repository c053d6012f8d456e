"""What DeepSpeed's schedules mean: from a configuration, as a dict, JSON or a file of it, or from a living scheduler."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from calando.core.bundle import bundle
from calando.core.clock import LONGEST
from calando.core.plan import Plan
from calando.core.shapes.inverse_time import inverse_time
from calando.core.shapes.linear import linear_decay
from calando.core.shapes.warmup import warmup
from calando.core.timing import hold, shift
from calando.errors import BadFile, BadName, BadValue, Unconvertible, did_you_mean, shown
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.legs import chain, drops, leg, level, scaled, share, steps_of, table, whole

__all__ = ["from_deepspeed"]

REQUIRED: Final = object()
LOG, LINEAR = "log", "linear"

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

LATE: Final = "DeepSpeed uses the value of step t-1 at update t, so that its first two updates are alike"


class Spec(NamedTuple):
    """A schedule as read: its class, its parameters, the optimizer's own rates, its last step, whether it has betas."""

    kind: str
    parameters: dict[str, Any]
    rates: tuple[float, ...] | None
    last: int
    betas: bool | None


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
    spec = _read(source, lr)
    make = {
        "LRRangeTest": _range_test, "OneCycle": _one_cycle, "WarmupLR": _warmup, "WarmupDecayLR": _warmup_decay,
        "WarmupCosineLR": _warmup_cosine,
    }[spec.kind]  # fmt: skip
    return make(spec, quirks, horizon)


def _read(source: Any, lr: Any) -> Spec:
    if isinstance(source, str | Path):
        source = _json(source)
    if isinstance(source, Mapping):
        return _from_config(source, lr)
    return _from_living(source)


def _json(source: str | Path) -> Any:
    text = str(source)
    where = "from_deepspeed(source)"
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BadFile(
                given=f"the file {shown(text)}: {getattr(error, 'strerror', None) or 'not readable as UTF-8 text'}",
                allowed="a file with DeepSpeed's configuration as JSON", where=where,
                fix="give its path, its text, or a dict",
            ) from error  # fmt: skip
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadFile(
            given=f"text that is no JSON: {error}", allowed="DeepSpeed's configuration as JSON", where=where,
            fix="mend the JSON",
        ) from error  # fmt: skip


def _from_config(config: Mapping[str, Any], lr: Any) -> Spec:
    part = config.get("scheduler", config)
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind is None:
        raise BadValue(
            given=f"a configuration of {', '.join(sorted(map(str, config))) or 'nothing'}, without a scheduler's type",
            allowed='{"scheduler": {"type": ..., "params": {...}}}, or its inner part', where="from_deepspeed(source)",
            fix="give the configuration's scheduler",
        )  # fmt: skip
    if kind not in DEFAULTS:
        raise BadName(
            given=f"the scheduler {shown(kind)}{did_you_mean(str(kind), DEFAULTS)}", allowed=", ".join(DEFAULTS),
            where="from_deepspeed(source)", fix="use one of DeepSpeed's own; for others use from_torch",
        )  # fmt: skip
    given = part.get("params") or {}
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
    optimizer = config.get("optimizer") if part is not config else None
    own = optimizer.get("params", {}) if isinstance(optimizer, Mapping) else {}
    rate = own.get("lr") if lr is None else lr
    rates = None if rate is None or rate == "auto" else tuple(map(float, rate)) if _many(rate) else (float(rate),)
    betas = None
    if isinstance(optimizer, Mapping) and "type" in optimizer:
        betas = "sgd" not in str(optimizer["type"]).lower()
    return Spec(kind, parameters, rates, int(parameters.pop("last_batch_iteration", -1)), betas)


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


def _many(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _groups(spec: Spec, *names: str) -> list[list[float]]:
    """The values of these parameters, group by group."""
    values = [spec.parameters[name] for name in names]
    sizes = {len(value) for value in values if _many(value)}
    count = max(sizes, default=len(spec.rates) if spec.rates else 1)
    for name, value in zip(names, values, strict=True):
        if _many(value) and len(value) != count:
            raise BadValue(
                given=f"{len(value)} values of {name} for {count} groups", allowed="one number, or one per group",
                where=f"from_deepspeed({spec.kind})", fix="give as many as there are groups",
            )  # fmt: skip
    rows = []
    for i in range(count):
        row = [value[i] if _many(value) else value for value in values]
        rows.append([number(v, f"from_deepspeed({spec.kind}.{n})") for n, v in zip(names, row, strict=True)])
    return rows


def _one(spec: Spec, name: str, low: float = -math.inf) -> float:
    return number(spec.parameters[name], f"from_deepspeed({spec.kind}.{name})", low)


def _count(spec: Spec, name: str) -> int:
    """A number of steps, as DeepSpeed asks for it: a positive int (total_num_steps may be any number >= 1)."""
    value = _one(spec, name, 1)
    if value != int(value):
        raise Unconvertible(
            given=f"{name}={value:g}", allowed="whole steps", where=f"from_deepspeed({spec.kind})", fix="round it"
        )
    return int(value)


def _positive(spec: Spec, value: float, name: str) -> float:
    if value <= 0.0:
        raise Unconvertible(
            given=f"{name}={value:g}", allowed="a learning rate above 0, which factor 1 stands for",
            where=f"from_deepspeed({spec.kind})", fix=f"give a {name} above 0",
        )  # fmt: skip
    return value


def _range_test(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    size, rate = _count(spec, "lr_range_test_step_size"), _one(spec, "lr_range_test_step_rate")
    if rate < 0:
        raise Unconvertible(
            given=f"lr_range_test_step_rate={rate:g}", allowed="a rate >= 0: a falling line ends below zero",
            where="from_deepspeed(LRRangeTest)", fix="use a rate above 0",
        )  # fmt: skip
    intervals = 10**6 if horizon is None else -(-horizon // size)
    steps = min(intervals * size, LONGEST)
    rise: Plan = level(1.0) if rate == 0 else leg("linear", 1.0, 1.0 + rate * steps / size, steps)
    if horizon == steps and rate:
        rise = linear_decay(start=1.0, end=1.0 + rate * steps / size)
    if spec.parameters["lr_range_test_staircase"] and rate:
        rise = hold(rise, every=size)
    bases = [_positive(spec, row[0], "lr_range_test_min_lr") for row in _groups(spec, "lr_range_test_min_lr")]
    past = f"LRRangeTest rises without an end; ours holds its value from step {horizon or steps:,} on" if rate else ""
    return finish("DeepSpeed", [Group(rise, rise, base) for base in bases], quirks, horizon=horizon, past=past,
                  position=spec.last + 1)  # fmt: skip


def _rise(spec: Spec, start: float, top: float, width: int, length: int | None) -> Plan:
    """The warm-up from its second update (f(0)) on: `width` steps of DeepSpeed's way."""
    if spec.parameters["warmup_type"] == LINEAR:
        return leg("linear", start, top, width, length=length)
    return _logarithmic(start, top, width, length)


def _width(spec: Spec) -> int:
    return max(2, _count(spec, "warmup_num_steps"))


def _warmup_groups(spec: Spec) -> list[tuple[float, float]]:
    if spec.parameters["warmup_max_lr"] is None:
        if spec.rates is None:
            raise BadValue(
                given="no warmup_max_lr, and no learning rate of the optimizer", allowed="a learning rate",
                where=f"from_deepspeed({spec.kind})", fix="pass lr=..., the optimizer's own learning rate",
            )  # fmt: skip
        spec = spec._replace(parameters=spec.parameters | {"warmup_max_lr": list(spec.rates)})
    return [(low, high) for low, high in _groups(spec, "warmup_min_lr", "warmup_max_lr")]


def _warmup(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    width = _width(spec)
    linear = spec.parameters["warmup_type"] == LINEAR
    groups = []
    for low, high in _warmup_groups(spec):
        start, top, base = _scaled_ends(spec, low, high)
        rise = width if linear else width - 1
        exact = shift(chain(_rise(spec, start, top, width, rise), level(top)), by=1)
        groups.append(Group(exact, chain(_clean_rise(spec, start, top, width), level(top)), base))
    return finish("DeepSpeed", groups, quirks, horizon=horizon, own=rise + 1, reasons=[LATE], position=spec.last + 1)


def _clean_rise(spec: Spec, start: float, top: float, width: int) -> Plan:
    if spec.parameters["warmup_type"] == LINEAR and top == 1.0:
        return warmup(width, start=start)
    return _rise(spec, start, top, width, width if spec.parameters["warmup_type"] == LINEAR else width - 1)


def _scaled_ends(spec: Spec, low: float, high: float) -> tuple[float, float, float]:
    base = max(low, high)
    if min(low, high) < 0.0 or base <= 0.0:
        raise Unconvertible(
            given=f"a warm-up from {low:g} to {high:g}", allowed="learning rates >= 0, one of them above 0",
            where=f"from_deepspeed({spec.kind})", fix="mend warmup_min_lr and warmup_max_lr",
        )  # fmt: skip
    return share(low, base), share(high, base), base


def _warmup_decay(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    width, total = _width(spec), _count(spec, "total_num_steps")
    linear = spec.parameters["warmup_type"] == LINEAR
    groups = []
    for low, high in _warmup_groups(spec):
        start, top, base = _scaled_ends(spec, low, high)
        first = level(start, 1)
        if total <= width + 1:
            exact = chain(first, _rise(spec, start, top, width, None))
            clean = _rise(spec, start, top, width, None)
        else:
            rise = _rise(spec, start, top, width, width if linear else width - 1)
            top_step = None if linear else level(top, 1)
            exact = chain(first, rise, top_step, leg("linear", top, start, total - width))
            clean = chain(_clean_rise(spec, start, top, width), linear_decay(start, top))
        groups.append(Group(exact, clean, base))
    past = (
        f"past its {total:,} steps DeepSpeed goes on to warmup_min_lr, which it reaches at update {total + 1:,}; "
        "ours holds the value that it has there"
    )
    return finish("DeepSpeed", groups, quirks, horizon=total, past=past, reasons=[LATE], position=spec.last + 1)


def _warmup_cosine(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    width, total = _width(spec), _count(spec, "total_num_steps")
    start, end = _one(spec, "warmup_min_ratio", 0.0), _one(spec, "cos_min_ratio", 0.0)
    linear = spec.parameters["warmup_type"] == LINEAR
    if spec.rates is None:
        raise BadValue(
            given="no learning rate of the optimizer", allowed="a learning rate: WarmupCosineLR says only ratios of it",
            where="from_deepspeed(WarmupCosineLR)", fix="pass lr=..., the optimizer's own learning rate",
        )  # fmt: skip
    if total <= width:
        exact = chain(level(0.0, 1), _rise(spec, start, 1.0, width, None))
        clean = _rise(spec, start, 1.0, width, None)
    else:
        rise = _rise(spec, start, 1.0, width, width)
        exact = chain(level(0.0, 1), rise, leg("cosine", 1.0, end, total - width, offset=1))
        fall = leg("cosine", 1.0, end, total - width, length=total - width)
        clean = chain(_clean_rise(spec, start, 1.0, width), fall if linear else chain(level(1.0, 1), fall))
    groups = [Group(exact, clean, _positive(spec, rate, "lr")) for rate in spec.rates]
    return finish("DeepSpeed", groups, quirks, horizon=total, position=spec.last + 1, reasons=[
        LATE, "DeepSpeed starts at 0 whatever warmup_min_ratio says", "its cosine starts one step in"])  # fmt: skip


def _one_cycle(spec: Spec, quirks: bool, horizon: int | None) -> Converted:
    first = _one(spec, "cycle_first_step_size")
    second = first if spec.parameters["cycle_second_step_size"] is None else _one(spec, "cycle_second_step_size", 0.0)
    if first <= 0:
        raise BadValue(
            given=f"cycle_first_step_size={first:g}", allowed="a number > 0", where="from_deepspeed(OneCycle)",
            fix="give the steps of the rise",
        )  # fmt: skip
    if whole(first + second) is None:
        raise Unconvertible(
            given=f"a cycle of {first + second:g} steps", allowed="a whole number of steps in all",
            where="from_deepspeed(OneCycle)", fix="round the sizes: DeepSpeed begins a second cycle for one step there",
        )  # fmt: skip
    up = int(_one(spec, "cycle_first_stair_count"))
    down = spec.parameters["cycle_second_stair_count"]
    wave = _Wave(first, second, up, up if down is None else int(down))
    every, rate = _one(spec, "decay_step_size", 0.0), _one(spec, "decay_lr_rate", 0.0)
    momentum = bool(spec.parameters["cycle_momentum"]) and spec.betas is not False
    rows = _groups(spec, "cycle_min_lr", "cycle_max_lr", *(["cycle_min_mom", "cycle_max_mom"] if momentum else []))
    mom_rate = _one(spec, "decay_mom_rate") if momentum else 0.0
    groups = []
    for low, high, *moments in rows:
        low, high, base = _scaled_ends(spec, low, high)
        after = level(low)
        if every and rate and low:
            after = scaled(inverse_time(rate / every), low)
        plan: Plan = chain(wave.plan(low, high), after)
        if momentum:
            plan = bundle(plan, beta1=_moments(wave, *moments, every, mom_rate), beta2=0.99)
        clean = plan
        groups.append(Group(plan, clean, base))
    reasons = ["DeepSpeed sets betas[1] to 0.99 whatever the optimizer had"] if momentum else []
    return finish("DeepSpeed", groups, quirks, horizon=horizon, own=wave.total, notes=reasons, position=spec.last + 1)


def _moments(wave: "_Wave", low: float, high: float, every: float, rate: float) -> Plan:
    """beta1: the lowest at update 0, where the constructor leaves it, then high, low at the top and high again."""
    if every and rate:
        raise Unconvertible(
            given=f"decay_mom_rate={rate:g}", allowed="0: a momentum that goes on growing passes 1",
            where="from_deepspeed(OneCycle)", fix="set decay_mom_rate to 0",
        )  # fmt: skip
    return chain(level(low, 1), wave.plan(high, low, skip=1), level(high))


class _Wave:
    """One rise and one fall, smooth or in stairs."""

    def __init__(self, first: float, second: float, up: int, down: int) -> None:
        self.first, self.second, self.up, self.down = first, second, up, down
        self.total = steps_of(first + second)

    def plan(self, low: float, high: float, skip: int = 0) -> Plan:
        """From `low` to `high` and back, its first `skip` steps left out."""
        if self.up > 0 or self.down > 0:
            return self._stairs(low, high, skip)
        top = min(steps_of(self.first), self.total)
        rise = leg("linear", low, high, self.first, offset=skip, length=top - skip)
        if top == self.total:
            return rise
        return chain(rise, leg("linear", high, low, self.second, offset=top - self.first, length=self.total - top))

    def _stairs(self, low: float, high: float, skip: int) -> Plan:
        levels = [low + (high - low) * self.share(t) for t in range(skip, self.total)]
        changes = [(t, v) for t, (u, v) in enumerate(zip(levels, levels[1:], strict=False), 1) if v != u]
        return drops(changes, levels[0], self.total - skip)

    def share(self, t: int) -> float:
        """How high the wave is at step t, in DeepSpeed's own arithmetic."""
        total, ratio = self.first + self.second, self.first / (self.first + self.second)
        x = 1.0 + t / total - math.floor(1 + t / total)
        height, stairs = (x / ratio, self.up) if x <= ratio else ((x - 1) / (ratio - 1), self.down)
        if stairs > 0:
            here = t % total
            rising = here <= self.first
            place = here * stairs / self.first if rising else (total - here) * stairs / self.second
            height = math.floor(place) / stairs
        return height


def _logarithmic(start: float, top: float, width: int, length: int | None) -> Plan:
    """start + (top-start)*log(1+s)/log(width), which reaches `top` at s = width - 1."""
    steps = width - 1 if length is None else length
    return table(lambda s: start + (top - start) * math.log(1 + s) / math.log(width), steps, top)
