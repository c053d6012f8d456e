"""What `configure_optimizers` returns, bound to the updates that a Trainer will make."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from calando.core.bundle import bundle
from calando.core.feedback import reduce_on_plateau
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.shapes.constant import constant
from calando.core.timing import hold
from calando.errors import BadValue, shown
from calando.torch.binding import PlanLike, bound_to, whole_horizon
from calando.torch.door import attach

__all__ = ["configure", "horizon"]


def horizon(trainer: Any) -> int:
    """The number of updates that a Lightning Trainer will make, accumulation, devices and limits counted.

    Formula: trainer.estimated_stepping_batches; where a GradientAccumulationScheduler changes the accumulation, the sum
    of ceil(batches / accumulation) over the epochs, max_steps at the most.

    Args:
        trainer: a lightning.Trainer that fits a module; its data are loaded if they are not yet.

    Raises:
        BadValue: for a run without end, or what is no Trainer.

    Example:
        >>> from types import SimpleNamespace
        >>> horizon(SimpleNamespace(estimated_stepping_batches=500))
        500

    Source: lightning.pytorch.Trainer.estimated_stepping_batches.
    """
    where = "calando.lightning.horizon"
    try:
        told = trainer.estimated_stepping_batches
    except AttributeError as error:
        if hasattr(type(trainer), "estimated_stepping_batches"):
            raise  # Lightning's own, about the run
        raise BadValue(
            given=f"{shown(trainer)} ({type(trainer).__name__})",
            allowed="a lightning.Trainer",
            where=where,
            fix="pass module.trainer, which is there once the Trainer fits",
        ) from error
    scheduling = _scheduling(trainer)
    if scheduling and trainer.max_epochs != -1 and math.isfinite(trainer.num_training_batches):
        told = _updates(trainer.num_training_batches, max(trainer.max_epochs, 1), scheduling)
        told = told if trainer.max_steps == -1 else min(told, trainer.max_steps)
    return whole_horizon(told, where, "the Trainer")


def configure(
    module: Any,
    optimizer: Any,
    plan: PlanLike,
    *,
    interval: Literal["step", "epoch"] = "step",
    monitor: str | None = None,
    strict: bool = True,
    name: str | None = None,
    tokens_per_step: float | None = None,
    samples_per_step: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What `configure_optimizers` returns for one optimizer: the optimizer, and a schedule that drives it.

    Formula: learning rate of update t = base * schedule(t), where updates are counted by the optimizer itself: not
    batches under `accumulate_grad_batches`, and not updates that a GradScaler skipped.

    Lightning's own `frequency` is no argument: it counts batches within an epoch and starts again with each, so that
    300 never comes in an epoch of 100 batches. Whatever period a schedule has is said in the plan.

    With several optimizers (manual optimization) return a list, `[configure(self, a, one), configure(self, b, other)]`;
    nobody needs to step the schedulers. Give schedules that are bound already there: Lightning does not know how often
    each optimizer steps.

    A run that goes on from a checkpoint: Lightning does not tell the metric of the first epoch that it ends, nor that
    of an epoch at whose very end the checkpoint was written. A listener misses these, PyTorch's own as well.

    Args:
        module: the LightningModule, whose `trainer` knows the length of the run.
        optimizer: a torch.optim.Optimizer.
        plan: a plan or its text, bound to the length of the run; or a schedule, taken as it is.
        interval: "step", or "epoch" for rates that change only between epochs.
        monitor: name of the logged metric, for a plan that listens; told after every epoch that logged it.
        strict: False lets an epoch pass that did not log the monitored metric, instead of raising.
        name: name under which LearningRateMonitor logs, any text.
        tokens_per_step: tokens an update consumes, > 0, where the plan counts tokens.
        samples_per_step: samples an update consumes, > 0, where the plan counts samples.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: for a plan that listens without a monitor, a monitor without a plan that listens, sizes beside a
            schedule that is bound already, or `follow`, which is chosen here.

    Example:
        >>> import torch, calando.lightning
        >>> from types import SimpleNamespace
        >>> trainer = SimpleNamespace(estimated_stepping_batches=40, num_training_batches=10, accumulate_grad_batches=1)
        >>> module = SimpleNamespace(trainer=trainer, automatic_optimization=True)   # stands for a LightningModule
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> told = calando.lightning.configure(module, optimizer, "warmup(5%) | cosine()")
        >>> told["lr_scheduler"]["interval"], told["lr_scheduler"]["scheduler"].tracks[0].schedule.horizon
        ('step', 40)

    Source: lightning.pytorch.core.optimizer.
    """
    where = "calando.lightning.configure"
    _check_sizes(plan, tokens_per_step=tokens_per_step, samples_per_step=samples_per_step)
    schedule = bound_to(plan, where, lambda: _sizes(module, tokens_per_step, samples_per_step))
    groups = options.get("groups")
    own = groups if isinstance(groups, dict) else {}
    listens = any(isinstance(each, Schedule) and each.rule is not None for each in (schedule, *own.values()))
    _check(module, listens, monitor, options)
    follow = listens or interval == "step"
    if listens and interval == "epoch":
        schedule, interval = _by_epoch(schedule), "step"
        if own:
            options["groups"] = {group: _by_epoch(each) for group, each in own.items()}
    scheduler = attach(optimizer, schedule, interval=interval, follow=follow, **options)
    told: dict[str, Any] = {"scheduler": scheduler, "interval": "epoch" if listens else interval, "frequency": 1}
    if name is not None:
        told["name"] = name
    if listens and module.automatic_optimization:
        told |= {"monitor": monitor, "reduce_on_plateau": True, "strict": strict}
    return {"optimizer": optimizer, "lr_scheduler": told}


