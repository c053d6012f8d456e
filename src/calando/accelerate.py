"""Accelerate: one position per global update, whatever the number of processes and of accumulated batches.

model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
steps = calando.accelerate.horizon(accelerator, loader, epochs=3)
scheduler = calando.accelerate.attach(accelerator, optimizer, plan.bind(steps))     # nothing else to call
"""

import math
from typing import Any

from calando.core.hosts import innermost
from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.torch.binding import whole_horizon
from calando.torch.door import attach as attach_to
from calando.torch.groups import recall, remember
from calando.torch.scheduler import ScheduleLR

__all__ = ["attach", "horizon"]


def horizon(accelerator: Any, loader: Any, epochs: int) -> int:
    """The number of global updates in some epochs of a loader that `prepare` returned.

    Formula: epochs * ceil(batches of this process / accumulation), since the last batch of an epoch ends an update;
    with sync_with_dataloader=False ceil is of the whole run, not of the epoch, and an unfinished update is not made.

    Args:
        accelerator: an accelerate.Accelerator.
        loader: the loader that `accelerator.prepare` gave back, which is shorter where there are more processes.
        epochs: how often it is run through, >= 1.

    Raises:
        BadValue: for a loader without a length, a run without updates, or what is no Accelerator.

    Example:
        >>> from types import SimpleNamespace
        >>> state = SimpleNamespace(sync_with_dataloader=True)
        >>> accelerator = SimpleNamespace(gradient_accumulation_steps=4, gradient_state=state)
        >>> horizon(accelerator, range(10), epochs=2)
        6

    Source: accelerate.Accelerator.accumulate.
    """
    where = "calando.accelerate.horizon"
    _check(accelerator, where, "gradient_accumulation_steps", "gradient_state")
    whole_horizon(epochs, where, "epochs")
    try:
        batches = len(loader)
    except TypeError as error:
        raise BadValue(
            given=f"{shown(loader)}, which has no length",
            allowed="a loader with a length",
            where=where,
            fix="count the updates yourself: plan.bind(horizon)",
        ) from error
    each = accelerator.gradient_accumulation_steps
    if accelerator.gradient_state.sync_with_dataloader:
        return whole_horizon(epochs * math.ceil(batches / each), where, "the loader")
    return whole_horizon(epochs * batches // each, where, "the loader")


def attach(accelerator: Any, optimizer: Any, schedule: Schedule, **options: Any) -> ScheduleLR:
    """Let a schedule drive an optimizer under Accelerate, counted by the updates that were really made.

    Formula: learning rate of global update t = base * schedule(t), in every process alike.

    Accelerate's wrapper of a scheduler steps it once for every process, and looks at `split_batches` and
    `step_scheduler_with_optimizer` to know how often. Here the optimizer counts, so none of this matters: `step()` may
    be called or not. `accelerator.save_state` and `load_state` hold the position; the number of processes may change in
    between, and so may the accumulation. A plan that listens is told `scheduler.step(metric)`, the same metric in every
    process.

    Args:
        accelerator: an accelerate.Accelerator.
        optimizer: the optimizer, before or after `accelerator.prepare`.
        schedule: a bound plan; its horizon is the number of global updates, 1 or more.
        options: further arguments of `calando.torch.attach`, such as peak=3e-4, 1 or more.

    Raises:
        BadValue: where `calando.torch.attach` does, for what is no Accelerator, or for `follow`, which is always True.

    Example:
        >>> import torch, calando.accelerate
        >>> from types import SimpleNamespace
        >>> accelerator = SimpleNamespace(prepare=lambda scheduler: scheduler)       # stands for an Accelerator
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> scheduler = calando.accelerate.attach(accelerator, optimizer, calando.linear_decay().bind(4))
        >>> optimizer.step()
        >>> scheduler.get_last_lr()
        [0.07500000000000001]

    Source: accelerate.scheduler.AcceleratedScheduler.
    """
    where = "calando.accelerate.attach"
    _check(accelerator, where, "prepare")
    if "follow" in options:
        raise BadValue(
            given=f"follow={shown(options['follow'])}",
            allowed="no follow: under Accelerate the optimizer's own updates are always counted",
            where=where,
            fix="drop it",
        )
    inside = innermost(optimizer)
    groups = getattr(inside, "param_groups", None) or []
    kept = remember(groups) if all(isinstance(group, dict) for group in groups) else []
    scheduler = attach_to(inside, schedule, follow=True, **options)
    try:
        accelerator.prepare(scheduler)  # from now on its checkpoints hold it; the wrapper itself is not needed
    except BaseException:
        scheduler.detach()
        recall(groups, kept)
        raise
    return scheduler


def _check(accelerator: Any, where: str, *needed: str) -> None:
    if not all(hasattr(accelerator, name) for name in needed):
        raise BadValue(
            given=f"{shown(accelerator)} ({type(accelerator).__name__})",
            allowed="an accelerate.Accelerator",
            where=where,
            fix="make one first, accelerator = accelerate.Accelerator(), and pass it before all else",
        )
