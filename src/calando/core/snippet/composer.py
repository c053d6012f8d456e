"""MosaicML's Composer."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["composer_code"]


def composer_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete Composer program; several quantities or a listener want a true scheduler of PyTorch's."""
    told = words(schedule, peak, every)
    refuse_own(told, "composer")
    door = "torch" if told.several else "composer"
    if told.several:
        scheduler = "calando.torch.attach(optimizer, schedule)"
        options = "    schedulers=scheduler,\n    step_schedulers_every_batch=True,\n"
    else:
        scheduler = "calando.composer.Factor(schedule)"
        options = "    schedulers=scheduler,\n"
    listen = (
        f"""

class Listen(composer.Callback):
    def batch_end(self, state, logger):
        if state.timestamp.batch.value % {told.every} == 0:
            scheduler.step(state.loss.item())  # your validation metric, whenever there is a new one
"""
        if told.listens
        else ""
    )
    callbacks = "    callbacks=[Listen()],\n" if told.listens else ""
    count = 32 * told.epoch
    return f"""import composer
import torch

import calando
import calando.{door}

{told.plan}


class Model(composer.ComposerModel):  # your model
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(10, 1)

    def forward(self, batch):
        return self.layer(batch[0])

    def loss(self, outputs, batch):
        return torch.nn.functional.mse_loss(outputs, batch[1])

{listen}
data = torch.utils.data.TensorDataset(torch.randn({count}, 10), torch.randn({count}, 1))  # your data
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr={told.rate})  # your optimizer; the peak is factor 1
scheduler = {scheduler}
trainer = composer.Trainer(
    model=model,
    train_dataloader=torch.utils.data.DataLoader(data, batch_size=32),
    max_duration=f"{{schedule.horizon}}ba",  # a batch of Composer's is an update; its microbatches are not
    optimizers=optimizer,
{options}{callbacks}    run_name="run",
    save_folder="checkpoints",
    save_interval="{told.save}ba",
    autoresume=True,  # goes on where the last run stopped
)
trainer.fit()"""
