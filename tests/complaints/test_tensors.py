"""Complaints about compiled optimizers: a new rate is a new compilation."""

from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.sides import Make
from tests.torch.helpers import optimizer_of


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "options"), [(torch.optim.AdamW, {}), (torch.optim.SGD, {"momentum": 0.9})])
def test_pytorch_107076_120934_130467_133898_torchtune_2681_every_step_is_compiled_anew(
    kind: Any, options: dict[str, float]
) -> None:
    def graphs(make: Make) -> int:
        """How many graphs six updates need; aot_eager guards as the default backend does, and compiles no C++."""
        torch._dynamo.reset()
        counters.clear()
        optimizer = optimizer_of(0.1, kind=kind, **options)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        scheduler = make(optimizer)
        update = torch.compile(optimizer.step, backend="aot_eager")
        for _ in range(6):
            update()
            scheduler.step()
        return int(counters["stats"]["unique_graphs"])

    def ours(optimizer: Any) -> Any:
        cycle = calando.bundle(calando.one_cycle(), momentum=calando.linear_decay(start=0.95, end=0.85))
        return attach(optimizer, cycle.bind(20), tensors=True)

    def check(make: Make) -> None:
        made = graphs(make)
        assert made == 1, f"{made} graphs for six updates"

    told_apart(
        check,
        living=lambda o: peers.OneCycleLR(o, 0.1, total_steps=20),
        ours=ours,
        because="6 graphs for six updates",
    )
