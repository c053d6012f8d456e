"""Peers built from a call, beside what an importer makes of them: each is stepped, and its rates are written down."""

import inspect
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple

from calando.cli.calls import Call, calls_in
from calando.errors import BadName, BadValue, CalandoError, MissingExtra, did_you_mean, shown
from calando.peers.transformers import from_transformers

__all__ = ["PEERS", "Living", "build"]

Rows = list[tuple[float, ...]]

EXTRAS: Final = {"torch": "torch", "keras": "keras", "optax": "jax"}
NAMES: Final = {
    "torch": ("ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
              "ExponentialLR", "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau",
              "SequentialLR", "StepLR"),
    "transformers": ("constant", "constant_with_warmup", "cosine", "cosine_warmup_with_min_lr", "cosine_with_min_lr",
                     "cosine_with_restarts", "greedy", "inverse_sqrt", "linear", "polynomial", "reduce_lr_on_plateau",
                     "warmup_stable_decay"),
    "keras": ("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
              "PolynomialDecay"),
    "optax": ("constant_schedule", "cosine_decay_schedule", "cosine_onecycle_schedule", "exponential_decay",
              "join_schedules", "linear_onecycle_schedule", "linear_schedule", "piecewise_constant_schedule",
              "piecewise_interpolate_schedule", "polynomial_schedule", "sgdr_schedule", "warmup_constant_schedule",
              "warmup_cosine_decay_schedule", "warmup_exponential_decay_schedule"),
    "timm": ("CosineLRScheduler", "MultiStepLRScheduler", "PlateauLRScheduler", "PolyLRScheduler", "StepLRScheduler",
             "TanhLRScheduler", "WSDLRScheduler", "create_scheduler_v2"),
    "ignite": ("ConcatScheduler", "CosineAnnealingScheduler", "LinearCyclicalScheduler", "PiecewiseLinear"),
    "deepspeed": ("LRRangeTest", "OneCycle", "WarmupCosineLR", "WarmupDecayLR", "WarmupLR"),
}  # fmt: skip
"""Every name that a call may have, by peer: nothing else of a peer is ever called."""

PEERS: Final = tuple(NAMES)
MODULES: Final = {
    "torch": "torch.optim.lr_scheduler", "keras": "keras.optimizers.schedules", "optax": "optax",
    "timm": "timm.scheduler", "ignite": "ignite.handlers.param_scheduler", "transformers": "transformers.optimization",
    "deepspeed": "deepspeed.runtime.lr_schedules",
}  # fmt: skip


class Living(NamedTuple):
    """A peer: what its importer reads, and its rates at so many steps (none where it cannot be stepped alone)."""

    source: Any
    rates: Callable[[Sequence[int]], Rows] | None


def check_names(peer: str, call: Call) -> None:
    """Only the peer's own names.

    Raises:
        BadName: for any other.
    """
    for inner in calls_in(call):
        if inner.name not in NAMES[peer]:
            raise BadName(
                given=f"{shown(inner.name)}{_near(inner.name, NAMES[peer])}", allowed=", ".join(NAMES[peer]),
                where=f"convert {peer}",
                fix="use a name of the peer's own; functions cannot be given on a command line",
            )  # fmt: skip


def _near(name: str, names: Sequence[str]) -> str:
    """`did_you_mean` for names with capitals."""
    spelled = {known.lower(): known for known in names}
    text = did_you_mean(name, spelled)
    for low, known in spelled.items():
        text = text.replace(f"'{low}'", f"'{known}'")
    return text


def build(peer: str, call: Call, rates: Sequence[float]) -> Living:
    """The peer that a call describes, with one parameter group for each rate.

    Raises:
        MissingExtra: when the peer is not installed.
        BadName: for a name that is not the peer's own.
        BadValue: when the peer refuses the arguments.
    """
    check_names(peer, call)
    with _quiet():
        module = _load(peer)
        try:
            return BUILDERS[peer](module, call, rates)
        except (TypeError, ValueError, AssertionError, ZeroDivisionError, KeyError, AttributeError) as error:
            if isinstance(error, CalandoError):
                raise
            raise BadValue(
                given=f"{call}: {peer} itself says {shown(str(error) or type(error).__name__, 200)}",
                allowed=f"arguments that {peer} takes: {_signature(module, call)}", where=f"convert {peer}",
                fix="correct the arguments",
            ) from error  # fmt: skip


def _signature(module: ModuleType, call: Call) -> str:
    try:
        return call.name + str(inspect.signature(getattr(module, call.name)))[:300]
    except (AttributeError, TypeError, ValueError):
        return call.name


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the peers' own chatter: warnings, log lines, and what native code writes to the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        logging.disable(before)


def _load(peer: str) -> ModuleType:
    try:
        return _timm() if peer == "timm" else import_module(MODULES[peer])
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError)
        extra = EXTRAS.get(peer)
        name = {"ignite": "pytorch-ignite"}.get(peer, peer)
        raise MissingExtra(
            given=f"{peer}, which {'is not installed' if missing else 'cannot be loaded: ' + shown(str(error), 160)}",
            allowed=f"{peer} on this machine, since it is built and stepped beside the plan", where=f"convert {peer}",
            fix=f"pip install '{f'calando[{extra}]' if extra else name}'" if missing else f"mend {peer}'s installation",
        ) from error  # fmt: skip


def _timm() -> ModuleType:
    """timm.scheduler without the models around it, which need torchvision and seconds to load."""
    from importlib.util import find_spec

    name = MODULES["timm"]
    root = name.partition(".")[0]
    if root in sys.modules:
        return import_module(name)
    spec = find_spec(root)
    if spec is None or spec.submodule_search_locations is None:
        return import_module(root)  # says what is missing
    shell = ModuleType(root)
    shell.__path__ = list(spec.submodule_search_locations)
    sys.modules[root] = shell
    try:
        return import_module(name)
    finally:
        del sys.modules[root]


