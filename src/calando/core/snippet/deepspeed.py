"""A DeepSpeed engine."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["deepspeed_code"]


def deepspeed_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete program with a DeepSpeed engine, which steps, saves and loads the scheduler as its own."""
    told = words(schedule, peak, every)
    refuse_own(told, "deepspeed")
    metric = f"""
    if (step + 1) % {told.every} == 0:
        scheduler.step(loss.item())  # your validation metric, whenever there is a new one"""
    return f"""import deepspeed
import torch

import calando
import calando.torch

{told.plan}

model = torch.nn.Linear(10, 1)  # your model
optimizer = torch.optim.AdamW(model.parameters(), lr={told.rate})  # your optimizer; the peak is factor 1
scheduler = calando.torch.attach(optimizer, schedule)
config = {{"train_micro_batch_size_per_gpu": 32, "gradient_accumulation_steps": 1}}  # yours, without "scheduler"
engine, _, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, lr_scheduler=scheduler, config=config)

engine.load_checkpoint("checkpoints")  # goes on where the last run stopped

for step in range(engine.global_steps, schedule.horizon):
    inputs, targets = torch.randn(32, 10), torch.randn(32, 1)  # your data
    loss = torch.nn.functional.mse_loss(engine(inputs), targets)
    engine.backward(loss)
    engine.step()  # steps the scheduler, too{metric if told.listens else ""}
    if (step + 1) % {told.save} == 0:
        engine.save_checkpoint("checkpoints")"""