def _sizes(module: Any, tokens_per_step: float | None, samples_per_step: float | None) -> dict[str, Any]:
    trainer = _trainer(module)
    steps = horizon(trainer)
    batches = trainer.num_training_batches  # known once the horizon is
    epoch = None
    if math.isfinite(batches) and batches:
        together = _scheduling(trainer).values() or [trainer.accumulate_grad_batches]
        lengths = {math.ceil(batches / each) for each in together}
        epoch = lengths.pop() if len(lengths) == 1 else None
    sizes = {"tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step}
    return {"horizon": steps, "steps_per_epoch": epoch, **sizes}


def _trainer(module: Any) -> Any:
    try:
        return module.trainer
    except (AttributeError, RuntimeError) as error:
        raise BadValue(
            given=f"a {type(module).__name__} without a trainer",
            allowed="a LightningModule that a Trainer fits, which knows the length of the run",
            where="calando.lightning.configure",
            fix="call it in configure_optimizers, or bind the plan yourself: plan.bind(horizon)",
        ) from error


def _scheduling(trainer: Any) -> dict[int, int]:
    """From which epoch on how many batches make an update, where a GradientAccumulationScheduler says so."""
    found: dict[int, int] = {}
    for callback in getattr(trainer, "callbacks", ()):
        if hasattr(callback, "get_accumulate_grad_batches"):
            found = dict(callback.scheduling)  # with several of them the last one is in force
    return found


def _updates(batches: int, epochs: int, scheduling: Mapping[int, int]) -> int:
    starts = [start for start in sorted(scheduling) if start < epochs]
    ends = [*starts[1:], epochs]
    return sum((b - a) * math.ceil(batches / scheduling[a]) for a, b in zip(starts, ends, strict=True))


def _check(module: Any, listens: bool, monitor: object, options: Mapping[str, Any]) -> None:
    where = "calando.lightning.configure"
    if not isinstance(getattr(module, "automatic_optimization", None), bool):
        raise BadValue(
            given=f"{shown(module)} ({type(module).__name__})",
            allowed="a LightningModule",
            where=where,
            fix="pass the module itself: calando.lightning.configure(self, optimizer, plan)",
        )
    if listens != (monitor is not None) or not isinstance(monitor, str | None):
        raise BadValue(
            given="a plan that listens, without monitor" if monitor is None else f"monitor={shown(monitor)}",
            allowed="monitor='name of a logged metric' with a plan that listens, and only there",
            where=where,
            fix="write monitor='val_loss'" if listens else "drop it, or wrap the plan: reduce_on_plateau(plan)",
        )
    if "follow" in options:
        raise BadValue(
            given=f"follow={shown(options['follow'])}",
            allowed="no follow: the optimizer's own updates are counted wherever that is right",
            where=where,
            fix="drop it",
        )


def _check_sizes(plan: object, **sizes: object) -> None:
    for name, size in sizes.items():
        if size is not None and isinstance(plan, Schedule):
            raise BadValue(
                given=f"{name}={shown(size)} with a schedule that is bound already",
                allowed="sizes of units with a plan that is still to be bound",
                where="calando.lightning.configure",
                fix=f"drop it, or give it to bind: plan.bind(horizon, {name}=...)",
            )


def _by_epoch(schedule: Any) -> Any:
    """The same values as at the start of each epoch: Lightning tells a listener its metrics, and never an epoch."""
    if not isinstance(schedule, Schedule):
        return schedule  # which attach refuses
    if schedule.steps_per_epoch is None:
        raise BadValue(
            given="interval='epoch' with a schedule that does not know how long an epoch is",
            allowed="a schedule bound with steps_per_epoch, the same in every epoch",
            where="calando.lightning.configure",
            fix="pass it when binding: plan.bind(horizon, steps_per_epoch=...), or write interval='step'",
        )
    plan = schedule.plan
    if isinstance(plan, bundle):
        plan = bundle(_held(plan.lr), **{name: _held(other) for name, other in plan.quantities})
    else:
        plan = _held(plan)
    return Schedule(**(schedule.settings() | {"plan": plan}))


def _held(plan: Plan) -> Plan:
    if isinstance(plan, reduce_on_plateau):
        return reduce_on_plateau(_held(plan.plan), *plan.arguments[1:])
    whole = plan if plan.is_flexible() else plan * constant()  # what ends early holds its end, not its last epoch
    return hold(whole, every="1ep")