def _optimizer(rates: Sequence[float]) -> Any:
    root = MODULES["torch"].partition(".")[0]
    parameter, zeros = import_module(f"{root}.nn").Parameter, import_module(root).zeros
    groups = [{"params": [parameter(zeros(1))], "lr": rate} for rate in rates]
    return import_module(f"{root}.optim").AdamW(groups, lr=rates[0])


def _made(module: ModuleType, value: Any, make: Callable[[Call], Any]) -> Any:
    """A value with its calls made, the innermost first."""
    if isinstance(value, Call):
        return make(value)
    if isinstance(value, list):
        return [_made(module, entry, make) for entry in value]
    return value


def _arguments(module: ModuleType, call: Call, make: Callable[[Call], Any]) -> tuple[list[Any], dict[str, Any]]:
    args = [_made(module, value, make) for value in call.args]
    return args, {name: _made(module, value, make) for name, value in call.kwargs.items()}


def _stepped(optimizer: Any, step: Callable[[int], object], first: Callable[[], object] | None = None) -> Any:
    """What asks for the rates at steps in order, stepping in between."""

    def rates(steps: Sequence[int]) -> Rows:
        rows, wanted = [], set(steps)
        with _quiet():
            for t in range(max(steps) + 1):
                if first is not None:
                    first()
                if t in wanted:
                    rows.append(tuple(float(group["lr"]) for group in optimizer.param_groups))
                step(t + 1)
        return rows

    return rates


def _torch(module: ModuleType, call: Call, rates: Sequence[float]) -> Living:
    optimizer = _optimizer(rates)

    def make(inner: Call) -> Any:
        args, kwargs = _arguments(module, inner, make)
        cls = getattr(module, inner.name)
        return (
            cls(*args, optimizer=optimizer, **kwargs)
            if inner.name == "ChainedScheduler"
            else cls(optimizer, *args, **kwargs)
        )

    scheduler = make(call)
    optimizer.step()
    if call.name == "ReduceLROnPlateau":
        return Living(scheduler, None)
    return Living(scheduler, _stepped(optimizer, lambda _: scheduler.step()))


def _transformers(module: ModuleType, call: Call, rates: Sequence[float]) -> Living:
    optimizer = _optimizer(rates)
    names = ("num_warmup_steps", "num_training_steps")
    if len(call.args) > len(names):
        raise BadValue(
            given=f"{call}: {len(call.args)} arguments without a name", allowed=f"at most {' and '.join(names)}",
            where="convert transformers", fix="name the others, such as num_cycles=2",
        )  # fmt: skip
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    from_transformers(call.name, lr=list(rates), **given)
    plain = {name: given.pop(name) for name in names if name in given}
    scheduler = module.get_scheduler(call.name, optimizer, **plain, scheduler_specific_kwargs=given)
    optimizer.step()
    if call.name == "reduce_lr_on_plateau":
        return Living(scheduler, None)
    return Living(scheduler, _stepped(optimizer, lambda _: scheduler.step()))


def _of_step(value: Callable[[int], Any]) -> Callable[[Sequence[int]], Rows]:
    def rates(steps: Sequence[int]) -> Rows:
        with _quiet():
            return [(float(value(t)),) for t in steps]

    return rates


def _keras(module: ModuleType, call: Call, _rates: Sequence[float]) -> Living:
    schedule = getattr(module, call.name)(*call.args, **call.kwargs)
    return Living(schedule, _of_step(schedule))


def _optax(module: ModuleType, call: Call, _rates: Sequence[float]) -> Living:
    def make(inner: Call) -> Any:
        args, kwargs = _arguments(module, inner, make)
        return getattr(module, inner.name)(*args, **kwargs)

    schedule = make(call)
    return Living(schedule, _of_step(schedule))


def _timm_peer(module: ModuleType, call: Call, rates: Sequence[float]) -> Living:
    optimizer = _optimizer(rates)
    scheduler = getattr(module, call.name)(optimizer, *call.args, **call.kwargs)
    if isinstance(scheduler, tuple):
        scheduler = scheduler[0]
    if hasattr(scheduler, "lr_scheduler"):
        return Living(scheduler, None)
    step = scheduler.step if scheduler.t_in_epochs else scheduler.step_update
    return Living(scheduler, _stepped(optimizer, step))


def _ignite(module: ModuleType, call: Call, rates: Sequence[float]) -> Living:
    optimizer = _optimizer(rates)

    def make(inner: Call) -> Any:
        args, kwargs = _arguments(module, inner, make)
        cls = getattr(module, inner.name)
        return cls(*args, **kwargs) if inner.name == "ConcatScheduler" else cls(optimizer, "lr", *args, **kwargs)

    handler = make(call)
    return Living(handler, _stepped(optimizer, lambda _: None, first=lambda: handler(None)))


def _deepspeed(module: ModuleType, call: Call, rates: Sequence[float]) -> Living:
    optimizer = _optimizer(rates)
    scheduler = getattr(module, call.name)(optimizer, *call.args, **call.kwargs)
    return Living(scheduler, _stepped(optimizer, lambda _: scheduler.step()))


BUILDERS: Final[dict[str, Callable[[ModuleType, Call, Sequence[float]], Living]]] = {
    "torch": _torch, "transformers": _transformers, "keras": _keras, "optax": _optax, "timm": _timm_peer,
    "ignite": _ignite, "deepspeed": _deepspeed,
}  # fmt: skip
