"""Hugging Face Trainer: the optimizer and the scheduler that it takes, bound to the updates that it will make.

trainer = transformers.Trainer(model, args, train_dataset=data)
calando.transformers.drive(trainer, "warmup(5%) | cosine()")            # its own optimizer, and our schedule
trainer.train()
"""

import math
from typing import Any

from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.peers.transformers import from_transformers
from calando.torch.binding import PlanLike, bound_to, whole_horizon
from calando.torch.door import attach
from calando.torch.plateau import PlateauLR
from calando.torch.scheduler import ScheduleLR

__all__ = ["drive", "from_transformers", "horizon", "pair"]


def horizon(args: Any, dataset: Any = None) -> int:
    """The number of updates that a Trainer with these arguments will make on a dataset.

    Formula: max_steps where it is given; else ceil(num_train_epochs * u), with u = ceil(b / accumulation) updates in an
    epoch and b = ceil(samples / per_device_batch / processes) batches, or floor with dataloader_drop_last.

    Args:
        args: transformers.TrainingArguments.
        dataset: the training dataset, or its length, >= 1; not needed where max_steps is given.

    Raises:
        BadValue: when neither max_steps nor the length of the dataset is known.

    Example:
        >>> from types import SimpleNamespace
        >>> some = dict(train_batch_size=8, gradient_accumulation_steps=4, world_size=2, dataloader_drop_last=False)
        >>> horizon(SimpleNamespace(max_steps=-1, num_train_epochs=3, **some), 1000)
        48

    Source: transformers.Trainer.set_initial_training_values.
    """
    where = "calando.transformers.horizon"
    if args.max_steps > 0:
        return whole_horizon(args.max_steps, where, "max_steps")
    return whole_horizon(math.ceil(args.num_train_epochs * _epoch(args, dataset, where)), where, "num_train_epochs")


def _epoch(args: Any, dataset: Any, where: str) -> int:
    if isinstance(dataset, int):
        samples = dataset
    elif hasattr(dataset, "__len__"):
        samples = len(dataset)
    else:
        raise BadValue(
            given=f"max_steps={args.max_steps} and {shown(dataset)}, which has no length",
            allowed="max_steps > 0, or a dataset with a length",
            where=where,
            fix="set max_steps, or pass the number of samples",
        )
    whole = math.floor if args.dataloader_drop_last else math.ceil
    batches = whole(whole(samples / args.train_batch_size) / args.world_size)
    updates: int = math.ceil(batches / args.gradient_accumulation_steps)
    return max(updates, 1)


def pair(args: Any, optimizer: Any, plan: PlanLike, dataset: Any = None, **options: Any) -> tuple[Any, ScheduleLR]:
    """The pair for `Trainer(optimizers=...)`: the optimizer, and a scheduler bound to what the Trainer will do.

    Formula: learning rate of update t = base * schedule(t).

    The Trainer saves and resumes it with its own checkpoints. It tells a plan that listens its metric
    (`metric_for_best_model`) at every evaluation, and then never steps it, so that the optimizer's own updates are
    counted; its log is one update ahead there, unless `drive` is used.

    Args:
        args: transformers.TrainingArguments.
        optimizer: a torch.optim.Optimizer over the model's parameters.
        plan: a plan or its text, bound to `horizon(args, dataset)`; or a schedule, taken as it is.
        dataset: the training dataset, or its length, >= 1; not needed where max_steps is given.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: when the length of the run is not known, or a plan listens and no metric is named.

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
    schedule = bound_to(plan, "calando.transformers.pair", lambda: _sizes(args, dataset))
    _check_metric(args, schedule)
    return optimizer, attach(optimizer, schedule, **{"follow": schedule.rule is not None, **options})


def drive(trainer: Any, plan: PlanLike, **options: Any) -> ScheduleLR:
    """Let a schedule drive the optimizer of a Trainer, the one that it makes by its own arguments or was given.

    Formula: learning rate of update t = base * schedule(t), where base is `args.learning_rate` (of each group).

    Call it before `trainer.train()`. The length of the run is asked of the Trainer itself. An update that a GradScaler
    skipped is not counted; the log names the learning rate that was used, also where the plan listens.

    Args:
        trainer: a transformers.Trainer.
        plan: a plan or its text, bound to the length of the run; or a schedule, taken as it is.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: when a scheduler is there already, the length of the run is not known, or a plan listens and no
            metric is named.

    Example:
        >>> import torch, calando.transformers
        >>> from types import SimpleNamespace
        >>> args = SimpleNamespace(max_steps=100)
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> trainer = SimpleNamespace(args=args, optimizer=optimizer, lr_scheduler=None)     # stands for a Trainer
        >>> scheduler = calando.transformers.drive(trainer, calando.linear_decay().bind(10))
        >>> trainer.lr_scheduler is scheduler
        True

    Source: transformers.Trainer.create_scheduler.
    """
    where = "calando.transformers.drive"
    if trainer.lr_scheduler is not None:
        raise BadValue(
            given=f"a Trainer that has the scheduler {shown(trainer.lr_scheduler)} already",
            allowed="a Trainer without a scheduler",
            where=where,
            fix="leave `optimizers` out, or give Trainer(optimizers=(optimizer, None))",
        )
    schedule = bound_to(plan, where, lambda: _asked(trainer, where))
    _check_metric(trainer.args, schedule)
    if trainer.optimizer is None:
        trainer.create_optimizer()
    scheduler = attach(trainer.optimizer, schedule, **options)
    trainer.lr_scheduler = scheduler
    if isinstance(scheduler, PlateauLR) and not scheduler.options.follow:
        trainer.add_callback(_counter(scheduler))
    return scheduler


def _sizes(args: Any, dataset: Any) -> dict[str, Any]:
    steps = horizon(args, dataset)
    known = dataset is not None and (isinstance(dataset, int) or hasattr(dataset, "__len__"))
    return {"horizon": steps, "steps_per_epoch": _epoch(args, dataset, "pair") if known else None}


def _asked(trainer: Any, where: str) -> dict[str, Any]:
    told = trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())
    epoch, steps = told[1], told[-1]
    return {"horizon": whole_horizon(steps, where, "the Trainer"), "steps_per_epoch": epoch}


def _check_metric(args: Any, schedule: Schedule) -> None:
    if schedule.rule is not None and args.metric_for_best_model is None:
        raise BadValue(
            given="a plan that listens, without metric_for_best_model",
            allowed="the name of a metric that the Trainer evaluates",
            where="TrainingArguments(metric_for_best_model)",
            fix="metric_for_best_model='loss', and an eval_strategy",
        )


def _counter(scheduler: ScheduleLR) -> Any:
    """A callback that steps a scheduler once an update, after the Trainer has read the rate for its log."""
    from transformers import TrainerCallback

    class Counter(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if not getattr(given.get("optimizer"), "step_was_skipped", False):
                scheduler.step()

    return Counter()
