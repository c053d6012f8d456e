"""Complaints about units: epochs and updates, accumulation, and one schedule in both. With Lightning's own Trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as peers
from torch.utils.data import DataLoader, TensorDataset

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.installed import importing, timm_scheduler
from tests.complaints.sides import Make
from tests.torch.helpers import optimizer_of, rates

pytestmark = pytest.mark.filterwarnings("ignore")


def fit(
    folder: Path, make: Make, *, batches: int, epochs: int, checkpoint: Path | None = None, **trainer: Any
) -> list[float]:
    """The rate of each batch of a Lightning run; `make` gives the dict for `lr_scheduler`, or None and steps itself."""
    lightning = importing("lightning")
    used: list[float] = []

    class Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)
            self.seen = 0

        def training_step(self, batch: Any, index: int) -> Any:
            used.append(rates(self.optimizers())[0])
            return self.layer(batch[0]).pow(2).mean()

        def on_train_batch_end(self, *_: Any) -> None:
            self.seen += 1
            if self.own is not None:
                self.own.step(self.seen)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            made = make(optimizer)
            self.own = None if isinstance(made, dict) else made
            return {"optimizer": optimizer, "lr_scheduler": made} if self.own is None else optimizer

    runner = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
        **trainer,
    )
    runner.fit(Module(), DataLoader(TensorDataset(torch.ones(batches, 2))), ckpt_path=checkpoint)
    runner.save_checkpoint(folder / "last.ckpt")
    return used


def test_lightning_17544_a_frequency_counts_from_each_epoch_anew(tmp_path: Path) -> None:
    def theirs(optimizer: Any) -> Any:
        return {"scheduler": peers.ExponentialLR(optimizer, 0.5), "interval": "step", "frequency": 3}

    def ours(optimizer: Any) -> Any:
        plan = calando.step_decay(every=3, factor=0.5)
        return {"scheduler": attach(optimizer, plan.bind(6)), "interval": "step"}

    def check(make: Make) -> None:
        used = fit(tmp_path, make, batches=2, epochs=3)
        assert used[5] < 1.0, "it never stepped"
        assert used == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]

    told_apart(check, living=theirs, ours=ours, because="it never stepped")


def test_lightning_1476_under_accumulation_a_warm_up_is_over_too_soon() -> None:
    def batches(stepped_by: str, make: Make) -> list[float]:
        """The rate of each update when four batches make one."""
        optimizer = optimizer_of(1.0)
        scheduler, used = make(optimizer), []
        for batch in range(1, 25):
            if batch % 4 == 0:
                used.append(rates(optimizer)[0])
                optimizer.step()
            if stepped_by == "batch" or batch % 4 == 0:
                scheduler.step()
        return used

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(4, start=0.2) | constant()").bind(10))

    def check(run: Callable[[], list[float]]) -> None:
        assert run() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]), "warmed up by batches"

    told_apart(
        check,
        old=lambda: batches("batch", lambda o: peers.LinearLR(o, 0.2, total_iters=4)),  # Lightning before 0.7.4
        ours=lambda: batches("update", ours),
        because="warmed up by batches",
    )


def test_lightning_21491_when_accumulation_changes_the_rate_should_follow_the_samples(tmp_path: Path) -> None:
    def theirs(optimizer: Any) -> Any:
        return {"scheduler": peers.PolynomialLR(optimizer, 16), "interval": "step"}

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.linear_decay().bind(16))  # a clock of batches, told where it is

    def check(make: Make) -> None:
        callbacks = importing("lightning.pytorch.callbacks")
        growing = callbacks.GradientAccumulationScheduler(scheduling={0: 1, 1: 4})
        used = fit(tmp_path, make, batches=8, epochs=2, callbacks=[growing])
        assert used[8:] == pytest.approx([1 - t / 16 for t in range(8, 16)]), "the decay slows down"

    told_apart(check, living=theirs, ours=ours, because="the decay slows down")


def test_lightning_15462_one_cycle_loses_its_way_when_a_run_is_continued(tmp_path: Path) -> None:
    def theirs(epochs: int) -> Make:
        def make(optimizer: Any) -> Any:
            return {"scheduler": peers.OneCycleLR(optimizer, 1.0, total_steps=4 * epochs), "interval": "step"}

        return make

    def ours(epochs: int) -> Make:
        def make(optimizer: Any) -> Any:
            schedule = calando.one_cycle().bind(4 * epochs)
            return {"scheduler": attach(optimizer, schedule, resume="extend"), "interval": "step"}

        return make

    def check(cycle: Callable[[int], Make]) -> None:
        fit(tmp_path, cycle(4), batches=4, epochs=2)
        used = fit(tmp_path, cycle(6), batches=4, epochs=6, checkpoint=tmp_path / "last.ckpt")
        assert len(used) == 16
        assert used == sorted(used, reverse=True), "the second part is no cycle's second part"

    told_apart(check, living=theirs, ours=ours, because="Tried to step 17 times", fails=ValueError)


def test_composer_418_1350_olmo_385_a_warm_up_in_updates_and_a_run_in_epochs() -> None:
    def theirs(update: int) -> float:
        scheduler = timm_scheduler("CosineLRScheduler", optimizer_of(1.0), t_initial=3, warmup_t=5)
        return float(scheduler._get_lr(update // 10)[0])  # one unit for both: epochs here, of ten updates

    def check(rate: Callable[[int], float]) -> None:
        assert rate(5) == 1.0, "the warm-up is not one of updates"
        assert rate(30) == pytest.approx(0.0)

    schedule = calando.parse("warmup(5) | cosine()").bind("3ep", steps_per_epoch=10)
    told_apart(check, living=theirs, ours=schedule, because="not one of updates")
    mixed = calando.parse("warmup(2000tok) | constant(length=1ep) | linear_decay()")
    whole = mixed.bind("960sa", steps_per_epoch=10, tokens_per_step=400, samples_per_step=32)
    assert [piece.first for piece in whole.facts.pieces] == [0, 5, 15]
