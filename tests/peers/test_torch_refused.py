"""What no plan can say of torch's schedulers is refused, with the reason."""

from typing import Any

import pytest
from torch.optim import lr_scheduler as torch_schedulers

from calando.errors import Unconvertible
from calando.peers import from_torch
from tests.peers.stepping import optimizer
from tests.peers.test_torch import made, slowly, warm_cosine

pytestmark = pytest.mark.filterwarnings("ignore:Detected call of", "ignore:The epoch parameter", "ignore:To get the")


class Own(torch_schedulers.LRScheduler):
    """A scheduler of the user's."""

    def get_lr(self) -> list[float]:
        return [0.1 for _ in self.base_lrs]


class OwnStep(torch_schedulers.StepLR):
    """A subclass that gives other rates."""

    def get_lr(self) -> list[float]:
        return [0.1 for _ in self.base_lrs]


def _lambda_first() -> Any:
    driven = optimizer()
    inner = [torch_schedulers.LambdaLR(driven, slowly), torch_schedulers.StepLR(driven, 10)]
    return torch_schedulers.ChainedScheduler(inner, driven)


def _nested() -> Any:
    driven = optimizer()
    inner = torch_schedulers.SequentialLR(driven, **warm_cosine(driven))
    return torch_schedulers.SequentialLR(driven, [inner, torch_schedulers.StepLR(driven, 10)], [60])


def _multiplied_later() -> Any:
    driven = optimizer()
    later = torch_schedulers.MultiplicativeLR(driven, slowly)
    return torch_schedulers.SequentialLR(driven, [torch_schedulers.StepLR(driven, 10), later], [5])


def _floor_in_a_chain() -> Any:
    driven = optimizer()
    inner = [torch_schedulers.CosineAnnealingLR(driven, 50, 0.01), torch_schedulers.StepLR(driven, 10)]
    return torch_schedulers.ChainedScheduler(inner, driven)


REFUSED = {
    "a scheduler of torch": lambda: Own(optimizer()),
    "write one of your own": lambda: OwnStep(optimizer(), 10),
    "negative learning rates": lambda: made("StepLR", step_size=3, gamma=-0.5)[1],
    "divides by zero": lambda: made("StepLR", step_size=0)[1],
    "power=-1": lambda: made("PolynomialLR", power=-1.0)[1],
    "scale_fn": lambda: made("CyclicLR", base_lr=0.1, max_lr=1.0, scale_fn=slowly)[1],
    "cycles of 2.5 steps up": lambda: made("CyclicLR", base_lr=0.1, max_lr=1.0, step_size_up=2.5, mode="triangular2")[
        1
    ],
    "LambdaLR before StepLR": _lambda_first,
    "a SequentialLR inside": _nested,
    "MultiplicativeLR after": _multiplied_later,
    "CosineAnnealingLR with eta_min in a chain": _floor_in_a_chain,
    "given itself": lambda: None,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_plan_can_say_is_refused_with_the_reason(reason: str) -> None:
    with pytest.raises(Unconvertible) as caught:
        from_torch(REFUSED[reason]())
    if reason != "given itself":
        assert reason in str(caught.value)
