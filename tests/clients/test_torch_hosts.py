"""Real hosts of PyTorch schedulers, where they are installed: the rate of every update is the schedule's.

Versions that this was written against: lightning 2.6.6, transformers 5.23.0, accelerate 1.15.0, pytorch-ignite 0.5.5.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import calando
from calando.errors import BadValue
from calando.torch import attach

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 40
OPEN = calando.parse("warmup(5) | cosine(end=0.1)").bind(STEPS, steps_per_epoch=10)
LISTENING = calando.reduce_on_plateau(OPEN.plan, patience=0, factor=0.5).bind(STEPS, steps_per_epoch=10)
WANTED = [0.1 * OPEN(t) for t in range(STEPS)]


def test_accelerate_steps_it_once_an_update(tmp_path: Path) -> None:
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = attach(optimizer, OPEN)
    loader = DataLoader(TensorDataset(torch.ones(2 * STEPS, 2)))
    model, prepared, loader, wrapped = accelerator.prepare(model, optimizer, loader, scheduler)
    used = []
    for (x,) in loader:
        with accelerator.accumulate(model):
            if accelerator.sync_gradients:
                used.append(optimizer.param_groups[0]["lr"])
            accelerator.backward(model(x).mean())
            prepared.step()
            wrapped.step()
            prepared.zero_grad()
    assert wrapped.scheduler is scheduler
    assert used == WANTED
    accelerator.save_state(str(tmp_path))
    scheduler.step(0)
    accelerator.load_state(str(tmp_path))
    assert scheduler.last_epoch == STEPS


def test_ignite_reads_it_without_ever_stepping_it() -> None:
    pytest.importorskip("ignite")
    from ignite.engine import Engine, Events
    from ignite.handlers.param_scheduler import LRScheduler

    optimizer = torch.optim.SGD(torch.nn.Linear(2, 1).parameters(), lr=0.1)
    used: list[float] = []
    engine = Engine(lambda engine, batch: used.append(optimizer.param_groups[0]["lr"]))
    engine.add_event_handler(Events.ITERATION_STARTED, LRScheduler(attach(optimizer, OPEN)))
    engine.run(range(STEPS), max_epochs=1)
    assert used == WANTED


def lightning_run(folder: Path, schedule: Any, every: str, epochs: int, checkpoint: Any = None, **options: Any) -> Any:
    """The rates of each update, and the scheduler."""
    lightning = pytest.importorskip("lightning")
    used: list[float] = []

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            used.append(self.optimizers().param_groups[0]["lr"])
            return self.layer(batch[0]).pow(2).mean()

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.tensor(1.0))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.1)
            self.scheduler = attach(optimizer, schedule, **options)
            config = {"scheduler": self.scheduler, "interval": every, "monitor": "val_loss"}
            return {"optimizer": optimizer, "lr_scheduler": config}

    loader = DataLoader(TensorDataset(torch.ones(10, 2)))
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )
    module = Module()
    trainer.fit(module, loader, loader, ckpt_path=checkpoint)
    trainer.save_checkpoint(folder / "last.ckpt")
    return used, module.scheduler


def test_lightning_steps_it_by_update_and_resumes_it(tmp_path: Path) -> None:
    used, _ = lightning_run(tmp_path, OPEN, "step", 2)
    assert used == WANTED[:20]
    used, _ = lightning_run(tmp_path, OPEN, "step", 4, tmp_path / "last.ckpt")
    assert used == WANTED[20:]


def test_lightning_steps_it_by_epoch(tmp_path: Path) -> None:
    used, _ = lightning_run(tmp_path, OPEN, "epoch", 4, interval="epoch")
    assert used == [WANTED[t // 10 * 10] for t in range(STEPS)]


def test_lightning_only_tells_a_listener_metrics(tmp_path: Path) -> None:
    used, _ = lightning_run(tmp_path, LISTENING, "epoch", 4, follow=True)
    assert used == pytest.approx([WANTED[t] * 0.5 ** max(t // 10 - 1, 0) for t in range(STEPS)])
    with pytest.raises(BadValue, match="follow=True"):
        lightning_run(tmp_path, LISTENING, "epoch", 1)


class Points(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Points on a line."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": torch.ones(2) * index, "labels": torch.tensor(1.0)}


class Line(torch.nn.Module):
    """A model as the Trainer wants one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x: Any, labels: Any = None) -> Any:
        out = self.layer(x)
        return {"loss": (out.squeeze(-1) - labels).pow(2).mean(), "logits": out}


def trainer_run(folder: Path, schedule: Any, checkpoint: Any = None, **options: Any) -> list[float]:
    """The rates of each update."""
    transformers = pytest.importorskip("transformers")
    model = Line()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    used: list[float] = []
    optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    arguments = transformers.TrainingArguments(
        str(folder),
        per_device_train_batch_size=2,
        max_steps=STEPS,
        save_steps=20,
        eval_strategy="steps",
        eval_steps=10,
        metric_for_best_model="loss" if schedule.rule else None,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    scheduler = attach(optimizer, schedule, **options)
    trainer = transformers.Trainer(
        model, arguments, train_dataset=Points(), eval_dataset=Points(), optimizers=(optimizer, scheduler)
    )
    trainer.train(resume_from_checkpoint=checkpoint)
    return used


def test_the_transformers_trainer_steps_it_and_resumes_it(tmp_path: Path) -> None:
    assert trainer_run(tmp_path, OPEN) == WANTED
    assert trainer_run(tmp_path, OPEN, str(tmp_path / "checkpoint-20")) == WANTED[20:]


def test_the_transformers_trainer_only_tells_a_listener_metrics(tmp_path: Path) -> None:
    used = trainer_run(tmp_path, LISTENING, follow=True)
    ratios = [rate / wanted for rate, wanted in zip(used[1:], WANTED[1:], strict=True)]
    assert len(used) == STEPS
    assert sorted(ratios, reverse=True) == pytest.approx(ratios)
    with pytest.raises(BadValue, match="follow=True"):
        trainer_run(tmp_path, LISTENING)
