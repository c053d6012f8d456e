"""An Ignite engine."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["ignite_code"]


def ignite_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete program with an Ignite engine, whose own Checkpoint keeps and restores the scheduler."""
    told = words(schedule, peak, every)
    refuse_own(told, "ignite")
    metric = (
        f"""

@trainer.on(Events.ITERATION_COMPLETED(every={told.every}))
def listen(engine):
    scheduler.step(engine.state.output)  # your validation metric, whenever there is a new one


"""
        if told.listens
        else ""
    )
    return f"""from pathlib import Path

import torch
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver

import calando
import calando.torch

{told.plan}

model = torch.nn.Linear(10, 1)  # your model
optimizer = torch.optim.AdamW(model.parameters(), lr={told.rate})  # your optimizer; the peak is factor 1
scheduler = calando.torch.attach(optimizer, schedule)


def update(engine, batch):
    inputs, targets = batch
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()  # once after every optimizer update
    return loss.item()


trainer = Engine(update)
{metric}parts = {{"model": model, "optimizer": optimizer, "scheduler": scheduler, "trainer": trainer}}
keep = Checkpoint(parts, DiskSaver("checkpoints", create_dir=True, require_empty=False), n_saved=2)
trainer.add_event_handler(Events.ITERATION_COMPLETED(every={told.save}), keep)

saved = sorted(Path("checkpoints").glob("*.pt"), key=lambda path: path.stat().st_mtime)
if saved:  # go on where the last run stopped
    Checkpoint.load_objects(parts, torch.load(saved[-1], weights_only=True))

batches = [(torch.randn(32, 10), torch.randn(32, 1)) for _ in range({told.epoch})]  # your data
trainer.run(batches, max_iters=schedule.horizon, epoch_length={told.epoch})"""
