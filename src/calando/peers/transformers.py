"""What transformers' schedules mean: the names of get_scheduler with their arguments, and the living ones."""

from collections.abc import Sequence
from typing import Any, Final

from calando.core.feedback import reduce_on_plateau
from calando.core.shapes.constant import constant
from calando.errors import BadName, BadValue, Unconvertible, did_you_mean, shown
from calando.peers.asked import check_asked, rates_of
from calando.peers.base import Converted
from calando.peers.finish import Group, finish, number
from calando.peers.torch import from_torch, kind_of
from calando.peers.torch_plateau import NEGATIVE, SMALL
from calando.peers.transformers_lambdas import WHERE, Lambda, known_lambda, read_lambda, refuse

__all__ = ["from_transformers"]

FUNCTIONS: Final = {
    "linear": "_get_linear_schedule_with_warmup_lr_lambda",
    "cosine": "_get_cosine_schedule_with_warmup_lr_lambda",
    "cosine_with_restarts": "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda",
    "polynomial": "_get_polynomial_decay_schedule_with_warmup_lr_lambda",
    "constant": "_get_constant_lambda",
    "constant_with_warmup": "_get_constant_schedule_with_warmup_lr_lambda",
    "inverse_sqrt": "_get_inverse_sqrt_schedule_lr_lambda",
    "cosine_with_min_lr": "_get_cosine_schedule_with_warmup_lr_lambda",
    "cosine_warmup_with_min_lr": "_get_cosine_with_min_lr_schedule_with_warmup_lr_rate_lambda",
    "warmup_stable_decay": "_get_wsd_scheduler_lambda",
}
DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "cosine": {"num_cycles": 0.5},
    "cosine_with_restarts": {"num_cycles": 1},
    "polynomial": {"lr_end": 1e-7, "power": 1.0},
    "inverse_sqrt": {"timescale": None},
    "cosine_with_min_lr": {"num_cycles": 0.5, "min_lr": None, "min_lr_rate": None},
    "cosine_warmup_with_min_lr": {"num_cycles": 0.5, "min_lr": None, "min_lr_rate": None, "warmup_lr_rate": None},
    "warmup_stable_decay": {
        "num_decay_steps": None, "num_stable_steps": None, "warmup_type": "linear", "decay_type": "cosine",
        "min_lr_ratio": 0.0, "num_cycles": 0.5,
    },
}  # fmt: skip
PLATEAU: Final[dict[str, Any]] = {
    "mode": "min", "factor": 0.1, "patience": 10, "threshold": 1e-4, "threshold_mode": "rel", "cooldown": 0,
    "min_lr": 0, "eps": 1e-8,
}  # fmt: skip
GREEDY: Final = "a greedy schedule, which raises and lowers its rate by what it hears"


