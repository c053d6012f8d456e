"""A Lightning Trainer on digits: `python -m tests.clients.run_lightning FOLDER NAME [listens] [epoch] [die]`.

It goes on where it can."""

import sys
import warnings
from pathlib import Path
from typing import Any

from tests.clients.small import Recorder, digits, model, with_torchvision

PLAN = "warmup(10%) | cosine(end=0.1)"
LISTENS = f"reduce_on_plateau({PLAN}, patience=0, factor=0.5)"


def main(folder: Path, name: str, *, listens: bool, interval: Any, die: bool) -> None:
    """Train 8 epochs of 10 batches, accumulated by two: 40 updates; checkpoints every 5."""
    with_torchvision()
    import lightning
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint
    from torch.utils.data import DataLoader, TensorDataset

    import calando.lightning

    warnings.simplefilter("error")
    # Advice about this machine and about a folder meant to be gone on with; Lightning's calls of what is to be dropped.
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)

    class Digits(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model()

        def training_step(self, batch: Any, index: int) -> Any:
            self.log("told", 1.0, on_step=False, on_epoch=True)
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            Recorder(folder / name, optimizer, die_at=23 if die else None)
            plan, monitor = (LISTENS, "told") if listens else (PLAN, None)
            return calando.lightning.configure(self, optimizer, plan, interval=interval, monitor=monitor)

    saved = folder / "last.ckpt"
    trainer = lightning.Trainer(
        max_epochs=8, accumulate_grad_batches=2, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder,
        callbacks=[ModelCheckpoint(folder, every_n_train_steps=5, save_last=True)],
    )  # fmt: skip
    loader = DataLoader(TensorDataset(*digits()), batch_size=100)
    trainer.fit(Digits(), loader, ckpt_path=saved if saved.exists() else None)


if __name__ == "__main__":
    words = sys.argv[3:]
    interval = "epoch" if "epoch" in words else "step"
    main(Path(sys.argv[1]), sys.argv[2], listens="listens" in words, interval=interval, die="die" in words)
