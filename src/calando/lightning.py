"""Lightning: what `configure_optimizers` returns, with the clock on the optimizer's own updates.

def configure_optimizers(self):                                           # in your LightningModule
    optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
    return calando.lightning.configure(self, optimizer, "warmup(5%) | cosine()")
"""

import math
from typing import Any, Literal

from calando.errors import BadValue, shown
from calando.torch.binding import PlanLike, bound_to, whole_horizon
from calando.torch.door import attach

__all__ = ["configure", "horizon"]


def horizon(trainer: Any) -> int:
    """The number of updates that a Lightning Trainer will make, accumulation, devices and limits counted.

    Formula: trainer.estimated_stepping_batches.

    Args:
        trainer: a lightning.Trainer that fits a module; its data are loaded if they are not yet.

    Raises:
        BadValue: for a run without end.

    Example:
        >>> from types import SimpleNamespace
        >>> horizon(SimpleNamespace(estimated_stepping_batches=500))
        500

    Source: lightning.pytorch.Trainer.estimated_stepping_batches.
    """
    return whole_horizon(trainer.estimated_stepping_batches, "calando.lightning.horizon", "the Trainer")


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
        BadValue: for a plan that listens without a monitor, or a monitor without a plan that listens.

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
    schedule = bound_to(plan, "calando.lightning.configure", lambda: _sizes(module, tokens_per_step, samples_per_step))
    listens = schedule.rule is not None
    if listens != (monitor is not None):
        raise BadValue(
            given="a plan that listens, without monitor" if listens else f"monitor={shown(monitor)}",
            allowed="monitor='name of a logged metric' with a plan that listens, and only there",
            where="calando.lightning.configure",
            fix="write monitor='val_loss'" if listens else "drop it, or wrap the plan: reduce_on_plateau(plan)",
        )
    follow = interval == "step"
    scheduler = attach(optimizer, schedule, interval=interval, follow=follow, **options)
    told: dict[str, Any] = {"scheduler": scheduler, "interval": "epoch" if listens else interval, "frequency": 1}
    if name is not None:
        told["name"] = name
    if listens and module.automatic_optimization:
        told |= {"monitor": monitor, "reduce_on_plateau": True, "strict": strict}
    return {"optimizer": optimizer, "lr_scheduler": told}


def _sizes(module: Any, tokens_per_step: float | None, samples_per_step: float | None) -> dict[str, Any]:
    trainer = module.trainer
    steps = horizon(trainer)
    batches = trainer.num_training_batches  # known once the horizon is
    epoch = math.ceil(batches / trainer.accumulate_grad_batches) if math.isfinite(batches) and batches else None
    sizes = {"tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step}
    return {"horizon": steps, "steps_per_epoch": epoch, **sizes}
