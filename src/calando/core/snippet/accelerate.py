"""A loop with Accelerate, on one process or many."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["accelerate_code"]


def accelerate_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete program with Accelerate; the horizon counts updates, however many processes there are."""
    told = words(schedule, peak, every)
    refuse_own(told, "accelerate")
    metric = f"""
        if scheduler.last_epoch % {told.every} == 0:
            scheduler.step(loss.item())  # your validation metric, whenever there is a new one"""
    count = 32 * told.epoch
    return f"""from pathlib import Path

import accelerate
import torch

import calando
import calando.accelerate

{told.plan}

accelerator = accelerate.Accelerator()  # gradient_accumulation_steps=4: the schedule counts updates all the same
model = torch.nn.Linear(10, 1)  # your model
optimizer = torch.optim.AdamW(model.parameters(), lr={told.rate})  # your optimizer; the peak is factor 1
data = torch.utils.data.TensorDataset(torch.randn({count}, 10), torch.randn({count}, 1))  # your data
loader = torch.utils.data.DataLoader(data, batch_size=32)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
scheduler = calando.accelerate.attach(accelerator, optimizer, schedule)

checkpoint = Path("checkpoint")
if checkpoint.exists():  # go on where the last run stopped
    accelerator.load_state(checkpoint)

while scheduler.last_epoch < schedule.horizon:
    for inputs, targets in loader:
        with accelerator.accumulate(model):
            loss = torch.nn.functional.mse_loss(model(inputs), targets)
            accelerator.backward(loss)
            optimizer.step()  # the scheduler counts the updates that are really made
            optimizer.zero_grad(){metric if told.listens else ""}
        if scheduler.last_epoch % {told.save} == 0:
            accelerator.save_state(checkpoint)
        if scheduler.last_epoch == schedule.horizon:
            break"""
