"""Lightning's Trainer."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["lightning_code"]


def lightning_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete Lightning program; the scheduler is counted in updates and saved in Lightning's own checkpoints."""
    told = words(schedule, peak, every)
    refuse_own(told, "lightning")
    monitor = ', monitor="loss"' if told.listens else ""
    log = (
        """
        self.log("loss", loss, on_epoch=True)  # your validation metric"""
        if told.listens
        else ""
    )
    count = 32 * told.epoch
    return f"""import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

import calando
import calando.lightning

{told.plan}


class Model(lightning.LightningModule):  # your model
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(10, 1)

    def training_step(self, batch, batch_idx):
        inputs, targets = batch
        loss = torch.nn.functional.mse_loss(self.layer(inputs), targets){log}
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr={told.rate})  # your optimizer; the peak is factor 1
        return calando.lightning.configure(self, optimizer, schedule{monitor})


data = torch.utils.data.TensorDataset(torch.randn({count}, 10), torch.randn({count}, 1))  # your data
keep = ModelCheckpoint("checkpoints", save_last=True, every_n_train_steps={told.save})
trainer = lightning.Trainer(max_steps=schedule.horizon, callbacks=[keep])
trainer.fit(Model(), torch.utils.data.DataLoader(data, 32), ckpt_path="last")  # goes on where the last run stopped"""
