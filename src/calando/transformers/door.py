"""The optimizer and the scheduler that a Trainer takes, bound to the updates that it will make."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from calando.core.schedule import Schedule
from calando.errors import BadState, BadValue, DoesNotFit, shown
from calando.torch.binding import PlanLike, bound_to, whole_horizon
from calando.torch.door import attach
from calando.torch.plateau import PlateauLR
from calando.torch.scheduler import ScheduleLR

__all__ = ["drive", "horizon", "pair"]


def horizon(args: Any, dataset: Any = None) -> int:
    """The number of updates that a Trainer with these arguments will make on a dataset.

    Formula: max_steps where it is given; else ceil(num_train_epochs * u), with u = ceil(b / accumulation) updates in an
    epoch and b = ceil(samples / per_device_batch / processes) batches, or floor with dataloader_drop_last.

    Args:
        args: transformers.TrainingArguments.
        dataset: the training dataset, or its length, >= 1; not needed where max_steps is given.

    Raises:
        BadValue: when neither max_steps nor the length of the dataset is known, or a number is none to count with.

    Example:
        >>> from types import SimpleNamespace
        >>> some = dict(train_batch_size=8, gradient_accumulation_steps=4, world_size=2, dataloader_drop_last=False)
        >>> horizon(SimpleNamespace(max_steps=-1, num_train_epochs=3, **some), 1000)
        48

    Source: transformers.Trainer.set_initial_training_values.
    """
    where = "calando.transformers.horizon"
    steps, samples = _told(args, "max_steps", where), _samples(dataset, where)
    if steps >= 0:
        return whole_horizon(steps, where, "max_steps")
    if samples is None:
        raise BadValue(
            given=f"max_steps={steps} and {shown(dataset)}, which has no length",
            allowed="max_steps > 0, or a dataset with a length",
            where=where,
            fix="set max_steps, or pass the number of samples",
        )
    epochs = _told(args, "num_train_epochs", where)
    if not math.isfinite(epochs) or epochs <= 0:
        raise _uncountable(f"num_train_epochs={epochs}", "a finite number > 0", where)
    return whole_horizon(math.ceil(epochs * _epoch(args, samples, where)), where, "num_train_epochs")


def _epoch(args: Any, samples: int, where: str) -> int:
    names = ("train_batch_size", "world_size", "gradient_accumulation_steps")
    size, processes, each = (_whole(_told(args, name, where), name, where) for name in names)
    whole = math.floor if _told(args, "dataloader_drop_last", where) else math.ceil
    batches = whole(whole(samples / size) / processes)
    return max(math.ceil(batches / each), 1)


def _samples(dataset: Any, where: str) -> int | None:
    """The length of a dataset, or None where it has none."""
    if isinstance(dataset, int):
        return _whole(dataset, "dataset", where)
    if isinstance(dataset, str | bytes | float | Mapping):
        raise _uncountable(f"dataset={shown(dataset)}", "the training dataset alone, or its length, >= 1", where)
    try:
        return _whole(len(dataset), "the length of the dataset", where)
    except TypeError:
        return None


def _told(args: Any, name: str, where: str) -> Any:
    value = getattr(args, name, None)
    if not isinstance(value, int | float):
        raise BadValue(
            given=f"{shown(args)} ({type(args).__name__}), with {name}={shown(value)}",
            allowed="transformers.TrainingArguments",
            where=where,
            fix="pass the arguments that the Trainer is given, first",
        )
    return value


def _whole(value: Any, name: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _uncountable(f"{name}={shown(value)}", "a whole number >= 1", where)
    return value


def _uncountable(given: str, allowed: str, where: str) -> BadValue:
    return BadValue(given=given, allowed=allowed, where=where, fix="give what the Trainer is given")


def pair(
    args: Any,
    optimizer: Any,
    plan: PlanLike,
    dataset: Any = None,
    *,
    tokens_per_step: float | None = None,
    samples_per_step: float | None = None,
    **options: Any,
) -> tuple[Any, ScheduleLR]:
    """The pair for `Trainer(optimizers=...)`: the optimizer, and a scheduler bound to what the Trainer will do.

    Formula: learning rate of update t = base * schedule(t).

    The Trainer saves and resumes it with its own checkpoints. It tells a plan that listens its metric
    (`metric_for_best_model`) at every evaluation, and then never steps it, so that the optimizer's own updates are
    counted; its log is one update ahead there, unless `drive` is used. Before a second `train()` of the same Trainer
    call `scheduler.step(epoch=0)`: a scheduler that it was given is not started again.

    Args:
        args: transformers.TrainingArguments.
        optimizer: a torch.optim.Optimizer over the model's parameters.
        plan: a plan or its text, bound to `horizon(args, dataset)`; or a schedule, taken as it is.
        dataset: the training dataset, or its length, >= 1; not needed where max_steps is given.
        tokens_per_step: tokens an update consumes in all processes, > 0, where the plan counts tokens.
        samples_per_step: samples an update consumes in all processes, > 0, where the plan counts samples.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: when the length of the run is not known or may change, a plan listens and no metric is evaluated, or
            an option does not fit a Trainer, which steps after every update.
        DoesNotFit: when the plan counts in a unit whose size is not known.

    Example:
        >>> import torch, calando.transformers
        >>> from types import SimpleNamespace
        >>> args = SimpleNamespace(max_steps=100)                          # stands for TrainingArguments
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> optimizer, scheduler = calando.transformers.pair(args, optimizer, "warmup(5%) | cosine()")
        >>> scheduler.tracks[0].schedule.horizon
        100

    Source: transformers.Trainer.
    """
    where = "calando.transformers.pair"
    _check(args, options, where)
    given = {"tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step}
    fixes = {"steps_per_epoch": "pass dataset=..., the training dataset or its length"}
    schedule = _bound(plan, where, lambda: _sizes(args, dataset, where), given, fixes)
    _check_metric(args, schedule)
    return optimizer, attach(optimizer, schedule, **{"follow": schedule.rule is not None, **options})


def drive(
    trainer: Any,
    plan: PlanLike,
    *,
    tokens_per_step: float | None = None,
    samples_per_step: float | None = None,
    **options: Any,
) -> ScheduleLR:
    """Let a schedule drive the optimizer of a Trainer, the one that it makes by its own arguments or was given.

    Formula: learning rate of update t = base * schedule(t), where base is `args.learning_rate` (of each group).

    Call it before `trainer.train()`. The length of the run is asked of the Trainer itself. An update that a GradScaler
    skipped is not counted; the log names the learning rate that was used, also where the plan listens. A training that
    would start where the schedule does not stand is refused: a second `train()`, or a checkpoint without the scheduler.

    Args:
        trainer: a transformers.Trainer.
        plan: a plan or its text, bound to the length of the run; or a schedule, taken as it is.
        tokens_per_step: tokens an update consumes in all processes, > 0, where the plan counts tokens.
        samples_per_step: samples an update consumes in all processes, > 0, where the plan counts samples.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: when a scheduler is there already or would be thrown away (model_init), the length of the run is not
            known or may change, a plan listens and no metric is evaluated, or an option does not fit a Trainer.
        DoesNotFit: when the plan counts in a unit whose size is not known.

    Example:
        >>> import torch, calando.transformers
        >>> from types import SimpleNamespace
        >>> args = SimpleNamespace(max_steps=100)
        >>> stands_for = {"args": args, "lr_scheduler": None, "add_callback": lambda callback: None}
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> trainer = SimpleNamespace(optimizer=optimizer, **stands_for)     # a Trainer
        >>> scheduler = calando.transformers.drive(trainer, calando.linear_decay().bind(10))
        >>> trainer.lr_scheduler is scheduler
        True

    Source: transformers.Trainer.create_scheduler.
    """
    where = "calando.transformers.drive"
    if not all(hasattr(trainer, name) for name in ("args", "optimizer", "lr_scheduler")):
        raise BadValue(
            given=f"{shown(trainer)} ({type(trainer).__name__})",
            allowed="a transformers.Trainer",
            where=where,
            fix="drive(trainer, plan); with an optimizer of your own: Trainer(optimizers=pair(args, optimizer, plan))",
        )
    if trainer.lr_scheduler is not None:
        raise BadValue(
            given=f"a Trainer that has the scheduler {shown(trainer.lr_scheduler)} already",
            allowed="a Trainer without a scheduler",
            where=where,
            fix="leave `optimizers` out, or give Trainer(optimizers=(optimizer, None))",
        )
    if getattr(trainer, "model_init", None) is not None:
        raise BadValue(
            given="a Trainer with model_init, which throws its optimizer and its scheduler away when train() begins",
            allowed="a Trainer with a model",
            where=where,
            fix="give Trainer(model=...); to keep model_init, override Trainer.create_scheduler(self, "
            "num_training_steps, optimizer=None) and set self.lr_scheduler = "
            "calando.torch.attach(self.optimizer, plan.bind(num_training_steps)) there",
        )
    _check(trainer.args, options, where)
    given = {"tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step}
    fixes = {"steps_per_epoch": "count in steps or in %: the training dataset has no length"}
    schedule = _bound(plan, where, lambda: _asked(trainer, where), given, fixes)
    _check_metric(trainer.args, schedule)
    if trainer.optimizer is None:
        trainer.create_optimizer()
    scheduler = attach(trainer.optimizer, schedule, **options)
    trainer.lr_scheduler = scheduler
    trainer.add_callback(_watch(scheduler, isinstance(scheduler, PlateauLR) and not scheduler.options.follow))
    return scheduler


def _check(args: Any, options: Mapping[str, Any], where: str) -> None:
    _told(args, "max_steps", where)
    if getattr(args, "auto_find_batch_size", False):
        raise BadValue(
            given="auto_find_batch_size=True, which starts again with more updates while the schedule goes on",
            allowed="a run of a known number of updates",
            where=where,
            fix="TrainingArguments(auto_find_batch_size=False), and a batch that fits",
        )
    if options.get("interval", "step") == "epoch":
        raise BadValue(
            given="interval='epoch'",
            allowed="interval='step', because a Trainer steps its scheduler after every update",
            where=where,
            fix="keep the rate still within an epoch by the plan: hold(plan, every='1ep')",
        )
    if options.get("calls_per_update", 1) != 1:
        raise BadValue(
            given=f"calls_per_update={shown(options['calls_per_update'])}",
            allowed="1, because a Trainer steps its scheduler once for an update, whatever the number of processes",
            where=where,
            fix="leave it out",
        )


def _bound(
    plan: PlanLike,
    where: str,
    sizes: Callable[[], dict[str, Any]],
    given: Mapping[str, Any],
    fixes: Mapping[str, str],
) -> Schedule:
    named = [name for name, value in given.items() if value is not None]
    if isinstance(plan, Schedule) and named:
        raise BadValue(
            given=f"{named[0]}={shown(given[named[0]])} with a schedule, which is bound already",
            allowed=f"{named[0]} with a plan or its text",
            where=where,
            fix=f"pass the plan, or bind it yourself: plan.bind(horizon, {named[0]}=...)",
        )
    try:
        return bound_to(plan, where, lambda: {**sizes(), **given})
    except DoesNotFit as error:
        for name in (*fixes, *given):
            if error.fix == f"pass {name}=... to bind":
                fix = fixes.get(name, f"pass {name}=... to {where}")
                raise DoesNotFit(given=error.given, allowed=error.allowed, where=where, fix=fix) from error
        raise


def _sizes(args: Any, dataset: Any, where: str) -> dict[str, Any]:
    samples = _samples(dataset, where)
    return {
        "horizon": horizon(args, dataset),
        "steps_per_epoch": None if samples is None else _epoch(args, samples, where),
    }


def _asked(trainer: Any, where: str) -> dict[str, Any]:
    """What the Trainer will do, in its own words; before version 5 it wanted to be told one thing more."""
    ask = getattr(trainer, "set_initial_training_values", None)
    if ask is None:
        raise BadValue(
            given="a Trainer of an old transformers, which cannot be asked for the length of its run",
            allowed="a Trainer with set_initial_training_values",
            where=where,
            fix="bind the plan yourself, drive(trainer, plan.bind(updates)), or install a newer transformers",
        )
    args, loader = trainer.args, trainer.get_train_dataloader()
    more = []
    if "total_train_batch_size" in inspect.signature(ask).parameters:
        total = getattr(trainer, "get_total_train_batch_size", None)
        more = [
            args.train_batch_size * args.gradient_accumulation_steps * args.world_size if total is None else total(args)
        ]
    told = ask(args, loader, *more)
    epoch = None if _length(loader) is None else told[1]
    return {"horizon": whole_horizon(told[-1], where, "the Trainer"), "steps_per_epoch": epoch}


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:
        return None


def _check_metric(args: Any, schedule: Schedule) -> None:
    if schedule.rule is None:
        return
    when = getattr(args, "eval_strategy", None)
    never = str(getattr(when, "value", when)) == "no"
    if never or getattr(args, "metric_for_best_model", None) is None:
        raise BadValue(
            given=f"a plan that listens, {'with eval_strategy=no' if never else 'without metric_for_best_model'}",
            allowed="the name of a metric, and evaluations that tell it",
            where="TrainingArguments(metric_for_best_model, eval_strategy)",
            fix="metric_for_best_model='loss', eval_strategy='epoch' (or 'steps')",
        )


def _watch(scheduler: ScheduleLR, count: bool) -> Any:
    """A callback that sees a training start where the schedule does not stand.

    Where told to count it steps the scheduler, too, once an update and after the Trainer has read the rate for its log.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        reached = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            position, made = scheduler.position(), int(state.global_step)
            again = position > made and position == self.reached  # another position was set on purpose
            if again or (position == 0 and made > 0):
                raise BadState(
                    given=f"a training that begins at update {made}, under a schedule that stands at {position}",
                    allowed="a schedule that stands where the training begins",
                    where="Trainer.train",
                    fix=f"call scheduler.step(epoch={made}) before train(), or drive a new Trainer; "
                    "a checkpoint to resume from needs its scheduler.pt",
                )

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if count and not getattr(given.get("optimizer"), "step_was_skipped", False):
                scheduler.step()
            self.reached = scheduler.position()

    return Watch()
