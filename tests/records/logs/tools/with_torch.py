"""Runs of Hugging Face's Trainer and of Lightning's, as they log them, into a folder; and what they really used.

python -m tests.records.logs.tools.with_torch FOLDER
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

from tests.clients.small import with_torchvision

BATCHES = 8  # in an epoch


def batches() -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return [{"x": torch.randn(4), "labels": torch.randn(())} for _ in range(8 * BATCHES)]


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        out = self.layer(x)[:, 0]
        return {"loss": ((out - labels) ** 2).mean(), "logits": out}


def transformers_run(folder: Path, **options: Any) -> None:
    """A run of 40 updates, a checkpoint at 20 and at 40; beside it the rate that each update used."""
    with_torchvision()
    from transformers import Trainer, TrainingArguments

    given: dict[str, Any] = {
        "max_steps": 40,
        "learning_rate": 0.01,
        "lr_scheduler_type": "linear",
        "logging_steps": 5,
        "eval_strategy": "steps",
        "eval_steps": 10,
        "save_steps": 20,
        **options,
    }
    args = TrainingArguments(
        str(folder), per_device_train_batch_size=8, report_to=[], disable_tqdm=True, use_cpu=True, **given
    )
    trainer = Trainer(Net(), args, train_dataset=batches(), eval_dataset=batches()[:16])
    trainer.create_optimizer()
    used: list[float] = []
    trainer.optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    trainer.train()
    (folder / "used.json").write_text(json.dumps(used))


def lightning_run(folder: Path, every: int) -> None:
    """A run of 5 epochs of 8 updates, with the rate monitored; beside it the losses and rates of each update."""
    import lightning
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()
            self.losses: list[float] = []
            self.used: list[float] = []

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            loss = self.net(**batch)["loss"]
            self.log("train_loss", loss)
            self.losses.append(float(loss))
            self.used.append(self.trainer.optimizers[0].param_groups[0]["lr"])
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", self.net(**batch)["loss"])

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 - t / 40)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    torch.manual_seed(0)
    data = torch.utils.data.DataLoader(batches(), batch_size=8)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=5,
        logger=CSVLogger(str(folder), name=f"every{every}"),
        callbacks=[LearningRateMonitor("step")],
        log_every_n_steps=every,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, data, data)
    told = {"losses": module.losses, "used": module.used}
    (folder / f"every{every}.json").write_text(json.dumps(told))


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    transformers_run(folder / "linear")
    transformers_run(folder / "warm", warmup_steps=10, lr_scheduler_type="cosine", logging_steps=2)
    lightning_run(folder / "lightning", every=1)
    lightning_run(folder / "lightning", every=4)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
