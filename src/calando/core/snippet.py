"""A schedule as code to paste: Python that builds it again, and a PyTorch loop that follows it. Text only."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["python_code", "torch_code"]

# Quantities that AdamW's groups hold; attach() puts them there by itself.
IN_ADAMW = {"momentum", "beta1", "beta2", "weight_decay", "eps"}


def _sizes(schedule: "Schedule") -> str:
    names = ("steps_per_epoch", "tokens_per_step", "samples_per_step")
    sizes = "".join(f", {name}={getattr(schedule, name)!r}" for name in names if getattr(schedule, name) is not None)
    return sizes + (", strict=True" if schedule.strict else "")


def python_code(schedule: "Schedule") -> str:
    """Python that builds the schedule out of `calando`'s own names.

    >>> import calando
    >>> print(python_code((calando.warmup("5%") | calando.cosine()).bind(100)))
    from calando import cosine, warmup
    <BLANKLINE>
    plan = warmup(length='5%') | cosine()
    schedule = plan.bind(100)
    """
    from calando.core.catalog import names

    expression = repr(schedule.plan)
    bare = re.sub(r"'[^']*'", "", expression)
    known = sorted({word for word in re.findall(r"[a-z_][a-z0-9_]*(?=\()", bare) if word in names()})
    bound = f"plan.bind({schedule.horizon}{_sizes(schedule)})"
    return f"from calando import {', '.join(known)}\n\nplan = {expression}\nschedule = {bound}"


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
    rate = "1e-3" if peak is None else repr(peak)
    base = "its own rate" if peak is None else "the peak"
    own = [name for name in schedule.quantities if name != "lr" and name not in IN_ADAMW]
    setters = ", setters={" + ", ".join(f'"{name}": set_{name}' for name in own) + "}" if own else ""
    lines = [
        "import torch",
        "",
        "import calando",
        "import calando.torch",
        "",
        f"plan = calando.parse({str(schedule.plan)!r})",
        f"schedule = plan.bind({schedule.horizon}{_sizes(schedule)})  # optimizer updates in the whole run",
        "",
        "model = torch.nn.Linear(10, 1)  # your model",
        f"optimizer = torch.optim.AdamW(model.parameters(), lr={rate})  # your optimizer; {base} is factor 1",
    ]
    for name in own:
        lines += [
            "",
            "",
            f"def set_{name}(value: float) -> None:",
            f"    model.{name} = value  # where your model keeps it",
        ]
    lines += ["", ""] if own else []
    lines += [
        f"scheduler = calando.torch.attach(optimizer, schedule{setters})",
        "",
        "for step in range(schedule.horizon):",
        "    inputs, targets = torch.randn(32, 10), torch.randn(32, 1)  # your data",
        "    loss = torch.nn.functional.mse_loss(model(inputs), targets)",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
        "    scheduler.step()  # once after every optimizer update",
    ]
    if schedule.rule is not None:
        every = every or schedule.steps_per_epoch or max(1, schedule.horizon // 20)
        lines += [
            f"    if (step + 1) % {every} == 0:",
            "        scheduler.step(loss.item())  # your validation metric, whenever there is a new one",
        ]
    return "\n".join(lines)