def from_transformers(
    scheduler: Any,
    *,
    lr: float | Sequence[float] = 1.0,
    num_warmup_steps: int = 0,
    num_training_steps: int | None = None,
    quirks: bool = True,
    per: str = "step",
    **specific: Any,
) -> Converted:
    """A schedule of transformers as plans: a name of get_scheduler with its arguments, or a living one.

    Formula: that of transformers' function of that name.

    Args:
        scheduler: a name such as "cosine" (or a SchedulerType), or what get_scheduler returned.
        lr: the optimizer's learning rate, >= 0, or a list with one for each group, the first its default; for names.
        num_warmup_steps: steps of the warm-up, >= 0; for names.
        num_training_steps: steps of the run, >= 1, where the name needs them.
        quirks: equal transformers at every step, or (False) the plan that was probably meant, all differences listed.
        per: "step" or "epoch": how often the loop steps it.
        specific: the values of scheduler_specific_kwargs, such as num_cycles, min_lr or power.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say, such as "greedy".
        BadName: for a name or an argument that transformers does not have.
        BadValue: where an argument is missing.

    Example:
        >>> import calando
        >>> found = calando.from_transformers("constant_with_warmup", lr=3e-4, num_warmup_steps=10)
        >>> str(found.plan), found.bases
        ('warmup(10) | constant()', (0.0003,))

    Source: transformers.optimization.
    """
    if not isinstance(scheduler, str) and not hasattr(scheduler, "value"):
        if specific:
            raise _unknown(next(iter(specific)), (), "a living scheduler")
        return _living(scheduler, quirks, per)
    check_asked(WHERE, quirks=quirks, per=per)
    name = str(getattr(scheduler, "value", scheduler))
    rates = rates_of(lr, WHERE)
    if name == "greedy":
        raise refuse(GREEDY, "schedules that are lowered only", "use reduce_on_plateau(...)")
    if name == "reduce_lr_on_plateau":
        return _plateau(rates, _checked(specific, PLATEAU, name), quirks, per == "epoch")
    if name not in FUNCTIONS:
        raise BadName(
            given=f"the schedule {shown(name)}{did_you_mean(name, FUNCTIONS)}",
            allowed=", ".join([*FUNCTIONS, "reduce_lr_on_plateau"]), where=f"{WHERE}(scheduler)",
            fix="use a name of transformers.SchedulerType",
        )  # fmt: skip
    arguments = _checked(specific, DEFAULTS.get(name, {}), name)
    warm = _number("num_warmup_steps", num_warmup_steps, name == "constant")
    total = _number("num_training_steps", num_training_steps, True)
    given = {key: _number(key, value, DEFAULTS[name][key] is None) for key, value in arguments.items()}
    curve = read_lambda(Lambda(FUNCTIONS[name], _bound(name, given, warm or 0, total, rates)))
    exact = curve.maker(None)
    meant = exact if quirks or curve.meant is None else curve.meant(None)
    return finish(
        "transformers", [Group(exact, meant, rate) for rate in rates], quirks, horizon=curve.horizon, own=curve.own,
        by_epoch=per == "epoch", reasons=curve.reasons, past=curve.past,
    )  # fmt: skip


def _living(scheduler: Any, quirks: bool, per: str) -> Converted:
    if type(scheduler).__name__ == "GreedyLR":
        raise refuse(GREEDY, "schedules that are lowered only", "use reduce_on_plateau(...)")
    if type(scheduler).__name__ == "LayerWiseDummyScheduler":
        raise refuse("a dummy that stands for one scheduler per parameter", "a scheduler of one optimizer",
                     "give the name and its arguments")  # fmt: skip
    kind = kind_of(scheduler)
    if kind == "LambdaLR" and any(known_lambda(call) is None for call in scheduler.lr_lambdas):
        raise Unconvertible(
            given="a LambdaLR with a function that is not transformers' own", allowed="what get_scheduler returns",
            where=f"{WHERE}(scheduler)", fix="use from_torch, which takes any function",
        )  # fmt: skip
    return from_torch(scheduler, quirks=quirks, per=per)


def _unknown(name: str, known: Sequence[str], where: str) -> BadName:
    return BadName(
        given=f"the argument {shown(name)} for {where}{did_you_mean(name, known)}",
        allowed=", ".join(known) or "no arguments of its own", where=f"{WHERE}(specific)", fix="leave it out",
    )  # fmt: skip


def _checked(specific: dict[str, Any], known: dict[str, Any], name: str) -> dict[str, Any]:
    for key in specific:
        if key not in known:
            raise _unknown(key, list(known), repr(name))
    return {**known, **specific}


WAYS: Final = {"warmup_type": ("linear", "cosine", "1-sqrt"), "decay_type": ("linear", "cosine", "1-sqrt")}


def _number(name: str, value: Any, optional: bool) -> Any:
    """An argument as a number, as it is given; a way by its name; None where it may be left out."""
    if value is None and optional:
        return None
    if name in WAYS:
        if not isinstance(value, str) or value not in WAYS[name]:
            raise BadName(
                given=f"{name}={shown(value)}", allowed=", ".join(WAYS[name]), where=f"{WHERE}.{name}",
                fix="transformers itself refuses it: use one of these",
            )  # fmt: skip
        return value
    number(value, f"{WHERE}.{name}")
    return value


