"""A small convolutional net that Lightning trains on digits; a run's log is the metrics.csv of its CSVLogger.

A fifth of the training labels is wrong on purpose, and batches are shifted at random. Three plans are made by PyTorch's
own schedulers, as a LightningModule returns them; the others come by our door.
"""

import logging
import os
import warnings
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch.nn import functional

from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tools.logged import FILES, Logged, logged, workshop

__all__ = ["EVERY", "OWN", "train"]

EVERY, BATCH, WIDTH, HELD = 15, 45, 8, 600
OWN = ("cosine()", "one_cycle()", "warmup(5%) | constant()")
"""Plans that are made by PyTorch's schedulers."""


def train(recipe: Recipe) -> Logged:
    """One run."""
    from tests.torchvision_operators import declared

    declared()
    torch.set_num_threads(1)
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import lightning
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger
    from torch.utils.data import DataLoader, TensorDataset

    from bench.workloads.images import IMAGES, LABELS, NOISY, PADDED, TRAINING

    with workshop() as (folder, began), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning.seed_everything(recipe.seed, verbose=False)
        module = _module(recipe)
        count = recipe.few or TRAINING
        logger = CSVLogger(folder, flush_logs_every_n_steps=1000)
        trainer = lightning.Trainer(
            max_steps=recipe.steps, accelerator="cpu", devices=1, logger=logger, log_every_n_steps=5,
            val_check_interval=EVERY, check_val_every_n_epoch=None, num_sanity_val_steps=0,
            callbacks=[LearningRateMonitor(logging_interval="step")], enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False, default_root_dir=folder,
        )  # fmt: skip
        held = slice(TRAINING, TRAINING + HELD)
        trainer.fit(
            module,
            DataLoader(TensorDataset(PADDED[:count], NOISY[:count]), batch_size=BATCH, shuffle=True),
            DataLoader(TensorDataset(IMAGES[held], LABELS[held]), batch_size=HELD),
        )
        at = [min(EVERY * (i + 1), recipe.steps) - 1 for i in range(len(module.held))]
        logger.save()
        (file,) = folder.rglob(FILES["lightning"])
        return logged([float(loss) for loss in module.losses], at, [float(loss) for loss in module.held], began, file)


def _module(recipe: Recipe) -> Any:
    import lightning

    class Digits(lightning.LightningModule):  # type: ignore[misc]
        """Two convolutions and a layer; it keeps the losses of single updates, for the label."""

        def __init__(self) -> None:
            super().__init__()
            self.losses: list[torch.Tensor] = []
            self.held: list[torch.Tensor] = []
            self.model = torch.nn.Sequential(
                torch.nn.Conv2d(1, WIDTH, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
                torch.nn.Conv2d(WIDTH, 2 * WIDTH, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
                torch.nn.Flatten(), torch.nn.Linear(8 * WIDTH, 10),
            )  # fmt: skip

        def training_step(self, batch: Any, _index: int) -> torch.Tensor:
            images, labels = batch
            down, right = torch.randint(3, (2,)).tolist()
            loss = functional.cross_entropy(self.model(images[:, :, down : down + 8, right : right + 8]), labels)
            self.log("train_loss", loss)
            self.losses.append(loss.detach())
            return loss

        def validation_step(self, batch: Any, _index: int) -> None:
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            self.log("val_loss", loss)
            self.held.append(loss)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=recipe.peak, momentum=0.9)
            return _scheduled(self, optimizer, recipe)

    return Digits()


def _scheduled(module: Any, optimizer: torch.optim.Optimizer, recipe: Recipe) -> Any:
    """What configure_optimizers returns: PyTorch's scheduler where it has the plan, ours else.

    One who forgets "interval" has a scheduler that is stepped at the end of every epoch.
    """
    import calando.lightning

    interval = "epoch" if recipe.defect == "epochs" else "step"
    if recipe.plan not in OWN and not recipe.defect:
        return calando.lightning.configure(module, optimizer, calando.parse(recipe.plan).bind(recipe.horizon))
    schedulers = torch.optim.lr_scheduler
    made: Any
    if recipe.plan == "cosine()":
        made = schedulers.CosineAnnealingLR(optimizer, recipe.horizon)
    elif recipe.plan == "one_cycle()":
        made = schedulers.OneCycleLR(optimizer, recipe.peak, recipe.horizon, cycle_momentum=False)
    elif recipe.plan == "warmup(5%) | constant()":
        made = schedulers.LinearLR(optimizer, 0.01, total_iters=recipe.horizon // 20)
    else:
        warm = schedulers.LinearLR(optimizer, 0.01, total_iters=recipe.horizon // 20)
        down = schedulers.CosineAnnealingLR(optimizer, recipe.horizon - recipe.horizon // 20)
        made = schedulers.SequentialLR(optimizer, [warm, down], [recipe.horizon // 20])
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": made, "interval": interval}}
