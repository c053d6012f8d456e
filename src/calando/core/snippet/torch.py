"""A plain PyTorch loop."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["torch_code"]


def torch_code(schedule: "Schedule", peak: float | None, *, every: int | None = None) -> str:
    """A complete PyTorch training loop under the schedule, to be filled with one's own model and data.

    Args:
        schedule: what to follow; its plan must have a text.
        peak: learning rate that factor 1 stands for, > 0; None where the optimizer's own rate is that.
        every: updates between two looks at the metric, >= 1, for a plan that listens; an epoch, else a
            twentieth of the run, unless given.

    Raises:
        NotSerialisable: when the plan holds a Python function that was not registered by name.
    """
    told = words(schedule, peak, every)
    base = "its own rate" if peak is None else "the peak"
    setters = ", setters={" + ", ".join(f'"{name}": set_{name}' for name in told.own) + "}" if told.own else ""
    functions = "".join(
        f"""

def set_{name}(value: float) -> None:
    model.{name} = value  # where your model keeps it
"""
        for name in told.own
    )
    metric = f"""
    if (step + 1) % {told.every} == 0:
        scheduler.step(loss.item())  # your validation metric, whenever there is a new one"""
    return f"""from pathlib import Path

import torch

import calando
import calando.torch

{told.plan}

model = torch.nn.Linear(10, 1)  # your model
optimizer = torch.optim.AdamW(model.parameters(), lr={told.rate})  # your optimizer; {base} is factor 1
{functions}{chr(10) * 2 if functions else ""}scheduler = calando.torch.attach(optimizer, schedule{setters})

parts = {{"model": model, "optimizer": optimizer, "scheduler": scheduler}}
checkpoint = Path("checkpoint.pt")
if checkpoint.exists():  # go on where the last run stopped
    for name, state in torch.load(checkpoint, weights_only=True).items():
        parts[name].load_state_dict(state)

for step in range(scheduler.last_epoch, schedule.horizon):
    inputs, targets = torch.randn(32, 10), torch.randn(32, 1)  # your data
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()  # once after every optimizer update{metric if told.listens else ""}
    if (step + 1) % {told.save} == 0:
        torch.save({{name: part.state_dict() for name, part in parts.items()}}, checkpoint)"""
