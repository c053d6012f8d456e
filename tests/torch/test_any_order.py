"""Whatever is done in whatever order, the optimizer has the rates that the schedule says."""

from typing import Any

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of, rates, through_disk, update

TEXTS = (
    "warmup(5) | cosine(end=0.1)",
    "multistep(milestones=[3, 9], factor=0.5)",
    "reduce_on_plateau(warmup(5) | cosine(end=0.1), patience=0, factor=0.5)",
    "bundle(linear_decay(), momentum=linear_decay(start=0.95, end=0.85))",
)


class AnyOrder(RuleBasedStateMachine):
    """Updates, metrics, new groups, checkpoints and jumps; beside them the position and the scale, kept by hand."""

    @initialize(
        text=st.sampled_from(TEXTS),
        own=st.lists(st.sampled_from([0.1, 0.03]), min_size=1, max_size=3),
        tensor=st.booleans(),
    )
    def begin(self, text: str, own: list[float], tensor: bool) -> None:
        self.schedule = bound(text)
        self.tensor = tensor
        self.bases = list(own)
        self.t, self.state = 0, self.schedule.rule and self.schedule.rule.initial()
        self.optimizer, self.scheduler = self.fresh()
        self.saved: Any = None

    def rate(self, value: float) -> Any:
        return torch.tensor(value, dtype=torch.float64) if self.tensor else value

    def fresh(self) -> tuple[Any, Any]:
        optimizer = optimizer_of(*[self.rate(base) for base in self.bases], momentum=0.9)
        return optimizer, attach(optimizer, self.schedule)

    @rule(times=st.integers(1, 7))
    def train(self, times: int) -> None:
        for _ in range(times):
            update(self.optimizer)
            self.scheduler.step()
        self.t += times

    @rule(value=st.sampled_from([0.5, 1.0, 2.0]))
    def tell(self, value: float) -> None:
        if self.state is not None and self.t:
            self.scheduler.step(value)
            self.state = self.schedule.rule.update(self.state, value)

    @rule(base=st.sampled_from([0.2, 0.01]))
    def join(self, base: float) -> None:
        if len(self.bases) < 6:
            group = {"params": [torch.nn.Parameter(torch.ones(2))], "lr": self.rate(base)}
            self.optimizer.add_param_group(group)
            self.bases.append(base)
            update(self.optimizer)

    @rule()
    def save(self) -> None:
        states = {"optimizer": self.optimizer.state_dict(), "scheduler": self.scheduler.state_dict()}
        self.saved = (through_disk(states), list(self.bases), self.t, self.state)

    @rule(scheduler_first=st.booleans())
    def load(self, scheduler_first: bool) -> None:
        if self.saved is not None:
            states, bases, self.t, self.state = self.saved
            self.bases = list(bases)
            self.optimizer, self.scheduler = self.fresh()
            if scheduler_first:
                self.scheduler.load_state_dict(states["scheduler"])
            self.optimizer.load_state_dict(states["optimizer"])
            if not scheduler_first:
                self.scheduler.load_state_dict(states["scheduler"])

    @rule(to=st.integers(0, 60))
    def jump(self, to: int) -> None:
        self.scheduler.step(epoch=to)
        self.t = to

    @invariant()
    def the_rates_are_the_schedules(self) -> None:
        values = self.schedule.at(self.t)
        scale = 1.0 if self.state is None else self.state.scale
        wanted = [base * (values["lr"] * scale) for base in self.bases]
        assert rates(self.optimizer) == wanted
        assert [float(rate) for rate in self.scheduler.get_lr()] == wanted
        if "momentum" in values:
            assert [group["momentum"] for group in self.optimizer.param_groups] == [values["momentum"]] * len(
                self.bases
            )


TestAnyOrder = pytest.mark.filterwarnings("error")(AnyOrder.TestCase)
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=20)