def _bound(
    name: str, given: dict[str, Any], warm: float, total: float | None, rates: Sequence[float]
) -> dict[str, Any]:
    """The arguments as transformers' own function binds them to its lambda."""
    arguments = {**given, "num_warmup_steps": warm, "num_training_steps": total}
    stable = name == "warmup_stable_decay"
    if total is None and name not in ("constant", "constant_with_warmup", "inverse_sqrt", "warmup_stable_decay"):
        raise _missing("num_training_steps", name)
    if name == "polynomial":
        arguments["lr_init"] = rates[0]
        if not rates[0] > arguments["lr_end"]:
            raise BadValue(
                given=f"lr_end={arguments['lr_end']:g} with lr={rates[0]:g}", allowed="an lr_end below lr",
                where=f"{WHERE}.lr_end", fix="pass lr=..., the optimizer's own",
            )  # fmt: skip
    if name == "inverse_sqrt" and arguments["timescale"] is None:
        arguments["timescale"] = warm or 10_000
    if "min_lr" in arguments:
        low, rate = arguments.pop("min_lr"), arguments["min_lr_rate"]
        if (low is None) == (rate is None):
            raise BadValue(
                given="both min_lr and min_lr_rate" if rate is not None else "neither min_lr nor min_lr_rate",
                allowed="one of them", where=f"{WHERE}.min_lr", fix="give min_lr_rate=0.1, or min_lr and lr",
            )  # fmt: skip
        if low is not None and not rates[0]:
            raise BadValue(
                given=f"min_lr={low:g} with lr=0", allowed="an lr above 0, of which min_lr is a share",
                where=f"{WHERE}.min_lr", fix="pass lr=..., the optimizer's own",
            )  # fmt: skip
        arguments["min_lr_rate"] = rate if low is None else float(low) / rates[0]
    if stable:
        if arguments["num_decay_steps"] is None:
            raise _missing("num_decay_steps", name)
        if arguments["num_stable_steps"] is None:
            if total is None:
                raise _missing("num_training_steps or num_stable_steps", name)
            arguments["num_stable_steps"] = total - warm - arguments["num_decay_steps"]
    return arguments


def _missing(argument: str, name: str) -> BadValue:
    return BadValue(
        given=f"no {argument}", allowed=f"{argument}, which {name!r} needs", where=f"{WHERE}({name!r})",
        fix=f"pass {argument.partition(' ')[0]}=...",
    )  # fmt: skip


def _plateau(rates: Sequence[float], settings: dict[str, Any], quirks: bool, by_epoch: bool) -> Converted:
    """ReduceLROnPlateau by its arguments."""
    least, eps = settings.pop("min_lr"), number(settings.pop("eps"), f"{WHERE}.eps", 0.0)
    scale = settings.pop("threshold_mode")
    if not isinstance(scale, str) or scale not in ("rel", "abs"):
        raise BadName(given=f"threshold_mode={shown(scale)}", allowed="rel, abs", where=f"{WHERE}.threshold_mode",
                      fix="use one of these")  # fmt: skip
    floors = list(least) if isinstance(least, list | tuple) else [least] * len(rates)
    if len(floors) != len(rates):
        raise BadValue(
            given=f"{len(floors)} values of min_lr for {len(rates)} groups", allowed="one number, or one per group",
            where=f"{WHERE}.min_lr", fix="give as many as lr has",
        )  # fmt: skip
    groups = []
    for i, rate in enumerate(rates):
        if rate <= 0.0:
            raise refuse(f"group {i} with a learning rate of 0", "rates above 0", "give the group a rate")
        low = number(floors[i], f"{WHERE}.min_lr", 0.0)
        rule: dict[str, Any] = {
            **settings, "threshold_mode": {"rel": "relative", "abs": "absolute"}[scale],
            "min_scale": min(low / rate, 1.0),
        }  # fmt: skip
        exact = reduce_on_plateau(constant(), **rule, margin="signed", least_change=eps / rate)
        groups.append(Group(exact, reduce_on_plateau(constant(), **rule), rate))
    notes = () if quirks else (NEGATIVE, SMALL.format(eps))
    return finish("torch", groups, quirks, by_epoch=by_epoch, notes=notes)
